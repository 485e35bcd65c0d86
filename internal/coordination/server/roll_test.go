package server_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cmhf/operator/internal/coordination/server"
)

// pod is one API as a pod runs it.
type pod struct {
	public, internal string
	stop             context.CancelFunc
	ended            chan error
}

func (s *system) pod(t *testing.T, token string, readOnly bool) *pod {
	t.Helper()
	config := server.Config{
		Version: "test", ODSCode: "QOP", ICSName: "Test ICS", Synthetic: true, ReadOnly: readOnly, Listen: freeAddress(t), InternalListen: freeAddress(t),
		Issuer: provider.Issuer(), Audience: "cmhf-qop", TokenFile: token, DirectoryFile: "/does/not/exist", Database: s.database.AppURL,
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &pod{public: config.Listen, internal: "http://" + config.InternalListen, stop: stop, ended: make(chan error, 1)}
	t.Cleanup(stop)
	go func() { r.ended <- server.Run(ctx, config) }()
	eventually(t, "readiness", r.ready)
	return r
}

func (r *pod) ready() bool { return status(r.internal+"/readyz") == http.StatusOK }

// service leads requests to replicas that were ready a moment ago, as a Service of Kubernetes does.
type service struct {
	mu       sync.Mutex
	replicas []*pod
	next     int
}

// route drops a pod some time after it has stopped being ready.
func (s *service) route(done <-chan struct{}) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
		}
		s.mu.Lock()
		known := append([]*pod(nil), s.replicas...)
		s.mu.Unlock()
		for _, r := range known {
			if !r.ready() {
				s.mu.Lock()
				for i := range s.replicas {
					if s.replicas[i] == r {
						s.replicas = append(s.replicas[:i:i], s.replicas[i+1:]...)
						break
					}
				}
				s.mu.Unlock()
			}
		}
	}
}

func (s *service) add(r *pod) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replicas = append(s.replicas, r)
}

func (s *service) pick(r *httputil.ProxyRequest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	r.SetURL(&url.URL{Scheme: "http", Host: s.replicas[s.next%len(s.replicas)].public})
}

// Going from Active to ReadOnly and back replaces one replica after the other: no read fails on the way, and writes are refused
// exactly while only read-only replicas serve.
func TestRollToReadOnlyAndBack(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	known := s.as("service-lead", "north").refer("north", person("9990000018", "Example"))
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(internalToken), 0o600); err != nil {
		t.Fatal(err)
	}
	routed := &service{}
	done := make(chan struct{})
	defer close(done)
	front := httptest.NewServer(&httputil.ReverseProxy{Rewrite: routed.pick})
	t.Cleanup(front.Close)
	rolled := *s
	rolled.public = front.URL
	caller := rolled.as("service-lead", "north")

	current := s.pod(t, token, false)
	routed.add(current)
	go routed.route(done)
	read, err := http.NewRequestWithContext(t.Context(), http.MethodGet, front.URL+"/v1/people/"+known["personId"].(string), nil)
	if err != nil {
		t.Fatal(err)
	}
	read.Header.Set("Authorization", "Bearer "+caller.token)
	var reads, failed atomic.Int64
	reading := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-reading:
					return
				default:
				}
				reads.Add(1)
				response, err := http.DefaultClient.Do(read.Clone(t.Context()))
				if err != nil || response.StatusCode != http.StatusOK {
					failed.Add(1)
				}
				if err == nil {
					_, _ = io.Copy(io.Discard, response.Body)
					response.Body.Close()
				}
			}
		})
	}
	for _, readOnly := range []bool{true, false} {
		next := s.pod(t, token, readOnly)
		routed.add(next)
		current.stop()
		if err := <-current.ended; err != nil {
			t.Errorf("stopping: %v", err)
		}
		current = next
		write := caller.post("/v1/referrals", referral("north", person("9990000026", "Sample")))
		if readOnly {
			write.refused(http.StatusServiceUnavailable, "read-only")
		} else {
			write.want(http.StatusCreated)
		}
	}
	close(reading)
	readers.Wait()
	current.stop()
	<-current.ended
	if reads.Load() < 20 || failed.Load() > 0 {
		t.Errorf("%d of %d reads failed", failed.Load(), reads.Load())
	}
}
