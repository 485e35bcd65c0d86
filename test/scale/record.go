package main

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"k8s.io/client-go/rest"
)

// recorder keeps the writes that an operator sends, so that the floor can make the very same ones for other tenants.
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
	reads := request.Method == http.MethodGet || request.URL.Query().Has("dryRun")
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
