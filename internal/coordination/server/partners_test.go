package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/cmhf/operator/internal/testkit/postgres"
)

func (s *system) partnerOfficer(organisation string) caller {
	s.t.Helper()
	return s.with(object{"roles": []string{"partner-officer"}, "organisation": organisation})
}

// An officer tells how far their own organisation is, and sees and changes nothing of another's.
func TestPartners(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	council, charity := s.partnerOfficer("E10000008"), s.partnerOfficer("Harbour Mind")
	step := object{"framework": "no-health-without-mental-health", "action": "local-authorities-1", "state": "Planned", "stateOn": day(-30), "dueOn": day(-1)}
	council.do(http.MethodPut, "/v1/action-progress", step).refused(http.StatusConflict, "state-conflict") // who is it?
	council.do(http.MethodPut, "/v1/organisations/own", object{"name": "Test Council", "sector": "LocalAuthority"}).want(http.StatusOK)
	if again := council.do(http.MethodPut, "/v1/organisations/own", object{"name": "Test County Council", "sector": "LocalAuthority"}).want(http.StatusOK); again["name"] != "Test County Council" || again["code"] != "E10000008" {
		t.Errorf("renamed: %v", again)
	}
	charity.do(http.MethodPut, "/v1/organisations/own", object{"name": "Harbour Mind", "sector": "Voluntary"}).want(http.StatusOK)
	if all := s.as("practitioner", "north").get("/v1/organisations").want(http.StatusOK)["items"].([]any); len(all) != 2 {
		t.Errorf("organisations: %v", all)
	}
	council.do(http.MethodPut, "/v1/action-progress", step, "If-Match", `W/"1"`).refused(http.StatusPreconditionFailed, "precondition-failed")
	told := council.do(http.MethodPut, "/v1/action-progress", step)
	if body := told.want(http.StatusOK); body["overdue"] != true || body["state"] != "Planned" {
		t.Errorf("told: %v", body)
	}
	done := object{"framework": "no-health-without-mental-health", "action": "local-authorities-1", "state": "Done", "stateOn": day(0), "evidence": "Report to the board"}
	council.do(http.MethodPut, "/v1/action-progress", done).refused(http.StatusPreconditionRequired, "precondition-required")
	changed := council.do(http.MethodPut, "/v1/action-progress", done, "If-Match", told.header.Get("ETag"))
	if body := changed.want(http.StatusOK); body["overdue"] != false || len(body["steps"].([]any)) != 2 || body["steps"].([]any)[0].(object)["state"] != "Planned" {
		t.Errorf("done: %v", body)
	}
	council.do(http.MethodPut, "/v1/action-progress", done, "If-Match", told.header.Get("ETag")).refused(http.StatusPreconditionFailed, "precondition-failed")
	charity.do(http.MethodPut, "/v1/action-progress", step).want(http.StatusOK) // its own, of the same action
	for _, c := range []caller{council, charity} {
		if items := c.get("/v1/action-progress?framework=no-health-without-mental-health").want(http.StatusOK)["items"].([]any); len(items) != 1 {
			t.Errorf("an officer sees %v", items)
		}
	}
	if items := council.get("/v1/action-progress?framework=another").want(http.StatusOK)["items"].([]any); len(items) != 0 {
		t.Errorf("of another framework: %v", items)
	}
	for _, organisation := range []string{"", "  ", strings.Repeat("x", 201)} {
		s.partnerOfficer(organisation).get("/v1/action-progress").refused(http.StatusForbidden, "organisation-missing")
		s.partnerOfficer(organisation).do(http.MethodPut, "/v1/organisations/own", object{"name": "x", "sector": "Other"}).refused(http.StatusForbidden, "organisation-missing")
	}
	// Nothing about people, whatever the token says of services.
	spy := s.with(object{"roles": []string{"partner-officer"}, "organisation": "E10000008", "services": []string{"north"}})
	for _, path := range []string{"/v1/referrals", "/v1/episodes", "/v1/feedback", "/v1/outcome-alerts"} {
		spy.get(path).refused(http.StatusForbidden, "forbidden")
	}
	s.as("service-lead", "north").get("/v1/action-progress").refused(http.StatusForbidden, "forbidden")

	app := postgres.Connect(t, s.database.AppURL)
	var n int
	if err := app.QueryRow(t.Context(), "SELECT (SELECT count(*) FROM organisations) + (SELECT count(*) FROM action_progress) + (SELECT count(*) FROM action_progress_steps)").Scan(&n); err != nil || n != 0 {
		t.Errorf("nobody sees %d rows, %v", n, err)
	}
	if _, err := app.Exec(t.Context(), "SELECT set_config('cmhf.subject', 'test-subject', false), set_config('cmhf.organisation', 'Harbour Mind', false)"); err != nil {
		t.Fatal(err)
	}
	for sql, want := range map[string]string{
		"INSERT INTO organisations (code, name, sector, changed_by) VALUES ('RT1', 'x', 'Health', 'test-subject')":                                                                                       "42501",
		"INSERT INTO action_progress (id, framework, action, organisation, state, state_on, changed_by) VALUES (gen_random_uuid(), 'f', 'a', 'E10000008', 'Planned', current_date, 'test-subject')":      "42501",
		"INSERT INTO action_progress (id, framework, action, organisation, state, state_on, changed_by) VALUES (gen_random_uuid(), 'f', 'a', 'Harbour Mind', 'Planned', current_date, 'somebody')":       "42501",
		"INSERT INTO action_progress (id, framework, action, organisation, state, state_on, changed_by) VALUES (gen_random_uuid(), 'f', 'a', 'Harbour Mind', 'Done', current_date, 'test-subject')":      "23514",
		"INSERT INTO action_progress (id, framework, action, organisation, state, state_on, changed_by) VALUES (gen_random_uuid(), 'f', 'a b', 'Harbour Mind', 'Planned', current_date, 'test-subject')": "23514",
		"UPDATE action_progress SET organisation = 'E10000008'": "42501",
		"DELETE FROM action_progress":                           "42501",
		"DELETE FROM action_progress_steps":                     "42501",
	} {
		if _, err := app.Exec(t.Context(), sql); code(err) != want {
			t.Errorf("%s: %v, want %s", sql, err, want)
		}
	}
	if changed, err := app.Exec(t.Context(), "UPDATE action_progress SET state = 'Planned', changed_by = 'test-subject' WHERE organisation = 'E10000008'"); err != nil || changed.RowsAffected() != 0 {
		t.Errorf("another's progress: %v, %v", changed, err)
	}
}

func TestActionProgressInput(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	officer := s.partnerOfficer("E10000008")
	officer.do(http.MethodPut, "/v1/organisations/own", object{"name": "Test Council", "sector": "LocalAuthority"}).want(http.StatusOK)
	for name, test := range map[string]struct {
		field    string
		value    any
		location string
	}{
		"no framework":          {"framework", "", "body.framework"},
		"a framework's title":   {"framework", "No Health", "body.framework"},
		"an action with spaces": {"action", "do it", "body.action"},
		"an unknown state":      {"state", "Nearly", "body.state"},
		"done without evidence": {"state", "Done", "body.evidence"},
		"no reason":             {"state", "NotApplicable", "body.evidence"},
		"tomorrow":              {"stateOn", day(1), "body.stateOn"},
		"due in the year 3000":  {"dueOn", "3000-01-01", "body.dueOn"},
		"long evidence":         {"evidence", strings.Repeat("x", 4001), "body.evidence"},
	} {
		body := object{"framework": "healthy-minds", "action": "tier-3", "state": "UnderWay", "stateOn": day(0)}
		body[test.field] = test.value
		t.Log(name)
		wantField(t, officer.do(http.MethodPut, "/v1/action-progress", body).refused(http.StatusUnprocessableEntity, "invalid-request"), test.location)
	}
	wantField(t, officer.do(http.MethodPut, "/v1/organisations/own", object{"name": "x", "sector": "Church"}).refused(http.StatusUnprocessableEntity, "invalid-request"), "body.sector")
	if n := s.count("SELECT count(*) FROM action_progress"); n != 0 {
		t.Errorf("refused requests left %d rows", n)
	}
}
