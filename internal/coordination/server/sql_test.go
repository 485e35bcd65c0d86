package server_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/cmhf/operator/internal/directory"
)

func code(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

var (
	north = directory.ServiceID("QOP", "north")
	south = directory.ServiceID("QOP", "south")
	east  = directory.ServiceID("QOP", "east")
)

// Without saying who asks, the app role sees no row of any person, on a fresh connection and on a used one.
func TestNobodySeesNothing(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	caller := s.as("practitioner", "north")
	episode := caller.accepted("north", person("9990000018", "Example"))
	caller.do(http.MethodPut, "/v1/people/"+episode["personId"].(string)+"/legal-duties", object{"open": []string{"ConditionalDischarge"}}).want(http.StatusOK)
	caller.post("/v1/episodes/"+episode["id"].(string)+"/reaching-steps", object{"kind": "RiskReview", "on": day(0)}).want(http.StatusCreated)
	caller.fillCoordination(episode)
	caller.post("/v1/episodes/"+episode["id"].(string)+"/closure", object{"reason": "SupportElsewhere", "returnPlan": returnPlan(), "acceptance": acceptance()}, "Idempotency-Key", "k").want(http.StatusCreated)
	fresh, used := s.app(""), s.app("")
	if _, err := used.Exec(t.Context(), "BEGIN; SELECT set_config('cmhf.subject', 'x', true), set_config('cmhf.services', $$"+north.String()+"$$, true); COMMIT"); err != nil {
		t.Fatal(err)
	}
	seen := s.app(testSubject, "north")
	for _, name := range []string{"people", "person_access", "referrals", "episodes", "legal_duties", "reaching_steps", "return_plans", "closures", "idempotency_keys",
		"key_workers", "team_members", "coordination_levels", "stays_elsewhere", "handovers", "safety_checks"} {
		query := "SELECT count(*) FROM (SELECT 1 FROM " + name + ") rows"
		var n int
		for state, conn := range map[string]*pgx.Conn{"fresh": fresh, "used": used} {
			if err := conn.QueryRow(t.Context(), query).Scan(&n); err != nil || n != 0 {
				t.Errorf("%s on a %s connection: %d rows, %v", name, state, n, err)
			}
		}
		if err := seen.QueryRow(t.Context(), query).Scan(&n); err != nil || n == 0 {
			t.Errorf("%s as its own caller: %d rows, %v", name, n, err)
		}
	}
}

func TestAppRoleCannotBreakTheRules(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	asNorth := s.as("practitioner", "north")
	r := asNorth.refer("north", person("9990000018", "Example"))
	other := asNorth.refer("north", person("9990000026", "Other"))
	hidden := s.as("practitioner", "south").refer("south", person("9990000034", "Hidden"))
	episode := asNorth.accepted("north", person("9990000042", "Fourth"))
	app := s.app("test-subject", "north")
	newID := uuid.NewString
	insertReferral := "INSERT INTO referrals (id, person_id, service_id, responsible_service_id, route, reason, received_on, recorded_by) VALUES ($1, $2, $3, $4, 'Self', 'x', current_date, $5)"
	insertClosure := "INSERT INTO closures (episode_id, reason, basis, recorded_by, "
	for name, test := range map[string]struct {
		sql  string
		args []any
		want string
	}{
		// Rule 1: people are made by the function only, with a valid number or a reason.
		"insert a person":            {"INSERT INTO people (id, nhs_number, family_name, given_name, birth_date) VALUES ($1, '9990000050', 'x', 'x', '2000-01-01')", []any{newID()}, "42501"},
		"wrong check digit":          {"SELECT find_or_create_person($1, '9990000019', NULL, 'x', 'x', '2000-01-01')", []any{newID()}, "23514"},
		"number and reason":          {"SELECT find_or_create_person($1, NULL, NULL, 'x', 'x', '2000-01-01')", []any{newID()}, "23514"},
		"change a person":            {"UPDATE people SET family_name = 'x' WHERE id = $1", []any{r["personId"]}, "42501"},
		"see who waits for matching": {"SELECT matching FROM people", nil, "42501"},
		"read the matching queue":    {"SELECT * FROM matching_queue", nil, "42501"},
		"grant oneself access":       {"INSERT INTO person_access (person_id, service_id, why, source_id) VALUES ($1, $2, 'Referral', $1)", []any{hidden["personId"], north}, "42501"},
		// Rule 2 and 3: one responsible service at every instant; a referral changes once, by acceptance into an episode.
		"refer a hidden person":        {insertReferral, []any{newID(), hidden["personId"], north, north, "test-subject"}, "42501"},
		"refer in another's name":      {insertReferral, []any{newID(), r["personId"], north, north, "somebody"}, "42501"},
		"refer to a closing service":   {insertReferral, []any{newID(), r["personId"], east, east, "test-subject"}, "CM001"},
		"make another service hold it": {insertReferral, []any{newID(), r["personId"], north, south, "test-subject"}, "CM002"},
		"no responsible service":       {insertReferral, []any{newID(), r["personId"], north, nil, "test-subject"}, "23502"},
		"take responsibility away":     {"UPDATE referrals SET responsible_service_id = NULL, outcome_by = 'test-subject' WHERE id = $1", []any{r["id"]}, "CM002"},
		"shift responsibility":         {"UPDATE referrals SET responsible_service_id = $2, outcome_by = 'test-subject' WHERE id = $1", []any{r["id"], south}, "CM002"},
		"accept without an episode":    {"UPDATE referrals SET state = 'Accepted', outcome_by = 'test-subject', outcome_at = now() WHERE id = $1", []any{r["id"]}, "CM002"},
		"accept into another's episode": {"UPDATE referrals SET state = 'Accepted', episode_id = $2, outcome_by = 'test-subject', outcome_at = now() WHERE id = $1",
			[]any{other["id"], episode["id"]}, "CM002"},
		"end as died without a death": {"UPDATE referrals SET state = 'Died', outcome_by = 'test-subject', outcome_at = now() WHERE id = $1", []any{r["id"]}, "CM002"},
		"reject":                      {"UPDATE referrals SET state = 'Rejected', outcome_by = 'test-subject', outcome_at = now() WHERE id = $1", []any{r["id"]}, "CM002"},
		"delete a referral":           {"DELETE FROM referrals WHERE id = $1", []any{r["id"]}, "42501"},
		"rewrite a referral":          {"UPDATE referrals SET reason = 'x' WHERE id = $1", []any{r["id"]}, "42501"},
		"episode without a referral": {"INSERT INTO episodes (id, person_id, responsible_service_id, opened_by) VALUES ($1, $2, $3, 'test-subject')",
			[]any{newID(), r["personId"], north}, "CM003"},
		"second open episode": {"INSERT INTO episodes (id, person_id, responsible_service_id, opened_by) VALUES ($1, $2, $3, 'test-subject')",
			[]any{newID(), episode["personId"], north}, "23505"},
		"episode of another service": {"INSERT INTO episodes (id, person_id, responsible_service_id, opened_by) VALUES ($1, $2, $3, 'test-subject')",
			[]any{newID(), r["personId"], south}, "42501"},
		"move an episode": {"UPDATE episodes SET responsible_service_id = $2 WHERE id = $1", []any{episode["id"], south}, "42501"},
		// Rule 4: no closure without what it needs.
		"close an episode by hand": {"UPDATE episodes SET state = 'Closed', closed_at = now() WHERE id = $1", []any{episode["id"]}, "42501"},
		"close for not attending": {insertClosure + "told_how, capacity) VALUES ($1, 'DidNotAttend', 'Choice', 'test-subject', 'x', 'HasCapacity')",
			[]any{episode["id"]}, "CM004"},
		"close without a return plan": {insertClosure + "told_how, capacity) VALUES ($1, 'PersonChose', 'Choice', 'test-subject', 'x', 'HasCapacity')",
			[]any{episode["id"]}, "CM004"},
		"close in another's name": {insertClosure + "died_on, death_source) VALUES ($1, 'Died', 'Death', 'test-subject', current_date, NULL)", []any{episode["id"]}, "23514"},
		// Rule 11: the audit trail can only grow, under one's own name.
		"read the audit trail":   {"SELECT count(*) FROM audit_events", nil, "42501"},
		"change the audit trail": {"UPDATE audit_events SET subject = 'x'", nil, "42501"},
		"delete the audit trail": {"DELETE FROM audit_events", nil, "42501"},
		"empty the audit trail":  {"TRUNCATE audit_events", nil, "42501"},
		"audit as somebody else": {"INSERT INTO audit_events (request_id, subject, client, role, services, purpose, operation, outcome) VALUES ('x', 'somebody', 'x', 'x', '{}', 'x', 'x', 'Done')", nil, "42501"},
		"choose the audit time":  {"INSERT INTO audit_events (at, request_id, subject, client, role, services, purpose, operation, outcome) VALUES ('2000-01-01', 'x', 'test-subject', 'x', 'x', '{}', 'x', 'x', 'Done')", nil, "42501"},
		"change the directory":   {"UPDATE services SET state = 'Open'", nil, "42501"},
		"change the schema":      {"ALTER TABLE people DISABLE ROW LEVEL SECURITY", nil, "42501"},
		"make a table":           {"CREATE TABLE mine (id int)", nil, "42501"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := app.Exec(t.Context(), test.sql, test.args...); code(err) != test.want {
				t.Fatalf("got %v, want code %s", err, test.want)
			}
		})
	}
}

// The closure's own constraints, with a return plan in place.
func TestClosureConstraints(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	caller := s.as("service-lead", "north")
	episode := caller.accepted("north", person("9990000018", "Example"))
	app := s.app("test-subject", "north")
	for name, test := range map[string]struct{ before, columns, values, want string }{
		"not attending":            {"", "reason, basis, told_how, capacity", "'DidNotAttend', 'Choice', 'x', 'HasCapacity'", "23514"},
		"reason without its basis": {"", "reason, basis, told_how, capacity", "'MovedAway', 'Choice', 'x', 'HasCapacity'", "23514"},
		"choice without capacity":  {"", "reason, basis, told_how, capacity", "'PersonChose', 'Choice', 'x', 'LacksCapacity'", "23514"},
		"capacity not considered":  {"", "reason, basis, told_how", "'PersonChose', 'Choice', 'x'", "23514"},
		"nobody accepted":          {"", "reason, basis", "'SupportElsewhere', 'Acceptance'", "23514"},
		"acceptance without channel": {"", "reason, basis, recorded_as, receiver_name, receiver_organisation, agreed_on",
			"'SupportElsewhere', 'Acceptance', 'OnBehalf', 'x', 'x', current_date", "23514"},
		"receiver is not the caller": {"", "reason, basis, recorded_as, receiver_service_id, receiver_name, receiver_organisation, agreed_on",
			"'SupportElsewhere', 'Acceptance', 'Receiver', '" + south.String() + "', 'x', 'x', current_date", "CM004"},
		"choice under a legal duty": {"INSERT INTO legal_duties (id, person_id, kind, recorded_by) VALUES (gen_random_uuid(), '" + episode["personId"].(string) + "', 'Section117Aftercare', 'test-subject')",
			"reason, basis, told_how, capacity", "'PersonChose', 'Choice', 'x', 'HasCapacity'", "CM004"},
		"not engaging without steps": {"", "reason, basis, receiver_name, receiver_organisation, agreed_on, signed_off_by", "'NotEngaging', 'Holder', 'x', 'x', current_date, 'x'", "CM004"},
		"not engaging without sign-off": {`INSERT INTO reaching_steps (id, episode_id, kind, channel, happened_on, recorded_by)
			SELECT gen_random_uuid(), '` + episode["id"].(string) + `', kind, channel, current_date, 'test-subject'
			FROM (VALUES ('Attempt', 'Phone'), ('Attempt', 'Letter'), ('GPContacted', NULL), ('RiskReview', NULL)) v (kind, channel)`,
			"reason, basis, receiver_name, receiver_organisation, agreed_on", "'NotEngaging', 'Holder', 'x', 'x', current_date", "23514"},
		"death without its date": {"", "reason, basis, death_source", "'Died', 'Death', 'GP'", "23514"},
	} {
		t.Run(name, func(t *testing.T) {
			tx, err := app.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer tx.Rollback(t.Context())
			if _, err := tx.Exec(t.Context(), "INSERT INTO return_plans (episode_id, summary, how_to_return, valid_until, recorded_by) VALUES ($1, 'x', 'x', current_date + 365, 'test-subject')", episode["id"]); err != nil {
				t.Fatal(err)
			}
			if test.before != "" {
				if _, err := tx.Exec(t.Context(), test.before); err != nil {
					t.Fatal(err)
				}
			}
			_, err = tx.Exec(t.Context(), "INSERT INTO closures (episode_id, recorded_by, "+test.columns+") VALUES ($1, 'test-subject', "+test.values+")", episode["id"])
			if code(err) != test.want {
				t.Fatalf("got %v, want code %s", err, test.want)
			}
		})
	}
}

// A violation with an NHS number in the row must leave the number out of the server's log and of ours.
func TestLogsHoldNoPersonalData(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	caller := s.as("practitioner", "north")
	r := caller.refer("north", person("9990009996", "Unmistakable"))
	caller.get("/v1/people/" + r["personId"].(string)).want(http.StatusOK)
	caller.post("/v1/people/search", object{"nhsNumber": "9990009996", "familyName": "Unmistakable"}).refused(http.StatusUnprocessableEntity, "invalid-request")
	app := s.app("test-subject", "north")
	if _, err := app.Exec(t.Context(), "SELECT find_or_create_person($1, '9990009996', 'NotKnownYet', 'Unmistakable', 'x', '2000-01-01')", r["personId"]); err == nil {
		t.Fatal("a person's id was taken twice")
	}
	for name, log := range map[string]string{"server": s.database.ServerLog(t), "API": logs.String()} {
		if name == "server" && !strings.Contains(log, "duplicate key value") {
			t.Errorf("the violation is not in the server's log")
		}
		for _, secret := range []string{"9990009996", "Unmistakable", r["personId"].(string), caller.token} {
			if strings.Contains(log, secret) {
				t.Errorf("the %s's log holds %q", name, secret)
			}
		}
	}
}
