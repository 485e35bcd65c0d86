// Package faults breaks the operator's connection to the API server the way real faults do, for tests of what comes after.
package faults

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"unicode"

	"k8s.io/client-go/rest"

	"github.com/cmhf/operator/internal/testkit/calls"
)

// errCrashed is what a dead operator's calls end with.
var errCrashed = errors.New("the operator has crashed")

// Point is where an operator dies: at a write, counted from 1, either before it has left or right after it has reached the API server,
// before the answer is read. So does kill -9.
type Point struct {
	Write  int
	Before bool
}

// Crash is a connection over which an operator dies for each of several systems at a point of its own. From then on every call for that
// system fails, and what the operator does for the others goes on: one operator can so be killed at all points at the same time.
type Crash struct {
	// points by the name of the system; one that is in here with no write is only counted.
	points map[string]Point

	mu     sync.Mutex
	writes map[string][]string
	dead   map[string]bool
}

// NewCrash returns a fault for the systems of these names.
func NewCrash(points map[string]Point) *Crash {
	return &Crash{points: points, writes: map[string][]string{}, dead: map[string]bool{}}
}

// Wrap returns a copy of the configuration whose calls go through the fault.
func (c *Crash) Wrap(config *rest.Config) *rest.Config {
	wrapped := rest.CopyConfig(config)
	wrapped.Wrap(func(next http.RoundTripper) http.RoundTripper { return transport{c, next} })
	return wrapped
}

// Writes lists the writes for a system so far as "METHOD path", events, leases and dry runs aside.
func (c *Crash) Writes(system string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.writes[system])
}

// Died says whether the operator has died for a system.
func (c *Crash) Died(system string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dead[system]
}

type transport struct {
	crash *Crash
	next  http.RoundTripper
}

func (t transport) RoundTrip(request *http.Request) (*http.Response, error) {
	sent, dies := t.crash.count(request)
	if !sent {
		return nil, errCrashed
	}
	response, err := t.next.RoundTrip(request)
	if dies {
		if err == nil {
			err = response.Body.Close()
		}
		return nil, errors.Join(errCrashed, err)
	}
	return response, err
}

// count says whether a request is sent, and whether the operator dies of it.
func (c *Crash) count(request *http.Request) (sent, dies bool) {
	system := c.systemOf(request.URL.Path)
	if system == "" {
		return true, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead[system] {
		return false, false
	}
	reads := request.Method == http.MethodGet || request.Method == http.MethodHead
	if reads || calls.IsDryRun(request) || strings.Contains(request.URL.Path, "/events") {
		return true, false
	}
	c.writes[system] = append(c.writes[system], request.Method+" "+request.URL.Path)
	if point := c.points[system]; len(c.writes[system]) == point.Write {
		c.dead[system] = true
		return !point.Before, true
	}
	return true, false
}

// systemOf finds the name of a system in a path, in which it stands alone or as a part of a name.
func (c *Crash) systemOf(path string) string {
	for word := range strings.FieldsFuncSeq(path, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if _, is := c.points[word]; is {
			return word
		}
	}
	return ""
}
