package server_test

import (
	"net/http"
	"slices"
	"testing"
)

func returnPlan() object {
	return object{"summary": "Walks help", "howToReturn": "Call the service", "validUntil": day(365)}
}

func acceptance() object {
	return object{"recordedBy": "OnBehalf", "name": "Dr Example", "organisation": "Example Surgery", "on": day(0), "channel": "Phone"}
}

func choice() object { return object{"toldHow": "Face to face", "capacity": "HasCapacity"} }

func missing(body object) []string {
	var parts []string
	items, _ := body["missing"].([]any)
	for _, part := range items {
		parts = append(parts, part.(string))
	}
	return parts
}

func TestCloseWithAcceptance(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	episode := north.accepted("north", person("9990000018", "Example"))
	path := "/v1/episodes/" + episode["id"].(string)
	closed := north.post(path+"/closure", object{"reason": "SupportElsewhere", "returnPlan": returnPlan(), "acceptance": acceptance()}).want(http.StatusCreated)
	if closed["state"] != "Closed" || closed["closure"].(object)["basis"] != "Acceptance" || closed["closure"].(object)["organisation"] != "Example Surgery" {
		t.Fatalf("closed episode: %v", closed)
	}
	if read := north.get(path).want(http.StatusOK); read["returnPlan"].(object)["howToReturn"] != "Call the service" {
		t.Fatalf("the return plan is not readable after the closure: %v", read)
	}
	north.post(path+"/closure", object{"reason": "SupportElsewhere", "returnPlan": returnPlan(), "acceptance": acceptance()}).refused(http.StatusConflict, "state-conflict")
	north.post(path+"/reaching-steps", object{"kind": "RiskReview", "on": day(0)}).refused(http.StatusConflict, "state-conflict")
	// The plan's validity, longer than 90 days here, bounds what the service still sees.
	if n := s.count("SELECT count(*) FROM person_access WHERE source_id = $1 AND until > now() + interval '360 days'", episode["id"]); n != 1 {
		t.Fatalf("%d rows of access last as long as the return plan", n)
	}
}

func TestRefusedClosureIsOnRecord(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	episode := north.accepted("north", person("9990000018", "Example"))
	path := "/v1/episodes/" + episode["id"].(string) + "/closure"
	for reason, want := range map[string][]string{
		"DidNotAttend":    {"reason"},
		"":                {"reason"},
		"SupportComplete": {"acceptance"},
		"NotEngaging":     {"reaching-attempts", "carer-or-gp-contact", "risk-review", "senior-sign-off", "named-holder"},
	} {
		body := north.post(path, object{"reason": reason, "returnPlan": returnPlan()}).refused(http.StatusUnprocessableEntity, "closure-incomplete")
		if !slices.Equal(missing(body), want) {
			t.Errorf("%s lacks %v, want %v", reason, missing(body), want)
		}
	}
	if n := s.count("SELECT count(*) FROM closure_refusals"); n != 8 {
		t.Errorf("%d refusal events, want one for each missing part", n)
	}
	if n := s.count("SELECT count(*) FROM audit_events WHERE operation = 'closeEpisode' AND outcome = 'Refused' AND problem = 'closure-incomplete' AND person_id = $1", episode["personId"]); n != 4 {
		t.Errorf("%d refusals in the audit trail, want 4", n)
	}
	if n := s.count("SELECT count(*) FROM return_plans"); n != 0 {
		t.Errorf("a refused closure left %d return plans", n)
	}
}

func TestChoiceDoesNotSufficeUnderALegalDuty(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	episode := north.accepted("north", person("9990000018", "Example"))
	duties := "/v1/people/" + episode["personId"].(string) + "/legal-duties"
	set := north.do(http.MethodPut, duties, object{"open": []string{"Section117Aftercare", "CommunityTreatmentOrder"}}).want(http.StatusOK)
	if got := set["legalDuties"].([]any); len(got) != 2 {
		t.Fatalf("legal duties: %v", got)
	}
	chosen := object{"reason": "PersonChose", "returnPlan": returnPlan(), "choice": choice()}
	path := "/v1/episodes/" + episode["id"].(string) + "/closure"
	body := north.post(path, chosen).refused(http.StatusUnprocessableEntity, "closure-incomplete")
	if !slices.Equal(missing(body), []string{"acceptance"}) {
		t.Fatalf("missing: %v", missing(body))
	}
	north.do(http.MethodPut, duties, object{"open": []string{}}).want(http.StatusOK)
	north.post(path, chosen).want(http.StatusCreated)
}

func TestNotEngaging(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, lead := s.as("practitioner", "north"), s.as("service-lead", "north")
	episode := north.accepted("north", person("9990000018", "Example"))
	path := "/v1/episodes/" + episode["id"].(string)
	for _, step := range []object{
		{"kind": "Attempt", "channel": "Phone", "on": day(0)}, {"kind": "Attempt", "channel": "Letter", "on": day(0)},
		{"kind": "GPContacted", "on": day(0)}, {"kind": "RiskReview", "on": day(0)},
	} {
		north.post(path+"/reaching-steps", step).want(http.StatusCreated)
	}
	north.post(path+"/reaching-steps", object{"kind": "Attempt", "on": day(0)}).refused(http.StatusUnprocessableEntity, "invalid-request")
	body := object{"reason": "NotEngaging", "returnPlan": returnPlan(), "holder": object{"name": "Dr Example", "organisation": "Example Surgery", "agreedOn": day(0)}}
	if got := missing(north.post(path+"/closure", body).refused(http.StatusUnprocessableEntity, "closure-incomplete")); !slices.Equal(got, []string{"senior-sign-off"}) {
		t.Fatalf("a practitioner lacks %v", got)
	}
	closed := lead.post(path+"/closure", body).want(http.StatusCreated)
	if steps := closed["reachingSteps"].([]any); len(steps) != 4 {
		t.Fatalf("reaching steps: %v", steps)
	}
	if n := s.count("SELECT supported_closures FROM at_a_glance($1, $1)", day(0)); n != 0 {
		t.Fatalf("a person who was not reached counts as a supported ending: %d", n)
	}
}

func TestReceiverRecordsItsOwnAcceptance(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, both := s.as("practitioner", "north"), s.as("practitioner", "north", "south")
	episode := north.accepted("north", person("9990000018", "Example"))
	path := "/v1/episodes/" + episode["id"].(string) + "/closure"
	body := object{"reason": "SupportElsewhere", "returnPlan": returnPlan(), "acceptance": object{
		"recordedBy": "Receiver", "service": "south", "name": "Sam Example", "organisation": "The south service", "on": day(0),
	}}
	north.post(path, body).refused(http.StatusUnprocessableEntity, "closure-incomplete")
	both.post(path, body).want(http.StatusCreated)
}

func TestDeathEndsWhatIsOpen(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	who := person("9990000018", "Example")
	episode := north.accepted("north", who)
	waiting := south.refer("south", who)
	path := "/v1/episodes/" + episode["id"].(string) + "/closure"
	north.post(path, object{"reason": "Died", "death": object{"on": "1980-01-01", "source": "GP"}}).refused(http.StatusUnprocessableEntity, "closure-incomplete")
	north.post(path, object{"reason": "Died", "death": object{"on": day(0), "source": "GP"}}).want(http.StatusCreated)
	if r := south.get("/v1/referrals/" + waiting["id"].(string)).want(http.StatusOK); r["state"] != "Died" {
		t.Fatalf("the open referral: %v", r)
	}
	south.post("/v1/referrals/"+waiting["id"].(string)+"/acceptance", nil).refused(http.StatusConflict, "state-conflict")
	p := north.get("/v1/people/" + episode["personId"].(string)).want(http.StatusOK)
	if p["death"].(object)["on"] != day(0) {
		t.Fatalf("person: %v", p)
	}
	again := referral("north", nil)
	delete(again, "person")
	again["personId"] = episode["personId"]
	north.post("/v1/referrals", again).refused(http.StatusConflict, "person-died")
	// Without an id the sender may not learn that the person is known: the answer is that of any new person, and the
	// receiving service sees the truth.
	taken := s.as("practitioner").post("/v1/referrals", referral("north", who)).want(http.StatusCreated)
	if taken["state"] != "Open" {
		t.Fatalf("the answer tells that the person was known: %v", taken)
	}
	if r := north.get("/v1/referrals/" + taken["id"].(string)).want(http.StatusOK); r["state"] != "Died" {
		t.Fatalf("the referral as the service sees it: %v", r)
	}
}

func TestOnlyTheResponsibleServiceCloses(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	who := person("9990000018", "Example")
	episode := north.accepted("north", who)
	path := "/v1/episodes/" + episode["id"].(string) + "/closure"
	body := object{"reason": "SupportElsewhere", "returnPlan": returnPlan(), "acceptance": acceptance()}
	south.post(path, body).refused(http.StatusNotFound, "not-found")
	south.refer("south", who) // now the person is visible to south
	south.post(path, body).refused(http.StatusForbidden, "not-your-service")
	s.as("digital-lead", "north").post(path, body).refused(http.StatusForbidden, "forbidden")
}
