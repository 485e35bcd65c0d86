package signin

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

const sessionCookie = "__Host-cmhf-session"

var (
	// ErrSignedOut means that the browser has no session.
	ErrSignedOut = errors.New("not signed in")
	// ErrExpired means that the session's access token has run out; signing in again renews it.
	ErrExpired = errors.New("the session has expired")
)

// User is a signed-in person.
type User struct {
	Name        string    `json:"n"`
	AccessToken string    `json:"t"`
	Expires     time.Time `json:"e"`
	CSRF        string    `json:"c"`           // must come back with every form
	Renewed     bool      `json:"r,omitempty"` // signed in again because the API refused the token before
}

// User reads the session of the browser that sent the request. With ErrExpired it still tells whose session it was.
func (s *SignIn) User(r *http.Request) (User, error) {
	// A token that runs out while the API is asked would look like a missing right.
	const margin = 10 * time.Second
	var u User
	if err := s.Jar.Get(r, sessionCookie, &u); err != nil {
		return User{}, fmt.Errorf("%w: %w", ErrSignedOut, err)
	}
	if !s.Now().Add(margin).Before(u.Expires) {
		return u, ErrExpired
	}
	return u, nil
}

// CSRFMatches tells whether a form was drawn for this session.
func (u User) CSRFMatches(field string) bool {
	return subtle.ConstantTimeCompare([]byte(field), []byte(u.CSRF)) == 1
}

// Forget ends the session here only.
func (s *SignIn) Forget(w http.ResponseWriter, r *http.Request) { s.Jar.Clear(w, r, sessionCookie) }

// End forgets the session and returns the address where the identity provider ends its own, which then sends the browser back
// here. No token travels in that address: the client's name suffices (OpenID Connect RP-Initiated Logout, section 2).
func (s *SignIn) End(w http.ResponseWriter, r *http.Request) string {
	s.Forget(w, r)
	p, err := s.provider(r.Context())
	if err != nil || p.endSession == "" {
		return "/"
	}
	u, err := url.Parse(p.endSession)
	if err != nil {
		return "/"
	}
	q := u.Query()
	q.Set("client_id", s.ClientID)
	q.Set("post_logout_redirect_uri", s.PublicURL.JoinPath("/").String())
	u.RawQuery = q.Encode()
	return u.String()
}

// ProviderOrigins are the origins that a sign-out form may lead to; browsers check a form's redirects against them.
func (s *SignIn) ProviderOrigins() []string {
	var origins []string
	addresses := []string{s.Issuer}
	if p := s.found.Load(); p != nil {
		addresses = append(addresses, p.endSession)
	}
	for _, a := range addresses {
		if u, err := url.Parse(a); err == nil && u.Host != "" {
			origin := u.Scheme + "://" + u.Host
			if len(origins) == 0 || origins[0] != origin {
				origins = append(origins, origin)
			}
		}
	}
	return origins
}
