package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cmhf/operator/internal/coordination/identity"
	"github.com/cmhf/operator/internal/coordination/operatorapi"
	"github.com/cmhf/operator/internal/coordination/schema"
	"github.com/cmhf/operator/internal/coordination/server"
	"github.com/cmhf/operator/internal/coordination/store"
	"github.com/cmhf/operator/internal/directory"
	"github.com/cmhf/operator/internal/testkit/idp"
	"github.com/cmhf/operator/internal/testkit/idp/idptest"
	"github.com/cmhf/operator/internal/testkit/postgres"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.NewJSONHandler(io.Discard, nil))) // written as the program writes it, and not shown
	os.Exit(postgres.Run(m))
}

var migrated = postgres.Template{Prepare: func(ctx context.Context, owner string) error {
	return schema.Migrate(ctx, owner, schema.Settings{Holder: schema.Holder{ODSCode: "QOP", Synthetic: true}})
}}

// subject is who calls the API, and who the floor says it is.
const subject = "2f0c1d54-6f1b-4a43-9a2b-0d4f3a8e7c11"

// benchmarked starts the API with the service north, and gives a practitioner of it and the floor on the same database.
func benchmarked(b *testing.B) (caller, *bare) {
	b.Helper()
	database := migrated.New(b)
	provider := idptest.Start(b, idp.Config{})
	verifier := identity.New(identity.Config{Issuer: provider.Issuer(), Audience: "cmhf-qop", ODSCode: "QOP"})
	verifier.Discover(b.Context())
	db, err := store.Open(b.Context(), database.AppURL)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(db.Close)
	registry := prometheus.NewRegistry()
	config := server.Config{Version: "test", ODSCode: "QOP", ICSName: "Test ICS", Synthetic: true}
	public := httptest.NewServer(server.Public(config, db, verifier).Handler(registry))
	b.Cleanup(public.Close)
	commitDirectory(b, db, registry)
	pool, err := pgxpool.New(b.Context(), database.AppURL+"&pool_max_conns=8")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pool.Close)
	f := &bare{b: b, pool: pool}
	f.begin, f.audit = f.sql("store/sql/begin.sql"), f.sql("store/sql/audit.sql")
	if _, err := postgres.Connect(b, database.OwnerURL).Exec(b.Context(), "ANALYZE"); err != nil {
		b.Fatal(err)
	}
	claims := map[string]any{"aud": "cmhf-qop", "ics": "QOP", "sub": subject, "roles": []string{"practitioner"}, "services": []string{"north"}}
	return caller{api: public.URL, token: provider.Token(b, claims)}, f
}

// commitDirectory commits a directory by the internal port, as the operator does.
func commitDirectory(b *testing.B, db *store.Store, registry *prometheus.Registry) {
	b.Helper()
	const token = "made-up-internal-token"
	file := filepath.Join(b.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		b.Fatal(err)
	}
	port := &operatorapi.Port{
		Store: db, Token: &operatorapi.TokenFile{Path: file}, ODSCode: "QOP", Version: "test", Synthetic: true, SignInReady: func() bool { return true }, Metrics: registry,
	}
	internal := httptest.NewServer(port.Handler())
	defer internal.Close()
	d := directory.Directory{
		Format: directory.FormatV1, Revision: 1, ODSCode: "QOP", Name: "Test ICS", Neighbourhoods: []directory.Neighbourhood{{Name: "harbour", Place: "coast"}},
		Services: []directory.Service{{
			ID: directory.ServiceID("QOP", "north"), Name: "north", DisplayName: "The north service", State: directory.StateOpen, Place: "coast",
			Neighbourhoods: []string{"harbour"}, LeadProvider: directory.Provider{ODSCode: "RT1", Name: "Test Trust"}, Functions: []string{"Core"},
		}},
	}
	if err := (caller{api: internal.URL, token: token}).do(http.MethodPut, "/internal/v1/directory", d, http.StatusOK, nil); err != nil {
		b.Fatal(err)
	}
}

// caller sends requests with a token.
type caller struct {
	api, token string
}

var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: benchClients}}

// do sends a request and reads the answer, which must have the status; nothing else is checked, or it would be measured.
func (c caller) do(method, path string, body any, status int, into any) error {
	var reader io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return err
		}
		reader = bytes.NewReader(raw)
	}
	request, err := http.NewRequest(method, c.api+path, reader)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != status {
		return fmt.Errorf("%s %s: status %d, %v: %s", method, path, response.StatusCode, err, raw)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(raw, into)
}

// bare is the floor's database.
type bare struct {
	b            *testing.B
	pool         *pgxpool.Pool
	begin, audit string
}

func (f *bare) sql(path string) string {
	f.b.Helper()
	raw, err := os.ReadFile("../../../internal/coordination/" + path)
	if err != nil {
		f.b.Fatal(err)
	}
	return string(raw)
}

func (f *bare) transaction(operation string, people []string, resources []*string, steps ...func(pgx.Tx) error) error {
	return pgx.BeginFunc(context.Background(), f.pool, func(tx pgx.Tx) error {
		if err := f.query(tx, f.begin, pgx.NamedArgs{"subject": subject, "services": []string{"north"}}); err != nil {
			return err
		}
		for _, step := range steps {
			if err := step(tx); err != nil {
				return err
			}
		}
		return f.query(tx, f.audit, pgx.NamedArgs{
			"request_id": "7c2b9a4e-6f0c-4b27-9d3b-6b3a2b1f0c11", "subject": subject, "client": "test", "role": "practitioner",
			"services": []uuid.UUID{directory.ServiceID("QOP", "north")}, "purpose": "direct-care", "operation": operation,
			"outcome": "Done", "problem": nil, "people": people, "resources": resources,
		})
	})
}

// query runs a statement and reads what it gives as it comes.
func (f *bare) query(tx pgx.Tx, statement string, args pgx.NamedArgs) error {
	rows, err := tx.Query(context.Background(), statement, args)
	if err != nil {
		return err
	}
	for rows.Next() {
		if _, err := rows.Values(); err != nil {
			return err
		}
	}
	return rows.Err()
}
