// Package calls counts what the operator asks of the API server, for tests of its budget. It sits in the connection, so it sees
// what is sent and not what a controller believes it sends.
package calls

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"k8s.io/client-go/rest"
)

// Counter counts calls. Watches and the lists that begin them, discovery and leases are left out of every count: they belong to
// the connection and do not grow with what is done.
type Counter struct {
	mu    sync.Mutex
	calls []Call
}

// Call is one request.
type Call struct {
	// Verb is get, list, create, apply, patch, update, delete, or dry-run whatever was tried.
	Verb string
	Path string
}

// String is for messages: the verb and the path.
func (c Call) String() string { return c.Verb + " " + c.Path }

// Writes says whether the call may have changed something.
func (c Call) Writes() bool { return c.Verb != "get" && c.Verb != "list" && c.Verb != "dry-run" }

// Wrap returns a copy of the configuration whose calls are counted.
func (c *Counter) Wrap(config *rest.Config) *rest.Config {
	wrapped := rest.CopyConfig(config)
	wrapped.Wrap(func(next http.RoundTripper) http.RoundTripper { return transport{c, next} })
	return wrapped
}

// Take returns the calls since the last Take.
func (c *Counter) Take() []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls := c.calls
	c.calls = nil
	return calls
}

// Summary counts calls by verb, events apart.
func Summary(calls []Call) map[string]int {
	counts := map[string]int{}
	for _, call := range calls {
		if strings.Contains(call.Path, "/events") {
			counts["event"]++
			continue
		}
		counts[call.Verb]++
	}
	return counts
}

// Over lists where counts exceed a budget; a verb that the budget does not name must not occur.
func Over(counts, budget map[string]int) []string {
	var over []string
	for _, verb := range slices.Sorted(maps.Keys(counts)) {
		if counts[verb] > budget[verb] {
			over = append(over, fmt.Sprintf("%d calls of %s, the budget is %d", counts[verb], verb, budget[verb]))
		}
	}
	return over
}

type transport struct {
	counter *Counter
	next    http.RoundTripper
}

func (t transport) RoundTrip(request *http.Request) (*http.Response, error) {
	if verb := verbOf(request); verb != "" {
		t.counter.mu.Lock()
		t.counter.calls = append(t.counter.calls, Call{verb, request.URL.Path})
		t.counter.mu.Unlock()
	}
	return t.next.RoundTrip(request)
}

// IsDryRun says whether a request is only tried. A deletion tells it in its body.
func IsDryRun(request *http.Request) bool {
	if request.URL.Query().Has("dryRun") {
		return true
	}
	if request.Method != http.MethodDelete || request.GetBody == nil {
		return false
	}
	body, err := request.GetBody()
	if err != nil {
		return false
	}
	defer func() { _ = body.Close() }()
	text, err := io.ReadAll(body)
	return err == nil && strings.Contains(string(text), `"dryRun":["All"]`)
}

// verbOf is empty for what is not counted.
func verbOf(request *http.Request) string {
	path, query := request.URL.Path, request.URL.Query()
	if query.Has("watch") || strings.Contains(path, "/leases") {
		return ""
	}
	if IsDryRun(request) {
		return "dry-run"
	}
	switch request.Method {
	case http.MethodPost:
		return "create"
	case http.MethodPut:
		return "update"
	case http.MethodDelete:
		return "delete"
	case http.MethodPatch:
		if strings.HasPrefix(request.Header.Get("Content-Type"), "application/apply-patch") {
			return "apply"
		}
		return "patch"
	}
	return reading(path, query.Has("resourceVersion"))
}

// reading tells a get from a list by the number of path elements; a list that names a version begins a watch.
func reading(path string, beginsWatch bool) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	prefix := 3 // apis/GROUP/VERSION
	if parts[0] == "api" {
		prefix = 2
	}
	if len(parts) <= prefix || parts[0] != "api" && parts[0] != "apis" {
		return "" // discovery, the version, OpenAPI
	}
	parts = parts[prefix:]
	if len(parts) > 2 && parts[0] == "namespaces" {
		parts = parts[2:]
	}
	switch {
	case len(parts) > 1:
		return "get"
	case beginsWatch:
		return ""
	default:
		return "list"
	}
}
