package server_test

import (
	"net/http"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/deadlines"
)

// withKind makes a kind of deadline that no subject uses, and a person of north who has nothing due.
func withKind(t *testing.T) (s *system, owner *pgx.Conn, personID string) {
	t.Helper()
	s = startWithDirectory(t)
	owner = s.owner()
	personID = s.as("practitioner", "north").accepted("north", person("9990000018", "Example"))["personId"].(string)
	if _, err := owner.Exec(t.Context(), "INSERT INTO deadline_kinds VALUES ('Test', 'Test', 7)"); err != nil {
		t.Fatal(err)
	}
	return s, owner, personID
}

func TestDeadlineIsSetMetDroppedAndEscalated(t *testing.T) {
	t.Parallel()
	s, owner, personID := withKind(t)
	const subject = "0190a0a0-0000-7000-8000-000000000001"
	do := func(query string, args ...any) {
		t.Helper()
		if _, err := owner.Exec(t.Context(), query, args...); err != nil {
			t.Fatal(err)
		}
	}
	set := func(due string) {
		t.Helper()
		do("SELECT set_deadline($1, $2, 'Test', $3, $4::date)", personID, north, subject, due)
	}
	escalated := func(want string, n int64) {
		t.Helper()
		app := s.app("")
		var marked int64
		if err := app.QueryRow(t.Context(), "SELECT escalate_deadlines()").Scan(&marked); err != nil || marked != n {
			t.Errorf("%d marked, %v; want %d", marked, err, n)
		}
		if got := s.count("SELECT count(*) FROM deadlines WHERE kind = 'Test' AND met_at IS NULL AND escalated_to IS NOT DISTINCT FROM nullif($1, '')", want); got != 1 {
			t.Errorf("%d open deadlines are escalated to %q, want one", got, want)
		}
	}
	set(day(0)) // what is due today is not overdue
	escalated("", 0)
	set(day(-1))
	escalated("ServiceLead", 1)
	escalated("ServiceLead", 0)
	set(day(-7))
	escalated("ServiceLead", 1)
	set(day(-8))
	escalated("ICS", 1)
	set(day(1)) // a new day takes the escalation back
	escalated("", 0)
	if n := s.count("SELECT count(*) FROM deadlines WHERE kind = 'Test'"); n != 1 {
		t.Errorf("setting again made %d deadlines", n)
	}
	do("SELECT meet_deadline($1, 'Test')", subject)
	do("SELECT drop_deadlines($1)", subject) // what was met is not dropped
	if n := s.count("SELECT count(*) FROM deadlines WHERE kind = 'Test' AND met_at IS NOT NULL AND dropped_at IS NULL"); n != 1 {
		t.Errorf("%d deadlines are met, want 1", n)
	}
	set(day(-30))
	do("SELECT drop_deadlines($1)", subject)
	if _, err := deadlines.Escalate(t.Context(), s.pool()); err != nil {
		t.Fatal(err)
	}
	if n := s.count("SELECT count(*) FROM deadlines WHERE kind = 'Test' AND dropped_why = 'Ended' AND escalated_to IS NULL"); n != 1 {
		t.Errorf("%d deadlines are dropped and not escalated, want 1", n)
	}
}

func TestDeathStopsDeadlines(t *testing.T) {
	t.Parallel()
	s, owner, personID := withKind(t)
	for _, step := range []struct {
		sql  string
		open int64
	}{
		{"SELECT set_deadline($1, '" + north.String() + "', 'Test', gen_random_uuid(), current_date - 3)", 1},
		{"UPDATE people SET died_on = '2026-01-01', death_source = 'GP' WHERE id = $1", 0},
		{"SELECT set_deadline($1, '" + north.String() + "', 'Test', gen_random_uuid(), current_date)", 0},
		{"UPDATE deaths SET ended_as = 'Reversed', ended_by = 'x', reversal_reason = 'PersonIsAlive' WHERE person_id = $1 AND ended_at IS NULL", 1}, // recorded by mistake
	} {
		if _, err := owner.Exec(t.Context(), step.sql, personID); err != nil {
			t.Fatal(err)
		}
		if n := s.count("SELECT count(*) FROM deadlines WHERE kind = 'Test' AND dropped_at IS NULL"); n != step.open {
			t.Errorf("%d open deadlines after %s, want %d", n, step.sql, step.open)
		}
	}
}

// Deadlines are kept by triggers: the app reads those of people it may see and changes none.
func TestAppRoleCannotChangeDeadlines(t *testing.T) {
	t.Parallel()
	s, owner, personID := withKind(t)
	if _, err := owner.Exec(t.Context(), "SELECT set_deadline($1, $2, 'Test', gen_random_uuid(), current_date)", personID, north); err != nil {
		t.Fatal(err)
	}
	app := s.app("test-subject", "north")
	for name, query := range map[string]string{
		"set":    "SELECT set_deadline('" + personID + "', '" + north.String() + "', 'Test', gen_random_uuid(), current_date)",
		"meet":   "SELECT meet_deadline(gen_random_uuid(), 'Test')",
		"drop":   "SELECT drop_deadlines(gen_random_uuid())",
		"move":   "SELECT move_deadlines(gen_random_uuid(), gen_random_uuid())",
		"update": "UPDATE deadlines SET due_on = due_on + 100",
		"insert": "INSERT INTO deadlines (person_id, service_id, kind, subject_id, due_on) SELECT person_id, service_id, kind, gen_random_uuid(), due_on FROM deadlines",
		"delete": "DELETE FROM deadlines",
		"kinds":  "INSERT INTO deadline_kinds VALUES ('Mine', 'Mine', 1)",
	} {
		if _, err := app.Exec(t.Context(), query); code(err) != "42501" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for service, want := range map[string]int{"north": 1, "south": 0} {
		var n int
		if err := s.app("test-subject", service).QueryRow(t.Context(), "SELECT count(*) FROM deadlines WHERE kind = 'Test'").Scan(&n); err != nil || n != want {
			t.Errorf("%s sees %d deadlines, %v; want %d", service, n, err, want)
		}
	}
}

// A first referral that was entered in error sets no day: who was sent on from it is due a first contact from their own acceptance on.
func TestRetractedReferralSetsNoFirstContact(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	body := referral("north", person("9990000018", "Example"))
	body["receivedOn"] = day(-10)
	first := north.post("/v1/referrals", body).want(http.StatusCreated)["id"]
	next := north.sendOn(first, "south")
	s.officer().post("/v1/referrals/"+first.(string)+"/retraction", object{"reason": "RecordedTwice"}).want(http.StatusCreated)
	south.post("/v1/referrals/"+next+"/acceptance", nil).want(http.StatusCreated)
	if due := s.due(next); due["FirstContact"] != day(28)+" south" {
		t.Errorf("due: %v", due)
	}
}
