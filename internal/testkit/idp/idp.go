// Package idp is a real OpenID Connect provider for tests and development clusters: authorisation code with PKCE, refresh
// and client credentials, JWT access tokens (RS256, 15 minutes) with the claims that the configuration gives.
//
// The protocol is github.com/zitadel/oidc; this package brings the accounts, the sign-in page and storage in memory. Keys
// are made at start. It is an http.Handler, so tests serve it on a loopback listener (package idptest) and hack/idp as a
// program. It is no production identity provider: passwords are plain text in its configuration.
package idp

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/crypto"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// Provider serves one issuer.
type Provider struct {
	issuer  string
	storage *storage
	handler http.Handler
}

// New makes a provider whose tokens say that issuer made them. The issuer is an http or https URL without a path, under
// which the handler is reachable.
func New(issuer string, config Config) (*Provider, error) {
	if err := config.validate(); err != nil {
		return nil, err
	}
	issuer = strings.TrimSuffix(issuer, "/")
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" || u.Path != "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("issuer %q is not an http or https URL without a path", issuer)
	}
	store, err := newStorage(config)
	if err != nil {
		return nil, err
	}
	settings := &op.Config{
		DefaultLogoutRedirectURI: signedOutPath,
		CodeMethodS256:           true,
		AuthMethodPost:           true,
		GrantTypeRefreshToken:    true,
	}
	if _, err := rand.Read(settings.CryptoKey[:]); err != nil {
		return nil, fmt.Errorf("generating the code key: %w", err)
	}
	provider, err := op.NewProvider(settings, store, op.StaticIssuer(issuer), op.WithAllowInsecure())
	if err != nil {
		return nil, fmt.Errorf("starting the OpenID provider: %w", err)
	}
	pages := &login{storage: store, callback: callbackURL(issuer), secure: u.Scheme == "https"}
	mux := http.NewServeMux()
	pages.routes(mux)
	mux.Handle("/end_session", pages.endBrowserSession(provider))
	mux.Handle("/", provider)
	return &Provider{issuer: issuer, storage: store, handler: mux}, nil
}

// Issuer is the URL in the iss claim.
func (p *Provider) Issuer() string { return p.issuer }

// ServeHTTP serves the provider's endpoints, the sign-in page and /healthz.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.handler.ServeHTTP(w, r) }

// Sign signs arbitrary claims with the provider's current key. It lets a test make a token that no sign-in would give.
func (p *Provider) Sign(claims any) (string, error) {
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: p.storage.key.private, KeyID: p.storage.key.id}},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", fmt.Errorf("making a signer: %w", err)
	}
	return crypto.Sign(claims, signer)
}
