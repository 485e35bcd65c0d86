package schema_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/testkit/postgres"
)

// Functions that touch person_access past every policy and do not ask whether the caller sees the person: each keeps what stands there, and
// gives the caller no answer about it.
var keepersOfAccess = map[string]string{
	"access_shared":                "merged records share what begins, changes or ends",
	"alert_gives_access":           "an alert for staff gives and ends it",
	"closure_ends_handovers":       "the sender's sight of a handover ends with the episode",
	"closure_recorded":             "a closure ends it",
	"death_reversed":               "what a death ended goes on",
	"emergency_reviewed":           "an emergency access that was not justified ends",
	"episode_gives_access":         "an episode gives it",
	"grant_emergency_access":       "gives it for hours to a service that saw nothing; says nothing of whoever is not found by number and birth date",
	"handover_answered":            "an acceptance moves it",
	"handover_completed":           "the arrival ends the sender's",
	"handovers_go_on":              "what had been accepted goes on after a death that was none",
	"handover_gives_access":        "an offer gives it",
	"merge_recorded":               "merged records share it",
	"note_change":                  "those who saw what is taken back are told, whether they still see it or not",
	"referral_changed":             "an outcome ends it",
	"referral_gives_access":        "a referral gives it",
	"restriction_changed":          "a list or an objection marks it",
	"restrictions_follow_merge":    "so does a merge",
	"retraction_ends_alert_access": "what was entered in error ends what its alerts gave",
	"retraction_ends_handovers":    "and what its handovers gave",
	"retraction_recorded":          "what was entered in error ends it",
	"unmerge_recorded":             "records taken apart share it no longer",
}

// Who asks person_access without caller_sees forgets named access and objections.
func TestDefinerFunctionsAskWhetherTheCallerSees(t *testing.T) {
	t.Parallel()
	owner := postgres.Connect(t, migrated.New(t).OwnerURL)
	find := func() []string {
		rows, err := owner.Query(t.Context(), `SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef
			AND pg_get_functiondef(oid) ~ '\mperson_access\M' AND pg_get_functiondef(oid) !~ '\mcaller_sees\M' ORDER BY 1`)
		if err != nil {
			t.Fatal(err)
		}
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	if got, want := find(), slices.Sorted(maps.Keys(keepersOfAccess)); !slices.Equal(got, want) {
		t.Errorf("functions that neither ask caller_sees nor have a reason not to:\n%v, want\n%v", got, want)
	}
	// One that forgets is found.
	if _, err := owner.Exec(t.Context(), `CREATE FUNCTION forgets(p_person uuid) RETURNS boolean LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
		AS 'SELECT EXISTS (SELECT FROM person_access WHERE person_id = p_person)'`); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(find(), "forgets") {
		t.Error("a function that forgets to ask is not found")
	}
}
