package server_test

import (
	"net/http"
	"testing"
)

// A death that is being recorded while answers are saved comes first or second, and either way no answer is of a later day.
func TestAnswersWhileADeathIsRecorded(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	caller := s.as("practitioner", "north")
	episode := caller.acceptedSince("north", person("9990000018", "Example"), 30)
	// The death ends nothing of a closed episode, so that answers in it wait for the death itself or for nothing.
	caller.post("/v1/episodes/"+episode["id"].(string)+"/closure", object{"reason": "SupportElsewhere", "returnPlan": returnPlan(), "acceptance": acceptance()}).want(http.StatusCreated)
	death, err := s.app("test-subject", "north").Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer death.Rollback(t.Context()) //nolint:errcheck // after a commit there is nothing to roll back
	if _, err := death.Exec(t.Context(), "INSERT INTO deaths (id, person_id, died_on, source, recorded_by) VALUES (gen_random_uuid(), $1, current_date - 1, 'GP', 'test-subject')", episode["personId"]); err != nil {
		t.Fatal(err)
	}
	saved := make(chan answer, 1)
	go func() { saved <- caller.post(outcomesOf(episode), dialog(day(0), 4)) }()
	eventually(t, "the answers to wait for the death", func() bool {
		return len(saved) == 1 || s.count("SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()") == 1
	})
	if err := death.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	(<-saved).refused(http.StatusConflict, "state-conflict")
}
