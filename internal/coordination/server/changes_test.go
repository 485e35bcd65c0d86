package server_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/cmhf/operator/internal/coordination/changes"
)

// number brings the feed up to date, as the sequencer does twice a second.
func (s *system) number() {
	s.t.Helper()
	if err := changes.Number(s.t.Context(), s.pool()); err != nil {
		s.t.Fatal(err)
	}
}

// follow reads the feed to its end and gives the events as "kind type", the ids, and the cursor.
func (c caller) follow(since string) (told []string, items []object, next string) {
	c.s.t.Helper()
	for more := true; more; since = next {
		body := c.get("/v1/changes?limit=2&since=" + since).want(http.StatusOK)
		for _, item := range body["items"].([]any) {
			told = append(told, item.(object)["kind"].(string)+" "+item.(object)["type"].(string))
			items = append(items, item.(object))
		}
		next, more = body["next"].(string), body["more"].(bool)
	}
	return told, items, next
}

// Each subscriber is told of the records of people whom their services see, by ids and types.
func TestChangesTellOfVisibleRecords(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, lead, south := s.as("practitioner", "north"), s.as("service-lead", "north"), s.as("service-lead", "south")
	system := s.with(object{"roles": []string{"integration"}, "services": []string{"north"}, "purpose": "direct-care", "sub": "a-system"})
	r := north.refer("north", person("9990000018", "Unmistakable"))
	if told, _, _ := lead.follow(""); len(told) != 0 {
		t.Fatalf("events without a number are told: %v", told)
	}
	s.number()
	told, items, next := lead.follow("")
	if !slices.Equal(told, []string{"Created people", "Created referrals"}) {
		t.Fatalf("after the referral: %v", told)
	}
	if items[1]["resourceId"] != r["id"] || items[1]["personId"] != r["personId"] || items[0]["resourceId"] != r["personId"] {
		t.Errorf("the ids are not those of the records: %v", items)
	}
	if told, _, _ := south.follow(""); len(told) != 0 {
		t.Errorf("a service that sees nobody is told of %v", told)
	}
	latest := system.get("/v1/changes?since=latest").want(http.StatusOK)
	if len(latest["items"].([]any)) != 0 || latest["more"] != false {
		t.Errorf("the cursor of now came with %v", latest)
	}

	id := uuid.NewString()
	north.post("/v1/referrals/"+r["id"].(string)+"/acceptance", nil).want(http.StatusCreated)
	s.number()
	a := lead.do(http.MethodGet, "/v1/changes?since="+next, nil, "X-Request-ID", id)
	a.want(http.StatusOK)
	if strings.Contains(a.raw, "Unmistakable") || strings.Contains(a.raw, "9990000018") {
		t.Errorf("an event holds what the record holds: %s", a.raw)
	}
	if n := s.count("SELECT count(*) FROM audit_events WHERE request_id = $1 AND operation = 'listChanges' AND person_id = $2", id, r["personId"]); n != 1 {
		t.Errorf("%d rows of the audit trail tell of one person in the feed", n)
	}
	for _, c := range []struct {
		who   caller
		since string
	}{{lead, next}, {system, latest["next"].(string)}} {
		if told, _, again := c.who.follow(c.since); !slices.Equal(told, []string{"Created episodes", "Changed referrals"}) {
			t.Errorf("after the acceptance: %v", told)
		} else if told, _, same := c.who.follow(again); len(told) != 0 || same != again {
			t.Errorf("after the end: %v, and the cursor moves: %v", told, same != again)
		}
	}
	system.get("/v1/changes?since="+next).refused(http.StatusUnprocessableEntity, "invalid-request") // the lead's cursor
	north.get("/v1/changes").refused(http.StatusForbidden, "forbidden")
}

// A table that is registered as part of people's records is followed from then on; what is taken back is told to those who saw it,
// also when they do not see the person any more.
func TestRetractionsReachThoseWhoSawTheRecord(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	who := s.as("practitioner", "north").refer("north", person("9990000018", "Example"))["personId"]
	s.number()
	lead, south := s.as("service-lead", "north"), s.as("service-lead", "south")
	_, _, next := lead.follow("")
	owner := s.owner()
	run := func(statement string, args ...any) {
		t.Helper()
		if _, err := owner.Exec(t.Context(), statement, args...); err != nil {
			t.Fatal(err)
		}
	}
	run(`CREATE TABLE made_up (id uuid PRIMARY KEY, person_id uuid NOT NULL, state text, entered_in_error_at timestamptz)`)
	run("INSERT INTO record_tables VALUES ('made_up')")
	for _, retract := range []string{
		"UPDATE made_up SET entered_in_error_at = now()", "UPDATE made_up SET state = 'EnteredInError'", "DELETE FROM made_up WHERE person_id = $1",
	} {
		run("DELETE FROM changes WHERE number IS NULL")
		run("INSERT INTO person_access SELECT person_id, service_id, why, gen_random_uuid(), now(), NULL FROM person_access LIMIT 1")
		run("TRUNCATE made_up")
		run("INSERT INTO made_up VALUES (gen_random_uuid(), $1)", who)
		run("UPDATE made_up SET state = 'x'")
		if strings.Contains(retract, "$1") {
			run(retract, who)
		} else {
			run(retract)
		}
		run("UPDATE made_up SET state = 'EnteredInError', entered_in_error_at = now()") // again is a mere change, or finds nothing
		run("UPDATE person_access SET until = now() - interval '1 second'")
		s.number()
		var told []string
		if told, _, next = lead.follow(next); !slices.Equal(told, []string{"Retracted made_up"}) {
			t.Errorf("%s: those who lost access are told %v, want the retraction alone", retract, told)
		}
		if told, _, _ := south.follow(""); len(told) != 0 {
			t.Errorf("those who never saw the person are told of %v", told)
		}
	}
}

// Every table that is registered is in the feed, and so are people. What carers say in confidence is not, nor are due dates, which follow
// from the rest.
func TestEveryRecordTableIsFollowed(t *testing.T) {
	t.Parallel()
	s := start(t)
	if n := s.count(`SELECT count(*) FROM (SELECT name FROM record_tables WHERE name NOT IN ('carer_confidences', 'deadlines') UNION SELECT 'people') r
		WHERE NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'record_changed' AND tgrelid = r.name::regclass)`); n != 0 {
		t.Errorf("%d record tables are not followed", n)
	}
	// The trigger knows which of a table's columns say that a row was taken back: one that a migration adds is told to it by follow_table().
	if n := s.count(`SELECT count(*) FROM pg_trigger t WHERE tgname = 'record_changed' AND array_to_string(ARRAY(
		SELECT attname::text FROM pg_attribute WHERE attrelid = tgrelid AND NOT attisdropped AND attname IN ('state', 'entered_in_error_at', 'retracted_at') ORDER BY 1), ',')
		<> array_to_string((string_to_array(encode(tgargs, 'escape'), '\000'))[:tgnargs], ',')`); n != 0 {
		t.Errorf("the triggers of %d tables do not know all the columns that take a row back", n)
	}
}

// A cursor that the feed does not reach back to, or that is of a feed before a restore, is refused in words: nothing is missed unseen.
func TestOldCursors(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, lead := s.as("practitioner", "north"), s.as("service-lead", "north")
	first := lead.get("/v1/changes").want(http.StatusOK)["next"].(string)
	north.refer("north", person("9990000018", "Example"))
	s.number()
	_, _, end := lead.follow(first)
	owner := s.owner()
	trim := func() {
		t.Helper()
		if _, err := s.pool().Exec(t.Context(), "SELECT trim_changes($1)", time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	trim() // keeps a week whatever is asked for
	if told, _, _ := lead.follow(first); len(told) != 2 {
		t.Errorf("events of today are trimmed: %v", told)
	}
	if _, err := owner.Exec(t.Context(), "UPDATE changes SET at = at - interval '8 days'"); err != nil {
		t.Fatal(err)
	}
	lead.get("/v1/changes?since="+end).refused(http.StatusGone, "cursor-expired") // the event at the cursor is another one, as after a restore
	trim()
	lead.get("/v1/changes?since="+first).refused(http.StatusGone, "cursor-expired")
	north.refer("north", person("9990000026", "Sample"))
	s.number()
	for _, since := range []string{"", end} {
		if told, _, _ := lead.follow(since); len(told) != 2 {
			t.Errorf("from %q: %v, want the two events that are kept", since, told)
		}
	}
	_, _, end = lead.follow("")
	if _, err := owner.Exec(t.Context(), "DELETE FROM changes; UPDATE change_feed SET last_number = 1, trimmed_to = 0"); err != nil {
		t.Fatal(err)
	}
	lead.get("/v1/changes?since="+end).refused(http.StatusGone, "cursor-expired")
}

func TestChangesBadInput(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	lead := s.as("service-lead", "north")
	const secret = "9434765919"
	for query, field := range map[string]string{
		"since=" + secret: "query.since", "since=" + strings.Repeat("A", 65): "query.since", "since=%00": "query.since", "since=Latest": "query.since",
		"limit=0": "query.limit", "limit=501": "query.limit", "limit=" + secret + secret: "query.limit", secret + "=1": "query",
	} {
		a := lead.get("/v1/changes?" + query)
		body := a.refused(http.StatusUnprocessableEntity, "invalid-request")
		if at := body["errors"].([]any)[0].(object)["location"].(string); !strings.HasPrefix(at, field) {
			t.Errorf("%s: the error is at %s", query, at)
		}
		if strings.Contains(a.raw, secret) {
			t.Errorf("the answer repeats the value: %s", a.raw)
		}
	}
}

// The app role reads the events of people whom its caller sees, and writes none.
func TestFeedIsClosed(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	s.as("practitioner", "north").refer("north", person("9990000018", "Example"))
	s.number()
	for services, want := range map[string]int{"north": 2, "south": 0, "": 0} {
		app := s.app("test-subject")
		if services != "" {
			app = s.app("test-subject", services)
		}
		var n int
		if err := app.QueryRow(t.Context(), "SELECT count(number) FROM changes").Scan(&n); err != nil || n != want {
			t.Errorf("%q sees %d events (%v), want %d", services, n, err, want)
		}
	}
	app := s.app("test-subject", "north")
	for _, statement := range []string{
		"INSERT INTO changes (kind, type, resource_id, person_id) SELECT kind, type, resource_id, person_id FROM changes", "UPDATE changes SET number = 9", "DELETE FROM changes",
		"UPDATE change_feed SET last_number = 0", "SELECT services FROM changes", "SELECT note_change('Created', 'x', gen_random_uuid(), gen_random_uuid())",
		"INSERT INTO record_tables VALUES ('people')",
	} {
		if _, err := app.Exec(t.Context(), statement); code(err) != "42501" {
			t.Errorf("%s: %v", statement, err)
		}
	}
}

// Whatever the order in which transactions commit, give up and take their time, a reader who polls is told of every event that was
// committed, once, and of no other.
func TestFeedLosesNothing(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	who := s.as("practitioner", "north").refer("north", person("9990000018", "Example"))["personId"]
	lead := s.as("service-lead", "north")
	s.number()
	_, _, cursor := lead.follow("")

	var mu sync.Mutex
	committed := map[string]bool{}
	var writers, workers sync.WaitGroup
	for range 8 {
		owner := s.owner()
		writers.Go(func() {
			for range 40 {
				tx, err := owner.Begin(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				var mine []string
				for range rand.IntN(3) + 1 {
					id := uuid.NewString()
					if _, err := tx.Exec(t.Context(), "SELECT note_change('Changed', 'referrals', $1, $2)", id, who); err != nil {
						t.Error(err)
					}
					mine = append(mine, id)
					time.Sleep(time.Duration(rand.IntN(4)) * time.Millisecond) // others overtake
				}
				if rand.IntN(4) == 0 {
					if err := tx.Rollback(t.Context()); err != nil {
						t.Error(err)
					}
					continue
				}
				if err := tx.Commit(t.Context()); err != nil {
					t.Error(err)
				}
				mu.Lock()
				for _, id := range mine {
					committed[id] = true
				}
				mu.Unlock()
			}
		})
	}
	done := make(chan struct{})
	for range 2 { // replicas
		pool := s.pool()
		workers.Go(func() {
			for {
				if err := changes.Number(t.Context(), pool); err != nil {
					t.Error(err)
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	told := map[string]int{}
	polls := 0
	read := func() {
		body := lead.get(fmt.Sprintf("/v1/changes?limit=%d&since=%s", rand.IntN(20)+1, cursor)).want(http.StatusOK)
		for _, item := range body["items"].([]any) {
			told[item.(object)["resourceId"].(string)]++
		}
		cursor = body["next"].(string)
		polls++
	}
	finished := make(chan struct{})
	go func() { writers.Wait(); close(finished) }()
	for running := true; running; {
		select {
		case <-finished:
			running = false
		default:
			read()
		}
	}
	close(done)
	workers.Wait()
	s.number()
	for before := -1; before != len(told); {
		before = len(told)
		read()
	}
	for id, times := range told {
		if times != 1 || !committed[id] {
			t.Errorf("%s was told %d times, committed %v", id, times, committed[id])
		}
	}
	if len(told) != len(committed) || polls < 10 {
		t.Errorf("%d events were told of %d, in %d polls", len(told), len(committed), polls)
	}
}
