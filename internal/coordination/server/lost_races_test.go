package server_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/cmhf/operator/internal/testkit/postgres"
)

// atOnce sends requests that all wait for the rows that the query locks, lets them go together, and gives their statuses in order.
func (s *system) atOnce(lock string, requests ...func() answer) []int {
	s.t.Helper()
	holding, err := postgres.Connect(s.t, s.database.OwnerURL).Begin(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	defer holding.Rollback(s.t.Context()) //nolint:errcheck // it has locked rows and changed none
	if _, err := holding.Exec(s.t.Context(), lock); err != nil {
		s.t.Fatal(err)
	}
	answers := make(chan int, len(requests))
	for _, request := range requests {
		go func() { answers <- request().status }()
	}
	eventually(s.t, "all requests to wait", func() bool {
		return s.count("SELECT count(DISTINCT pid) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()") == int64(len(requests))
	})
	if err := holding.Rollback(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	var got []int
	for range requests {
		got = append(got, <-answers)
	}
	slices.Sort(got)
	return got
}

// done counts what the audit trail says was done.
func (s *system) done(operation string) int64 {
	s.t.Helper()
	return s.count("SELECT count(DISTINCT request_id) FROM audit_events WHERE operation = $1 AND outcome = 'Done'", operation)
}

// Of two officers who decide about one pair at once, one has decided, and the trail says so of nobody else.
func TestDecisionsAtOnce(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	settled, queued := s.claimed()
	officer := s.officer()
	_, decision := officer.onlyPair()
	got := s.atOnce("SELECT FROM matching_queue FOR UPDATE",
		func() answer { return officer.post(decision, object{"decision": "SamePerson", "canonicalId": settled}) },
		func() answer {
			return officer.post(decision, object{"decision": "DifferentPeople", "nhsNumberTakenFrom": queued, "nhsNumberAbsentReason": "NotKnownYet"})
		})
	if !slices.Equal(got, []int{http.StatusCreated, http.StatusConflict}) {
		t.Errorf("two decisions at once: %v", got)
	}
	if n := s.done("decideMatching"); n != 1 {
		t.Errorf("the trail has %d decisions as done, want one", n)
	}
}

// Of two officers who confirm one disposal at once, one has confirmed it.
func TestConfirmationsAtOnce(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	id, _ := s.longDead()
	disposal := s.disposer("first").post("/v1/people/"+id+"/disposal", nil).want(http.StatusCreated)
	confirmation := "/v1/disposals/" + disposal["id"].(string) + "/confirmation"
	second, third := s.disposer("second"), s.disposer("third")
	got := s.atOnce("SELECT FROM disposals FOR UPDATE",
		func() answer { return second.post(confirmation, nil) }, func() answer { return third.post(confirmation, nil) })
	if !slices.Equal(got, []int{http.StatusCreated, http.StatusConflict}) {
		t.Errorf("two confirmations at once: %v", got)
	}
	if n := s.done("confirmDisposal"); n != 1 {
		t.Errorf("the trail has %d confirmations as done, want one", n)
	}
}

// Of two officers who lift one hold at once, one has lifted it.
func TestHoldsLiftedAtOnce(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	officer := s.officer()
	hold := "/v1/people/" + s.as("practitioner", "north").refer("north", person("9990000018", "Example"))["personId"].(string) + "/legal-hold"
	officer.do(http.MethodPut, hold, object{"reason": "Inquest"}).want(http.StatusOK)
	lift := func() answer { return officer.do(http.MethodDelete, hold, nil) }
	if got := s.atOnce("SELECT FROM legal_holds FOR UPDATE", lift, lift); !slices.Equal(got, []int{http.StatusOK, http.StatusConflict}) {
		t.Errorf("one hold lifted twice at once: %v", got)
	}
	if n := s.done("liftLegalHold"); n != 1 {
		t.Errorf("the trail has %d liftings as done, want one", n)
	}
}

// A hold for another reason than the one that stands is refused: dropped in silence, it would be gone when the first one is lifted.
func TestSecondHold(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	officer := s.officer()
	canonical, merged := s.merged()
	place := func(id, reason string) answer {
		return officer.do(http.MethodPut, "/v1/people/"+id+"/legal-hold", object{"reason": reason})
	}
	place(merged, "Inquest").want(http.StatusOK)
	place(canonical, "Inquest").want(http.StatusOK) // the same one again
	for _, id := range []string{canonical, merged} {
		place(id, "Litigation").refused(http.StatusConflict, "state-conflict")
	}
	if n := s.count("SELECT count(*) FROM legal_holds WHERE reason = 'Inquest' AND lifted_at IS NULL"); n != 1 {
		t.Errorf("%d holds stand, want the first", n)
	}
	officer.do(http.MethodDelete, "/v1/people/"+canonical+"/legal-hold", nil).want(http.StatusOK)
	place(merged, "Litigation").want(http.StatusOK)
	if n := s.count("SELECT count(*) FROM legal_holds WHERE reason = 'Litigation' AND person_id = $1 AND lifted_at IS NULL", canonical); n != 1 {
		t.Errorf("%d holds for the other reason stand, want one", n)
	}
}

// Whoever loses sight of a person while they wait for the record is told what everyone else is told.
func TestDeathOfAPersonWhoIsSeenNoMore(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	id := north.accepted("north", person("9990000018", "Example"))["personId"].(string)
	tag := north.recordTag(id)
	limiting, err := postgres.Connect(t, s.database.OwnerURL).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer limiting.Rollback(t.Context()) //nolint:errcheck // after a commit there is nothing to roll back
	if _, err := limiting.Exec(t.Context(), "INSERT INTO named_access (id, person_id, subjects, reason, set_by) VALUES (gen_random_uuid(), $1, '{somebody}', 'x', 'somebody')", id); err != nil {
		t.Fatal(err)
	}
	recorded := make(chan answer)
	go func() {
		recorded <- north.do(http.MethodPut, "/v1/people/"+id+"/death", object{"on": day(0), "source": "GP"}, "If-Match", tag)
	}()
	eventually(t, "the death to wait", func() bool {
		return s.count("SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()") == 1
	})
	if err := limiting.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	(<-recorded).refused(http.StatusNotFound, "not-found")
}
