package session_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cmhf/operator/internal/dashboard/session"
)

type note struct{ Text string }

func jar(t *testing.T, keyByte byte) *session.Jar {
	t.Helper()
	j, err := session.NewJar(bytes.Repeat([]byte{keyByte}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func set(t *testing.T, j *session.Jar, name, text string) *http.Cookie {
	t.Helper()
	w := httptest.NewRecorder()
	if err := j.Set(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil), name, note{text}, time.Minute); err != nil {
		t.Fatal(err)
	}
	return w.Result().Cookies()[0]
}

func get(t *testing.T, j *session.Jar, name string, c *http.Cookie) (string, error) {
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.AddCookie(c)
	var n note
	err := j.Get(r, name, &n)
	return n.Text, err
}

func TestSealedCookie(t *testing.T) {
	t.Parallel()
	j := jar(t, 1)
	c := set(t, j, "__Host-a", "a secret")
	if !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode {
		t.Errorf("attributes: %s", c.Raw)
	}
	if strings.Contains(c.Value, "secret") {
		t.Error("the value can be read")
	}
	if got, err := get(t, j, "__Host-a", c); err != nil || got != "a secret" {
		t.Errorf("opened %q, error %v", got, err)
	}
}

func TestOnlyOwnUnalteredCookiesOpen(t *testing.T) {
	t.Parallel()
	j := jar(t, 1)
	good := set(t, j, "__Host-a", "x")
	altered := *good
	altered.Value = good.Value[:len(good.Value)-2] + "AA"
	renamed := *good
	renamed.Name = "__Host-b"
	empty := http.Cookie{Name: "__Host-a"}
	for what, c := range map[string]struct {
		jar    *session.Jar
		name   string
		cookie *http.Cookie
	}{
		"altered":      {j, "__Host-a", &altered},
		"other kind":   {j, "__Host-b", &renamed},
		"other key":    {jar(t, 2), "__Host-a", good},
		"empty":        {j, "__Host-a", &empty},
		"other cookie": {j, "__Host-c", good},
	} {
		if _, err := get(t, c.jar, c.name, c.cookie); !errors.Is(err, session.ErrNone) {
			t.Errorf("%s: error %v, want ErrNone", what, err)
		}
	}
}

func TestTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	err := jar(t, 1).Set(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil), "__Host-a", note{strings.Repeat("x", 6200)}, 0)
	if !errors.Is(err, session.ErrTooLarge) || len(w.Result().Cookies()) != 0 {
		t.Errorf("error %v, want ErrTooLarge and no cookie", err)
	}
}

// send is a request with the cookies that a browser keeps of the answers so far.
func send(t *testing.T, kept map[string]*http.Cookie) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	for _, c := range kept {
		r.AddCookie(c)
	}
	return r
}

func keep(w *httptest.ResponseRecorder, kept map[string]*http.Cookie) {
	for _, c := range w.Result().Cookies() {
		kept[c.Name] = c
		if c.MaxAge < 0 {
			delete(kept, c.Name)
		}
	}
}

// A long value takes two cookies, and neither outlives it.
func TestLongValues(t *testing.T) {
	t.Parallel()
	j, kept := jar(t, 1), map[string]*http.Cookie{}
	const name = "__Host-a"
	for _, length := range []int{10, 2900, 3000, 3001, 3002, 3003, 5500, 2900, 5500, 10} {
		w := httptest.NewRecorder()
		want := strings.Repeat("x", length)
		if err := j.Set(w, send(t, kept), name, note{want}, 0); err != nil {
			t.Fatalf("%d: %v", length, err)
		}
		for _, header := range w.Header().Values("Set-Cookie") {
			if len(header) > 4096 {
				t.Errorf("%d: a cookie of %d bytes", length, len(header))
			}
		}
		keep(w, kept)
		var got note
		if err := j.Get(send(t, kept), name, &got); err != nil || got.Text != want {
			t.Errorf("%d: read %d, error %v", length, len(got.Text), err)
		}
		if wanted := map[bool]int{false: 1, true: 2}[length >= 3000]; len(kept) != wanted {
			t.Errorf("%d: %d cookies, want %d", length, len(kept), wanted)
		}
	}
	w := httptest.NewRecorder()
	if err := j.Set(w, send(t, kept), name, note{strings.Repeat("x", 5500)}, 0); err != nil {
		t.Fatal(err)
	}
	keep(w, kept)
	var got note
	first := map[string]*http.Cookie{name: kept[name]}
	if err := j.Get(send(t, first), name, &got); !errors.Is(err, session.ErrNone) {
		t.Errorf("the first part alone: %v", err)
	}
	w = httptest.NewRecorder()
	j.Clear(w, send(t, kept), name)
	if keep(w, kept); len(kept) != 0 {
		t.Errorf("%d cookies are left", len(kept))
	}
}

// While keys are replaced, replicas seal with the old key, then with the new one, and stand side by side. Whoever signed in at one
// must be known to every other, at every step.
func TestNobodyIsSignedOutWhileKeysAreReplaced(t *testing.T) {
	t.Parallel()
	rotating := func(seals, opens byte) *session.Jar {
		j, err := session.NewJar(bytes.Repeat([]byte{seals}, 32), bytes.Repeat([]byte{opens}, 32))
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	steps := []*session.Jar{jar(t, 1), rotating(1, 2), rotating(2, 1), rotating(2, 3)}
	for i := range len(steps) - 1 {
		for _, pair := range [][2]*session.Jar{{steps[i], steps[i+1]}, {steps[i+1], steps[i]}} {
			if got, err := get(t, pair[1], "__Host-a", set(t, pair[0], "__Host-a", "text")); err != nil || got != "text" {
				t.Errorf("between steps %d and %d a session is not known: %q, %v", i, i+1, got, err)
			}
		}
	}
	if _, err := get(t, steps[3], "__Host-a", set(t, steps[0], "__Host-a", "text")); !errors.Is(err, session.ErrNone) {
		t.Errorf("a key that was replaced twice still opens: %v", err)
	}
}
