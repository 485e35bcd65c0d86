package server_test

import (
	"net/http"
	"testing"
)

// What somebody does for an organisation outside the directory names the organisation, refusals too; the claim means nothing without the role,
// and the row takes it from the transaction alone.
func TestTrailNamesThePartnerOrganisation(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, surgery := s.as("practitioner", "north"), s.partner("A81001")
	episode := north.accepted("north", person("9990000018", "Example"))
	h := north.offer(episode["id"], outside(handover("Down", "Routine")))
	surgery.post(h+"/acceptance", object{}).refused(http.StatusUnprocessableEntity, "invalid-request")
	surgery.post(h+"/acceptance", object{"name": "Dr Example"}).want(http.StatusCreated)
	s.partner("VCX99").get(h).refused(http.StatusNotFound, "not-found")
	s.with(object{"roles": []string{"practitioner"}, "services": []string{"north"}, "organisation": "A81001", "sub": "no-partner"}).get(h).want(http.StatusOK)
	log := "/v1/people/" + episode["personId"].(string) + "/access-log"
	for who, reader := range map[string]caller{"a practitioner": north, "an auditor": s.as("auditor")} {
		named := map[any]int{}
		for _, item := range reader.get(log).want(http.StatusOK)["items"].([]any) {
			event := item.(object)
			named[event["organisation"]]++
			if event["role"] == "partner-practitioner" != (event["organisation"] != nil) {
				t.Errorf("%s reads %v", who, event)
			}
		}
		if named["A81001"] != 2 {
			t.Errorf("%s reads these organisations: %v", who, named)
		}
	}
	if n := s.count("SELECT count(*) FROM audit_events WHERE organisation = 'VCX99' AND outcome = 'Refused'"); n != 1 {
		t.Errorf("%d refusals name the other organisation", n)
	}
	_, err := s.app("test-subject", "north").Exec(t.Context(), `INSERT INTO audit_events (request_id, subject, client, role, services, purpose, operation, outcome, organisation)
		VALUES ('r', 'test-subject', 'x', 'x', '{}', 'x', 'x', 'Done', 'A81001')`)
	if code(err) != "42501" {
		t.Errorf("the app role names an organisation: %v", err)
	}
	s.seal(nil)
	if found := findings(t, s.as("auditor")); len(found) != 0 {
		t.Errorf("the sealed trail: %v", found)
	}
}
