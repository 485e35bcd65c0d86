package identity_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/identity"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/testkit/idp"
	"github.com/cmhf/operator/internal/testkit/idp/idptest"
)

func good() map[string]any {
	return map[string]any{"aud": []string{"other", "cmhf-qop"}, "ics": "QOP", "roles": []string{"practitioner"}, "services": []string{"north"}}
}

func with(changes map[string]any) map[string]any {
	claims := good()
	for name, value := range changes {
		claims[name] = value
	}
	return claims
}

func verifier(t *testing.T, issuer string) *identity.Verifier {
	t.Helper()
	v := identity.New(identity.Config{Issuer: issuer, Audience: "cmhf-qop", ODSCode: "QOP"})
	v.Discover(t.Context())
	return v
}

func slug(err error) problem.Slug {
	var p *problem.Problem
	if errors.As(err, &p) {
		return p.Slug()
	}
	return ""
}

func TestVerify(t *testing.T) {
	t.Parallel()
	server := idptest.Start(t, idp.Config{})
	v := verifier(t, server.Issuer())
	caller, err := v.Verify(t.Context(), server.Token(t, good()))
	if err != nil {
		t.Fatal(err)
	}
	if !caller.Has(access.Practitioner) || caller.Services[0] != "north" || caller.Client != "test" || caller.Subject == "" {
		t.Fatalf("caller: %+v", caller)
	}
	past := func(d time.Duration) int64 { return time.Now().Add(-d).Unix() }
	for name, test := range map[string]struct {
		token string
		want  problem.Slug
	}{
		"nothing":             {"", problem.Unauthenticated},
		"junk":                {"a.b.c", problem.Unauthenticated},
		"wrong audience":      {server.Token(t, with(map[string]any{"aud": "cmhf-qu9"})), problem.Unauthenticated},
		"wrong issuer":        {server.Token(t, with(map[string]any{"iss": "http://elsewhere.example"})), problem.Unauthenticated},
		"expired":             {server.Token(t, with(map[string]any{"exp": past(2 * time.Minute)})), problem.Unauthenticated},
		"expired within skew": {server.Token(t, with(map[string]any{"exp": past(5 * time.Second)})), ""},
		"not yet":             {server.Token(t, with(map[string]any{"nbf": past(-time.Hour)})), problem.Unauthenticated},
		"no expiry":           {server.Token(t, with(map[string]any{"exp": nil})), problem.Unauthenticated},
		"unknown key":         {server.UnknownKeyToken(t, good()), problem.Unauthenticated},
		"symmetric":           {server.SymmetricToken(t, good()), problem.Unauthenticated},
		"unsigned":            {"eyJhbGciOiJub25lIn0.eyJpY3MiOiJRT1AifQ.", problem.Unauthenticated},
		"another ICS":         {server.Token(t, with(map[string]any{"ics": "QU9"})), problem.WrongICS},
		"no ICS":              {server.Token(t, with(map[string]any{"ics": ""})), problem.WrongICS},
		"nobody's":            {server.Token(t, with(map[string]any{"sub": nil})), problem.Unauthenticated},
		"empty subject":       {server.Token(t, with(map[string]any{"sub": ""})), problem.Unauthenticated},
		"ID token, nonce":     {server.Token(t, with(map[string]any{"nonce": "x"})), problem.Unauthenticated},
		"ID token, at_hash":   {server.Token(t, with(map[string]any{"at_hash": "x"})), problem.Unauthenticated},
		"ID token, c_hash":    {server.Token(t, with(map[string]any{"c_hash": "x"})), problem.Unauthenticated},
		"claims of odd types": {server.Token(t, with(map[string]any{"roles": "practitioner"})), problem.Unauthenticated},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := v.Verify(t.Context(), test.token); slug(err) != test.want {
				t.Fatalf("got %v, want %q", err, test.want)
			}
		})
	}
}

// The keys that were read once go on working while the provider is away; a key that is not known cannot be checked then.
func TestProviderGoesAway(t *testing.T) {
	t.Parallel()
	var away atomic.Bool
	server, idps := switchable(t, &away)
	v := verifier(t, server.URL)
	token := idps.Token(t, good())
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	away.Store(true)
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Fatalf("a known key: %v", err)
	}
	if _, err := v.Verify(t.Context(), idps.UnknownKeyToken(t, good())); slug(err) != problem.SignInUnavailable {
		t.Fatalf("an unknown key while the provider answers 503: %v", err)
	}
	server.Close()
	if _, err := v.Verify(t.Context(), idps.UnknownKeyToken(t, good())); slug(err) != problem.SignInUnavailable {
		t.Fatalf("an unknown key: %v", err)
	}
}

func TestProviderAwayAtStart(t *testing.T) {
	t.Parallel()
	var away atomic.Bool
	away.Store(true)
	server, idps := switchable(t, &away)
	v := identity.New(identity.Config{Issuer: server.URL, Audience: "cmhf-qop", ODSCode: "QOP"})
	token := idps.Token(t, good())
	if _, err := v.Verify(t.Context(), token); slug(err) != problem.SignInUnavailable || v.Ready() {
		t.Fatalf("before discovery: %v", err)
	}
	found := make(chan struct{})
	go func() { v.Discover(t.Context()); close(found) }()
	away.Store(false)
	<-found
	if _, err := v.Verify(t.Context(), token); err != nil || !v.Ready() {
		t.Fatalf("after discovery: %v", err)
	}
}

func TestUnknownKeysDoNotBecomeLoad(t *testing.T) {
	t.Parallel()
	var away atomic.Bool
	server, idps := switchable(t, &away)
	v := verifier(t, server.URL)
	token := idps.UnknownKeyToken(t, good())
	away.Store(true) // each fetch is now seen as SignInUnavailable, a refused one is not
	var fetches int
	for range 50 {
		_, err := v.Verify(t.Context(), token)
		switch slug(err) {
		case problem.SignInUnavailable:
			fetches++
		case problem.Unauthenticated:
		default:
			t.Fatal(err)
		}
	}
	if fetches > 6 {
		t.Fatalf("the keys were asked for %d times", fetches)
	}
}

// switchable serves a provider that answers 503 while away is set.
func switchable(t *testing.T, away *atomic.Bool) (*httptest.Server, *idptest.Server) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	provider, err := idp.New("http://"+server.Listener.Addr().String(), idp.Config{})
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if away.Load() {
			http.Error(w, "away", http.StatusServiceUnavailable)
			return
		}
		provider.ServeHTTP(w, r)
	})
	server.Start()
	t.Cleanup(server.Close)
	return server, &idptest.Server{Provider: provider}
}
