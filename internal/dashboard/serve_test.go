package dashboard_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
)

// status asks one address and returns the status; 0 means that nobody answered.
func status(t *testing.T, address string) int {
	t.Helper()
	got, _ := ask(t, address)
	return got
}

// ask gives the status too, and whether the answer ends the connection.
func ask(t *testing.T, address string) (status int, ends bool) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, true
	}
	defer resp.Body.Close()
	return resp.StatusCode, resp.Close
}

func TestServesAndStopsGently(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.providerAway.Store(true) // neither the identity provider nor the API is needed to be ready
	ctx, stop := context.WithCancel(t.Context())
	s.log.lines = make(chan string, 100)
	done := make(chan error, 1)
	go func() { done <- s.dashboard.Serve(ctx) }()

	var serving struct{ Msg, Public, Internal string }
	if err := json.Unmarshal([]byte(s.log.next(t, `"serving"`)), &serving); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{serving.Internal + "/healthz", serving.Internal + "/readyz", serving.Internal + "/metrics", serving.Public + "/"} {
		if got := status(t, "http://"+address); got != http.StatusOK {
			t.Errorf("%s: status %d", address, got)
		}
	}
	if got := status(t, "http://"+serving.Public+"/metrics"); got != http.StatusNotFound {
		t.Errorf("readers can see the metrics: status %d", got)
	}

	if _, ends := ask(t, "http://"+serving.Public+"/"); ends {
		t.Error("a dashboard that serves ends connections")
	}

	stop()
	s.log.next(t, `"stopping"`)
	if ready, page := status(t, "http://"+serving.Internal+"/readyz"), status(t, "http://"+serving.Public+"/"); ready != http.StatusServiceUnavailable || page != http.StatusOK {
		t.Errorf("while stopping: readiness %d, page %d; want 503 and 200", ready, page)
	}
	if got, ends := ask(t, "http://"+serving.Public+"/"); got != http.StatusOK || !ends {
		t.Errorf("a dashboard that stops answers with %d and keeps the connection", got)
	}
	if err := <-done; err != nil {
		t.Errorf("stopped with %v", err)
	}
	if got := status(t, "http://"+serving.Public+"/"); got != 0 {
		t.Errorf("a stopped dashboard answers with %d", got)
	}
}
