package server_test

import (
	"net/http"
	"slices"
	"testing"
)

// Whoever saw a person only through an episode that was entered in error sees them no more: services that were offered the person or had
// handed them over, organisations outside the directory, and those whom an unanswered alert concerned.
func TestRetractedEpisodeEndsItsHandovers(t *testing.T) {
	t.Parallel()
	s := startWithWest(t)
	north, south, west, officer := s.as("practitioner", "north"), s.as("practitioner", "south"), s.as("practitioner", "west"), s.officer()
	surgery := s.partner("A81001")
	episode := north.accepted("north", person("9990000018", "Wrong"))
	path, who := "/v1/episodes/"+episode["id"].(string), "/v1/people/"+episode["personId"].(string)
	moved := north.offer(episode["id"], to("south", handover("Up", "Routine")))
	south.post(moved+"/acceptance", nil).want(http.StatusCreated) // from now on north sees whether the person arrives
	offered := south.offer(episode["id"], to("west", handover("Up", "Routine")))
	accepted := south.offer(episode["id"], outside(handover("Down", "Routine")))
	surgery.post(accepted+"/acceptance", object{"name": "Dr Example"}).want(http.StatusCreated)
	waiting := south.offer(episode["id"], outside(handover("Down", "Routine")))
	south.post(outcomesOf(episode), one("DIALOG", day(0), 8, 1)).want(http.StatusCreated)
	if len(south.openAlerts("")) != 1 {
		t.Fatal("the answer raises no alert")
	}
	parties := map[string]struct {
		caller
		sees []string
	}{
		"the former sender":        {north, []string{who, path, moved}},
		"the responsible service":  {south, []string{who, path, moved, offered, accepted, waiting}},
		"the receiver":             {west, []string{who, path, offered}},
		"the organisation outside": {surgery, []string{accepted, waiting}},
	}
	for _, p := range parties {
		for _, seen := range p.sees {
			p.get(seen).want(http.StatusOK)
		}
	}
	retraction := officer.post(path+"/retraction", object{"reason": "WrongPerson"}).want(http.StatusCreated)
	// Whoever read of the person by a handover is to be told, too.
	readers := officer.get("/v1/retractions/" + retraction["id"].(string)).want(http.StatusOK)["readers"].([]any)
	if i := slices.IndexFunc(readers, func(r any) bool { return r.(object)["subject"] == "partner-of-A81001" }); i < 0 || readers[i].(object)["times"] != 3.0 || retraction["readersCount"] != 2.0 {
		t.Errorf("readers: %v, %v", retraction["readersCount"], readers)
	}
	for name, p := range parties {
		for _, hidden := range p.sees {
			if a := p.get(hidden); a.status != http.StatusNotFound {
				t.Errorf("%s still reads %s: %d", name, hidden, a.status)
			}
		}
		for _, list := range []string{"/v1/handovers", "/v1/handovers?direction=outgoing"} {
			if p.caller == surgery && list != "/v1/handovers" {
				continue // it sends nobody
			}
			if got := s.ids(p.caller, list); len(got) != 0 {
				t.Errorf("%s still lists %v", name, got)
			}
		}
	}
	west.post(offered+"/acceptance", nil).refused(http.StatusNotFound, "not-found")
	surgery.post(waiting+"/acceptance", object{"name": "Dr Example"}).refused(http.StatusNotFound, "not-found")
	if open := south.openAlerts(""); len(open) != 0 {
		t.Errorf("the alert is still listed: %v", open)
	}
	if n := s.count("SELECT count(*) FROM person_access WHERE until IS NULL OR until > now()"); n != 0 {
		t.Errorf("%d ways to see the person are left", n)
	}
	if n := s.count("SELECT count(*) FROM handovers WHERE state = 'Withdrawn' AND outcome_by = 'records-officer-1'"); n != 2 {
		t.Errorf("%d of two open offers are withdrawn", n)
	}
}

// A closure leaves the organisation outside and the alert their sight for a while; a retraction that comes later ends that too. Who sees
// the person by another way reads the handover for what it is, and it is on no list of those who have not arrived.
func TestRetractedEpisodeEndsWhatItsClosureLeft(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, officer, surgery := s.as("practitioner", "north"), s.officer(), s.partner("A81001")
	episode := north.accepted("north", person("9990000018", "Example"))
	path, who := "/v1/episodes/"+episode["id"].(string), "/v1/people/"+episode["personId"].(string)
	h := north.offer(episode["id"], outside(handover("Down", "Routine")))
	surgery.post(h+"/acceptance", object{"name": "Dr Example"}).want(http.StatusCreated)
	north.post(outcomesOf(episode), one("DIALOG", day(0), 8, 1)).want(http.StatusCreated)
	acknowledge := "/v1/outcome-alerts/" + north.openAlerts("")[0].(object)["id"].(string) + "/acknowledgement"
	closure := object{"reason": "SupportElsewhere", "returnPlan": returnPlan(), "acceptance": object{"handover": h[len("/v1/handovers/"):]}}
	north.post(path+"/closure", closure).want(http.StatusCreated)
	again := north.refer("north", person("9990000018", "Example"))
	const list = "/v1/worklists/handovers-not-arrived"
	surgery.get(h).want(http.StatusOK)
	if got := north.get(list).want(http.StatusOK)["items"].([]any); len(got) != 1 {
		t.Fatalf("not arrived before the retraction: %v", got)
	}
	officer.post(path+"/retraction", object{"reason": "RecordedTwice"}).want(http.StatusCreated)
	surgery.get(h).refused(http.StatusNotFound, "not-found")
	if read := north.get(h).want(http.StatusOK); read["enteredInError"] != true || read["state"] != "Accepted" {
		t.Errorf("the handover: %v", read)
	}
	north.post(h+"/arrival", object{"on": day(0)}).refused(http.StatusConflict, "state-conflict")
	if got := north.get(list).want(http.StatusOK)["items"].([]any); len(got) != 0 {
		t.Errorf("not arrived: %v", got)
	}
	north.post(outcomesOf(episode), one("DIALOG", day(0), 8, 1)).refused(http.StatusConflict, "state-conflict")
	// The answer to the alert gives no sight back.
	north.post(acknowledge, object{"response": "NoRiskFound"}).want(http.StatusCreated)
	officer.post("/v1/referrals/"+again["id"].(string)+"/retraction", object{"reason": "WrongPerson"}).want(http.StatusCreated)
	north.get(who).refused(http.StatusNotFound, "not-found")
	if n := s.count("SELECT count(*) FROM person_access WHERE until IS NULL OR until > now()"); n != 0 {
		t.Errorf("%d ways to see the person are left", n)
	}
}

// An episode entered in error supports nobody: its service writes nothing into it or into the person's record, until it does support them.
func TestRetractedEpisodeSupportsNobody(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, officer := s.as("practitioner", "north"), s.officer()
	who := person("9990000018", "Example")
	closed := north.accepted("north", who) // by this one north goes on seeing the person
	north.post("/v1/episodes/"+closed["id"].(string)+"/closure", object{"reason": "SupportElsewhere", "returnPlan": returnPlan(), "acceptance": acceptance()}).want(http.StatusCreated)
	mistaken := north.accepted("north", who)
	path := "/v1/episodes/" + mistaken["id"].(string)
	north.put(mistaken["id"], "/elsewhere", object{"place": "Hospital", "heldBy": "Ward 3", "organisation": "Example Hospital", "since": day(0)}).want(http.StatusOK)
	officer.post(path+"/retraction", object{"reason": "NeverHappened"}).want(http.StatusCreated)
	if read := north.get(path).want(http.StatusOK); read["state"] != "EnteredInError" || read["elsewhere"] != nil {
		t.Fatalf("retracted: %v", read)
	}
	need := object{"area": "Housing", "description": "x", "identifiedOn": day(0)}
	north.post(needsOf(mistaken), need).refused(http.StatusForbidden, "not-your-service")
	north.post(path+"/contacts", contact()).refused(http.StatusConflict, "state-conflict")
	north.post(path+"/plans", draft()).refused(http.StatusConflict, "state-conflict")
	north.accepted("north", who)
	north.post(needsOf(mistaken), need).want(http.StatusCreated)
}

// By a handover of an episode that was entered in error nobody arrives, by whatever way it is said, and subscribers are told to forget it,
// answered or not, once each.
func TestRetractedHandoversAreTold(t *testing.T) {
	t.Parallel()
	s := startWithWest(t)
	north, south, lead := s.as("practitioner", "north"), s.as("practitioner", "south"), s.as("service-lead", "south")
	who := person("9990000018", "Example")
	episode := north.accepted("north", who)
	moved := north.offer(episode["id"], to("south", handover("Up", "Routine")))
	south.post(moved+"/acceptance", nil).want(http.StatusCreated)
	offered := south.offer(episode["id"], to("west", handover("Up", "Routine")))
	s.number()
	_, _, next := lead.follow("")
	s.officer().post("/v1/episodes/"+episode["id"].(string)+"/retraction", object{"reason": "RecordedTwice"}).want(http.StatusCreated)
	s.number()
	told, items, _ := lead.follow(next)
	got := map[string][]string{}
	for i, event := range told {
		got[items[i]["resourceId"].(string)] = append(got[items[i]["resourceId"].(string)], event)
	}
	for _, h := range []string{moved, offered} {
		if events := got[h[len("/v1/handovers/"):]]; !slices.Equal(events, []string{"Retracted handovers"}) {
			t.Errorf("of a handover the feed tells %v", events)
		}
	}
	// The service sees the person by an episode of its own, in which they are met: not by the handover.
	own := south.accepted("south", who)
	south.post(moved+"/arrival", object{"on": day(0)}).refused(http.StatusConflict, "state-conflict")
	south.post("/v1/episodes/"+own["id"].(string)+"/contacts", contact()).want(http.StatusCreated)
	for _, statement := range []string{"UPDATE handovers SET arrived_on = current_date WHERE id = $1", "UPDATE handovers SET state = 'Declined' WHERE id = $1"} {
		_, err := s.app(testSubject, "south").Exec(t.Context(), statement, moved[len("/v1/handovers/"):])
		if code(err) != "CM040" {
			t.Errorf("%s: %v", statement, err)
		}
	}
	if n := s.count("SELECT count(*) FROM handovers WHERE arrived_on IS NOT NULL OR entered_in_error_at IS NULL"); n != 0 {
		t.Errorf("%d handovers have an arrival, or are not in error", n)
	}
}
