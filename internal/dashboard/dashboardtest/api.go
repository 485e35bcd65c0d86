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
	answers := map[string][]byte{"/v1/statistics/at-a-glance": glance, "/v1/services": services}
	answer, ok := answers[r.URL.Path]
	switch {
	case status != http.StatusOK:
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"title":"refused by the stand-in"}`)) // the asker has gone
	case !ok:
		http.NotFound(w, r)
	default:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer) // the asker has gone
	}
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
