// Package dashboardtest stands in for the coordination API where a test needs its faults, or where no database is at hand.
//
// It checks access tokens as the real API does (issuer, audience, ICS, role) and answers with figures from a file. It is
// imported by tests and by the demonstration beside it, never by the dashboard.
package dashboardtest

import (
	_ "embed"
	"net/http"
	"strings"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
)

//go:embed at-a-glance.json
var glance []byte

//go:embed services.json
var services []byte

// API answers like the coordination API of ICS QOP.
type API struct {
	// Issuer of the access tokens.
	Issuer string

	mu     sync.Mutex
	faults map[string]int
}

// Fail makes a path answer with a status from now on; 0 mends it.
func (a *API) Fail(path string, status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.faults == nil {
		a.faults = map[string]int{}
	}
	a.faults[path] = status
}

// ServeHTTP answers.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	status := a.faults[r.URL.Path]
	a.mu.Unlock()
	if status == 0 {
		status = a.authorise(r)
	}
	answer, contentType := []byte(nil), "application/json"
	if status == http.StatusOK {
		answer, contentType, status = a.answer(r)
	}
	if status != http.StatusOK {
		contentType, answer = "application/problem+json", []byte(`{"title":"refused by the stand-in"}`)
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(answer) // the asker has gone
}

func (a *API) answer(r *http.Request) (body []byte, contentType string, status int) {
	const prefix, suffix = "/v1/measures/", "/figures.csv"
	switch path := r.URL.Path; {
	case path == "/v1/statistics/at-a-glance":
		return glance, "application/json", http.StatusOK
	case path == "/v1/services":
		return services, "application/json", http.StatusOK
	case path == "/v1/measures":
		return catalogue(), "application/json", http.StatusOK
	case path == "/v1/figures":
		body, status = figures(r.URL.Query())
		return body, "application/json", status
	case strings.HasPrefix(path, prefix) && strings.HasSuffix(path, suffix):
		body, status = file(strings.TrimSuffix(strings.TrimPrefix(path, prefix), suffix), r.URL.Query())
		return body, "text/csv; charset=utf-8", status
	}
	return nil, "", http.StatusNotFound
}

func (a *API) authorise(r *http.Request) int {
	provider, err := oidc.NewProvider(r.Context(), a.Issuer)
	if err != nil {
		return http.StatusServiceUnavailable
	}
	raw, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	token, err := provider.Verifier(&oidc.Config{ClientID: "cmhf-qop"}).Verify(r.Context(), raw)
	if err != nil {
		return http.StatusUnauthorized
	}
	var claims struct {
		ICS   string   `json:"ics"`
		Roles []string `json:"roles"`
	}
	if err := token.Claims(&claims); err != nil || claims.ICS != "QOP" || len(claims.Roles) == 0 {
		return http.StatusForbidden
	}
	return http.StatusOK
}
