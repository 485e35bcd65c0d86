package main

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"k8s.io/client-go/rest"

	"github.com/cmhf/operator/internal/testkit/calls"
)

// recorder keeps the writes that an operator sends, so that the floor can make those of them that any operator must make for other
// tenants.
type recorder struct {
	mu     sync.Mutex
	writes []write
}

type write struct {
	method, path, contentType string
	query                     url.Values
	body                      []byte
}

func (r *recorder) wrap(config *rest.Config) *rest.Config {
	wrapped := rest.CopyConfig(config)
	wrapped.Wrap(func(next http.RoundTripper) http.RoundTripper { return recording{r, next} })
	return wrapped
}

// take returns the writes since the last take; events, leases and dry runs are left out, since nothing has to make those.
func (r *recorder) take() []write {
	r.mu.Lock()
	defer r.mu.Unlock()
	writes := r.writes
	r.writes = nil
	return writes
}

type recording struct {
	to   *recorder
	next http.RoundTripper
}

func (t recording) RoundTrip(request *http.Request) (*http.Response, error) {
	path := request.URL.Path
	reads := request.Method == http.MethodGet || calls.IsDryRun(request)
	if reads || request.Body == nil || strings.Contains(path, "/events") || strings.Contains(path, "/leases") {
		return t.next.RoundTrip(request)
	}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	request.Body = io.NopCloser(bytes.NewReader(body))
	response, err := t.next.RoundTrip(request)
	if err == nil && response.StatusCode < 300 {
		t.to.mu.Lock()
		t.to.writes = append(t.to.writes, write{request.Method, path, request.Header.Get("Content-Type"), request.URL.Query(), body})
		t.to.mu.Unlock()
	}
	return response, err
}

// needed leaves of the writes for one system those that any operator must make: each object, finalizer and mark of an ApplySet's parent
// once, and each status once, as they are at the end. What this operator writes on the way there is its own choice.
func needed(writes []write) []write {
	var kept []write
	at := map[string]int{}
	for _, w := range writes {
		if w.method == http.MethodDelete {
			continue
		}
		before, known := at[w.path]
		switch {
		case w.method == http.MethodPost: // to the path of all that are created
			kept = append(kept, w)
		case !known:
			at[w.path] = len(kept)
			kept = append(kept, w)
		case w.applies() || !kept[before].applies():
			kept[before] = w
		}
	}
	return kept
}

// applies says whether the write is the whole of an object as it is declared.
func (w write) applies() bool { return strings.HasPrefix(w.contentType, "application/apply-patch") }
