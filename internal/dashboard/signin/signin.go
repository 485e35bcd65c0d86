// Package signin signs people in to the dashboard with OpenID Connect: authorisation code with PKCE, state and nonce.
//
// It turns requests into a User (from the sealed session cookie) or into redirects to the identity provider. The provider is
// discovered when it is first needed and again after a failure, so the dashboard starts and says what is wrong while the
// provider is away. What a user may see is decided by the coordination API, to which the access token is passed on; this
// package reads nothing from that token. It draws no pages.
package signin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/cmhf/operator/internal/dashboard/session"
)

// CallbackPath is where the identity provider sends people back to; it is part of the client's registered redirect address.
const CallbackPath = "/auth/callback"

const (
	// requestTimeout bounds each request to the identity provider.
	requestTimeout = 5 * time.Second
	// retryAfter spaces attempts to discover a provider that is away, however many people try to sign in.
	retryAfter = 3 * time.Second
)

var (
	// ErrUnavailable means that the identity provider cannot be reached or does not work.
	ErrUnavailable = errors.New("the identity provider is not available")
	// ErrRefused means that the identity provider did not let the person in.
	ErrRefused = errors.New("the identity provider refused the sign-in")
	// ErrStale means that an answer came for no sign-in that this browser began within the last minutes.
	ErrStale = errors.New("no sign-in is under way in this browser")
)

// Config says how people sign in.
type Config struct {
	Issuer    string
	ClientID  string
	PublicURL *url.URL // where browsers reach the dashboard
	Jar       *session.Jar
	Now       func() time.Time
}

// SignIn signs people in and out.
type SignIn struct {
	Config
	client *http.Client

	found atomic.Pointer[provider]

	mu       sync.Mutex // held while discovering
	failure  error
	failedAt time.Time
}

// provider is what discovery tells about the identity provider.
type provider struct {
	*oidc.Provider
	verifier   *oidc.IDTokenVerifier
	oauth      oauth2.Config
	endSession string
}

// New prepares sign-in without reaching the network.
func New(c Config) *SignIn {
	return &SignIn{Config: c, client: &http.Client{Timeout: requestTimeout}}
}

// context makes both OpenID Connect libraries use the client with a time-out.
func (s *SignIn) context(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, s.client)
}

// provider returns the discovered identity provider, discovering it if need be.
func (s *SignIn) provider(ctx context.Context) (*provider, error) {
	if p := s.found.Load(); p != nil {
		return p, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.found.Load(); p != nil {
		return p, nil
	}
	if s.failure != nil && s.Now().Sub(s.failedAt) < retryAfter {
		return nil, s.failure
	}
	p, err := s.discover(ctx)
	if err != nil {
		s.failure, s.failedAt = fmt.Errorf("discover %s: %w: %w", s.Issuer, ErrUnavailable, err), s.Now()
		return nil, s.failure
	}
	s.found.Store(p)
	return p, nil
}

func (s *SignIn) discover(ctx context.Context) (*provider, error) {
	// The first person's request must not decide for those who wait for the same discovery.
	p, err := oidc.NewProvider(s.context(context.WithoutCancel(ctx)), s.Issuer)
	if err != nil {
		return nil, err
	}
	var metadata struct {
		EndSession string `json:"end_session_endpoint"`
	}
	if err := p.Claims(&metadata); err != nil {
		return nil, fmt.Errorf("read its metadata: %w", err)
	}
	return &provider{
		Provider: p,
		verifier: p.Verifier(&oidc.Config{ClientID: s.ClientID, Now: s.Now}),
		oauth: oauth2.Config{
			ClientID:    s.ClientID,
			Endpoint:    p.Endpoint(),
			RedirectURL: s.PublicURL.JoinPath(CallbackPath).String(),
			Scopes:      []string{oidc.ScopeOpenID, "profile"},
		},
		endSession: metadata.EndSession,
	}, nil
}
