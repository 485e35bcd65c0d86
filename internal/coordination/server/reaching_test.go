package server_test

import (
	"fmt"
	"net/http"
	"testing"
)

// Who does not answer stays on the list, with a day on which they are tried again; that is a state and never an outcome.
func TestReachingAPerson(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	body := referral("north", person("9990000018", "Example"))
	body["receivedOn"] = day(-20)
	r := north.post("/v1/referrals", body).want(http.StatusCreated)
	path := "/v1/referrals/" + r["id"].(string)
	step := func(kind, channel, next string) object {
		o := object{"kind": kind, "on": day(0)}
		if channel != "" {
			o["channel"] = channel
		}
		if next != "" {
			o["nextOn"] = next
		}
		return o
	}
	for i, test := range []struct {
		step  object
		lacks string
	}{
		{step("Attempt", "Phone", day(2)), "[reaching-attempts carer-or-gp-contact risk-review]"},
		{step("Attempt", "Phone", day(3)), "[reaching-attempts carer-or-gp-contact risk-review]"},
		{step("Attempt", "Letter", day(4)), "[carer-or-gp-contact risk-review]"},
		{step("GPContacted", "", day(5)), "[risk-review]"},
		{step("RiskReview", "", day(6)), "<nil>"},
	} {
		read := north.post(path+"/reaching-steps", test.step).want(http.StatusCreated)
		if read["state"] != "Reaching" || read["reachingNextOn"] != test.step["nextOn"] || fmt.Sprint(read["reachingLacks"]) != test.lacks || len(read["reachingSteps"].([]any)) != i+1 {
			t.Errorf("after step %d: %v", i+1, read)
		}
		if n := s.count("SELECT count(*) FROM deadlines WHERE kind = 'ReachingNext' AND subject_id = $1 AND due_on = $2::date AND met_at IS NULL", r["id"], test.step["nextOn"]); n != 1 {
			t.Errorf("after step %d, %d next dates are due", i+1, n)
		}
	}
	if items := north.get("/v1/referrals?state=Reaching").want(http.StatusOK)["items"].([]any); len(items) != 1 {
		t.Errorf("the list of those who are being reached: %v", items)
	}
	if items := north.get("/v1/referrals?state=Open").want(http.StatusOK)["items"].([]any); len(items) != 0 {
		t.Errorf("the list of the others: %v", items)
	}
	// Everything is done, and the person still does not answer: no outcome follows from that.
	north.end(r["id"], object{"kind": "NotReachable"}).refused(http.StatusUnprocessableEntity, "outcome-incomplete")
	read := north.post(path+"/reaching-steps", step("Reached", "Visit", "")).want(http.StatusCreated)
	if read["state"] != "Open" || read["reachingNextOn"] != nil || read["reachingLacks"] != nil {
		t.Errorf("reached: %v", read)
	}
	if n := s.count("SELECT count(*) FROM deadlines WHERE kind = 'ReachingNext' AND met_at IS NULL"); n != 0 {
		t.Errorf("reached, and %d next dates are due", n)
	}
	if read = north.post(path+"/reaching-steps", step("Attempt", "Text", day(92))).want(http.StatusCreated); fmt.Sprint(read["reachingLacks"]) != "[reaching-attempts carer-or-gp-contact risk-review]" {
		t.Errorf("what was done before the person was reached counts still: %v", read)
	}
	north.post(path+"/acceptance", nil).want(http.StatusCreated)
	if read := north.get(path).want(http.StatusOK); read["state"] != "Accepted" || read["reachingNextOn"] != nil {
		t.Errorf("accepted: %v", read)
	}
}

func TestReachingStepRefusals(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	path := "/v1/referrals/" + north.refer("north", person("9990000018", "Example"))["id"].(string) + "/reaching-steps"
	for name, test := range map[string]struct {
		body     object
		location string
	}{
		"no channel":          {object{"kind": "Attempt", "on": day(0), "nextOn": day(1)}, "body.channel"},
		"reached by no means": {object{"kind": "Reached", "on": day(0)}, "body.channel"},
		"channel of a review": {object{"kind": "RiskReview", "channel": "Phone", "on": day(0), "nextOn": day(1)}, "body.channel"},
		"unknown channel":     {object{"kind": "Attempt", "channel": "Pigeon", "on": day(0), "nextOn": day(1)}, "body.channel"},
		"unknown kind":        {object{"kind": "GaveUp", "on": day(0), "nextOn": day(1)}, "body.kind"},
		"tomorrow":            {object{"kind": "RiskReview", "on": day(1), "nextOn": day(1)}, "body.on"},
		"before the referral": {object{"kind": "RiskReview", "on": day(-1), "nextOn": day(1)}, "body.on"},
		"no next date":        {object{"kind": "RiskReview", "on": day(0)}, "body.nextOn"},
		"next was yesterday":  {object{"kind": "RiskReview", "on": day(0), "nextOn": day(-1)}, "body.nextOn"},
		"next is far away":    {object{"kind": "RiskReview", "on": day(0), "nextOn": day(93)}, "body.nextOn"},
		"next though reached": {object{"kind": "Reached", "channel": "Phone", "on": day(0), "nextOn": day(1)}, "body.nextOn"},
		"no such day":         {object{"kind": "RiskReview", "on": "2026-02-30", "nextOn": day(1)}, "body.on"},
	} {
		body := north.post(path, test.body).refused(http.StatusUnprocessableEntity, "invalid-request")
		if at := body["errors"].([]any)[0].(object)["location"]; at != test.location {
			t.Errorf("%s: error at %v, want %s", name, at, test.location)
		}
	}
	if n := s.count("SELECT count(*) FROM referral_reaching_steps"); n != 0 {
		t.Errorf("refused steps left %d rows", n)
	}
}
