package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cmhf/operator/internal/coordination/identity"
	"github.com/cmhf/operator/internal/coordination/london"
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
	slog.SetDefault(slog.New(slog.NewJSONHandler(&logs, nil)))
	os.Exit(postgres.Run(m))
}

// logs is everything the code under test has logged.
var logs lockedBuffer

type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

var (
	migrated = postgres.Template{Prepare: func(ctx context.Context, owner string) error {
		return schema.Migrate(ctx, owner, schema.Settings{Holder: schema.Holder{ODSCode: "QOP", Synthetic: true}})
	}}
	unmigrated postgres.Template

	// One provider serves all tests: tokens are minted, not asked for.
	startProvider sync.Once
	provider      *idp.Provider
	verifier      *identity.Verifier
)

// testSubject is who callers are unless their claims say otherwise.
const testSubject = "2f0c1d54-6f1b-4a43-9a2b-0d4f3a8e7c11"

const internalToken = "made-up-internal-token"

// system is a running API with its own database.
type system struct {
	t        testing.TB
	public   string
	internal string
	database *postgres.Database
	idp      *idptest.Server
}

func start(t testing.TB) *system {
	t.Helper()
	startProvider.Do(func() {
		listener := httptest.NewUnstartedServer(nil)
		made, err := idp.New("http://"+listener.Listener.Addr().String(), idp.Config{})
		if err != nil {
			t.Fatal(err)
		}
		listener.Config.Handler = made
		listener.Start() // serves until the test binary ends
		provider = made
		verifier = identity.New(identity.Config{Issuer: provider.Issuer(), Audience: "cmhf-qop", ODSCode: "QOP"})
		verifier.Discover(context.Background())
	})
	return replica(t, migrated.New(t))
}

// replica is one more instance of the API on a database, with connections of its own.
func replica(t testing.TB, database *postgres.Database) *system {
	t.Helper()
	db, err := store.Open(t.Context(), database.AppURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	tokenFile := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(tokenFile, []byte(internalToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	config := server.Config{Version: "test", ODSCode: "QOP", ICSName: "Test ICS", Synthetic: true}
	public := httptest.NewServer(server.Public(config, db, verifier).Handler(registry))
	t.Cleanup(public.Close)
	port := &operatorapi.Port{
		Store: db, Token: &operatorapi.TokenFile{Path: tokenFile}, ODSCode: "QOP", Version: "test", Synthetic: true,
		SignInReady: verifier.Ready, Metrics: registry,
	}
	internal := httptest.NewServer(port.Handler())
	t.Cleanup(internal.Close)
	return &system{t: t, public: public.URL, internal: internal.URL, database: database, idp: &idptest.Server{Provider: provider}}
}

// startWithDirectory has the services north and south open, and east closing.
func startWithDirectory(t testing.TB) *system {
	t.Helper()
	s := start(t)
	if a := s.putDirectory(testDirectory(1)); a.status != http.StatusOK {
		t.Fatalf("committing the directory: %d %s", a.status, a.raw)
	}
	return s
}

func testDirectory(revision int64) directory.Directory {
	d := directory.Directory{
		Format: directory.FormatV1, Revision: revision, ODSCode: "QOP", Name: "Test ICS",
		Neighbourhoods: []directory.Neighbourhood{{Name: "harbour", Place: "coast"}, {Name: "hill", Place: "coast"}},
	}
	for name, state := range map[string]directory.ServiceState{"east": directory.StateClosing, "north": directory.StateOpen, "south": directory.StateOpen} {
		d.Services = append(d.Services, directory.Service{
			ID: directory.ServiceID("QOP", name), Name: name, DisplayName: "The " + name + " service", State: state, Place: "coast",
			Neighbourhoods: []string{"harbour"}, LeadProvider: directory.Provider{ODSCode: "RT1", Name: "Test Trust"}, Functions: []string{"Core"},
		})
	}
	return d
}

// caller is someone with a token.
type caller struct {
	s     *system
	token string
}

func (s *system) as(role string, services ...string) caller {
	s.t.Helper()
	return s.with(map[string]any{"roles": []string{role}, "services": services})
}

func (s *system) with(claims map[string]any) caller {
	s.t.Helper()
	all := map[string]any{"aud": "cmhf-qop", "ics": "QOP", "sub": testSubject}
	for name, value := range claims {
		all[name] = value
	}
	return caller{s, s.idp.Token(s.t, all)}
}

// answer is a response that has been read.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	raw    string
}

func (c caller) get(path string) answer { return c.do(http.MethodGet, path, nil) }

func (c caller) post(path string, body any, headers ...string) answer {
	return c.do(http.MethodPost, path, body, headers...)
}

// do sends a body as JSON, or as it is when it is a string.
func (c caller) do(method, path string, body any, headers ...string) answer {
	c.s.t.Helper()
	a := send(c.s.t, method, c.s.public+path, body, append([]string{"Authorization", "Bearer " + c.token}, headers...)...)
	checkAgainstDocument(method, path, a)
	return a
}

func (s *system) putDirectory(d any) answer {
	s.t.Helper()
	return send(s.t, http.MethodPut, s.internal+"/internal/v1/directory", d, "Authorization", "Bearer "+internalToken)
}

func send(t testing.TB, method, url string, body any, headers ...string) answer {
	t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = bytes.NewReader([]byte(b))
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		reader = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, url, reader)
	if err != nil {
		t.Fatal(err)
	}
	if reader != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{t, response.StatusCode, response.Header, string(raw)}
}

type object = map[string]any

// want checks the status and reads the body.
func (a answer) want(status int) object {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %s", a.status, status, a.raw)
	}
	var body object
	if err := json.Unmarshal([]byte(a.raw), &body); err != nil {
		a.t.Fatalf("the answer is no JSON: %v: %s", err, a.raw)
	}
	return body
}

// refused checks that the answer is a problem of the kind.
func (a answer) refused(status int, slug string) object {
	a.t.Helper()
	body := a.want(status)
	if body["type"] != "/problems/"+slug || a.header.Get("Content-Type") != "application/problem+json" {
		a.t.Fatalf("problem %v (%s), want %s: %s", body["type"], a.header.Get("Content-Type"), slug, a.raw)
	}
	return body
}

// day is today in London, or so many days later.
func day(later int) string {
	return london.Today(time.Now()).AddDate(0, 0, later).Format(time.DateOnly)
}

func person(nhsNumber, family string) object {
	return object{"nhsNumber": nhsNumber, "familyName": family, "givenName": "Testperson", "birthDate": "1984-02-29"}
}

func referral(service string, who object) object {
	return object{"person": who, "service": service, "route": "Self", "reason": "Made-up reason", "receivedOn": day(0)}
}

// refer records a referral and gives it.
func (c caller) refer(service string, who object) object {
	c.s.t.Helper()
	return c.post("/v1/referrals", referral(service, who)).want(http.StatusCreated)
}

// accepted refers a person to the caller's service and accepts, giving the episode.
func (c caller) accepted(service string, who object) object {
	c.s.t.Helper()
	r := c.refer(service, who)
	return c.post("/v1/referrals/"+r["id"].(string)+"/acceptance", nil).want(http.StatusCreated)
}

// app is a database connection of the app role, as a caller of the services or, with an empty subject, as nobody.
func (s *system) app(subject string, services ...string) *pgx.Conn {
	s.t.Helper()
	conn := postgres.Connect(s.t, s.database.AppURL)
	if _, err := conn.Exec(s.t.Context(), "SET TimeZone = 'Europe/London'"); err != nil { // current_date is then day(0)
		s.t.Fatal(err)
	}
	ids := ""
	for i, name := range services {
		if i > 0 {
			ids += ","
		}
		ids += directory.ServiceID("QOP", name).String()
	}
	if subject != "" {
		if _, err := conn.Exec(s.t.Context(), "SELECT set_config('cmhf.subject', $1, false), set_config('cmhf.services', $2, false)", subject, ids); err != nil {
			s.t.Fatal(err)
		}
	}
	return conn
}

// id is the stable id of a service.
func (c caller) id(service string) string { return directory.ServiceID("QOP", service).String() }

// owner is a connection of the schema's owner, who sees and may change everything that triggers allow.
func (s *system) owner() *pgx.Conn {
	s.t.Helper()
	return postgres.Connect(s.t, s.database.OwnerURL)
}

// byOwner changes the database as its owner, whom no rule of access binds.
func (s *system) byOwner(sql string, args ...any) {
	s.t.Helper()
	if _, err := s.owner().Exec(s.t.Context(), sql, args...); err != nil {
		s.t.Fatal(err)
	}
}

// count runs a counting query as the owner, who sees everything.
func (s *system) count(query string, args ...any) (n int64) {
	s.t.Helper()
	if err := s.owner().QueryRow(s.t.Context(), query, args...).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

// pool is connections of the app role without a caller, as the workers have them.
func (s *system) pool() *pgxpool.Pool {
	s.t.Helper()
	db, err := store.Open(s.t.Context(), s.database.AppURL)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(db.Close)
	return db.Pool()
}
