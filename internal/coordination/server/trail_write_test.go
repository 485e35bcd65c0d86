package server_test

import (
	"net/http"
	"testing"
)

// Nothing is answered and nothing is kept without its row in the audit trail.
func TestNothingWithoutItsAuditTrail(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	known := north.refer("north", person("9990000018", "Example"))
	owner := s.owner()
	refuse := `CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no room'; END $$;
		CREATE TRIGGER full_up BEFORE INSERT ON audit_events EXECUTE FUNCTION no_room()`
	if _, err := owner.Exec(t.Context(), refuse); err != nil {
		t.Fatal(err)
	}
	before := s.count("SELECT count(*) FROM referrals")
	north.post("/v1/referrals", referral("north", person("9990000026", "Sample")), "Idempotency-Key", "k").refused(http.StatusInternalServerError, "internal-error")
	north.get("/v1/people/"+known["personId"].(string)).refused(http.StatusInternalServerError, "internal-error")
	s.as("practitioner", "south").get("/v1/people/"+known["personId"].(string)).refused(http.StatusInternalServerError, "internal-error")
	if n := s.count("SELECT count(*) FROM referrals"); n != before {
		t.Errorf("%d referrals are kept without their audit trail", n-before)
	}
	if _, err := owner.Exec(t.Context(), "DROP TRIGGER full_up ON audit_events"); err != nil {
		t.Fatal(err)
	}
	north.post("/v1/referrals", referral("north", person("9990000026", "Sample")), "Idempotency-Key", "k").want(http.StatusCreated)
	north.get("/v1/people/" + known["personId"].(string)).want(http.StatusOK)
}
