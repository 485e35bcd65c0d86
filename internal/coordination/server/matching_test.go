package server_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// officer puts records right; no service of theirs sees anybody.
func (s *system) officer() caller {
	s.t.Helper()
	return s.with(object{"roles": []string{"records-officer"}, "sub": "records-officer-1"})
}

// appIn is a database connection of the app role, as a caller in a role.
func (s *system) appIn(role, subject string, services ...string) *pgx.Conn {
	s.t.Helper()
	conn := s.app(subject, services...)
	if _, err := conn.Exec(s.t.Context(), "SELECT set_config('cmhf.role', $1, false)", role); err != nil {
		s.t.Fatal(err)
	}
	return conn
}

// claimed are two records with one NHS number: the settled one is north's, the queued one south's.
func (s *system) claimed() (settled, queued string) {
	s.t.Helper()
	settled = s.as("practitioner", "north").refer("north", person("9990000018", "Example"))["personId"].(string)
	queued = s.as("practitioner", "south").refer("south", person("9990000018", "Somebody"))["personId"].(string)
	return settled, queued
}

func (c caller) pairs() []any {
	c.s.t.Helper()
	return c.get("/v1/matching-queue").want(http.StatusOK)["items"].([]any)
}

// onlyPair is the one pair that waits, and the address of the decision about it.
func (c caller) onlyPair() (pair object, decision string) {
	c.s.t.Helper()
	pairs := c.pairs()
	if len(pairs) != 1 {
		c.s.t.Fatalf("%d pairs wait, want one: %v", len(pairs), pairs)
	}
	pair = pairs[0].(object)
	return pair, "/v1/matching-queue/" + pair["id"].(string) + "/decision"
}

func TestSamePersonIsMerged(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south, officer := s.as("practitioner", "north"), s.as("practitioner", "south"), s.officer()
	settled, queued := s.claimed()
	south.get("/v1/people/"+settled).refused(http.StatusNotFound, "not-found")

	pair, decision := officer.onlyPair()
	if pair["why"] != "DetailsDiffer" || pair["person"].(object)["id"] != queued || pair["candidate"].(object)["familyName"] != "Example" {
		t.Fatalf("the pair: %v", pair)
	}
	if differing := pair["differing"].([]any); !slices.Equal(differing, []any{"familyName"}) {
		t.Errorf("differing: %v", differing)
	}
	if n := s.count("SELECT count(DISTINCT person_id) FROM audit_events WHERE operation = 'listMatchingQueue' AND role = 'records-officer' AND purpose = 'records-management' AND person_id IN ($1, $2)", settled, queued); n != 2 {
		t.Errorf("%d of the two people are in the audit trail of the queue", n)
	}

	id := uuid.NewString()
	if decided := officer.do(http.MethodPost, decision, object{"decision": "SamePerson"}, "X-Request-ID", id).want(http.StatusCreated); decided["decision"] != "SamePerson" {
		t.Errorf("decided: %v", decided)
	}
	if n := s.count("SELECT count(DISTINCT person_id) FROM audit_events WHERE request_id = $1 AND outcome = 'Done'", id); n != 2 {
		t.Errorf("%d people are in the audit trail of the merge", n)
	}
	officer.post(decision, object{"decision": "DifferentPeople"}).refused(http.StatusConflict, "state-conflict")
	if waiting := officer.pairs(); len(waiting) != 0 {
		t.Errorf("still waiting: %v", waiting)
	}
	// Whoever asks for either record gets the canonical one, and whoever saw one sees it.
	for _, c := range []caller{north, south} {
		for _, id := range []string{settled, queued} {
			p := c.get("/v1/people/" + id).want(http.StatusOK)
			if merged, _ := p["mergedFrom"].([]any); p["id"] != settled || !slices.Equal(merged, []any{queued}) {
				t.Errorf("%s reads as %v", id, p)
			}
		}
		if found := c.post("/v1/people/search", object{"nhsNumber": "9990000018"}).want(http.StatusOK)["items"].([]any); len(found) != 1 {
			t.Errorf("the search finds %v", found)
		}
		if log := c.get("/v1/people/" + queued + "/access-log?limit=200").want(http.StatusOK)["items"].([]any); len(log) < 4 {
			t.Errorf("the access log has not both records: %v", log)
		}
	}
	// Rows keep their ids and their person, and referrals with either's details go to the canonical record.
	if r := s.count("SELECT count(*) FROM referrals WHERE person_id = $1", queued); r != 1 {
		t.Errorf("the merged record has %d referrals, want its own", r)
	}
	for _, family := range []string{"Example", "Somebody"} {
		if again := south.refer("south", person("9990000018", family)); again["personId"] != settled {
			t.Errorf("%s is referred as %v", family, again["personId"])
		}
	}
}

// Two people with one number: one loses it, the other has it alone, and whoever else claims it is compared with that one.
func TestDifferentPeople(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south, officer := s.as("practitioner", "north"), s.as("practitioner", "south"), s.officer()
	settled, queued := s.claimed()
	_, decision := officer.onlyPair()
	third := south.refer("south", person("9990000018", "Third"))["personId"].(string)

	for name, test := range map[string]struct {
		body     object
		location string
	}{
		"from whom":                {object{"decision": "DifferentPeople"}, "body.nhsNumberTakenFrom"},
		"from a third":             {object{"decision": "DifferentPeople", "nhsNumberTakenFrom": third, "nhsNumberAbsentReason": "NotKnownYet"}, "body.nhsNumberTakenFrom"},
		"without a reason":         {object{"decision": "DifferentPeople", "nhsNumberTakenFrom": settled}, "body.nhsNumberAbsentReason"},
		"a reason alone":           {object{"decision": "DifferentPeople", "nhsNumberAbsentReason": "NotKnownYet"}, "body.nhsNumberTakenFrom"},
		"unknown reason":           {object{"decision": "DifferentPeople", "nhsNumberTakenFrom": settled, "nhsNumberAbsentReason": "9434765919"}, "body.nhsNumberAbsentReason"},
		"different, but canonical": {object{"decision": "DifferentPeople", "canonicalId": settled}, "body.canonicalId"},
		"same, but a number less":  {object{"decision": "SamePerson", "nhsNumberTakenFrom": settled, "nhsNumberAbsentReason": "NotKnownYet"}, "body.nhsNumberTakenFrom"},
		"same as a third":          {object{"decision": "SamePerson", "canonicalId": third}, "body.canonicalId"},
		"unknown decision":         {object{"decision": "9434765919"}, "body.decision"},
		"unknown field":            {object{"decision": "SamePerson", "madeUp": "x"}, "body.…"},
		"not an id":                {object{"decision": "SamePerson", "canonicalId": "9434765919"}, "body.canonicalId"},
	} {
		a := officer.post(decision, test.body)
		body := a.refused(http.StatusUnprocessableEntity, "invalid-request")
		if fields, _ := body["errors"].([]any); len(fields) == 0 || fields[0].(object)["location"] != test.location {
			t.Errorf("%s: errors %v, want one at %s", name, fields, test.location)
		}
		if strings.Contains(a.raw, "9434765919") || strings.Contains(a.raw, third) {
			t.Errorf("%s: the answer repeats a value: %s", name, a.raw)
		}
	}
	if n := s.count("SELECT (SELECT count(*) FROM matching_queue WHERE settled_at IS NOT NULL) + (SELECT count(*) FROM people_merges)"); n != 0 {
		t.Errorf("refused decisions left %d rows", n)
	}
	officer.post("/v1/matching-queue/"+uuid.NewString()+"/decision", object{"decision": "SamePerson"}).refused(http.StatusNotFound, "not-found")

	officer.post(decision, object{"decision": "DifferentPeople", "nhsNumberTakenFrom": settled, "nhsNumberAbsentReason": "NotKnownYet"}).want(http.StatusCreated)
	if p := north.get("/v1/people/" + settled).want(http.StatusOK); p["nhsNumber"] != nil || p["nhsNumberAbsentReason"] != "NotKnownYet" {
		t.Errorf("who lost the number: %v", p)
	}
	if p := south.get("/v1/people/" + queued).want(http.StatusOK); p["nhsNumber"] != "9990000018" {
		t.Errorf("who keeps the number: %v", p)
	}
	if known := south.refer("south", person("9990000018", "Somebody")); known["personId"] != queued {
		t.Errorf("the number leads to %v", known["personId"])
	}
	pair, _ := officer.onlyPair()
	if pair["person"].(object)["id"] != third || pair["candidate"].(object)["id"] != queued {
		t.Errorf("the third is compared with %v", pair)
	}
	if n := s.count("SELECT count(*) FROM people WHERE nhs_number = '9990000018' AND matching = 'Settled'"); n != 1 {
		t.Errorf("%d settled records have the number", n)
	}
}

func TestSameDetailsWithoutANumber(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, officer := s.as("practitioner", "north"), s.officer()
	known := north.refer("north", person("9990000018", "Example"))["personId"].(string)
	unnumbered := person("", "Example")
	delete(unnumbered, "nhsNumber")
	unnumbered["nhsNumberAbsentReason"] = "NotKnownYet"
	came := north.refer("north", unnumbered)["personId"].(string)
	pair, decision := officer.onlyPair()
	if pair["why"] != "SameDetailsNoNumber" || !slices.Equal(pair["differing"].([]any), []any{"nhsNumber"}) {
		t.Errorf("pair: %v", pair)
	}
	officer.post(decision, object{"decision": "DifferentPeople", "nhsNumberTakenFrom": known, "nhsNumberAbsentReason": "Withheld"}).
		refused(http.StatusUnprocessableEntity, "invalid-request")
	officer.post(decision, object{"decision": "SamePerson", "canonicalId": came}).refused(http.StatusConflict, "merge-refused")
	officer.post(decision, object{"decision": "DifferentPeople"}).want(http.StatusCreated)
	for _, id := range []string{known, came} {
		if p := north.get("/v1/people/" + id).want(http.StatusOK); p["id"] != id {
			t.Errorf("%s reads as %v", id, p)
		}
	}
}

// The matching queue and merges are the records officer's alone, at the database too.
func TestMatchingAsAppRole(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	settled, queued := s.claimed()
	lead, officer := s.appIn("service-lead", "test-subject", "north", "south"), s.appIn("records-officer", "officer")
	merge := "INSERT INTO people_merges (id, merged_id, canonical_id, merged_by) VALUES (gen_random_uuid(), $1, $2, $3)"
	for name, test := range map[string]struct {
		conn *pgx.Conn
		sql  string
		args []any
		want string
	}{
		"merge as a lead":             {lead, merge, []any{queued, settled, "test-subject"}, "42501"},
		"merge in another's name":     {officer, merge, []any{queued, settled, "somebody"}, "42501"},
		"merge by hand":               {officer, "UPDATE people SET merged_into = $2 WHERE id = $1", []any{queued, settled}, "42501"},
		"lose the settled number":     {officer, merge, []any{settled, queued, "officer"}, "CM020"},
		"merge with itself":           {officer, merge, []any{queued, queued, "officer"}, "CM020"},
		"merge with nobody":           {officer, merge, []any{queued, uuid.NewString(), "officer"}, "CM020"},
		"share access by hand":        {officer, "INSERT INTO person_access (person_id, service_id, why, source_id, shared_from) VALUES ($1, $3, 'Referral', $2, $2)", []any{settled, queued, south}, "42501"},
		"decide without a canonical":  {officer, "UPDATE matching_queue SET decision = 'SamePerson', decided_by = 'officer'", nil, "CM022"},
		"decide in another's name":    {officer, "UPDATE matching_queue SET decision = 'DifferentPeople', decided_by = 'somebody', number_taken_from = $1, absent_reason = 'NotKnownYet'", []any{queued}, "42501"},
		"two keep one number":         {officer, "UPDATE matching_queue SET decision = 'DifferentPeople', decided_by = 'officer'", nil, "CM022"},
		"take a number for no reason": {officer, "UPDATE matching_queue SET decision = 'DifferentPeople', decided_by = 'officer', number_taken_from = $1", []any{queued}, "23514"},
		"leave it superseded":         {officer, "UPDATE matching_queue SET decision = 'Superseded', decided_by = 'officer'", nil, "42501"},
		"rewrite a pair":              {officer, "UPDATE matching_queue SET candidate_person_id = person_id", nil, "42501"},
		"delete a pair":               {officer, "DELETE FROM matching_queue", nil, "42501"},
	} {
		if _, err := test.conn.Exec(t.Context(), test.sql, test.args...); code(err) != test.want {
			t.Errorf("%s: got %v, want code %s", name, err, test.want)
		}
	}
	for name, query := range map[string]string{
		"pairs": "SELECT count(*) FROM matching_pairs(NULL, now() + interval '1 day', gen_random_uuid(), 10)", "queue": "SELECT count(pair_id) FROM matching_queue",
	} {
		var n int
		if err := lead.QueryRow(t.Context(), query).Scan(&n); err != nil || n != 0 {
			t.Errorf("a lead sees %d of the %s (%v)", n, name, err)
		}
		if err := officer.QueryRow(t.Context(), query).Scan(&n); err != nil || n != 1 {
			t.Errorf("the officer sees %d of the %s (%v)", n, name, err)
		}
	}
	if tag, err := lead.Exec(t.Context(), "UPDATE matching_queue SET decision = 'DifferentPeople', decided_by = 'test-subject' WHERE pair_id IS NOT NULL"); err != nil || tag.RowsAffected() != 0 {
		t.Errorf("a lead decides about %d pairs (%v)", tag.RowsAffected(), err)
	}
}
