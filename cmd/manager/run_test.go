package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// An operator on a cluster that is too old says so and ends, before it touches anything.
func TestOldClusterIsRefused(t *testing.T) {
	for _, test := range []struct{ version, want string }{
		{"v1.30.14", "runs Kubernetes v1.30.14 and the operator needs 1.31 or later"},
		{"v1.9.0-gke.100", "needs 1.31 or later"},
		{"one", `reading the API server's version "one"`},
		// New enough; the fake answers nothing but its version, so the start ends at the next question.
		{"v1.31.0", "making the manager"},
		{"v1.37.1+k3s1", "making the manager"},
	} {
		t.Run(test.version, func(t *testing.T) {
			var others []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/version" {
					others = append(others, r.Method+" "+r.URL.Path)
					http.NotFound(w, r)
					return
				}
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(`{"gitVersion":"` + test.version + `"}`))
			}))
			defer server.Close()
			t.Setenv("KUBECONFIG", kubeconfig(t, server.URL))
			err := run(t.Context(), options{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
			if refused := !strings.Contains(test.want, "manager"); refused && len(others) > 0 {
				t.Errorf("it went on to %v", others)
			}
		})
	}
}

func kubeconfig(t *testing.T, server string) string {
	t.Helper()
	config := clientcmdapi.NewConfig()
	config.Clusters["test"] = &clientcmdapi.Cluster{Server: server}
	config.Contexts["test"] = &clientcmdapi.Context{Cluster: "test"}
	config.CurrentContext = "test"
	content, err := clientcmd.Write(*config)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
