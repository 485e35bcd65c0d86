package figures_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/cmhf/operator/internal/dashboard/figures"
)

// The API serves canned answers here because the faults are the subject: a working API gives none of them.
func serve(t *testing.T, status int, body string) *figures.Client {
	t.Helper()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer the-token" || r.Header.Get("X-Request-ID") != "the-reference" {
			t.Errorf("%s came without the person's token or the reference", r.URL.Path)
		}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(api.Close)
	base, err := url.Parse(api.URL)
	if err != nil {
		t.Fatal(err)
	}
	return figures.NewClient(base, "QOP")
}

var call = figures.Call{AccessToken: "the-token", RequestID: "the-reference"}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("../dashboardtest/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestReadsStatisticsAndServices(t *testing.T) {
	t.Parallel()
	g, err := serve(t, http.StatusOK, read(t, "at-a-glance.json")).AtAGlance(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Tiles) != 4 || *g.Tiles[0].Count != 1250 || !g.Tiles[1].Suppressed || g.Tiles[3].Value != "-" {
		t.Errorf("tiles: %+v", g.Tiles)
	}
	if got := g.Period.From.Format("2 January 2006"); got != "22 November 2025" {
		t.Errorf("period begins %s", got)
	}
	services, err := serve(t, http.StatusOK, read(t, "services.json")).Services(t.Context(), call)
	if err != nil || len(services) != 3 {
		t.Fatalf("%d services, error %v", len(services), err)
	}
}

func TestRefusedAndAwayAreToldApart(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]error{401: figures.ErrTokenRefused, 403: figures.ErrNotAllowed, 302: nil, 404: nil, 429: nil, 500: nil, 503: nil} {
		_, err := serve(t, status, `{"title":"no"}`).AtAGlance(t.Context(), call)
		for _, refusal := range []error{figures.ErrTokenRefused, figures.ErrNotAllowed} {
			if err == nil || errors.Is(err, refusal) != (refusal == want) {
				t.Errorf("status %d: error %v, want %v", status, err, want)
			}
		}
		if err != nil && strings.Contains(err.Error(), "the-token") {
			t.Errorf("status %d: the error repeats the token", status)
		}
	}
}

func TestFiguresThatMustNotBeShown(t *testing.T) {
	t.Parallel()
	good := read(t, "at-a-glance.json")
	for what, body := range map[string]string{
		"another ICS":              strings.Replace(good, `"odsCode": "QOP"`, `"odsCode": "QE1"`, 1),
		"hidden and told":          strings.Replace(good, `"value": "*", "count": null`, `"value": "*", "count": 3`, 1),
		"hidden but not marked so": strings.Replace(good, `"suppressed": true`, `"suppressed": false`, 1),
		"neither figure nor mark":  strings.Replace(good, `"count": 1250`, `"count": null`, 1),
		"no period":                strings.Replace(good, `"from": "2025-11-22"`, `"from": null`, 1),
		"cut short":                good[:len(good)/2],
		"doubled":                  good + good,
		"not JSON":                 "<html>",
	} {
		if body == good {
			t.Fatalf("%s: the sample was not altered", what)
		}
		if g, err := serve(t, http.StatusOK, body).AtAGlance(t.Context(), call); err == nil {
			t.Errorf("%s: accepted %+v", what, g)
		}
	}
}
