package server_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"

	"github.com/cmhf/operator/internal/testkit/postgres"
)

func (c caller) openAlerts(query string) []any {
	c.s.t.Helper()
	return c.get("/v1/outcome-alerts" + query).want(http.StatusOK)["items"].([]any)
}

// Rule 8: an answer that suggests risk alerts on save, and the alert stays until somebody has said what they did.
func TestRiskRaisesAnAlert(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	caller, other := s.as("practitioner", "north"), s.as("practitioner", "south")
	episode := caller.accepted("north", person("9990000018", "Example"))
	path := outcomesOf(episode)
	caller.post(path, dialog(day(0), 1, 1, 1, 1, 1, 1, 1, 3)).want(http.StatusCreated)
	caller.post(path, one("ReQoL-10", day(0), 0, 0)).want(http.StatusCreated)
	if open := caller.openAlerts(""); len(open) != 0 {
		t.Fatalf("low scores that say nothing of safety raise %v", open)
	}
	unsafe := caller.post(path, one("DIALOG", day(0), 8, 2)).want(http.StatusCreated)
	told := one("ReQoL-10", day(0), 0, 30)
	told["suggestsRisk"] = true
	said := caller.post(path, told, "Idempotency-Key", "risk").want(http.StatusCreated)
	caller.post(path, told, "Idempotency-Key", "risk").want(http.StatusCreated)
	if unsafe["suggestsRisk"] != true || said["suggestsRisk"] != true {
		t.Errorf("the answers do not say so: %v, %v", unsafe, said)
	}
	open := caller.openAlerts("")
	if len(open) != 2 {
		t.Fatalf("%d alerts, want one for each answer", len(open))
	}
	alert := open[0].(object)
	if alert["assessmentId"] != said["id"] || alert["service"] != "north" || alert["overdue"] != false || alert["dueOn"].(string) <= day(0) || alert["kind"] != "OutcomeSuggestsRisk" {
		t.Errorf("alert: %v", alert)
	}
	if hidden := other.openAlerts(""); len(hidden) != 0 {
		t.Errorf("another service sees %v", hidden)
	}
	id := alert["id"].(string)
	acknowledge := "/v1/outcome-alerts/" + id + "/acknowledgement"
	other.post(acknowledge, object{"response": "NoRiskFound"}).refused(http.StatusNotFound, "not-found")
	wantField(t, caller.post(acknowledge, object{"response": "Ignored"}).refused(http.StatusUnprocessableEntity, "invalid-request"), "body.response")
	caller.post(acknowledge, object{}).refused(http.StatusUnprocessableEntity, "invalid-request")
	s.byOwner("UPDATE alerts_for_staff SET due_on = $2::date WHERE id = $1", id, day(-1))
	if overdue := caller.openAlerts("?service=north")[0].(object); overdue["overdue"] != true {
		t.Errorf("past its day: %v", overdue)
	}
	if done := caller.post(acknowledge, object{"response": "SpokeWithPerson"}).want(http.StatusCreated); done["acknowledgedBy"] != testSubject || done["response"] != "SpokeWithPerson" || done["overdue"] != false {
		t.Errorf("acknowledged: %v", done)
	}
	caller.post(acknowledge, object{"response": "NoRiskFound"}).refused(http.StatusConflict, "state-conflict")
	if open := caller.openAlerts(""); len(open) != 1 || open[0].(object)["assessmentId"] != unsafe["id"] {
		t.Errorf("after one was acknowledged: %v", open)
	}
	if done := caller.openAlerts("?state=Acknowledged"); len(done) != 1 || done[0].(object)["id"] != id {
		t.Errorf("acknowledged ones: %v", done)
	}
	if mine := caller.openAlerts("?mine=true"); len(mine) != 0 {
		t.Errorf("nobody is key worker, and these are theirs: %v", mine)
	}
	if n := s.count("SELECT count(*) FROM audit_events WHERE operation = 'acknowledgeOutcomeAlert' AND person_id = $1", episode["personId"]); n < 3 {
		t.Errorf("%d rows in the audit trail", n)
	}
}

// Written past the API, an unsafe score still alerts; and nobody can answer in another's name, twice or for another service.
func TestAlertsInSQL(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	caller := s.as("practitioner", "north")
	episode := caller.accepted("north", person("9990000018", "Example"))
	app := s.app("test-subject", "north")
	id := uuid.NewString()
	_, err := app.Exec(t.Context(), `BEGIN;
		INSERT INTO outcome_assessments (id, person_id, episode_id, service_id, tool, answered_on, risk_flag, recorded_by)
		VALUES ('`+id+`', '`+episode["personId"].(string)+`', '`+episode["id"].(string)+`', '`+north.String()+`', 'DIALOG', current_date, false, 'test-subject');
		INSERT INTO outcome_scores (id, assessment_id, item, score) VALUES (gen_random_uuid(), '`+id+`', 8, 1);
		COMMIT`)
	if err != nil {
		t.Fatal(err)
	}
	if n := s.count("SELECT count(*) FROM alerts_for_staff a JOIN outcome_assessments o ON o.id = a.assessment_id WHERE o.id = $1 AND o.risk_flag AND a.service_id = $2", id, north); n != 1 {
		t.Fatalf("%d alerts", n)
	}
	for name, test := range map[string]struct{ set, want string }{
		"in another's name": {"acknowledged_by = 'somebody', response = 'NoRiskFound'", "42501"},
		"without an answer": {"acknowledged_by = 'test-subject'", "23514"},
		"another answer":    {"acknowledged_by = 'test-subject', response = 'Ignored'", "23514"},
		"an earlier time":   {"acknowledged_by = 'test-subject', response = 'NoRiskFound', acknowledged_at = '2000-01-01'", "42501"},
	} {
		if _, err := app.Exec(t.Context(), "UPDATE alerts_for_staff SET "+test.set); code(err) != test.want {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
	const answer = "UPDATE alerts_for_staff SET acknowledged_by = 'test-subject', response = 'ReviewedInTeam'"
	if done, err := s.app("test-subject", "south").Exec(t.Context(), answer); err != nil || done.RowsAffected() != 0 {
		t.Errorf("another service answers: %v, %v", done, err)
	}
	if done, err := app.Exec(t.Context(), answer); err != nil || done.RowsAffected() != 1 {
		t.Errorf("the service answers: %v, %v", done, err)
	}
	if _, err := app.Exec(t.Context(), answer); code(err) != "CM061" {
		t.Errorf("a second answer: %v", err)
	}
}

// An alert is never lost: not when the answer was in error, not when access to the person ends, not when another service takes over.
func TestAlertsAreNeverLost(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	caller, other := s.as("practitioner", "north"), s.as("practitioner", "south")
	episode := caller.accepted("north", person("9990000018", "Example"))
	saved := caller.post(outcomesOf(episode), one("DIALOG", day(0), 8, 1))
	mark := "/v1/outcome-assessments/" + saved.want(http.StatusCreated)["id"].(string) + "/entered-in-error"
	caller.post(mark, nil, "If-Match", saved.header.Get("ETag")).want(http.StatusOK)
	if open := caller.openAlerts(""); len(open) != 1 || open[0].(object)["enteredInError"] != true {
		t.Errorf("the answer was in error: %v", open)
	}
	s.byOwner("UPDATE person_access SET until = now() - interval '1 day' WHERE source_id IN (SELECT id FROM episodes UNION SELECT id FROM referrals)")
	open := caller.openAlerts("")
	if len(open) != 1 {
		t.Fatalf("long after the closure: %v", open)
	}
	caller.get("/v1/people/" + episode["personId"].(string)).want(http.StatusOK)
	other.post(caller.offer(episode["id"], to("south", handover("Sideways", "Routine")))+"/acceptance", nil).want(http.StatusCreated)
	if left, taken := caller.openAlerts(""), other.openAlerts(""); len(left) != 0 || len(taken) != 1 {
		t.Fatalf("another service took over: %v and %v", left, taken)
	}
	other.get("/v1/people/" + episode["personId"].(string)).want(http.StatusOK)
	other.post("/v1/outcome-alerts/"+open[0].(object)["id"].(string)+"/acknowledgement", object{"response": "PassedToCrisisService"}).want(http.StatusCreated)
	if n := s.count("SELECT count(*) FROM person_access a JOIN alerts_for_staff f ON f.id = a.source_id WHERE a.until IS NULL"); n != 0 {
		t.Errorf("%d answered alerts still give access without end", n)
	}
}

// The next working day in England, bank holidays and what stands in for them included.
func TestAlertDeadline(t *testing.T) {
	t.Parallel()
	conn := postgres.Connect(t, start(t).database.OwnerURL)
	for from, want := range map[string]string{
		"2026-11-23": "2026-11-24", // Monday
		"2026-11-27": "2026-11-30", // Friday
		"2026-11-28": "2026-11-30", // Saturday
		"2026-12-24": "2026-12-29", // Boxing Day is a Saturday: Monday stands in
		"2021-12-24": "2021-12-29", // Christmas Day is a Saturday: Monday and Tuesday stand in
		"2022-12-23": "2022-12-28", // Christmas Day is a Sunday: Boxing Day and Tuesday
		"2026-12-31": "2027-01-04", // Friday, then the weekend
		"2021-12-31": "2022-01-04", // New Year's Day is a Saturday
		"2022-12-30": "2023-01-03", // New Year's Day is a Sunday
		"2026-04-02": "2026-04-07", // Easter is 5 April
		"2024-03-28": "2024-04-02", // Easter is 31 March
		"2025-04-17": "2025-04-22", // Easter is 20 April
		"2026-05-01": "2026-05-05", // first Monday in May
		"2026-05-22": "2026-05-26", // last Monday in May
		"2026-08-28": "2026-09-01", // last Monday in August
		"2026-05-15": "2026-05-18", // a Monday between
	} {
		var got string
		if err := conn.QueryRow(t.Context(), "SELECT alert_deadline($1::date)::text", from).Scan(&got); err != nil || got != want {
			t.Errorf("after %s: %s, want %s (%v)", from, got, want, err)
		}
	}
}
