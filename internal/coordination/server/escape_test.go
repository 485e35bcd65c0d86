package server_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/cmhf/operator/internal/coordination/access"
)

// A trigger function of the owner on a table of the app role would work with the owner's rights.
func TestTriggerFunctionsWorkOnTheirTablesOnly(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	hidden := s.as("practitioner", "south").accepted("south", person("9990000018", "Hidden"))
	app := s.app("test-subject", "north")
	for name, test := range map[string]struct{ table, function, insert string }{
		"see a hidden person": {"person_id uuid, service_id uuid, responsible_service_id uuid, id uuid, outcome_at timestamptz", "referral_gives_access",
			"VALUES ('" + hidden["personId"].(string) + "', '" + north.String() + "', '" + north.String() + "', gen_random_uuid(), NULL)"},
		"close another's episode": {"episode_id uuid, basis text, died_on date, death_source text, recorded_by text", "closure_recorded",
			"VALUES ('" + hidden["id"].(string) + "', 'Choice', NULL, NULL, 'x')"},
	} {
		// In this database PUBLIC may make temporary tables: a clone has not the privileges of its template.
		_, err := app.Exec(t.Context(), "CREATE TEMP TABLE "+test.function+" ("+test.table+"); CREATE TRIGGER probe AFTER INSERT ON "+test.function+
			" FOR EACH ROW EXECUTE FUNCTION "+test.function+"(); INSERT INTO "+test.function+" "+test.insert)
		if code(err) != "42501" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := s.count("SELECT (SELECT count(*) FROM person_access WHERE service_id = $1) + (SELECT count(*) FROM episodes WHERE state = 'Closed')", north); n != 0 {
		t.Error("a probe did its work")
	}
	var state *string
	if err := app.QueryRow(t.Context(), "SELECT lock_episode($1)", hidden["id"]).Scan(&state); err != nil || state != nil {
		t.Errorf("another's episode is locked: %v, %v", state, err)
	}
}

// The id of a person must not tell whether, and since when, they are known: versions 1, 6 and 7 hold a time.
func TestPersonIDsHoldNoTime(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	r := s.as("practitioner", "north").refer("north", person("9990000018", "Example"))
	if id := uuid.MustParse(r["personId"].(string)); id.Version() != 4 {
		t.Errorf("the person's id has version %d", id.Version())
	}
}

// Whoever asks in vain for a part of a person's record, or may not ask at all, is in that person's access log.
func TestRefusalsAreInTheAccessLog(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	r := north.refer("north", person("9990000018", "Example"))
	episode := north.post("/v1/referrals/"+r["id"].(string)+"/acceptance", nil).want(http.StatusCreated)
	paths := map[access.Operation]string{
		access.ReadPerson: "/v1/people/" + r["personId"].(string), access.ReadReferral: "/v1/referrals/" + r["id"].(string),
		access.ReadEpisode: "/v1/episodes/" + episode["id"].(string),
	}
	for problem, c := range map[string]caller{
		"not-found": s.as("practitioner", "south"), "forbidden": s.as("digital-lead", "north"), "purpose-missing": s.as("integration", "north"),
		"wrong-ics": s.with(object{"ics": "QU9", "roles": []string{"practitioner"}, "services": []string{"north"}}),
	} {
		for operation, path := range paths {
			if a := c.get(path); a.status != http.StatusNotFound && a.status != http.StatusForbidden {
				t.Fatalf("%s as %s: %d", operation, problem, a.status)
			}
			log := north.get(paths[access.ReadPerson] + "/access-log?limit=200").want(http.StatusOK)["items"].([]any)
			if !slices.ContainsFunc(log, func(item any) bool {
				return item.(object)["operation"] == string(operation) && item.(object)["problem"] == problem
			}) {
				t.Errorf("%s answered %s is not in the access log", operation, problem)
			}
		}
	}
	if n := s.count("SELECT count(*) FROM audit_events WHERE problem = 'wrong-ics' AND (services <> '{}' OR role <> '')"); n != 0 {
		t.Errorf("%d rows give roles or services to a caller of another ICS", n)
	}
}
