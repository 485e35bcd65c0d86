package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Of two sheets both answer until somebody who has seen them writes a new one; taken apart, each record has its own.
func TestSheetsOfMergedRecords(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	canonical, merged := s.twoRecords()
	details, contact := "/v1/people/"+canonical+"/details", "/v1/people/"+canonical+"/contact"
	mergedSheet := object{"preferredName": "Lex", "language": "ur", "interpreter": "Needed", "communicationNeeds": []string{"LargePrint"}}
	south.putNow(merged, "/v1/people/"+merged+"/details", mergedSheet).want(http.StatusOK)
	south.putNow(merged, "/v1/people/"+merged+"/contact", object{"email": "sam@example.org", "leaveMessage": "NotAllowed"}).want(http.StatusOK)
	north.putNow(canonical, details, object{"ethnicity": "J", "language": "en"}).want(http.StatusOK)
	north.putNow(canonical, contact, object{"mobile": "07700 900123", "leaveMessage": "Allowed"}).want(http.StatusOK)
	s.merge(merged, canonical).want(http.StatusCreated)

	got := north.get(details).want(http.StatusOK)
	if got["ethnicity"] != "J" || got["language"] != "en" || got["interpreter"] != nil || got["preferredName"] != "Lex" || len(got["communicationNeeds"].([]any)) != 1 {
		t.Errorf("the details of both: %v", got)
	}
	if p := north.get("/v1/people/" + merged).want(http.StatusOK); p["preferredName"] != "Lex" {
		t.Errorf("the person is called %v", p["preferredName"])
	}
	if got := south.get(contact).want(http.StatusOK); got["mobile"] != "07700 900123" || got["email"] != "sam@example.org" || got["leaveMessage"] != "NotAllowed" {
		t.Errorf("the contact of both: %v", got)
	}

	// A new sheet replaces both: what is left out of it is open again, and does not come back from the other record.
	tag := north.recordTag(canonical)
	south.do(http.MethodPut, "/v1/people/"+merged+"/details", object{"ethnicity": "J", "religion": "None"}, "If-Match", tag).want(http.StatusOK)
	south.do(http.MethodPut, "/v1/people/"+merged+"/details", mergedSheet, "If-Match", tag).refused(http.StatusPreconditionFailed, "precondition-failed")
	if got := north.get(details).want(http.StatusOK); got["religion"] != "None" || got["preferredName"] != nil || got["communicationNeeds"] != nil {
		t.Errorf("the new details: %v", got)
	}
	if p := north.get("/v1/people/" + canonical).want(http.StatusOK); p["preferredName"] != nil {
		t.Errorf("the person is still called %v", p["preferredName"])
	}
	north.putNow(canonical, contact, object{"landline": "020 7946 0000"}).want(http.StatusOK)
	if got := south.get(contact).want(http.StatusOK); got["landline"] == nil || got["mobile"] != nil || got["email"] != nil || got["leaveMessage"] != nil {
		t.Errorf("the new contact: %v", got)
	}

	s.unmerge(merged)
	if got := south.get("/v1/people/" + merged + "/details").want(http.StatusOK); got["preferredName"] != "Lex" || got["interpreter"] != "Needed" || got["ethnicity"] != nil {
		t.Errorf("the merged record's own details: %v", got)
	}
	if got := north.get(contact).want(http.StatusOK); got["landline"] == nil || got["email"] != nil {
		t.Errorf("the canonical record's own contact: %v", got)
	}
}

// On any day a person has one practice, whichever record it stands in (rule 10); what both records had before the merge can be put right.
func TestSpansOfMergedRecords(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	canonical, merged := s.twoRecords()
	path := "/v1/people/" + canonical + "/registrations"
	north.post(path, object{"practice": "A81001", "from": day(-20)}).want(http.StatusCreated)
	old := items(south.post("/v1/people/"+merged+"/registrations", object{"practice": "A81002", "from": day(-50), "to": day(-30)}).want(http.StatusCreated))[0].(object)["id"].(string)
	s.merge(merged, canonical).want(http.StatusCreated)

	south.post("/v1/people/"+merged+"/registrations", object{"practice": "A81003", "from": day(-5)}).refused(http.StatusConflict, "period-overlaps")
	south.post("/v1/people/"+merged+"/registrations", object{"practice": "A81003", "from": day(-40), "to": day(-35)}).refused(http.StatusConflict, "period-overlaps")
	change := func(body object) answer { return south.putNow(canonical, "/v1/registrations/"+old, body) }
	change(object{}).refused(http.StatusConflict, "period-overlaps")
	change(object{"to": day(-20)}).refused(http.StatusConflict, "period-overlaps")
	change(object{"to": day(-21)}).want(http.StatusOK)
	change(object{"to": day(-25)}).want(http.StatusOK)
	got := items(south.post("/v1/people/"+merged+"/registrations", object{"practice": "A81003", "from": day(-5), "endsEarlier": true}).want(http.StatusCreated))
	if len(got) != 3 || got[0].(object)["practice"] != "A81003" || got[1].(object)["to"] != day(-6) || got[2].(object)["to"] != day(-25) {
		t.Errorf("after the move: %v", got)
	}
	s.unmerge(merged)
	if got := items(south.get("/v1/people/" + merged + "/registrations").want(http.StatusOK)); len(got) != 1 || got[0].(object)["practice"] != "A81002" {
		t.Errorf("the merged record by itself: %v", got)
	}
}

// What a carer of either record says in confidence stands with the carer, and how they are reached can be changed there.
func TestCarersOfMergedRecords(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	canonical, merged := s.twoRecords()
	carer := object{"kind": "Carer", "name": "Sam Example", "relationship": "Partner", "phone": "07700 900456"}
	id := items(south.post("/v1/people/"+merged+"/carers", carer).want(http.StatusCreated))[0].(object)["id"].(string)
	s.merge(merged, canonical).want(http.StatusCreated)
	north.post("/v1/people/"+canonical+"/carer-confidences", object{"carerId": id, "saidOn": day(0), "said": "Made-up worry"}).want(http.StatusCreated)
	carer["phone"] = "07700 900789"
	if got := items(north.putNow(canonical, "/v1/carers/"+id, carer).want(http.StatusOK)); len(got) != 1 || got[0].(object)["phone"] != "07700 900789" {
		t.Errorf("carers: %v", got)
	}
	s.unmerge(merged)
	if got := items(south.get("/v1/people/" + merged + "/carer-confidences").want(http.StatusOK)); len(got) != 1 {
		t.Errorf("confidences of the carer's own record: %v", got)
	}
	if got := items(north.get("/v1/people/" + canonical + "/carers").want(http.StatusOK)); len(got) != 0 {
		t.Errorf("carers of the other record: %v", got)
	}
}

// The newest plan of all records counts, and a crisis service finds the person once.
func TestSafetyPlansOfMergedRecords(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	s.withCrisisService()
	north, south, crisis := s.as("practitioner", "north"), s.as("practitioner", "south"), s.as("practitioner", "south")
	canonical, merged := s.twoRecords()
	first := north.post("/v1/people/"+canonical+"/safety-plans", safetyPlan()).want(http.StatusCreated)
	second := south.post("/v1/people/"+merged+"/safety-plans", safetyPlan()).want(http.StatusCreated)
	search := func() []any {
		t.Helper()
		return items(crisis.post("/v1/safety-plans/search", object{"nhsNumber": "9990000018", "birthDate": "1984-02-29"}).want(http.StatusOK))
	}
	if got := search(); len(got) != 2 {
		t.Errorf("before the merge %d are found, want both claims of the number", len(got))
	}
	s.merge(merged, canonical).want(http.StatusCreated)
	if got := search(); len(got) != 1 || got[0].(object)["id"] != second["id"] {
		t.Errorf("found after the merge: %v", got)
	}
	plans := items(north.get("/v1/people/" + merged + "/safety-plans").want(http.StatusOK))
	if len(plans) != 2 || plans[0].(object)["id"] != second["id"] || plans[0].(object)["current"] != true || plans[1].(object)["current"] != false {
		t.Errorf("the plans of the person: %v", plans)
	}
	if got := north.get("/v1/safety-plans/" + first["id"].(string)).want(http.StatusOK); got["current"] != false {
		t.Errorf("the older plan: %v", got)
	}
	third := south.post("/v1/people/"+merged+"/safety-plans", safetyPlan()).want(http.StatusCreated)
	if third["personId"] != canonical || third["edition"] != 2.0 {
		t.Errorf("the next plan: %v", third)
	}
	if _, err := s.app(testSubject, "south").Exec(t.Context(), `INSERT INTO safety_plans (id, person_id, service_id, own_coping, made_with_person, recorded_by)
		VALUES (gen_random_uuid(), $1, $2, 'A walk', true, $3)`, merged, south.id("south"), testSubject); err != nil {
		t.Fatal(err)
	}
	if n := s.count("SELECT count(*) FROM safety_plans WHERE person_id = $1 AND edition = 3", canonical); n != 1 {
		t.Errorf("%d plans that were saved past the API stand in the canonical record", n)
	}
	s.unmerge(merged)
	if got := south.get("/v1/safety-plans/" + second["id"].(string)).want(http.StatusOK); got["current"] != true {
		t.Errorf("the merged record's own plan: %v", got)
	}
	if got := search(); len(got) != 2 {
		t.Errorf("after they are taken apart %d are found", len(got))
	}
}

// FHIR shows of a person what /v1 shows, once each, and the trail of each record has who looked.
func TestPatientOfMergedRecords(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	canonical, merged := s.twoRecords()
	at := "/v1/people/" + merged
	south.putNow(merged, at+"/details", object{"preferredName": "Lex"}).want(http.StatusOK)
	south.putNow(merged, at+"/contact", object{"email": "sam@example.org"}).want(http.StatusOK)
	south.post(at+"/registrations", object{"practice": "A81002", "from": day(-50)}).want(http.StatusCreated)
	north.post("/v1/people/"+canonical+"/registrations", object{"practice": "A81001", "from": day(-20)}).want(http.StatusCreated)
	south.post(at+"/residences", address(day(-9))).want(http.StatusCreated)
	s.merge(merged, canonical).want(http.StatusCreated)
	shows := func(id string, names, telecoms, addresses int, practice string) {
		t.Helper()
		p := north.fhirGet("Patient/" + id).want(http.StatusOK)
		if len(list(p["name"])) != names || len(list(p["telecom"])) != telecoms || len(list(p["address"])) != addresses || !strings.Contains(fmt.Sprint(p["generalPractitioner"]), practice) {
			t.Errorf("Patient: %v", p)
		}
	}
	shows(canonical, 2, 1, 1, "A81001")
	north.putNow(canonical, "/v1/people/"+canonical+"/details", object{"religion": "None"}).want(http.StatusOK)
	shows(canonical, 1, 1, 1, "A81001")
	north.fhirForm("Patient/_search", "identifier=https%3A%2F%2Ffhir.nhs.uk%2FId%2Fnhs-number%7C9990000018").want(http.StatusOK)
	s.unmerge(merged)
	shows(canonical, 1, 0, 0, "A81001")
	for operation, want := range map[string]int64{"fhirReadPatient": 2, "fhirSearchPatient": 1} {
		if n := s.count("SELECT count(*) FROM audit_events WHERE person_id = $1 AND operation = $2 AND outcome = 'Done'", merged, operation); n != want {
			t.Errorf("%s is %d times on the merged record's trail, want %d", operation, n, want)
		}
	}
}
