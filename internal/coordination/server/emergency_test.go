package server_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

func emergency(nhsNumber, birthDate string) object {
	return object{"nhsNumber": nhsNumber, "birthDate": birthDate, "service": "south", "reason": "Found on a bridge, needs the safety plan"}
}

func TestEmergencyAccess(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	south, lead := s.as("practitioner", "south"), s.with(object{"roles": []string{"service-lead"}, "services": []string{"south"}, "sub": "the-lead"})
	id := s.as("practitioner", "north").accepted("north", person("9990000018", "Example"))["personId"].(string)
	path := "/v1/people/" + id
	south.get(path).refused(http.StatusNotFound, "not-found")

	// Whatever is wrong, the answer is the same.
	wrongDay := south.post("/v1/people/emergency-access", emergency("9990000018", "1984-02-28")).refused(http.StatusNotFound, "not-found")
	nobody := south.post("/v1/people/emergency-access", emergency("9990000026", "1984-02-29")).refused(http.StatusNotFound, "not-found")
	delete(wrongDay, "instance")
	delete(nobody, "instance")
	if !maps.EqualFunc(wrongDay, nobody, func(a, b any) bool { return a == b }) {
		t.Errorf("a wrong birth date answers %v, an unknown number %v", wrongDay, nobody)
	}
	if n := s.count("SELECT count(*) FROM audit_events WHERE operation = 'grantEmergencyAccess' AND outcome = 'Refused' AND problem = 'not-found'"); n != 2 {
		t.Errorf("%d refusals are in the audit trail, want 2", n)
	}

	request := uuid.NewString()
	granted := south.do(http.MethodPost, "/v1/people/emergency-access", emergency("999 000 0018", "1984-02-29"), "X-Request-ID", request).want(http.StatusCreated)
	if granted["personId"] != id || granted["reviewDueOn"].(string) <= day(0) {
		t.Fatalf("granted: %v", granted)
	}
	if n := s.count("SELECT count(*) FROM audit_events WHERE request_id = $1 AND outcome = 'Done' AND person_id = $2 AND resource_id = $3", request, id, granted["id"]); n != 1 {
		t.Errorf("%d rows are in the person's access log", n)
	}
	if n := s.count("SELECT count(*) FROM person_access WHERE source_id = $1 AND why = 'Emergency' AND until BETWEEN now() + interval '7 hours' AND now() + interval '8 hours'", granted["id"]); n != 1 {
		t.Error("the access does not last eight hours")
	}
	if p := south.get(path).want(http.StatusOK); p["familyName"] != "Example" {
		t.Errorf("person: %v", p)
	}
	s.as("practitioner", "north").post("/v1/people/emergency-access", object{"nhsNumber": "9990000018", "birthDate": "1984-02-29", "service": "north", "reason": "x"}).
		refused(http.StatusConflict, "state-conflict")

	// The review: by somebody else of the service, or a records officer.
	reviews := func(c caller, query string) []any {
		t.Helper()
		return c.get("/v1/emergency-access/reviews" + query).want(http.StatusOK)["items"].([]any)
	}
	if items := reviews(lead, "?state=Waiting"); len(items) != 1 || items[0].(object)["reason"] != emergency("", "")["reason"] || items[0].(object)["overdue"] != false {
		t.Fatalf("the lead's reviews: %v", items)
	}
	if items := reviews(s.as("service-lead", "north"), ""); len(items) != 0 {
		t.Errorf("another service's lead reviews %v", items)
	}
	for _, c := range []caller{s.officer(), s.as("auditor")} {
		if len(reviews(c, "")) != 1 || len(reviews(c, "?state=Overdue")) != 0 {
			t.Error("the queue of all services lacks it, or has it as overdue")
		}
	}
	s.count("WITH aged AS (UPDATE emergency_accesses SET review_due = $1 WHERE id = $2 RETURNING 1) SELECT count(*) FROM aged", day(-1), granted["id"])
	if items := reviews(lead, "?state=Overdue"); len(items) != 1 || items[0].(object)["overdue"] != true {
		t.Errorf("overdue: %v", items)
	}
	review := "/v1/emergency-access/" + granted["id"].(string) + "/review"
	s.as("service-lead", "north").post(review, object{"outcome": "Justified"}).refused(http.StatusNotFound, "not-found")
	s.as("service-lead", "south").post(review, object{"outcome": "Justified"}).refused(http.StatusConflict, "state-conflict") // the same subject
	lead.post(review, object{"outcome": "9434765919"}).refused(http.StatusUnprocessableEntity, "invalid-request")
	if u := lead.post(review, object{"outcome": "NotJustified"}).want(http.StatusCreated); u["outcome"] != "NotJustified" || u["reviewedBy"] != "the-lead" || u["overdue"] != false {
		t.Errorf("reviewed: %v", u)
	}
	lead.post(review, object{"outcome": "Justified"}).refused(http.StatusConflict, "state-conflict")
	if len(reviews(lead, "?state=Waiting")) != 0 || len(reviews(lead, "?state=Reviewed")) != 1 {
		t.Error("the reviewed one is not where it belongs")
	}
	south.get(path).refused(http.StatusNotFound, "not-found") // it ended with the review

	// It ends by itself, too.
	again := south.post("/v1/people/emergency-access", emergency("9990000018", "1984-02-29")).want(http.StatusCreated)
	south.get(path).want(http.StatusOK)
	s.count("WITH aged AS (UPDATE person_access SET until = now() WHERE source_id = $1 RETURNING 1) SELECT count(*) FROM aged", again["id"])
	south.get(path).refused(http.StatusNotFound, "not-found")
}

func TestBadEmergencyAccess(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	south := s.as("practitioner", "south")
	with := func(name string, value any) object {
		o := emergency("9990000018", "1984-02-29")
		o[name] = value
		return o
	}
	for name, test := range map[string]struct {
		body     object
		location string
	}{
		"wrong check digit": {with("nhsNumber", "9434765918"), "body.nhsNumber"},
		"no such day":       {with("birthDate", "2026-02-30"), "body.birthDate"},
		"year 0":            {with("birthDate", "0000-01-01"), "body.birthDate"},
		"another's service": {with("service", "north"), "body.service"},
		"unknown service":   {with("service", "9434765918"), "body.service"},
		"no service":        {with("service", ""), "body.service"},
		"blank reason":      {with("reason", "  "), "body.reason"},
		"long reason":       {with("reason", strings.Repeat("x", 1001)), "body.reason"},
		"for ever":          {with("hours", 25), "body.hours"},
		"unknown field":     {with("nickname", "9434765918"), "body.…"},
	} {
		a := south.post("/v1/people/emergency-access", test.body)
		body := a.refused(http.StatusUnprocessableEntity, "invalid-request")
		if fields, _ := body["errors"].([]any); !slices.ContainsFunc(fields, func(f any) bool { return f.(object)["location"] == test.location }) {
			t.Errorf("%s: errors %v, want one at %s", name, fields, test.location)
		}
		if strings.Contains(a.raw, "9434765918") {
			t.Errorf("%s: the answer repeats the value: %s", name, a.raw)
		}
	}
	if n := s.count("SELECT (SELECT count(*) FROM emergency_accesses) + (SELECT count(*) FROM person_access)"); n != 0 {
		t.Errorf("refused requests left %d rows", n)
	}
}

func TestEmergencyAccessAsAppRole(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	id := s.as("practitioner", "north").refer("north", person("9990000018", "Example"))["personId"]
	granted := s.as("practitioner", "south").post("/v1/people/emergency-access", emergency("9990000018", "1984-02-29")).want(http.StatusCreated)
	practitioner, lead, auditor := s.appIn("practitioner", "test-subject", "south"), s.appIn("service-lead", testSubject, "south"), s.appIn("auditor", "test-subject", "south")
	grant := "SELECT * FROM grant_emergency_access(gen_random_uuid(), '9990000018', '1984-02-29', $1, 'x', 8)"
	for name, test := range map[string]struct {
		conn *pgx.Conn
		sql  string
		args []any
		want string
	}{
		"for another service":      {practitioner, grant, []any{north}, "42501"},
		"as an auditor":            {auditor, grant, []any{south}, "42501"},
		"without a role":           {s.app("test-subject", "south"), grant, []any{south}, "42501"},
		"as nobody":                {s.app(""), grant, []any{south}, "42501"},
		"for a year":               {practitioner, strings.Replace(grant, "8)", "8760)", 1), []any{south}, "23514"},
		"without a reason":         {practitioner, strings.Replace(grant, "'x'", "' '", 1), []any{south}, "23514"},
		"by hand":                  {practitioner, "INSERT INTO person_access (person_id, service_id, why, source_id) VALUES ($1, $2, 'Emergency', $1)", []any{id, south}, "42501"},
		"without the access":       {practitioner, "INSERT INTO emergency_accesses (id, person_id, service_id, reason, granted_to, until, review_due) VALUES (gen_random_uuid(), $1, $2, 'x', 'x', now(), current_date)", []any{id, south}, "42501"},
		"review oneself":           {lead, "UPDATE emergency_accesses SET outcome = 'Justified', reviewed_by = $1", []any{testSubject}, "23514"},
		"review in another's name": {lead, "UPDATE emergency_accesses SET outcome = 'Justified', reviewed_by = 'somebody'", nil, "42501"},
		"move the deadline":        {lead, "UPDATE emergency_accesses SET review_due = current_date + 99", nil, "42501"},
		"delete a use":             {lead, "DELETE FROM emergency_accesses", nil, "42501"},
	} {
		if _, err := test.conn.Exec(t.Context(), test.sql, test.args...); code(err) != test.want {
			t.Errorf("%s: got %v, want code %s", name, err, test.want)
		}
	}
	for name, conn := range map[string]*pgx.Conn{"practitioner": practitioner, "auditor": auditor, "another lead": s.appIn("service-lead", "test-subject", "north")} {
		if tag, err := conn.Exec(t.Context(), "UPDATE emergency_accesses SET outcome = 'Justified', reviewed_by = 'test-subject'"); err != nil || tag.RowsAffected() != 0 {
			t.Errorf("the %s reviews %d uses (%v)", name, tag.RowsAffected(), err)
		}
	}
	if n := s.count("SELECT count(*) FROM emergency_accesses WHERE id = $1 AND outcome IS NULL", granted["id"]); n != 1 {
		t.Error("the use was changed")
	}
}

// Two working days, by the days of a week.
func TestReviewIsDueOnTheSecondWorkingDay(t *testing.T) {
	t.Parallel()
	s := start(t)
	for day, want := range map[string]string{
		"2026-11-23": "2026-11-25", "2026-11-24": "2026-11-26", "2026-11-25": "2026-11-27", "2026-11-26": "2026-11-30",
		"2026-11-27": "2026-12-01", "2026-11-28": "2026-12-01", "2026-11-29": "2026-12-01",
	} {
		if n := s.count("SELECT count(*) WHERE second_working_day($1) = $2", day, want); n != 1 {
			t.Errorf("after %s it is not %s", day, want)
		}
	}
}

// An auditor reads who used anybody's record, without seeing the record.
func TestAuditorReadsAccessLogsOfAnyone(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	auditor := s.with(object{"roles": []string{"auditor"}, "sub": "the-auditor"})
	id := s.as("practitioner", "north").refer("north", person("9990000018", "Example"))["personId"].(string)
	if items := auditor.get("/v1/people/" + id + "/access-log").want(http.StatusOK)["items"].([]any); len(items) != 1 || items[0].(object)["operation"] != "createReferral" {
		t.Errorf("access log: %v", items)
	}
	auditor.get("/v1/people/"+uuid.NewString()+"/access-log").refused(http.StatusNotFound, "not-found")
	auditor.get("/v1/people/"+id).refused(http.StatusForbidden, "forbidden")
	if n := s.count("SELECT count(*) FROM audit_events WHERE person_id = $1 AND subject = 'the-auditor' AND role = 'auditor' AND purpose = 'audit' AND outcome = 'Done'", id); n != 1 {
		t.Errorf("%d uses by the auditor are in the log", n)
	}
	app := s.appIn("auditor", "the-auditor")
	var n int
	if err := app.QueryRow(t.Context(), "SELECT (SELECT count(*) FROM people) + (SELECT count(*) FROM referrals) + (SELECT count(*) FROM person_access)").Scan(&n); err != nil || n != 0 {
		t.Errorf("an auditor sees %d rows of records (%v)", n, err)
	}
}
