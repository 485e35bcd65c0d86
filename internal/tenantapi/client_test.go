package tenantapi

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/cmhf/operator/internal/directory"
)

// While the token is being replaced some replicas ask for the old one and some for the new: each is answered, on its own connection.
func TestEitherTokenOfARotation(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		accepts string
		tokens  []string
		sent    []string
		fails   bool
	}{
		{"new", []string{"new"}, []string{"new"}, false},
		{"new", []string{"new", "old"}, []string{"new"}, false},
		{"old", []string{"new", "old"}, []string{"new", "old"}, false},
		{"another", []string{"new", "old"}, []string{"new", "old"}, true},
		{"new", nil, nil, true},
	} {
		var sent []string
		connections := map[string]bool{}
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
			sent = append(sent, token)
			connections[r.RemoteAddr] = true
			if token != test.accepts {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			_ = json.NewEncoder(w).Encode(directory.Committed{Revision: 7})
		}))
		client := InCluster(func(context.Context, string) ([]string, error) { return test.tokens, nil })
		client.base = func(string) string { return server.URL }
		committed, err := client.Committed(t.Context(), "ics-qop")
		server.Close()
		if (err != nil) != test.fails || !test.fails && committed.Revision != 7 {
			t.Errorf("%+v: revision %d, error %v", test, committed.Revision, err)
		}
		if err != nil && (strings.Contains(err.Error(), "new") || strings.Contains(err.Error(), "old")) {
			t.Errorf("the error holds a token: %v", err)
		}
		if !slices.Equal(sent, test.sent) || len(connections) > 1 {
			t.Errorf("%+v: sent %v on %d connections", test, sent, len(connections))
		}
	}
}
