package server_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cmhf/operator/internal/coordination/facts"
	"github.com/cmhf/operator/internal/directory"
)

func (s *system) catchUp(pool *pgxpool.Pool) int64 {
	s.t.Helper()
	changed, err := facts.CatchUp(s.t.Context(), pool)
	if err != nil {
		s.t.Fatal(err)
	}
	return changed
}

func TestFactsFollowRecords(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	pool := s.pool()
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	who := person("9990000018", "Example")
	first := referral("north", who)
	first["receivedOn"] = day(-40)
	north.post("/v1/referrals", first).want(http.StatusCreated)
	if changed := s.catchUp(pool); changed != 2 {
		t.Errorf("%d rows changed, want the spell and the person's clock", changed)
	}
	// A second door: the spell goes on, the person's clock is not reset.
	episode := south.accepted("south", who)
	s.catchUp(pool)
	for clock := range map[string]bool{"national": true, "person": true} {
		if n := s.count("SELECT count(*) FROM spell_facts WHERE clock = $1 AND started_on = $2::date AND ended_on IS NULL AND stopped_on IS NULL", clock, day(-40)); n != 1 {
			t.Errorf("the %s clock does not run from the first request", clock)
		}
	}
	if s.catchUp(pool) != 0 {
		t.Error("rows changed although no record did")
	}
	// A death ends the person's clock and not the national one.
	south.post("/v1/episodes/"+episode["id"].(string)+"/closure", object{"reason": "Died", "death": object{"on": day(-1), "source": "GP"}}).want(http.StatusCreated)
	s.catchUp(pool)
	if n := s.count("SELECT count(*) FROM spell_facts WHERE died_on = $1::date AND clock = 'person'", day(-1)); n != 1 {
		t.Error("nobody died waiting")
	}
	if n := s.count("SELECT count(*) FROM spell_facts WHERE clock = 'national' AND died_on IS NULL AND ended_on = $1::date", day(0)); n != 1 {
		t.Error("the national spell does not end with its referrals alone")
	}
	if n := s.count("SELECT count(*) FROM dirty_people"); n != 0 {
		t.Errorf("%d changes are left in the queue", n)
	}
}

// A wait stops when all its parts have happened, and goes on when one of them turns out not to have.
func TestWaitStopsWhenAllPartsHaveHappened(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	pool := s.pool()
	north := s.as("practitioner", "north")
	episode := north.supported("9990000018")
	path := "/v1/episodes/" + episode["id"].(string)
	stopped := func() int64 {
		t.Helper()
		s.catchUp(pool)
		return s.count("SELECT count(*) FROM spell_facts WHERE stopped_on = $1::date", day(0))
	}
	met, etag := contact(), ""
	met["assessment"], met["assessmentCode"] = true, "1853441000000109"
	for name, happen := range map[string]func(){
		"contact": func() { met, etag = north.post(path+"/contacts", met).etag(http.StatusCreated) },
		"score":   func() { north.post(path+"/outcomes", dialog(day(0), 4, 4, 4, 4, 4, 4, 4, 4)).want(http.StatusCreated) },
		"plan":    func() { north.agreed(episode) },
	} {
		if stopped() != 0 {
			t.Fatalf("a clock stopped before the %s", name)
		}
		happen()
	}
	// The plan's agreement is what the person's clock reads; the national code reads an update or an intervention.
	if n := stopped(); n != 1 {
		t.Fatalf("%d clocks stopped with contact, score, assessment and an agreed plan, want the person's", n)
	}
	given, givenTag := north.post(path+"/interventions", with(intervention(), "contactId", met["id"])).etag(http.StatusCreated)
	if n := stopped(); n != 2 {
		t.Fatalf("%d clocks stopped with an intervention too, want both", n)
	}
	north.post("/v1/interventions/"+given["id"].(string)+"/entered-in-error", object{"why": "NeverHappened"}, "If-Match", givenTag).want(http.StatusOK)
	if n := stopped(); n != 1 {
		t.Errorf("%d clocks stand with an intervention that never was, want the person's", n)
	}
	north.post("/v1/contacts/"+met["id"].(string)+"/entered-in-error", object{"why": "NeverHappened"}, "If-Match", etag).want(http.StatusOK)
	if n := stopped(); n != 0 {
		t.Errorf("%d clocks stand although nobody was met", n)
	}
}

// Measuring everyone anew finds nothing to change, and mends what is wrong.
func TestRebuildEqualsFacts(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	pool := s.pool()
	s.population(23, 20, day(-60))
	s.catchUp(pool)
	rebuild := func() int64 {
		changed, err := facts.Rebuild(t.Context(), pool)
		if err != nil {
			t.Fatal(err)
		}
		return changed
	}
	if changed := rebuild(); changed != 0 {
		t.Errorf("measuring everyone anew changed %d rows", changed)
	}
	s.byOwner("UPDATE spell_facts SET started_on = started_on - 1 WHERE clock = 'person'")
	s.byOwner("DELETE FROM spell_facts WHERE clock = 'national'")
	if changed := rebuild(); changed != 3*23 {
		t.Errorf("measuring everyone anew mended %d rows, want %d", changed, 3*23)
	}
	if changed := rebuild(); changed != 0 {
		t.Errorf("after mending, %d rows changed", changed)
	}
}

// What changes waits without a change to a person's record is in the queue too, so that the nightly comparison has nothing to tell.
func TestNightTellsOfMissedChangesAlone(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	pool := s.pool()
	north := s.as("practitioner", "north")
	home := "/v1/people/" + north.refer("north", person("9990000018", "Example"))["personId"].(string) + "/residences"
	north.post(home, object{"kind": "Address", "lines": []string{"1 Example Street"}, "neighbourhood": "harbour", "from": day(-400)}).want(http.StatusCreated)
	s.catchUp(pool)
	night := func(after string) {
		t.Helper()
		changed, err := facts.Rebuild(t.Context(), pool)
		if err != nil {
			t.Fatal(err)
		}
		if changed != 0 {
			t.Errorf("after %s the nightly comparison tells of %d rows", after, changed)
		}
	}
	national := func(provider string) int64 {
		return s.count("SELECT count(*) FROM spell_facts WHERE clock = 'national' AND provider = $1", provider)
	}

	d := testDirectory(2)
	for i := range d.Services {
		d.Services[i].LeadProvider = directory.Provider{ODSCode: "RT2", Name: "Another Test Trust"}
	}
	s.putDirectory(d).want(http.StatusOK)
	s.catchUp(pool)
	if national("RT1") != 0 || national("RT2") != 1 {
		t.Error("the wait is not the new provider's")
	}
	night("another provider")

	d.Revision = 3
	for i := range d.Services {
		d.Services[i].TeamTypes = []string{"A14"}
	}
	s.putDirectory(d).want(http.StatusOK)
	s.catchUp(pool)
	if national("RT2") != 0 {
		t.Error("a team type that is not counted has a national wait")
	}
	night("another team type")

	// Yesterday was the last day there: no record changed today.
	s.byOwner("ALTER TABLE residences DISABLE TRIGGER person_dirty")
	s.byOwner("UPDATE residences SET to_on = $1::date", day(-1))
	night("the last day of a residence")
	if n := s.count("SELECT count(*) FROM spell_facts WHERE neighbourhood IS NOT NULL"); n != 0 {
		t.Errorf("%d waits are still counted where the person lives no more", n)
	}
}

// Whose record changes while everyone is measured is in the queue: that the change was not stored yet is no finding.
func TestNightLeavesChangesToTheQueue(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	pool := s.pool()
	s.population(5, 5, day(-60))
	s.catchUp(pool)
	s.byOwner("UPDATE spell_facts SET started_on = started_on - 1 WHERE clock = 'person'")
	one := s.count("WITH q AS (INSERT INTO dirty_people (person_id) SELECT min(person_id::text)::uuid FROM spell_facts RETURNING 1) SELECT count(*) FROM q")
	var changed int64
	if err := pool.QueryRow(t.Context(), "SELECT store_spell_facts(array_agg(p), '[]') FROM people_after('00000000-0000-0000-0000-000000000000', 10) p").Scan(&changed); err != nil {
		t.Fatal(err)
	}
	if changed != 2*(5-one) {
		t.Errorf("%d rows are told of, want those of the people who are not in the queue", changed)
	}
	s.catchUp(pool)
	s.byOwner("INSERT INTO dirty_services (service_id) VALUES ($1)", north)
	if err := pool.QueryRow(t.Context(), "SELECT store_spell_facts(array_agg(p), '[]') FROM people_after('00000000-0000-0000-0000-000000000000', 10) p").Scan(&changed); err != nil {
		t.Fatal(err)
	}
	if changed != 0 {
		t.Errorf("%d rows are told of although a service waits whose people these may be", changed)
	}
}

// A busy person's changes leave the queue together, and the queue is empty after as many rounds as it has people.
func TestQueueGivesWholePeople(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	pool := s.pool()
	s.population(3, 3, day(-60))
	s.byOwner("INSERT INTO dirty_people (person_id) SELECT person_id FROM dirty_people, generate_series(1, 50)")
	for round := 1; s.count("SELECT count(*) FROM dirty_people") > 0; round++ {
		if round > 3 {
			t.Fatal("three people take more than three rounds")
		}
		if _, err := pool.Exec(t.Context(), "SELECT take_dirty_people(1)"); err != nil {
			t.Fatal(err)
		}
	}
}

// A change that is committed after the queue was emptied is not lost, although the person was in the queue before.
func TestNoChangeIsLost(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	pool := s.pool()
	r := s.as("practitioner", "north").refer("north", person("9990000018", "Example"))
	late, err := s.app("test-subject", "north").Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer late.Rollback(t.Context()) //nolint:errcheck // after a commit there is nothing to roll back
	if _, err := late.Exec(t.Context(), `INSERT INTO referrals (id, person_id, service_id, responsible_service_id, route, reason, received_on, recorded_by)
		VALUES ($1, $2, $3, $3, 'GP', 'x', $4::date, 'test-subject')`, uuid.NewString(), r["personId"], north, day(-90)); err != nil {
		t.Fatal(err)
	}
	s.catchUp(pool)
	if err := late.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.catchUp(pool)
	if n := s.count("SELECT count(*) FROM spell_facts WHERE started_on = $1::date", day(-90)); n != 2 {
		t.Errorf("%d clocks start with the referral that was committed late, want 2", n)
	}
}

// Callers do not reach what the jobs use.
func TestFactsAreClosed(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	app := s.app(testSubject, "north")
	for name, statement := range map[string]string{
		"read facts":         "SELECT * FROM spell_facts",
		"change facts":       "UPDATE spell_facts SET stopped_on = started_on",
		"read the queue":     "SELECT * FROM dirty_people",
		"empty the queue":    "DELETE FROM dirty_people",
		"queue a service":    "INSERT INTO dirty_services (service_id) SELECT id FROM services",
		"count behind doors": "SELECT * FROM measure_units('2026-01-01', '2026-01-31')",
	} {
		if _, err := app.Exec(t.Context(), statement); code(err) != "42501" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// population refers so many people to north and to south, 42 years old, at the other's end of the neighbourhoods.
func (s *system) population(all, toNorth int, received string) {
	s.t.Helper()
	s.byOwner(`WITH made AS (
			INSERT INTO people (id, nhs_number_absent_reason, family_name, given_name, birth_date)
			SELECT gen_random_uuid(), 'NeverIssued', 'Test', 'Test', $3::date - interval '42 years' FROM generate_series(1, $1::int) RETURNING id),
		numbered AS (SELECT id, row_number() OVER () AS i FROM made)
		INSERT INTO referrals (id, person_id, service_id, responsible_service_id, route, reason, received_on, recorded_by)
		SELECT gen_random_uuid(), id, service, service, 'GP', 'x', $3::date, 'test'
		FROM (SELECT id, CASE WHEN i <= $2::int THEN $4::uuid ELSE $5::uuid END AS service FROM numbered) n`,
		all, toNorth, received, north, south)
}
