package server_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A pod that stops answers on, and sends every caller to another one: what is asked on a connection that was kept until the port is
// shut would get no answer.
func TestAPodThatStopsKeepsNoConnection(t *testing.T) {
	t.Parallel()
	s := start(t)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(internalToken), 0o600); err != nil {
		t.Fatal(err)
	}
	pod := s.pod(t, token, false)
	client := &http.Client{Transport: &http.Transport{}}
	ask := func() *http.Response {
		response, err := client.Get("http://" + pod.public + "/v1/episodes")
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response
	}
	if ask().Close {
		t.Error("a pod that serves ends connections")
	}
	pod.stop()
	for deadline := time.Now().Add(2 * time.Second); !ask().Close; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a pod that stops keeps connections")
		}
	}
	if err := <-pod.ended; err != nil {
		t.Error(err)
	}
}
