package server_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cmhf/operator/internal/coordination/server"
)

// The program of one system that was led to another's database is never ready, and nobody's directory reaches that database.
func TestAnotherSystemsDatabase(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]server.Config{
		"another system": {ODSCode: "QSL", Synthetic: true}, "real people": {ODSCode: "QOP"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			database := migrated.New(t)
			folder := t.TempDir()
			token, mounted := filepath.Join(folder, "token"), filepath.Join(folder, "directory.json")
			document := testDirectory(7)
			document.ODSCode = config.ODSCode
			raw, err := json.Marshal(document)
			if err != nil {
				t.Fatal(err)
			}
			for path, content := range map[string]string{token: internalToken, mounted: string(raw)} {
				if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			config.Version, config.ICSName, config.Listen, config.InternalListen = "test", "Test ICS", freeAddress(t), freeAddress(t)
			config.Issuer, config.Audience, config.TokenFile, config.DirectoryFile, config.Database = "http://127.0.0.1:1", "cmhf", token, mounted, database.AppURL
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- server.Run(ctx, config) }()
			internal := "http://" + config.InternalListen
			eventually(t, "liveness", func() bool { return status(internal+"/healthz") == http.StatusOK })
			if got := send(t, http.MethodGet, internal+"/readyz", nil).want(http.StatusServiceUnavailable); !strings.Contains(got["database"].(string), "holds Synthetic data of QOP") {
				t.Errorf("readiness says %v", got)
			}
			send(t, http.MethodPut, internal+"/internal/v1/directory", document, "Authorization", "Bearer "+internalToken).want(http.StatusServiceUnavailable)
			committed := send(t, http.MethodGet, internal+"/internal/v1/directory", nil, "Authorization", "Bearer "+internalToken).want(http.StatusOK)
			if committed["revision"] != 0.0 {
				t.Errorf("a directory was committed: %v", committed)
			}
			stop()
			if err := <-ended; err != nil {
				t.Errorf("stopping: %v", err)
			}
		})
	}
}
