// Package faults breaks the operator's connection to the API server the way real faults do, for tests of what comes after.
package faults

import (
	"errors"
	"net/http"
	"strings"
	"sync"

	"k8s.io/client-go/rest"

	"github.com/cmhf/operator/internal/testkit/calls"
)

// errCrashed is what a dead operator's calls end with.
var errCrashed = errors.New("the operator has crashed")

// Crash is a connection that dies right after a write has reached the API server, before the answer is read: as kill -9 does.
// What the server holds then is also what a crash before the next write leaves, so all values of At are all crash points.
type Crash struct {
	// At is the number of the write, from 1, after which the connection dies; 0 never.
	At int
	// OnCrash is called once when it dies.
	OnCrash func()

	mu     sync.Mutex
	writes []string
	dead   bool
}

// Wrap returns a copy of the configuration whose calls go through the fault.
func (c *Crash) Wrap(config *rest.Config) *rest.Config {
	wrapped := rest.CopyConfig(config)
	wrapped.Wrap(func(next http.RoundTripper) http.RoundTripper { return transport{c, next} })
	return wrapped
}

// Writes lists the writes so far as "METHOD path", events, leases and dry runs aside.
func (c *Crash) Writes() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.writes...)
}

type transport struct {
	crash *Crash
	next  http.RoundTripper
}

func (t transport) RoundTrip(request *http.Request) (*http.Response, error) {
	dies, dead := t.crash.count(request)
	if dead {
		return nil, errCrashed
	}
	response, err := t.next.RoundTrip(request)
	if dies {
		if err == nil {
			err = errors.Join(errCrashed, response.Body.Close())
		}
		t.crash.OnCrash()
		return nil, err
	}
	return response, err
}

func (c *Crash) count(request *http.Request) (dies, dead bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return false, true
	}
	reads := request.Method == http.MethodGet || request.Method == http.MethodHead
	if reads || calls.IsDryRun(request) || strings.Contains(request.URL.Path, "/events") || strings.Contains(request.URL.Path, "/leases") {
		return false, false
	}
	c.writes = append(c.writes, request.Method+" "+request.URL.Path)
	c.dead = len(c.writes) == c.At
	return c.dead, false
}
