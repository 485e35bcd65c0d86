package signin

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// flowLife is how long a person may take at the identity provider.
const flowLife = 10 * time.Minute

// flow is a sign-in under way. Each has a cookie of its own, so that several windows can sign in at the same time.
type flow struct {
	State    string    `json:"s"`
	Nonce    string    `json:"n"`
	Verifier string    `json:"v"`
	ReturnTo string    `json:"r"`
	Began    time.Time `json:"b"`
	Renewal  bool      `json:"a,omitempty"`
}

func flowCookie(state string) string {
	return "__Host-cmhf-signin-" + state[:min(len(state), 12)]
}

// Begin sends the browser to the identity provider; afterwards the person comes back to returnTo, a path on this site.
// renewal says that it replaces a session whose token was refused.
func (s *SignIn) Begin(w http.ResponseWriter, r *http.Request, returnTo string, renewal bool) error {
	p, err := s.provider(r.Context())
	if err != nil {
		return err
	}
	f := flow{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), ReturnTo: LocalPath(returnTo), Began: s.Now(), Renewal: renewal}
	if err := s.Jar.Set(w, r, flowCookie(f.State), f, flowLife); err != nil {
		return fmt.Errorf("remember the sign-in: %w", err)
	}
	http.Redirect(w, r, p.oauth.AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)), http.StatusSeeOther)
	return nil
}

// Complete takes the identity provider's answer, sets the session cookie and returns the path to go on to.
func (s *SignIn) Complete(w http.ResponseWriter, r *http.Request) (string, error) {
	f, err := s.takeFlow(w, r)
	if err != nil {
		return "", err
	}
	query := r.URL.Query()
	if iss := query.Get("iss"); iss != "" && iss != s.Issuer { // RFC 9207
		return "", fmt.Errorf("answer of another issuer: %w", ErrRefused)
	}
	switch code := query.Get("error"); code {
	case "":
	case "server_error", "temporarily_unavailable":
		return "", fmt.Errorf("sign-in answered with %s: %w", code, ErrUnavailable)
	default:
		return "", fmt.Errorf("sign-in answered with an error: %w", ErrRefused)
	}
	u, err := s.exchange(r.Context(), query.Get("code"), f)
	if err != nil {
		return "", err
	}
	if err := s.Jar.Set(w, r, sessionCookie, u, 0); err != nil {
		return "", fmt.Errorf("keep the session (the identity provider's access token may be too long): %w", err)
	}
	return f.ReturnTo, nil
}

// takeFlow finds the sign-in that the answer belongs to; it can be used once.
func (s *SignIn) takeFlow(w http.ResponseWriter, r *http.Request) (flow, error) {
	state := r.URL.Query().Get("state")
	var f flow
	if err := s.Jar.Get(r, flowCookie(state), &f); err != nil {
		return f, fmt.Errorf("%w: %w", ErrStale, err)
	}
	s.Jar.Clear(w, r, flowCookie(f.State))
	if subtle.ConstantTimeCompare([]byte(state), []byte(f.State)) != 1 || s.Now().Sub(f.Began) > flowLife {
		return f, ErrStale
	}
	return f, nil
}

// exchange trades the code for tokens and checks them.
func (s *SignIn) exchange(ctx context.Context, code string, f flow) (User, error) {
	p, err := s.provider(ctx)
	if err != nil {
		return User{}, err
	}
	ctx = s.context(ctx)
	token, err := p.oauth.Exchange(ctx, code, oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return User{}, exchangeError(err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := p.verifier.Verify(ctx, raw)
	if err != nil {
		return User{}, fmt.Errorf("check the ID token: %w: %w", ErrRefused, err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(f.Nonce)) != 1 {
		return User{}, fmt.Errorf("the ID token belongs to another sign-in: %w", ErrRefused)
	}
	if id.AccessTokenHash != "" {
		if err := id.VerifyAccessToken(token.AccessToken); err != nil {
			return User{}, fmt.Errorf("match the access token with the ID token: %w: %w", ErrRefused, err)
		}
	}
	expires := token.Expiry
	if expires.IsZero() {
		expires = id.Expiry
	}
	return User{Name: displayName(ctx, p, id, token), AccessToken: token.AccessToken, Expires: expires, CSRF: rand.Text(), Renewed: f.Renewal}, nil
}

// exchangeError keeps the provider's answer, which may hold anything, out of errors and logs: only its code remains.
func exchangeError(err error) error {
	answer, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return fmt.Errorf("exchange the code: %w: %w", ErrUnavailable, err)
	}
	if answer.Response.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("exchange the code: status %d: %w", answer.Response.StatusCode, ErrUnavailable)
	}
	return fmt.Errorf("exchange the code: status %d, error %q: %w", answer.Response.StatusCode, answer.ErrorCode, ErrRefused)
}

// displayName finds the name that the header shows: in the ID token, else from the userinfo endpoint. A provider that tells
// no name does not stop a sign-in.
func displayName(ctx context.Context, p *provider, id *oidc.IDToken, token *oauth2.Token) string {
	var claims struct {
		Name string `json:"name"`
	}
	if err := id.Claims(&claims); err == nil && claims.Name != "" {
		return shorten(claims.Name)
	}
	if p.UserInfoEndpoint() == "" {
		return ""
	}
	info, err := p.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil || info.Subject != id.Subject || info.Claims(&claims) != nil {
		return ""
	}
	return shorten(claims.Name)
}

func shorten(name string) string {
	const longest = 80
	if r := []rune(name); len(r) > longest {
		return string(r[:longest-1]) + "…"
	}
	return name
}

// LocalPath returns target if it is a path on this site that a person may be sent to, and "/" if not, so that no link through
// sign-in leads to another site.
func LocalPath(target string) string {
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Opaque != "" || strings.ContainsAny(target, "\\\t\r\n") {
		return "/"
	}
	if !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") || strings.HasPrefix(u.Path, "/auth/") || len(target) > 512 {
		return "/"
	}
	return u.RequestURI()
}
