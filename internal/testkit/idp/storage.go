package idp

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/subtle"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

const (
	tokenLifetime   = 15 * time.Minute
	refreshLifetime = 8 * time.Hour
	// signInLifetime is how long a person may take over the sign-in form.
	signInLifetime = 10 * time.Minute
)

type refreshToken struct {
	grant
	expires time.Time
}

// storage keeps everything in memory; a restart signs everyone out and makes new keys.
type storage struct {
	clients map[string]ClientConfig
	users   map[string]UserConfig // by subject
	key     signingKey

	mu       sync.Mutex
	requests map[string]*authRequest
	codes    map[string]string // code to request id
	access   map[string]grant  // by token id, for userinfo
	refresh  map[string]refreshToken
	sessions map[string]session
}

var (
	_ op.Storage                        = (*storage)(nil)
	_ op.ClientCredentialsStorage       = (*storage)(nil)
	_ op.CanGetPrivateClaimsFromRequest = (*storage)(nil)
)

func newStorage(c Config) (*storage, error) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("generating the signing key: %w", err)
	}
	s := &storage{
		clients:  map[string]ClientConfig{},
		users:    map[string]UserConfig{},
		key:      signingKey{id: uuid.NewString(), private: private},
		requests: map[string]*authRequest{},
		codes:    map[string]string{},
		access:   map[string]grant{},
		refresh:  map[string]refreshToken{},
		sessions: map[string]session{},
	}
	for _, client := range c.Clients {
		s.clients[client.ID] = client
	}
	for _, user := range c.Users {
		s.users[subjectOf(user.Username)] = user
	}
	return s, nil
}

// subjectOf derives a stable, opaque subject, so that audit trails of a development system survive its restarts.
func subjectOf(username string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("cmhf:user:"+username)).String()
}

func (s *storage) CreateAuthRequest(_ context.Context, r *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	c, ok := s.clients[r.ClientID]
	if !ok {
		return nil, oidc.ErrInvalidClient()
	}
	if c.Secret == "" && r.CodeChallengeMethod != oidc.CodeChallengeMethodS256 {
		return nil, oidc.ErrInvalidRequest().WithDescription("a public client must send a code_challenge with code_challenge_method S256")
	}
	request := &authRequest{
		grant:    grant{clientID: c.ID, audience: audience(c), scopes: r.Scopes},
		id:       uuid.NewString(),
		created:  time.Now(),
		original: *r,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.requests, func(_ string, old *authRequest) bool { return time.Since(old.created) > signInLifetime })
	s.requests[request.id] = request
	return request, nil
}

func audience(c ClientConfig) []string {
	if slices.Contains(c.Audience, c.ID) {
		return c.Audience
	}
	return append([]string{c.ID}, c.Audience...)
}

func (s *storage) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	return s.request(id)
}

func (s *storage) request(id string) (*authRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	request, ok := s.requests[id]
	if !ok {
		return nil, errors.New("this sign-in is unknown or has expired: go back to the site and sign in again")
	}
	return request, nil
}

func (s *storage) AuthRequestByCode(_ context.Context, code string) (op.AuthRequest, error) {
	s.mu.Lock()
	id, ok := s.codes[code]
	delete(s.codes, code) // a code works once
	s.mu.Unlock()
	if !ok {
		return nil, errors.New("code is unknown, expired or used")
	}
	return s.request(id)
}

func (s *storage) SaveAuthCode(_ context.Context, id, code string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codes[code] = id
	return nil
}

func (s *storage) DeleteAuthRequest(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.requests, id)
	return nil
}

// complete binds a person to a sign-in.
func (s *storage) complete(requestID, subject string, authTime time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	request, ok := s.requests[requestID]
	if !ok {
		return errors.New("sign-in request is unknown or has expired")
	}
	changed := *request
	changed.subject, changed.authTime, changed.done = subject, authTime, true
	s.requests[requestID] = &changed
	return nil
}

// authenticate gives the subject of a user name and password.
func (s *storage) authenticate(username, password string) (string, bool) {
	subject := subjectOf(username)
	user, ok := s.users[subject]
	if !ok || subtle.ConstantTimeCompare([]byte(user.Password), []byte(password)) != 1 {
		return "", false
	}
	return subject, true
}

func (s *storage) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	c, ok := s.clients[id]
	if !ok {
		return nil, oidc.ErrInvalidClient().WithDescription("unknown client")
	}
	return client{c}, nil
}

func (s *storage) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	c, ok := s.clients[id]
	if !ok || c.Secret == "" || subtle.ConstantTimeCompare([]byte(c.Secret), []byte(secret)) != 1 {
		return oidc.ErrInvalidClient().WithDescription("unknown client or wrong secret")
	}
	return nil
}

func (s *storage) ClientCredentials(ctx context.Context, id, secret string) (op.Client, error) {
	if err := s.AuthorizeClientIDSecret(ctx, id, secret); err != nil {
		return nil, err
	}
	return s.GetClientByClientID(ctx, id)
}

func (s *storage) ClientCredentialsTokenRequest(_ context.Context, id string, scopes []string) (op.TokenRequest, error) {
	return &grant{clientID: id, subject: id, audience: audience(s.clients[id]), scopes: scopes, authTime: time.Now()}, nil
}

func (s *storage) Health(context.Context) error { return nil }

func (s *storage) SigningKey(context.Context) (op.SigningKey, error) { return s.key, nil }

func (s *storage) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.RS256}, nil
}

func (s *storage) KeySet(context.Context) ([]op.Key, error) { return []op.Key{publicKey(s.key)}, nil }

type signingKey struct {
	id      string
	private *rsa.PrivateKey
}

func (k signingKey) ID() string                                  { return k.id }
func (k signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (k signingKey) Key() any                                    { return k.private }

type publicKey signingKey

func (k publicKey) ID() string                         { return k.id }
func (k publicKey) Algorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (k publicKey) Use() string                        { return "sig" }
func (k publicKey) Key() any                           { return &k.private.PublicKey }
