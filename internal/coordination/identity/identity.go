// Package identity turns a bearer token into the caller it stands for. It checks signature (RS256 or ES256), issuer,
// audience, times and the ics claim by the identity provider's published keys.
//
// The provider may be away: discovery is tried in the background until it works, keys are kept once they were read, and a
// key that is not known is asked for at a bounded rate. What a caller may do is decided elsewhere (package access).
package identity

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/time/rate"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/problem"
)

const (
	// skew is how far the provider's clock may be ahead or behind.
	skew = 30 * time.Second
	// fetchTimeout bounds one request to the provider.
	fetchTimeout = 5 * time.Second
	// Tokens with unknown keys make the API ask the provider: at most this often, so that junk does not become load.
	keyFetchEvery = 10 * time.Second
	keyFetchBurst = 5
)

// Config says whose tokens are accepted.
type Config struct {
	Issuer   string
	Audience string
	// ODSCode is that of this ICS; the ics claim must equal it.
	ODSCode string
}

// Verifier checks tokens. Make it with New and start Discover.
type Verifier struct {
	config   Config
	client   *http.Client
	verifier atomic.Pointer[oidc.IDTokenVerifier]
	recent   recent
}

// New makes a verifier that refuses every token as "cannot be checked now" until Discover has found the provider.
func New(config Config) *Verifier {
	return &Verifier{config: config, client: &http.Client{Timeout: fetchTimeout}}
}

// Ready tells whether the provider has been found.
func (v *Verifier) Ready() bool { return v.verifier.Load() != nil }

// Discover looks for the provider until it is found or ctx ends.
func (v *Verifier) Discover(ctx context.Context) {
	const firstWait, longestWait = 250 * time.Millisecond, 15 * time.Second
	for wait := firstWait; ; wait = min(2*wait, longestWait) {
		err := v.discover(ctx)
		if err == nil {
			slog.Info("identity provider found", "issuer", v.config.Issuer)
			return
		}
		if ctx.Err() != nil {
			return
		}
		slog.Warn("identity provider does not answer; trying again", "issuer", v.config.Issuer, "error", err.Error(), "wait", wait.String())
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

func (v *Verifier) discover(ctx context.Context) error {
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, v.client), v.config.Issuer)
	if err != nil {
		return err
	}
	var metadata struct {
		JWKSURI string `json:"jwks_uri"`
	}
	if err := provider.Claims(&metadata); err != nil {
		return err
	}
	bounded := &http.Client{Timeout: fetchTimeout, Transport: &boundedTransport{limit: rate.NewLimiter(rate.Every(keyFetchEvery), keyFetchBurst)}}
	keys := &keySet{remote: oidc.NewRemoteKeySet(oidc.ClientContext(context.WithoutCancel(ctx), bounded), metadata.JWKSURI)}
	v.verifier.Store(oidc.NewVerifier(v.config.Issuer, keys, &oidc.Config{
		ClientID:             v.config.Audience,
		SupportedSigningAlgs: []string{oidc.RS256, oidc.ES256},
		Now:                  func() time.Time { return time.Now().Add(-skew) },
	}))
	return nil
}

// claims are those of the contract between this API and the identity providers.
type claims struct {
	ICS      string        `json:"ics"`
	Roles    []access.Role `json:"roles"`
	Services []string      `json:"services"`
	// Organisation is that outside the directory for which a partner-practitioner or a partner-officer works: its ODS code, or its name
	// where it has none.
	Organisation string `json:"organisation"`
	Purpose      string `json:"purpose"`
	// Of an ID token, which tells a client who signed in and gives no access to anything.
	Nonce           string `json:"nonce"`
	AccessTokenHash string `json:"at_hash"`
	CodeHash        string `json:"c_hash"`
	AZP             string `json:"azp"`
	ClientID        string `json:"client_id"`
}

// Verify gives the caller of a token, or a problem. With the problem of another ICS it still tells who and by which client,
// for the audit trail; roles and services of another ICS mean nothing here.
func (v *Verifier) Verify(ctx context.Context, raw string) (access.Caller, error) {
	verifier := v.verifier.Load()
	if verifier == nil {
		return access.Caller{}, problem.New(problem.SignInUnavailable, "The identity provider %s has not answered since this API started.", v.config.Issuer)
	}
	now := time.Now()
	if caller, ok := v.recent.find(raw, now); ok {
		return caller, nil
	}
	fetch := &fetchOutcome{}
	token, err := verifier.Verify(context.WithValue(ctx, fetchKey{}, fetch), raw)
	var expired *oidc.TokenExpiredError
	switch {
	case err == nil:
	case fetch.err != nil && !errors.Is(fetch.err, errFetchingTooOften):
		slog.WarnContext(ctx, "signing keys could not be read", "issuer", v.config.Issuer, "error", fetch.err.Error())
		return access.Caller{}, problem.New(problem.SignInUnavailable, "The identity provider %s does not give its signing keys.", v.config.Issuer)
	case errors.As(err, &expired):
		return access.Caller{}, problem.New(problem.Unauthenticated, "The access token has expired: sign in again.")
	default:
		return access.Caller{}, problem.New(problem.Unauthenticated, "The access token is not valid here: it must be signed by %s with RS256 or ES256 and have the audience %s.", v.config.Issuer, v.config.Audience)
	}
	var c claims
	if err := token.Claims(&c); err != nil {
		return access.Caller{}, problem.New(problem.Unauthenticated, "The access token's claims cannot be read: ics, organisation and purpose are strings, roles and services lists of strings.")
	}
	switch {
	case token.Subject == "":
		return access.Caller{}, problem.New(problem.Unauthenticated, "The access token does not say whose it is: its sub claim is missing.")
	case c.Nonce != "" || c.AccessTokenHash != "" || c.CodeHash != "":
		return access.Caller{}, problem.New(problem.Unauthenticated, "This is an ID token: send the access token, which has none of the claims nonce, at_hash and c_hash.")
	}
	client := c.AZP
	if client == "" {
		client = c.ClientID
	}
	if c.ICS != v.config.ODSCode {
		return access.Caller{Subject: token.Subject, Client: client}, problem.New(problem.WrongICS, "This API serves the ICS %s; the token's ics claim names another one or is missing.", v.config.ODSCode)
	}
	caller := access.Caller{Subject: token.Subject, Client: client, Roles: c.Roles, Services: c.Services, Organisation: c.Organisation, Purpose: c.Purpose}
	v.recent.remember(raw, caller, token.Expiry, now)
	return caller, nil
}
