package idp_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/cmhf/operator/internal/testkit/idp"
	"github.com/cmhf/operator/internal/testkit/idp/idptest"
)

const redirectURI = "http://dashboard.ics-qop.cmhf.localhost:8080/auth/callback"

const configJSON = `{
 "clients": [
  {"id": "cmhf-qop", "redirectURIs": ["` + redirectURI + `"], "grantTypes": ["authorization_code", "refresh_token"], "audience": ["cmhf-qop"]},
  {"id": "gp-system", "secret": "made-up-secret", "grantTypes": ["client_credentials"], "audience": ["cmhf-qop"],
   "claims": {"ics": "QOP", "roles": ["integration"], "purpose": "direct-care"}}
 ],
 "users": [{"username": "lead", "password": "made-up", "name": "Test Lead", "claims": {"ics": "QOP", "roles": ["digital-lead"], "services": []}}]
}`

func start(t *testing.T) *idptest.Server {
	t.Helper()
	config, err := idp.ParseConfig([]byte(configJSON))
	if err != nil {
		t.Fatal(err)
	}
	return idptest.Start(t, config)
}

// browser keeps cookies and stops at the client's redirect URI, where a real client would take over.
func browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.Contains(r.URL.Host, "cmhf.localhost") {
			return http.ErrUseLastResponse
		}
		return nil
	}}
}

func get(t *testing.T, c *http.Client, url string) (*http.Response, string) {
	t.Helper()
	response, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, response)
}

func read(t *testing.T, response *http.Response) (*http.Response, string) {
	t.Helper()
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

var hiddenRequest = regexp.MustCompile(`name="request" value="([^"]+)"`)

func submit(t *testing.T, c *http.Client, issuer, page, username, password string) (*http.Response, string) {
	t.Helper()
	found := hiddenRequest.FindStringSubmatch(page)
	if found == nil {
		t.Fatalf("no sign-in form in %q", page)
	}
	response, err := c.PostForm(issuer+"/login", url.Values{"request": {found[1]}, "username": {username}, "password": {password}})
	if err != nil {
		t.Fatal(err)
	}
	return read(t, response)
}

func claimsOf(t *testing.T, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("access token is no JWT: %d parts", len(parts))
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(raw, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func codeOf(t *testing.T, response *http.Response) string {
	t.Helper()
	location, err := response.Location()
	if err != nil {
		t.Fatalf("no redirect to the client, status %d", response.StatusCode)
	}
	code := location.Query().Get("code")
	if code == "" {
		t.Fatalf("no code in the redirect, error %q", location.Query().Get("error"))
	}
	return code
}

func TestSignInRefreshAndSignOut(t *testing.T) {
	t.Parallel()
	server := start(t)
	ctx := t.Context()
	provider, err := oidc.NewProvider(ctx, server.Issuer())
	if err != nil {
		t.Fatal(err)
	}
	client := oauth2.Config{ClientID: "cmhf-qop", Endpoint: provider.Endpoint(), RedirectURL: redirectURI, Scopes: []string{"openid", "profile", "offline_access"}}
	user := browser(t)
	verifier := oauth2.GenerateVerifier()

	_, page := get(t, user, client.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier), oidc.Nonce("nonce")))
	refused, page := submit(t, user, server.Issuer(), page, "lead", "wrong")
	if refused.StatusCode != http.StatusUnauthorized || strings.Contains(page, "wrong\"") {
		t.Fatalf("wrong password: status %d", refused.StatusCode)
	}
	response, _ := submit(t, user, server.Issuer(), page, "lead", "made-up")
	code := codeOf(t, response)
	if _, err := client.Exchange(ctx, code, oauth2.VerifierOption(oauth2.GenerateVerifier())); err == nil {
		t.Fatal("a code was accepted with another verifier")
	}

	// A wrong verifier uses the code up; the browser's session gives a new one without the form.
	response, _ = get(t, user, client.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier), oidc.Nonce("nonce")))
	token, err := client.Exchange(ctx, codeOf(t, response), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := token.Extra("id_token").(string)
	idToken, err := provider.Verifier(&oidc.Config{ClientID: "cmhf-qop"}).Verify(ctx, raw)
	if err != nil {
		t.Fatal(err)
	}
	var identity struct{ Name string }
	if err := idToken.Claims(&identity); err != nil || identity.Name != "Test Lead" || idToken.Nonce != "nonce" {
		t.Fatalf("ID token: %+v, nonce %q, %v", identity, idToken.Nonce, err)
	}
	claims := claimsOf(t, token.AccessToken)
	if claims["ics"] != "QOP" || claims["azp"] != "cmhf-qop" || claims["name"] != "Test Lead" {
		t.Fatalf("access token claims: %v", claims)
	}
	if lifetime := time.Until(token.Expiry); lifetime < 14*time.Minute || lifetime > 15*time.Minute {
		t.Fatalf("access token lives %v", lifetime)
	}

	first := token.RefreshToken
	refreshed, err := client.TokenSource(ctx, &oauth2.Token{RefreshToken: first}).Token()
	if err != nil {
		t.Fatal(err)
	}
	if claimsOf(t, refreshed.AccessToken)["ics"] != "QOP" {
		t.Fatal("a refreshed token lost its claims")
	}
	if _, err := client.TokenSource(ctx, &oauth2.Token{RefreshToken: first}).Token(); err == nil {
		t.Fatal("a refresh token was accepted twice")
	}

	out := server.Issuer() + "/end_session?" + url.Values{"id_token_hint": {raw}, "post_logout_redirect_uri": {"http://dashboard.ics-qop.cmhf.localhost:8080/"}}.Encode()
	response, _ = get(t, user, out)
	if location, err := response.Location(); err != nil || location.Path != "/" {
		t.Fatalf("sign-out: status %d", response.StatusCode)
	}
	_, page = get(t, user, client.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier)))
	if !strings.Contains(page, "<h1>Sign in</h1>") {
		t.Fatal("the browser was still signed in after signing out")
	}
	if _, err := client.TokenSource(ctx, &oauth2.Token{RefreshToken: refreshed.RefreshToken}).Token(); err == nil {
		t.Fatal("a refresh token outlived the sign-out")
	}
}

func TestPromptNoneNeedsASession(t *testing.T) {
	t.Parallel()
	server := start(t)
	provider, err := oidc.NewProvider(t.Context(), server.Issuer())
	if err != nil {
		t.Fatal(err)
	}
	client := oauth2.Config{ClientID: "cmhf-qop", Endpoint: provider.Endpoint(), RedirectURL: redirectURI, Scopes: []string{"openid"}}
	response, _ := get(t, browser(t), client.AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier()), oauth2.SetAuthURLParam("prompt", "none")))
	location, err := response.Location()
	if err != nil || location.Query().Get("error") != "interaction_required" {
		t.Fatalf("prompt=none without a session: %d %v", response.StatusCode, location)
	}
}

func TestPublicClientNeedsPKCE(t *testing.T) {
	t.Parallel()
	server := start(t)
	provider, err := oidc.NewProvider(t.Context(), server.Issuer())
	if err != nil {
		t.Fatal(err)
	}
	client := oauth2.Config{ClientID: "cmhf-qop", Endpoint: provider.Endpoint(), RedirectURL: redirectURI, Scopes: []string{"openid"}}
	response, _ := get(t, browser(t), client.AuthCodeURL("s"))
	location, err := response.Location()
	if err != nil || location.Query().Get("error") != "invalid_request" {
		t.Fatalf("sign-in without PKCE: %d %v", response.StatusCode, location)
	}
	client.RedirectURL = "http://elsewhere.cmhf.localhost:8080/auth/callback"
	response, _ = get(t, browser(t), client.AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	if response.StatusCode != http.StatusBadRequest {
		t.Fatalf("unknown redirect URI: status %d", response.StatusCode)
	}
}

func TestClientCredentials(t *testing.T) {
	t.Parallel()
	server := start(t)
	token := func(ctx context.Context, secret string) (*oauth2.Token, error) {
		c := clientcredentials.Config{ClientID: "gp-system", ClientSecret: secret, TokenURL: server.Issuer() + "/oauth/token"}
		return c.Token(ctx)
	}
	if _, err := token(t.Context(), "wrong"); err == nil {
		t.Fatal("a wrong secret was accepted")
	}
	good, err := token(t.Context(), "made-up-secret")
	if err != nil {
		t.Fatal(err)
	}
	claims := claimsOf(t, good.AccessToken)
	if claims["purpose"] != "direct-care" || claims["sub"] != "gp-system" {
		t.Fatalf("claims: %v", claims)
	}
	provider, err := oidc.NewProvider(t.Context(), server.Issuer())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.VerifierContext(t.Context(), &oidc.Config{ClientID: "cmhf-qop"}).Verify(t.Context(), good.AccessToken); err != nil {
		t.Fatalf("the token does not verify for its audience: %v", err)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	if response, _ := get(t, http.DefaultClient, start(t).Issuer()+"/healthz"); response.StatusCode != http.StatusOK {
		t.Fatalf("status %d", response.StatusCode)
	}
}

func TestParseConfigRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ config, want string }{
		"unknown field":        {`{"clint": []}`, "clint"},
		"no grant":             {`{"clients": [{"id": "a"}]}`, "clients[0].grantTypes is empty"},
		"unknown grant":        {`{"clients": [{"id": "a", "grantTypes": ["password"]}]}`, "password"},
		"no secret":            {`{"clients": [{"id": "a", "grantTypes": ["client_credentials"]}]}`, "clients[0].secret is empty"},
		"no redirect":          {`{"clients": [{"id": "a", "grantTypes": ["authorization_code"]}]}`, "redirectURIs is empty"},
		"relative redirect":    {`{"clients": [{"id": "a", "grantTypes": ["authorization_code"], "redirectURIs": ["/x"]}]}`, "absolute"},
		"twice":                {`{"users": [{"username": "a", "password": "b"}, {"username": "a", "password": "c"}]}`, "used twice"},
		"registered claim":     {`{"users": [{"username": "a", "password": "b", "claims": {"iss": "x"}}]}`, `"iss"`},
		"user has no password": {`{"users": [{"username": "a"}]}`, "password"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := idp.ParseConfig([]byte(test.config)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}
