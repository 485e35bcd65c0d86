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
	if err := j.Set(w, name, note{text}, time.Minute); err != nil {
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
	err := jar(t, 1).Set(w, "__Host-a", note{strings.Repeat("x", 3000)}, 0)
	if !errors.Is(err, session.ErrTooLarge) || len(w.Result().Cookies()) != 0 {
		t.Errorf("error %v, want ErrTooLarge and no cookie", err)
	}
}
