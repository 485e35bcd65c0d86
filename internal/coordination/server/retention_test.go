package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

func (s *system) disposer(subject string) caller {
	s.t.Helper()
	return s.with(object{"roles": []string{"disposal-officer"}, "sub": subject})
}

// longDead is a person with all kinds of parts in their record, who died more than ten years ago, and another record merged into theirs.
func (s *system) longDead() (id, merged string) {
	s.t.Helper()
	id, merged = s.merged()
	north := s.as("practitioner", "north")
	episode := north.accepted("north", person("9990000018", "Example"))
	north.do(http.MethodPut, "/v1/people/"+id+"/legal-duties", object{"open": []string{"ConditionalDischarge"}}).want(http.StatusOK)
	north.post("/v1/episodes/"+episode["id"].(string)+"/reaching-steps", object{"kind": "RiskReview", "on": day(0)}).want(http.StatusCreated)
	twice := north.refer("north", person("9990000018", "Example"))
	s.as("service-lead", "north").post("/v1/referrals/"+twice["id"].(string)+"/retraction", object{"reason": "RecordedTwice"}).want(http.StatusCreated)
	north.putDeath(id, object{"on": day(-3660), "source": "GP"}).want(http.StatusOK)
	return id, merged
}

func TestDisposalTakesTwoPeople(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, officer, first, second := s.as("practitioner", "north"), s.officer(), s.disposer("first"), s.disposer("second")
	id, merged := s.longDead()
	living := north.refer("north", person("9990000026", "Living"))
	people := "/v1/people/" + id
	if r := first.get("/v1/people/" + merged + "/retention").want(http.StatusOK); r["personId"] != id || r["basis"] != "Death" || r["legalHold"] != false {
		t.Errorf("retention: %v", r)
	}
	if r := first.get("/v1/people/" + living["personId"].(string) + "/retention").want(http.StatusOK); r["basis"] != "Open" || r["dueOn"] != nil {
		t.Errorf("retention of somebody in care: %v", r)
	}
	first.get("/v1/people/"+uuid.NewString()+"/retention").refused(http.StatusNotFound, "not-found")
	if due := first.get("/v1/disposals/due").want(http.StatusOK)["items"].([]any); len(due) != 1 || due[0].(object)["personId"] != id {
		t.Errorf("due: %v", due)
	}

	// A hold comes first, whichever record of the person it names.
	officer.do(http.MethodPut, "/v1/people/"+merged+"/legal-hold", object{"reason": "9434765919"}).refused(http.StatusUnprocessableEntity, "invalid-request")
	officer.do(http.MethodPut, "/v1/people/"+uuid.NewString()+"/legal-hold", object{"reason": "Inquest"}).refused(http.StatusNotFound, "not-found")
	for range 2 {
		if r := officer.do(http.MethodPut, "/v1/people/"+merged+"/legal-hold", object{"reason": "Inquest"}).want(http.StatusOK); r["legalHold"] != true {
			t.Errorf("held: %v", r)
		}
	}
	first.post(people+"/disposal", nil).refused(http.StatusConflict, "state-conflict")
	if due := first.get("/v1/disposals/due").want(http.StatusOK)["items"].([]any); len(due) != 0 {
		t.Errorf("due under a hold: %v", due)
	}
	officer.do(http.MethodDelete, people+"/legal-hold", nil).want(http.StatusOK)
	officer.do(http.MethodDelete, people+"/legal-hold", nil).refused(http.StatusConflict, "state-conflict")

	first.post("/v1/people/"+living["personId"].(string)+"/disposal", nil).refused(http.StatusConflict, "state-conflict")
	first.post("/v1/people/"+uuid.NewString()+"/disposal", nil).refused(http.StatusNotFound, "not-found")
	disposal := first.post("/v1/people/"+merged+"/disposal", nil).want(http.StatusCreated)
	if disposal["personId"] != id || disposal["requestedBy"] != "first" || len(disposal["recordIds"].([]any)) != 2 {
		t.Errorf("disposal: %v", disposal)
	}
	second.post(people+"/disposal", nil).refused(http.StatusConflict, "state-conflict")
	confirmation := "/v1/disposals/" + disposal["id"].(string) + "/confirmation"
	first.post(confirmation, nil).refused(http.StatusConflict, "state-conflict")
	// Between the two, everything is as it was; and a hold still stops it.
	north.get(people).want(http.StatusOK)
	officer.do(http.MethodPut, people+"/legal-hold", object{"reason": "Complaint"}).want(http.StatusOK)
	second.post(confirmation, nil).refused(http.StatusConflict, "state-conflict")
	officer.do(http.MethodDelete, people+"/legal-hold", nil).want(http.StatusOK)

	trail := s.count("SELECT count(*) FROM audit_events WHERE person_id IN ($1, $2)", id, merged)
	if d := second.post(confirmation, nil).want(http.StatusCreated); d["confirmedBy"] != "second" {
		t.Errorf("confirmed: %v", d)
	}
	second.post(confirmation, nil).refused(http.StatusConflict, "state-conflict")
	north.get(people).refused(http.StatusNotFound, "not-found")
	if after := s.count("SELECT count(*) FROM audit_events WHERE person_id IN ($1, $2)", id, merged); after < trail {
		t.Errorf("%d rows of the audit trail are left of %d", after, trail)
	}
	if log := s.as("auditor").get(people + "/access-log").want(http.StatusOK)["items"].([]any); len(log) == 0 {
		t.Error("the trail of the record that is gone is not readable")
	}
	// Of the person nothing is left in any table but the trail, the news that it is gone and the queue of waits to be measured (ids only), and the disposal, and nobody else lost
	// anything.
	for _, table := range s.tables("audit_events", "changes", "dirty_people", "disposals", "idempotency_keys") {
		if n := s.count("SELECT count(*) FROM "+table+" x WHERE to_jsonb(x)::text LIKE '%' || $1 || '%' OR to_jsonb(x)::text LIKE '%' || $2 || '%'", id, merged); n != 0 {
			t.Errorf("%s has %d rows of the person", table, n)
		}
	}
	north.get("/v1/referrals/" + living["id"].(string)).want(http.StatusOK)
	if list := s.as("auditor").get("/v1/disposals").want(http.StatusOK)["items"].([]any); len(list) != 1 {
		t.Errorf("disposals: %v", list)
	}
}

// tables are all of the schema but some.
func (s *system) tables(without ...string) []string {
	s.t.Helper()
	rows, err := s.owner().Query(s.t.Context(), "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> ALL ($1)", without)
	if err != nil {
		s.t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(names) < 10 {
		s.t.Fatalf("tables: %v (%v)", names, err)
	}
	return names
}

// Without a death, time counts from the last treatment.
func TestRetentionCountsFromTheLastTreatment(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, disposer := s.as("practitioner", "north"), s.disposer("first")
	episode := north.accepted("north", person("9990000018", "Example"))
	id := episode["personId"].(string)
	north.post("/v1/episodes/"+episode["id"].(string)+"/closure", object{"reason": "SupportElsewhere", "returnPlan": returnPlan(), "acceptance": acceptance()}).want(http.StatusCreated)
	r := disposer.get("/v1/people/" + id + "/retention").want(http.StatusOK)
	if n := s.count("SELECT count(*) WHERE ($1::date + interval '20 years')::date = $2::date", day(0), r["dueOn"]); n != 1 || r["basis"] != "LastTreatment" {
		t.Errorf("retention: %v", r)
	}
	disposer.post("/v1/people/"+id+"/disposal", nil).refused(http.StatusConflict, "state-conflict")
	if _, err := s.owner().Exec(t.Context(), `ALTER TABLE referrals DISABLE TRIGGER USER; ALTER TABLE episodes DISABLE TRIGGER USER;
		UPDATE people SET created_at = now() - interval '22 years'; UPDATE referrals SET outcome_at = now() - interval '22 years';
		UPDATE episodes SET closed_at = now() - interval '19 years'`); err != nil {
		t.Fatal(err)
	}
	disposer.post("/v1/people/"+id+"/disposal", nil).refused(http.StatusConflict, "state-conflict")
	if _, err := s.owner().Exec(t.Context(), "UPDATE episodes SET closed_at = now() - interval '21 years'"); err != nil {
		t.Fatal(err)
	}
	disposer.post("/v1/people/"+id+"/disposal", nil).want(http.StatusCreated)
}

func TestRetentionAsAppRole(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	id, _ := s.longDead()
	living := s.as("practitioner", "north").refer("north", person("9990000026", "Living"))["personId"]
	disposer, officer, lead := s.appIn("disposal-officer", "first"), s.appIn("records-officer", "officer"), s.appIn("service-lead", "test-subject", "north")
	insert := "INSERT INTO disposals (id, person_id, requested_by) VALUES (gen_random_uuid(), $1, "
	hold := "INSERT INTO legal_holds (id, person_id, reason, placed_by) VALUES (gen_random_uuid(), $1, 'Inquest', "
	tests := map[string]struct {
		conn *pgx.Conn
		sql  string
		args []any
		want string
	}{
		"somebody in care":         {disposer, insert + "'first')", []any{living}, "CM026"},
		"in another's name":        {disposer, insert + "'second')", []any{id}, "42501"},
		"as a records officer":     {officer, insert + "'officer')", []any{id}, "42501"},
		"as a lead":                {lead, insert + "'test-subject')", []any{id}, "42501"},
		"confirmed at once":        {disposer, strings.Replace(strings.Replace(insert, "requested_by", "requested_by, confirmed_by", 1), "$1,", "$1, 'second',", 1) + "'first')", []any{id}, "42501"},
		"delete by hand":           {disposer, "DELETE FROM people", nil, "42501"},
		"delete with its parts":    {disposer, "SELECT delete_with_parts('people', 'true', '{}')", nil, "42501"},
		"hold as a lead":           {lead, hold + "'test-subject')", []any{id}, "42501"},
		"hold in another's name":   {officer, hold + "'somebody')", []any{id}, "42501"},
		"delete a hold":            {officer, "DELETE FROM legal_holds", nil, "42501"},
		"delete disposals":         {disposer, "DELETE FROM disposals", nil, "42501"},
		"rewrite who asked for it": {disposer, "UPDATE disposals SET requested_by = 'second'", nil, "42501"},
	}
	for name, test := range tests {
		if _, err := test.conn.Exec(t.Context(), test.sql, test.args...); code(err) != test.want {
			t.Errorf("%s: got %v, want code %s", name, err, test.want)
		}
	}
	if _, err := disposer.Exec(t.Context(), insert+"'first')", id); err != nil {
		t.Fatal(err)
	}
	if _, err := disposer.Exec(t.Context(), "UPDATE disposals SET confirmed_by = 'first'"); code(err) != "CM026" {
		t.Errorf("confirmed by the one who asked: %v", err)
	}
	if _, err := disposer.Exec(t.Context(), "UPDATE disposals SET confirmed_by = 'second'"); code(err) != "42501" {
		t.Errorf("confirmed in another's name: %v", err)
	}
	if n := s.count("SELECT count(*) FROM people"); n != 3 {
		t.Errorf("%d people, want all three", n)
	}
	var n int
	if err := lead.QueryRow(t.Context(), "SELECT (SELECT count(*) FROM disposals) + (SELECT count(*) FROM legal_holds) + (SELECT count(*) FROM disposals_due(now(), gen_random_uuid(), 9)) + (SELECT count(*) FROM person_retention($1))", id).Scan(&n); err != nil || n != 0 {
		t.Errorf("a lead sees %d rows (%v)", n, err)
	}
}
