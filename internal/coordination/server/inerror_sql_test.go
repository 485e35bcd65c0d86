package server_test

import (
	"net/http"
	"testing"

	"github.com/jackc/pgx/v5"
)

// What a service recorded is in error when that service says so: no other one may, however it supports the person.
func TestOthersRecordsAreNotMarkedInError(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	lead, caller, colleague := s.as("service-lead", "north"), s.as("practitioner", "north"), s.as("practitioner", "south")
	who := person("9990000018", "Example")
	episode := caller.accepted("north", who)
	at := "/v1/people/" + episode["personId"].(string)
	choir := lead.post("/v1/assets", asset("Harbour choir")).want(http.StatusCreated)
	marks := map[string]string{}
	for table, made := range map[string]struct {
		path, route string
		body        object
	}{
		"outcome_assessments": {outcomesOf(episode), "outcome-assessments", dialog(day(0), 4)},
		"needs":               {at + "/needs", "needs", object{"area": "Money", "description": "Made-up", "identifiedOn": day(0)}},
		"asset_links":         {at + "/asset-links", "asset-links", object{"assetId": choir["id"], "linkedOn": day(0)}},
		"work_statuses":       {at + "/work-status", "work-statuses", object{"status": "Retired", "toldOn": day(0)}},
	} {
		marks[table] = "/v1/" + made.route + "/" + caller.post(made.path, made.body).want(http.StatusCreated)["id"].(string) + "/entered-in-error"
	}
	check := caller.post(at+"/health-checks", object{"measuredOn": day(0), "smoking": object{"status": "Never"}}).want(http.StatusCreated)
	marks["health_check_elements"] = "/v1/health-check-elements/" + check["items"].([]any)[0].(object)["id"].(string) + "/entered-in-error"
	colleague.accepted("south", who) // from now on south supports the person too
	own, other, nobody := s.app("test-subject", "north"), s.app("test-subject", "south"), s.app("test-subject")
	for table, mark := range marks {
		sql := "UPDATE " + table + " SET entered_in_error_by = 'test-subject'"
		for name, app := range map[string]*pgx.Conn{"a service that supports the person": other, "somebody of no service": nobody} {
			if done, err := app.Exec(t.Context(), sql); code(err) != "42501" && done.RowsAffected() != 0 {
				t.Errorf("%s: %s marks %d (%v)", table, name, done.RowsAffected(), err)
			}
		}
		if n := s.count("SELECT count(*) FROM " + table + " WHERE entered_in_error_at IS NOT NULL"); n != 0 {
			t.Errorf("%s: %d are marked", table, n)
		}
		colleague.post(mark, nil, "If-Match", `W/"1"`).refused(http.StatusForbidden, "not-your-service")
		if done, err := own.Exec(t.Context(), sql); err != nil || done.RowsAffected() != 1 {
			t.Errorf("%s: the service itself marks %d (%v)", table, done.RowsAffected(), err)
		}
	}
}
