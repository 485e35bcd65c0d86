// Package idptest serves an identity provider on a loopback listener for the length of a test and mints tokens from it,
// good ones and deliberately bad ones. It is imported by tests only.
package idptest

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/crypto"

	"github.com/cmhf/operator/internal/testkit/idp"
)

// Server is a running provider.
type Server struct {
	*idp.Provider
}

// Start serves a provider until the test ends.
func Start(tb testing.TB, config idp.Config) *Server {
	tb.Helper()
	return start(tb, config, func(address net.Addr) string { return address.String() })
}

// StartOnLocalhost serves one under the name localhost, which a program that reads its issuer from the environment takes without TLS.
func StartOnLocalhost(tb testing.TB, config idp.Config) *Server {
	tb.Helper()
	return start(tb, config, func(address net.Addr) string { return fmt.Sprintf("localhost:%d", address.(*net.TCPAddr).Port) })
}

func start(tb testing.TB, config idp.Config, host func(net.Addr) string) *Server {
	tb.Helper()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	provider, err := idp.New("http://"+host(server.Listener.Addr()), config)
	if err != nil {
		tb.Fatalf("starting an identity provider: %v", err)
	}
	server.Config.Handler = provider
	server.Start()
	tb.Cleanup(server.Close)
	return &Server{Provider: provider}
}

// Claims completes the given claims with issuer, subject and times, as a real token would have them.
func (s *Server) Claims(extra map[string]any) map[string]any {
	now := time.Now()
	claims := map[string]any{
		"iss": s.Issuer(), "sub": "9f4a3a52-6a04-5c52-9d0b-6b0d5c3f7a10", "azp": "test",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(15 * time.Minute).Unix(),
	}
	maps.Copy(claims, extra)
	return claims
}

// Token signs the claims with the provider's key.
func (s *Server) Token(tb testing.TB, extra map[string]any) string {
	tb.Helper()
	token, err := s.Sign(s.Claims(extra))
	if err != nil {
		tb.Fatalf("signing a token: %v", err)
	}
	return token
}

// UnknownKeyToken signs with a key that the provider never published.
func (s *Server) UnknownKeyToken(tb testing.TB, extra map[string]any) string {
	tb.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatalf("generating a key: %v", err)
	}
	return forge(tb, jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: key, KeyID: "never-published"}}, s.Claims(extra))
}

// SymmetricToken signs with HS256, which a resource server must refuse whatever the key.
func (s *Server) SymmetricToken(tb testing.TB, extra map[string]any) string {
	tb.Helper()
	secret := make([]byte, 32)
	return forge(tb, jose.SigningKey{Algorithm: jose.HS256, Key: secret}, s.Claims(extra))
}

func forge(tb testing.TB, key jose.SigningKey, claims map[string]any) string {
	tb.Helper()
	signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		tb.Fatalf("making a signer: %v", err)
	}
	token, err := crypto.Sign(claims, signer)
	if err != nil {
		tb.Fatalf("signing a token: %v", err)
	}
	return token
}
