package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/audit"
	"github.com/cmhf/operator/internal/coordination/schema"
	"github.com/cmhf/operator/internal/testkit/idp"
	"github.com/cmhf/operator/internal/testkit/idp/idptest"
	"github.com/cmhf/operator/internal/testkit/postgres"
)

// kills is how often the API, the database or one of the database's processes is killed under load.
const kills = 50

// program is the real program as a process that can be killed.
type program struct {
	t           *testing.T
	path        string
	environment []string
	public      string
	// heads is what it has written to its standard output over all its lives.
	heads lockedBuffer

	running *exec.Cmd
}

func (p *program) start() {
	p.t.Helper()
	p.running = exec.Command(p.path, "serve")
	p.running.Env, p.running.Stdout = p.environment, &p.heads
	if err := p.running.Start(); err != nil {
		p.t.Fatal(err)
	}
}

func (p *program) kill() {
	_ = p.running.Process.Kill()
	_ = p.running.Wait() // killed, as was asked for
}

// acknowledged is what clients were told is done.
type acknowledged struct {
	mu sync.Mutex
	// episodes by the id of the referral whose acceptance opened them.
	episodes map[string]string
	count    atomic.Int64
}

func (a *acknowledged) add(referral, episode string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.episodes[referral] = episode
	a.count.Add(1)
}

// No write that was acknowledged is lost and none is done twice while the API and PostgreSQL are killed at random under load. Clients
// send what got no answer again with the same Idempotency-Key. The audit trail meets every head that was exported on the way, and a
// subscriber to the change feed is told of every referral once.
func TestKilledAtRandom(t *testing.T) {
	t.Parallel()
	server := postgres.StartDurable(t)
	url := server.Create(t, "killed")
	if err := schema.Migrate(t.Context(), url("cmhf_owner"), schema.Settings{Holder: schema.Holder{ODSCode: "QOP", Synthetic: true}}); err != nil {
		t.Fatal(err)
	}
	p, provider := build(t, server)
	p.start()
	defer func() { p.kill() }()
	owner := postgres.Connect(t, url("cmhf_owner"))
	eventually(t, "the directory to be committed", func() bool {
		var n int
		return owner.QueryRow(t.Context(), "SELECT count(*) FROM services").Scan(&n) == nil && n > 0
	})
	token := func(role string) string {
		return provider.Token(t, map[string]any{"aud": "cmhf-qop", "ics": "QOP", "sub": testSubject, "roles": []string{role}, "services": []string{"north"}})
	}

	done := &acknowledged{episodes: map[string]string{}}
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() { referUntil(t, stop, p.public, token("practitioner"), done) })
	}
	feed := &subscriber{t: t, api: p.public, token: token("service-lead"), told: map[string]int{}}
	var reading sync.WaitGroup
	reading.Go(func() { feed.follow(stop) })

	kinds := map[string]int{}
	for range kills {
		before, deadline := done.count.Load(), time.Now().Add(time.Minute)
		for done.count.Load() == before && !t.Failed() { // it works again, and is working now
			if time.Now().After(deadline) {
				t.Fatalf("nothing is acknowledged any more after %v", kinds)
			}
			time.Sleep(5 * time.Millisecond)
		}
		time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond)
		switch kind := rand.IntN(4); kind {
		case 0, 1:
			kinds["API"]++
			p.kill()
			p.start()
		case 2:
			kinds["PostgreSQL"]++
			server.Kill(t)
			server.Start(t)
		case 3:
			kinds["a process of PostgreSQL"]++
			server.KillBackend(t)
		}
	}
	close(stop)
	clients.Wait()
	reading.Wait()
	t.Logf("%d referrals with their episodes were acknowledged while these were killed: %v", done.count.Load(), kinds)
	verifyKilled(t, url, p, done, feed)
}

func verifyKilled(t *testing.T, url func(string) string, p *program, done *acknowledged, feed *subscriber) {
	t.Helper()
	eventually(t, "the feed to tell of every referral", func() bool { feed.read(); return len(feed.told) >= len(done.episodes) })
	owner := postgres.Connect(t, url("cmhf_owner"))
	rows, err := owner.Query(t.Context(), `SELECT r.id::text, e.id::text FROM referrals r JOIN episodes e ON e.id = r.episode_id
		WHERE r.state = 'Accepted' AND EXISTS (SELECT FROM audit_events a WHERE a.resource_id = r.id AND a.operation = 'createReferral' AND a.outcome = 'Done')
		AND EXISTS (SELECT FROM audit_events a WHERE a.resource_id = r.id AND a.operation = 'acceptReferral' AND a.outcome = 'Done')`)
	if err != nil {
		t.Fatal(err)
	}
	kept := map[string]string{}
	var referral, episode string
	if _, err := pgx.ForEachRow(rows, []any{&referral, &episode}, func() error { kept[referral] = episode; return nil }); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(kept, done.episodes) {
		t.Errorf("%d referrals with episode and audit trail are kept, %d were acknowledged, or they are others", len(kept), len(done.episodes))
	}
	var people, referrals, episodes int
	const counts = "SELECT (SELECT count(*) FROM people), (SELECT count(*) FROM referrals), (SELECT count(*) FROM episodes)"
	if err := owner.QueryRow(t.Context(), counts).Scan(&people, &referrals, &episodes); err != nil {
		t.Fatal(err)
	}
	if n := len(done.episodes); people != n || referrals != n || episodes != n {
		t.Errorf("%d people, %d referrals, %d episodes; %d of each were acknowledged: something was done twice", people, referrals, episodes, n)
	}
	for id, times := range feed.told {
		if times != 1 || done.episodes[id] == "" {
			t.Errorf("the feed told of the referral %s %d times", id, times)
		}
	}
	heads := filepath.Join(t.TempDir(), "heads")
	if err := os.WriteFile(heads, []byte(p.heads.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := audit.Command(t.Context(), url("cmhf_app"), []string{"--heads", heads}, &out); err != nil {
		t.Errorf("the audit trail: %v\n%s", err, out.String())
	}
}

// build makes the program, and the identity provider and files that it needs.
func build(t *testing.T, server *postgres.Durable) (*program, *idptest.Server) {
	t.Helper()
	folder := t.TempDir()
	p := &program{t: t, path: filepath.Join(folder, "coordination-api"), public: freeAddress(t)}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", p.path, "../../../cmd/coordination-api").CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v\n%s", err, out)
	}
	provider := idptest.StartOnLocalhost(t, idp.Config{})
	directory, err := json.Marshal(testDirectory(1))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"token": internalToken, "directory": string(directory)}
	for name, content := range files {
		files[name] = filepath.Join(folder, name)
		if err := os.WriteFile(files[name], []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.environment = append(os.Environ(), "PGHOST="+server.Host, "PGDATABASE=killed", "PGUSER=cmhf_app", "PGSSLMODE=disable",
		"CMHF_ODS_CODE=QOP", "CMHF_ICS_NAME=Test ICS", "CMHF_SYNTHETIC=true", "CMHF_OIDC_ISSUER="+provider.Issuer(), "CMHF_LISTEN="+p.public,
		"CMHF_INTERNAL_LISTEN=127.0.0.1:0", "CMHF_INTERNAL_TOKEN_FILE="+files["token"], "CMHF_DIRECTORY_FILE="+files["directory"], "CMHF_RATE_LIMIT=0")
	return p, provider
}

var impatient = &http.Client{Timeout: 5 * time.Second}

// ask sends a request once; the status is 0 when there was no answer.
func ask(method, url, token string, body any, key string, into any) (status int, raw string) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return 0, err.Error()
	}
	request, err := http.NewRequestWithContext(context.Background(), method, url, bytes.NewReader(encoded))
	if err != nil {
		return 0, err.Error()
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	if key != "" {
		request.Header.Set("Idempotency-Key", key)
	}
	response, err := impatient.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || json.Unmarshal(answer, into) != nil {
		return 0, string(answer) // an answer that was cut off is none
	}
	return response.StatusCode, string(answer)
}

// insist sends a request with one key until it is done.
func insist(t *testing.T, url, token string, body any) (id string) {
	key := uuid.NewString()
	deadline := time.Now().Add(2 * time.Minute)
	for {
		var answer struct{ ID string }
		status, raw := ask(http.MethodPost, url, token, body, key, &answer)
		switch {
		case status == http.StatusCreated:
			return answer.ID
		case status != 0 && status != http.StatusServiceUnavailable && status != http.StatusInternalServerError, time.Now().After(deadline):
			t.Errorf("%s: status %d: %s", url, status, raw)
			return ""
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// referUntil refers one new person after the other and accepts each referral. What was begun is brought to its end.
func referUntil(t *testing.T, stop <-chan struct{}, api, token string, done *acknowledged) {
	for !t.Failed() {
		select {
		case <-stop:
			return
		default:
		}
		who := object{"nhsNumberAbsentReason": "NotKnownYet", "familyName": uuid.NewString(), "givenName": "Testperson", "birthDate": "1984-02-29"}
		body := referral("north", who)
		id := insist(t, fmt.Sprintf("http://%s/v1/referrals", api), token, body)
		if id == "" {
			return
		}
		if episode := insist(t, fmt.Sprintf("http://%s/v1/referrals/%s/acceptance", api, id), token, nil); episode != "" {
			done.add(id, episode)
		}
	}
}

// subscriber follows the change feed and counts how often it is told of each new referral.
type subscriber struct {
	t          *testing.T
	api, token string
	cursor     string
	told       map[string]int
}

func (s *subscriber) follow(stop <-chan struct{}) {
	for !s.t.Failed() {
		select {
		case <-stop:
			return
		case <-time.After(100 * time.Millisecond):
			s.read()
		}
	}
}

func (s *subscriber) read() {
	var answer struct {
		Items []struct{ Kind, Type, ResourceID string }
		Next  string
	}
	status, raw := ask(http.MethodGet, fmt.Sprintf("http://%s/v1/changes?limit=500&since=%s", s.api, s.cursor), s.token, nil, "", &answer)
	switch {
	case status == http.StatusOK:
	case slices.Contains([]int{0, http.StatusServiceUnavailable, http.StatusInternalServerError}, status):
		return // no answer, no new cursor
	default:
		s.t.Errorf("the change feed: status %d: %s", status, raw)
		return
	}
	s.cursor = answer.Next
	for _, event := range answer.Items {
		if event.Kind == "Created" && event.Type == "referrals" {
			s.told[event.ResourceID]++
		}
	}
}
