// Package stubtenants stands where tenants' pods would be: it keeps each tenant's directory as the API's database does. The API's
// own tests and the end-to-end tests cover the real one; on a control plane alone no network leads to a pod.
package stubtenants

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/cmhf/operator/internal/directory"
)

// API answers for every tenant. It is both what the operator calls in tests and, as an http.Handler, a proxy for a real operator
// whose calls it answers itself.
type API struct {
	mu        sync.Mutex
	committed map[string]directory.Committed
	down      bool
}

// New returns one that has committed nothing.
func New() *API { return &API{committed: map[string]directory.Committed{}} }

// SetDown lets no call through until it is set back.
func (a *API) SetDown(down bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.down = down
}

// Committed says what the tenant in a namespace has.
func (a *API) Committed(_ context.Context, namespace string) (directory.Committed, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.down {
		return directory.Committed{}, fmt.Errorf("connection refused")
	}
	return a.committed[namespace], nil
}

// Commit refuses an older revision, as the API does.
func (a *API) Commit(_ context.Context, namespace string, d directory.Directory) (directory.Committed, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.down {
		return directory.Committed{}, fmt.Errorf("connection refused")
	}
	if had := a.committed[namespace]; d.Revision <= had.Revision && had.Digest != d.Digest() {
		return directory.Committed{}, fmt.Errorf("409: revision %d is not above %d", d.Revision, had.Revision)
	}
	c := directory.Committed{Revision: d.Revision, Digest: d.Digest(), Services: map[string]string{}}
	for _, service := range d.Services {
		c.Services[service.Name] = service.Digest()
	}
	a.committed[namespace] = c
	return c, nil
}

// ServeHTTP answers what is meant for a tenant's internal port; the host of the request tells which.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	namespace, _, _ := strings.Cut(strings.TrimPrefix(r.Host, "coordination-api."), ".")
	var committed directory.Committed
	var err error
	if r.Method == http.MethodPut {
		var d directory.Directory
		if err = json.NewDecoder(r.Body).Decode(&d); err == nil {
			committed, err = a.Commit(r.Context(), namespace, d)
		}
	} else {
		committed, err = a.Committed(r.Context(), namespace)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(committed) // the caller sees a broken answer
}
