package server_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"
)

// To see a person does not suffice to record about them; who supports them by two services says for which.
func TestOnlySupportersRecord(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	sender, receiver := s.as("practitioner", "north"), s.as("practitioner", "south")
	body := referral("south", person("9990000018", "Example"))
	body["fromService"] = "north"
	r := sender.post("/v1/referrals", body).want(http.StatusCreated)
	path := healthChecksOf(r)
	sender.post(path, fullCheck(day(0))).want(http.StatusCreated) // responsible until acceptance
	receiver.post("/v1/referrals/"+r["id"].(string)+"/acceptance", nil).want(http.StatusCreated)
	sender.get(path).want(http.StatusOK) // sees how it goes on
	person := "/v1/people/" + r["personId"].(string)
	for name, a := range map[string]answer{
		"health check": sender.post(path, fullCheck(day(0))),
		"need":         sender.post(person+"/needs", object{"area": "Money", "description": "Made-up", "identifiedOn": day(0)}),
		"link":         sender.post(person+"/asset-links", object{"assetId": uuid.NewString(), "linkedOn": day(0)}),
		"work":         sender.post(person+"/work-status", object{"status": "Employed", "toldOn": day(0)}),
	} {
		t.Log(name)
		a.refused(http.StatusForbidden, "not-your-service")
	}
	app := s.app("test-subject", "north")
	for _, sql := range []string{
		"INSERT INTO health_check_elements (id, person_id, service_id, element, measured_on, audit_c, recorded_by) VALUES (gen_random_uuid(), $1, $2, 'Alcohol', current_date, 1, 'test-subject')",
		"INSERT INTO needs (id, person_id, service_id, area, description, identified_on, state_on, recorded_by) VALUES (gen_random_uuid(), $1, $2, 'Money', 'x', current_date, current_date, 'test-subject')",
		"INSERT INTO work_statuses (id, person_id, service_id, status, told_on, recorded_by) VALUES (gen_random_uuid(), $1, $2, 'Employed', current_date, 'test-subject')",
	} {
		if _, err := app.Exec(t.Context(), sql, r["personId"], north); code(err) != "42501" {
			t.Errorf("in SQL: %v", err)
		}
	}
	receiver.post(path, fullCheck(day(0))).want(http.StatusCreated)
	sender.accepted("north", object{"nhsNumber": "9990000018", "familyName": "Example", "givenName": "Testperson", "birthDate": "1984-02-29"})
	both := s.as("practitioner", "north", "south")
	wantField(t, both.post(path, fullCheck(day(0))).refused(http.StatusUnprocessableEntity, "invalid-request"), "body.service")
	named := fullCheck(day(0))
	named["service"] = "south"
	if items := both.post(path, named).want(http.StatusCreated)["items"].([]any); items[0].(object)["service"] != "south" {
		t.Errorf("recorded for %v", items[0])
	}
	// Who may not see the person learns no more here than anywhere else, though their service supports them.
	id := r["personId"].(string)
	s.as("service-lead", "south").putNow(id, person+"/named-access", object{"subjects": []string{testSubject}, "reason": "x"}).want(http.StatusOK)
	s.other("practitioner", "south").post(path, fullCheck(day(0))).refused(http.StatusNotFound, "not-found")
}
