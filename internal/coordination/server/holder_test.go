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
	"github.com/cmhf/operator/internal/testkit/postgres"
)

// behindRequests counts the traces of work that goes on behind requests: sealed batches, numbered changes and hours in which keys were looked for.
const behindRequests = "SELECT (SELECT count(*) FROM audit_batches), (SELECT last_number FROM change_feed), (SELECT count(*) FROM writable_hours)"

// The program of one system that was led to another's database is never ready, nobody's directory reaches that database, and it does no work
// there behind requests.
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
			owner := postgres.Connect(t, database.OwnerURL)
			for _, statement := range []string{
				"SELECT find_or_create_person(gen_random_uuid(), NULL, 'NotKnownYet', 'Example', 'Testperson', '1984-02-29')", strings.Replace(insertAudit, "$1", "'r'", 1),
			} {
				if _, err := owner.Exec(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			}
			traces := func() (batches, numbered, hours int64) {
				t.Helper()
				if err := owner.QueryRow(t.Context(), behindRequests).Scan(&batches, &numbered, &hours); err != nil {
					t.Fatal(err)
				}
				return batches, numbered, hours
			}
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
			if batches, numbered, hours := traces(); batches != 0 || numbered != 0 || hours != 0 {
				t.Errorf("it sealed %d batches, numbered %d changes and looked for keys in %d hours", batches, numbered, hours)
			}

			// The system whose database it is does all of that at once.
			config.ODSCode, config.Synthetic, config.DirectoryFile = "QOP", true, filepath.Join(folder, "none")
			config.Listen, config.InternalListen = freeAddress(t), freeAddress(t)
			ctx, stop = context.WithCancel(t.Context())
			defer stop()
			go func() { ended <- server.Run(ctx, config) }()
			eventually(t, "the work of the own system", func() bool {
				batches, numbered, hours := traces()
				return batches > 0 && numbered > 0 && hours == 1
			})
			stop()
			if err := <-ended; err != nil {
				t.Errorf("stopping: %v", err)
			}
		})
	}
}
