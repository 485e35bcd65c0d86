package server_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

func (c caller) putDeath(person string, body any) answer {
	c.s.t.Helper()
	return c.do(http.MethodPut, "/v1/people/"+person+"/death", body, "If-Match", c.recordTag(person))
}

func (c caller) reverseDeath(person, reason string) answer {
	c.s.t.Helper()
	return c.post("/v1/people/"+person+"/death/reversal", object{"reason": reason}, "If-Match", c.recordTag(person))
}

// supportedTwice is a person with an open episode at north and one at south, and a referral to south that waits since a moment ago.
func (s *system) supportedTwice() (id string, episodes []string, waiting string) {
	s.t.Helper()
	who := person("9990000018", "Example")
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	first, second := north.accepted("north", who), south.accepted("south", who)
	return first["personId"].(string), []string{first["id"].(string), second["id"].(string)}, south.refer("south", who)["id"].(string)
}

func TestDeathIsRecordedAndReversed(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, lead, south := s.as("practitioner", "north"), s.as("service-lead", "north"), s.as("practitioner", "south")
	dead, episodes, waiting := s.supportedTwice()
	before := s.recordsNow()
	path := "/v1/people/" + dead + "/death"
	body := object{"on": day(-1), "source": "Family"}
	north.do(http.MethodPut, path, body).refused(http.StatusPreconditionRequired, "precondition-required")
	stale := north.recordTag(dead)

	recorded := north.do(http.MethodPut, path, body, "If-Match", stale)
	if p := recorded.want(http.StatusOK); p["death"].(object)["on"] != day(-1) || recorded.header.Get("ETag") == stale {
		t.Fatalf("recorded: %v, ETag %s", p, recorded.header.Get("ETag"))
	}
	north.do(http.MethodPut, path, object{"on": day(0), "source": "GP"}, "If-Match", stale).refused(http.StatusPreconditionFailed, "precondition-failed")
	for i, c := range []caller{north, south} {
		e := c.get("/v1/episodes/" + episodes[i]).want(http.StatusOK)
		if e["state"] != "Closed" || e["closure"].(object)["basis"] != "Death" {
			t.Errorf("episode: %v", e)
		}
	}
	if r := south.get("/v1/referrals/" + waiting).want(http.StatusOK); r["state"] != "Died" {
		t.Errorf("referral: %v", r)
	}
	byID := referral("north", nil)
	delete(byID, "person")
	byID["personId"] = dead
	north.post("/v1/referrals", byID).refused(http.StatusConflict, "person-died")
	// What is learnt later puts it right, and ends nothing twice.
	if p := north.putDeath(dead, object{"on": day(-2), "source": "Coroner"}).want(http.StatusOK); p["death"].(object)["source"] != "Coroner" {
		t.Errorf("put right: %v", p)
	}
	same := north.recordTag(dead)
	north.putDeath(dead, object{"on": day(-2), "source": "Coroner"}).want(http.StatusOK)
	if north.recordTag(dead) != same {
		t.Error("the same death, recorded again, counts as a change")
	}
	if n := s.count("SELECT count(*) FROM deaths WHERE ended_as = 'Corrected'"); n != 1 {
		t.Errorf("%d deaths were put right, want one", n)
	}

	north.reverseDeath(dead, "PersonIsAlive").refused(http.StatusForbidden, "forbidden")
	lead.post(path+"/reversal", object{"reason": "PersonIsAlive"}).refused(http.StatusPreconditionRequired, "precondition-required")
	lead.post(path+"/reversal", object{"reason": "9434765919"}, "If-Match", same).refused(http.StatusUnprocessableEntity, "invalid-request")
	if p := lead.reverseDeath(dead, "PersonIsAlive").want(http.StatusOK); p["death"] != nil {
		t.Errorf("after the reversal: %v", p)
	}
	if after := s.recordsNow(); strings.Join(after, "\n") != strings.Join(before, "\n") {
		t.Errorf("after the reversal\n%v\nbefore the death\n%v", after, before)
	}
	for i, c := range []caller{north, south} {
		if e := c.get("/v1/episodes/" + episodes[i]).want(http.StatusOK); e["state"] != "Open" || e["closure"] != nil {
			t.Errorf("episode: %v", e)
		}
	}
	lead.reverseDeath(dead, "PersonIsAlive").refused(http.StatusConflict, "state-conflict")
	south.post("/v1/referrals/"+waiting+"/acceptance", nil).want(http.StatusCreated)
	north.post("/v1/episodes/"+episodes[0]+"/closure", object{"reason": "SupportElsewhere", "returnPlan": returnPlan(), "acceptance": acceptance()}).want(http.StatusCreated)
	for operation, want := range map[string]int64{"recordDeath": 3, "reverseDeath": 1} {
		if n := s.count("SELECT count(*) FROM audit_events WHERE operation = $1 AND outcome = 'Done' AND person_id = $2", operation, dead); n != want {
			t.Errorf("%d rows of %s in the audit trail, want %d", n, operation, want)
		}
	}
}

// A death that an episode's closure tells of ends what the other services have too, and is reversed like any other, with the closure
// itself and with the referrals that came since.
func TestDeathByClosureIsReversed(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, lead, south := s.as("practitioner", "north"), s.as("service-lead", "north"), s.as("practitioner", "south")
	dead, episodes, waiting := s.supportedTwice()
	before := s.recordsNow()
	north.post("/v1/episodes/"+episodes[0]+"/closure", object{"reason": "Died", "death": object{"on": day(0), "source": "GP"}}).want(http.StatusCreated)
	if e := south.get("/v1/episodes/" + episodes[1]).want(http.StatusOK); e["state"] != "Closed" || e["closure"].(object)["basis"] != "Death" {
		t.Errorf("the other service's episode: %v", e)
	}
	since := s.as("practitioner").post("/v1/referrals", referral("north", person("9990000018", "Example"))).want(http.StatusCreated)["id"].(string)
	if r := north.get("/v1/referrals/" + since).want(http.StatusOK); r["state"] != "Died" {
		t.Errorf("the referral that came since: %v", r)
	}
	// One that was entered in error meanwhile stays so.
	s.officer().post("/v1/referrals/"+waiting+"/retraction", object{"reason": "RecordedTwice"}).want(http.StatusCreated)
	lead.reverseDeath(dead, "WrongPerson").want(http.StatusOK)
	if r := north.get("/v1/referrals/" + since).want(http.StatusOK); r["state"] != "Open" || r["outcomeAt"] != nil {
		t.Errorf("the referral that came since, afterwards: %v", r)
	}
	if r := south.get("/v1/referrals/" + waiting).want(http.StatusOK); r["state"] != "EnteredInError" {
		t.Errorf("the referral entered in error: %v", r)
	}
	if n := s.count("SELECT count(*) FROM person_access WHERE source_id = $1 AND until > now()", waiting); n != 0 {
		t.Error("the referral entered in error gives access again")
	}
	if n := s.count("SELECT count(*) FROM episodes WHERE state = 'Open'"); n != 2 {
		t.Errorf("%d episodes are open, want both", n)
	}
	if after := s.recordsNow(); len(after) != len(before)+3 { // the referral that came since, its access, and its first contact that is due
		t.Errorf("%d rows, %d before", len(after), len(before))
	}
}

// A death of a person with two records is one of both, and so is its reversal.
func TestDeathOfMergedRecords(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	lead, south := s.as("service-lead", "north"), s.as("practitioner", "south")
	canonical, merged := s.merged()
	south.putDeath(merged, object{"on": day(0), "source": "Hospital"}).want(http.StatusOK)
	if n := s.count("SELECT count(*) FROM referrals WHERE state = 'Died'"); n != 2 {
		t.Errorf("%d referrals ended, want those of both records", n)
	}
	lead.reverseDeath(canonical, "RecordedInError").want(http.StatusOK)
	if n := s.count("SELECT (SELECT count(*) FROM referrals WHERE state = 'Open') + (SELECT count(*) FROM deaths WHERE ended_as = 'Reversed' AND reversal_reason = 'RecordedInError')"); n != 4 {
		t.Errorf("open referrals and reversed deaths of both: %d, want 4", n)
	}
}

func TestBadDeaths(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	id := north.refer("north", person("9990000018", "Example"))["personId"].(string)
	for name, test := range map[string]struct {
		body     any
		status   int
		location string
	}{
		"in the future":  {object{"on": day(1), "source": "GP"}, 422, "body.on"},
		"before birth":   {object{"on": "1984-02-28", "source": "GP"}, 422, "body.on"},
		"no such day":    {object{"on": "2026-02-30", "source": "GP"}, 422, "body.on"},
		"year 0":         {object{"on": "0000-01-01", "source": "GP"}, 422, "body.on"},
		"unknown source": {object{"on": day(0), "source": "9434765919"}, 422, "body.source"},
		"no source":      {object{"on": day(0)}, 422, "body"},
		"unknown field":  {object{"on": day(0), "source": "GP", "cause": "9434765919"}, 422, "body.…"},
		"nothing":        {"", 400, ""},
		"no JSON":        {"{", 400, ""},
	} {
		a := north.putDeath(id, test.body)
		body := a.want(test.status)
		if strings.Contains(a.raw, "9434765919") {
			t.Errorf("%s: the answer repeats the value: %s", name, a.raw)
		}
		if test.location != "" {
			if fields, _ := body["errors"].([]any); len(fields) == 0 || fields[0].(object)["location"] != test.location {
				t.Errorf("%s: errors %v, want one at %s", name, fields, test.location)
			}
		}
	}
	if n := s.count("SELECT (SELECT count(*) FROM deaths) + (SELECT count(*) FROM people WHERE died_on IS NOT NULL)"); n != 0 {
		t.Errorf("refused deaths left %d rows", n)
	}
	s.as("practitioner", "south").do(http.MethodPut, "/v1/people/"+id+"/death", object{"on": day(0), "source": "GP"}, "If-Match", `W/"1"`).refused(http.StatusNotFound, "not-found")
}

func TestDeathsAsAppRole(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	dead, episodes, waiting := s.supportedTwice()
	hidden := s.as("practitioner", "south").refer("south", person("9990000026", "Hidden"))["personId"]
	app, lead, other := s.appIn("practitioner", "test-subject", "north"), s.appIn("service-lead", "test-subject", "north"), s.app("test-subject", "south")
	insert := "INSERT INTO deaths (id, person_id, died_on, source, recorded_by) VALUES (gen_random_uuid(), $1, "
	check := func(tests map[string]struct {
		conn *pgx.Conn
		sql  string
		args []any
		want string
	}) {
		t.Helper()
		for name, test := range tests {
			if _, err := test.conn.Exec(t.Context(), test.sql, test.args...); code(err) != test.want {
				t.Errorf("%s: got %v, want code %s", name, err, test.want)
			}
		}
	}
	type attempts = map[string]struct {
		conn *pgx.Conn
		sql  string
		args []any
		want string
	}
	check(attempts{
		"of somebody hidden":     {app, insert + "current_date, 'GP', 'test-subject')", []any{hidden}, "42501"},
		"in another's name":      {app, insert + "current_date, 'GP', 'somebody')", []any{dead}, "42501"},
		"in the future":          {app, insert + "current_date + 1, 'GP', 'test-subject')", []any{dead}, "23514"},
		"before birth":           {app, insert + "'1984-02-28', 'GP', 'test-subject')", []any{dead}, "CM023"},
		"by rumour":              {app, insert + "current_date, 'Rumour', 'test-subject')", []any{dead}, "23514"},
		"by hand":                {app, "UPDATE people SET died_on = current_date, death_source = 'GP' WHERE id = $1", []any{dead}, "42501"},
		"with its end":           {app, "INSERT INTO deaths (id, person_id, died_on, source, recorded_by, ended_as) VALUES (gen_random_uuid(), $1, current_date, 'GP', 'test-subject', 'Reversed')", []any{dead}, "42501"},
		"see what deaths end":    {app, "SELECT * FROM ended_by_death", nil, "42501"},
		"refuse the dead's care": {app, "INSERT INTO ended_by_death (person_id, kind, resource_id, state_before) VALUES ($1, 'Episode', $2, 'Open')", []any{dead, episodes[0]}, "42501"},
	})
	if _, err := app.Exec(t.Context(), insert+"current_date, 'GP', 'test-subject')", dead); err != nil {
		t.Fatal(err)
	}
	if n := s.count("SELECT (SELECT count(*) FROM episodes WHERE state = 'Closed') + (SELECT count(*) FROM referrals WHERE state = 'Died')"); n != 3 {
		t.Errorf("the death ended %d of two episodes and a referral", n)
	}
	if tag, err := app.Exec(t.Context(), "UPDATE deaths SET ended_as = 'Reversed', ended_by = 'test-subject', reversal_reason = 'PersonIsAlive'"); err != nil || tag.RowsAffected() != 0 {
		t.Errorf("a practitioner reverses %d deaths (%v)", tag.RowsAffected(), err)
	}
	check(attempts{
		"reverse without a reason":     {lead, "UPDATE deaths SET ended_as = 'Reversed', ended_by = 'test-subject'", nil, "23514"},
		"reverse in another's name":    {lead, "UPDATE deaths SET ended_as = 'Reversed', ended_by = 'somebody', reversal_reason = 'PersonIsAlive'", nil, "42501"},
		"put right by nothing":         {lead, "UPDATE deaths SET ended_as = 'Corrected', ended_by = 'test-subject'", nil, "42501"},
		"rewrite a death":              {lead, "UPDATE deaths SET died_on = current_date - 9", nil, "42501"},
		"delete a death":               {lead, "DELETE FROM deaths", nil, "42501"},
		"open a referral of the dead":  {other, "UPDATE referrals SET state = 'Open', outcome_by = 'test-subject', outcome_at = NULL WHERE id = $1", []any{waiting}, "CM002"},
		"accept a referral of theirs":  {other, "UPDATE referrals SET state = 'Accepted', episode_id = $2, outcome_by = 'test-subject' WHERE id = $1", []any{waiting, episodes[1]}, "CM002"},
		"open an episode of the dead":  {app, "UPDATE episodes SET state = 'Open', closed_at = NULL WHERE id = $1", []any{episodes[0]}, "42501"},
		"begin an episode of the dead": {other, "INSERT INTO episodes (id, person_id, responsible_service_id, opened_by) VALUES (gen_random_uuid(), $1, $2, 'test-subject')", []any{dead, south}, "CM005"},
	})
	if tag, err := lead.Exec(t.Context(), "UPDATE deaths SET ended_as = 'Reversed', ended_by = 'test-subject', reversal_reason = 'PersonIsAlive'"); err != nil || tag.RowsAffected() != 1 {
		t.Fatalf("a lead reverses %d deaths (%v)", tag.RowsAffected(), err)
	}
	if n := s.count("SELECT (SELECT count(*) FROM episodes WHERE state = 'Open') + (SELECT count(*) FROM referrals WHERE state = 'Open' AND person_id = $1)", dead); n != 3 {
		t.Errorf("the reversal opened %d of two episodes and a referral", n)
	}

	if _, err := lead.Exec(t.Context(), "UPDATE deaths SET ended_as = 'Reversed', ended_by = 'test-subject', reversal_reason = 'WrongPerson'"); code(err) != "CM023" {
		t.Errorf("reversed twice: %v", err)
	}
}

// While a death is recorded, others refer and accept: afterwards nothing of the dead person is open, whoever came first.
func TestDeathWhileOthersWork(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	dead, _, waiting := s.supportedTwice()
	north, south, gp := s.as("practitioner", "north"), s.as("practitioner", "south"), s.as("practitioner")
	tag := north.recordTag(dead)
	var group sync.WaitGroup
	for i := range 6 {
		group.Go(func() {
			var a answer
			switch i % 3 {
			case 0:
				a = gp.post("/v1/referrals", referral("north", person("9990000018", "Example")))
			case 1:
				a = south.post("/v1/referrals/"+waiting+"/acceptance", nil)
			default:
				a = north.do(http.MethodPut, "/v1/people/"+dead+"/death", object{"on": day(0), "source": "GP"}, "If-Match", tag)
			}
			if a.status >= 500 {
				t.Errorf("%d: %d %s", i, a.status, a.raw)
			}
		})
	}
	group.Wait()
	if n := s.count("SELECT (SELECT count(*) FROM referrals WHERE outcome_at IS NULL) + (SELECT count(*) FROM episodes WHERE state = 'Open')"); n != 0 {
		t.Errorf("%d referrals and episodes of the dead person are open", n)
	}
}
