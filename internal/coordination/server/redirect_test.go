package server_test

import (
	"net/http"
	"slices"
	"testing"
)

// sendOn sends a person on to a service and gives the id of the referral there.
func (c caller) sendOn(id any, service string) string {
	c.s.t.Helper()
	answered := c.end(id, object{"kind": "Redirected", "service": service}).want(http.StatusCreated)
	to := answered["redirectedTo"].(object)
	if answered["state"] != "Open" || to["service"] != service || to["state"] != "Open" {
		c.s.t.Fatalf("sent on: %v", answered)
	}
	return to["referralId"].(string)
}

// Whoever sends a person on stays responsible until the other service accepts.
func TestWhoSendsOnStaysResponsible(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	body := referral("north", person("9990000018", "Example"))
	body["receivedOn"] = day(-10)
	r := north.post("/v1/referrals", body).want(http.StatusCreated)
	path := "/v1/referrals/" + r["id"].(string)
	south.get(path).refused(http.StatusNotFound, "not-found")
	next := north.sendOn(r["id"], "south")
	for id, c := range map[string]caller{r["id"].(string): north, next: south} {
		if read := c.get("/v1/referrals/" + id).want(http.StatusOK); read["responsibleService"] != "north" || read["state"] != "Open" || read["reason"] != "Made-up reason" {
			t.Errorf("before the answer: %v", read)
		}
	}
	if read := south.get("/v1/referrals/" + next).want(http.StatusOK); read["redirectedFrom"] != r["id"] || read["receivedOn"] != day(0) {
		t.Errorf("at the receiving service: %v", read)
	}
	if n := s.count("SELECT waiting FROM at_a_glance($1, $1)", day(0)); n != 1 {
		t.Errorf("one person who is sent on waits %d times", n)
	}
	// Until the answer, nothing else can end the first referral, and the receiving service can't send the person back by taking back.
	north.post(path+"/acceptance", nil).refused(http.StatusConflict, "state-conflict")
	north.end(r["id"], object{"kind": "PersonChose", "choice": choice()}).refused(http.StatusConflict, "state-conflict")
	north.end(r["id"], object{"kind": "Redirected", "service": "south"}).refused(http.StatusConflict, "state-conflict")
	north.post("/v1/referrals/"+next+"/acceptance", nil).refused(http.StatusForbidden, "not-your-service")
	refused := south.end(next, object{"kind": "Withdrawn", "withdrawal": party()}).refused(http.StatusUnprocessableEntity, "outcome-incomplete")
	if !slices.Equal(missing(refused), []string{"withdrawal"}) {
		t.Errorf("missing %v", missing(refused))
	}
	refused = south.end(next, object{"kind": "Duplicate", "duplicateOf": r["id"]}).refused(http.StatusUnprocessableEntity, "outcome-incomplete")
	if !slices.Equal(missing(refused), []string{"duplicate"}) {
		t.Errorf("missing %v", missing(refused))
	}
	app := s.app("test-subject", "south")
	for name, sql := range map[string]string{
		"take back": insertOutcome + "party_name, party_organisation, party_on, party_channel) VALUES ($1, 'test-subject', 'Withdrawn', 'x', 'x', current_date, 'Phone')",
		"duplicate": insertOutcome + "duplicate_of) VALUES ($1, 'test-subject', 'Duplicate', (SELECT redirected_from FROM referrals WHERE id = $1))",
	} {
		if _, err := app.Exec(t.Context(), sql, next); code(err) != "CM030" {
			t.Errorf("%s by the receiving service, in SQL: %v", name, err)
		}
	}

	episode := south.post("/v1/referrals/"+next+"/acceptance", nil).want(http.StatusCreated)
	if read := south.get("/v1/referrals/" + next).want(http.StatusOK); read["responsibleService"] != "south" || read["episodeId"] != episode["id"] {
		t.Errorf("accepted: %v", read)
	}
	if read := north.get(path).want(http.StatusOK); read["state"] != "Redirected" || read["redirectedTo"].(object)["state"] != "Accepted" || read["responsibleService"] != "north" {
		t.Errorf("the first referral after acceptance: %v", read)
	}
	// The wait did not begin anew: the first contact is due when it was, now from south.
	if n := s.count("SELECT count(*) FROM deadlines WHERE kind = 'FirstContact' AND subject_id = $1 AND service_id = $2 AND due_on = $3::date AND met_at IS NULL AND dropped_at IS NULL", next, south.id("south"), day(18)); n != 1 {
		t.Error("the first contact is not due from the accepting service, 28 days after the first referral")
	}
	if n := s.count("SELECT count(*) FROM deadlines WHERE kind <> 'KeyWorker' AND met_at IS NULL AND dropped_at IS NULL"); n != 1 {
		t.Errorf("%d things are due beside a key worker, want the first contact alone", n)
	}
}

func TestSentOnAndOnAndBack(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	r := north.refer("north", person("9990000018", "Example"))
	north.end(r["id"], object{"kind": "Redirected", "service": "east"}).refused(http.StatusConflict, "service-closing")

	// Taken back: the first service can go on.
	next := north.sendOn(r["id"], "south")
	north.end(next, object{"kind": "Withdrawn", "withdrawal": party()}).want(http.StatusCreated)
	if read := north.get("/v1/referrals/" + r["id"].(string)).want(http.StatusOK); read["redirectedTo"] != nil || read["state"] != "Open" {
		t.Errorf("after it was taken back: %v", read)
	}

	// South names another way, here back to north: north was responsible all the time, and both end with its acceptance.
	next = north.sendOn(r["id"], "south")
	back := south.sendOn(next, "north")
	if read := north.get("/v1/referrals/" + back).want(http.StatusOK); read["responsibleService"] != "north" || read["redirectedFrom"] != next {
		t.Errorf("sent back: %v", read)
	}
	north.post("/v1/referrals/"+back+"/acceptance", nil).want(http.StatusCreated)
	for _, id := range []string{r["id"].(string), next} {
		if read := north.get("/v1/referrals/" + id).want(http.StatusOK); read["state"] != "Redirected" {
			t.Errorf("after the acceptance at the end of the chain: %v", read)
		}
	}

	// Outside of the ICS's services, acceptance is recorded on behalf of the receiver; it ends what was sent on before it too.
	other := north.refer("north", person("9990000026", "Other"))
	next = north.sendOn(other["id"], "south")
	south.end(next, object{"kind": "Redirected", "acceptance": party()}).want(http.StatusCreated)
	if read := north.get("/v1/referrals/" + other["id"].(string)).want(http.StatusOK); read["state"] != "Redirected" || read["redirectedTo"].(object)["state"] != "Redirected" {
		t.Errorf("after acceptance outside: %v", read)
	}
}

// A service that sent the person with fromService is responsible, and takes the referral back if need be.
func TestSenderTakesBack(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	body := referral("south", person("9990000018", "Example"))
	body["fromService"] = "north"
	r := north.post("/v1/referrals", body).want(http.StatusCreated)
	south.end(r["id"], object{"kind": "Withdrawn", "withdrawal": party()}).refused(http.StatusUnprocessableEntity, "outcome-incomplete")
	if n := s.count("SELECT count(*) FROM deadlines WHERE (kind, service_id) IN (('FirstContact', $1), ('ReferralAnswer', $2)) AND dropped_at IS NULL", north.id("north"), north.id("south")); n != 2 {
		t.Errorf("%d things are due, want the first contact from the sender and the answer from the receiver", n)
	}
	north.end(r["id"], object{"kind": "Withdrawn", "withdrawal": party()}).want(http.StatusCreated)
	if n := s.count("SELECT count(*) FROM outcome_refusals WHERE service_id = $1", south.id("south")); n != 1 {
		t.Errorf("%d refusal events of the service that was refused", n)
	}
}

// With acceptance the first contact is due from the accepting service, on the same day.
func TestAcceptanceMovesWhatIsDue(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	body := referral("south", person("9990000018", "Example"))
	body["fromService"] = "north"
	r := s.as("practitioner", "north").post("/v1/referrals", body).want(http.StatusCreated)
	south := s.as("practitioner", "south")
	south.post("/v1/referrals/"+r["id"].(string)+"/acceptance", nil).want(http.StatusCreated)
	if n := s.count("SELECT count(*) FROM deadlines WHERE kind = 'FirstContact' AND service_id = $1 AND due_on = $2::date AND met_at IS NULL AND dropped_at IS NULL", south.id("south"), day(28)); n != 1 {
		t.Error("the first contact is not due from the accepting service")
	}
	if n := s.count("SELECT count(*) FROM deadlines WHERE kind = 'ReferralAnswer' AND met_at IS NOT NULL"); n != 1 {
		t.Error("the answer was given and is still due")
	}
}

// Acceptance at the receiving service and an end at the sending one, at the same moment: one of them wins, and somebody is responsible.
func TestAnswerAndEndAtOnce(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	for _, number := range []string{"9990000018", "9990000026", "9990000034"} {
		r := north.refer("north", person(number, "Example"))
		next := north.sendOn(r["id"], "south")
		tag := north.get("/v1/referrals/" + next).header.Get("ETag")
		accepted := make(chan int)
		go func() { accepted <- south.post("/v1/referrals/"+next+"/acceptance", nil).status }()
		back := north.post("/v1/referrals/"+next+"/outcome", object{"kind": "Withdrawn", "withdrawal": party()}, "If-Match", tag).status
		if first := <-accepted; (first == http.StatusCreated) == (back == http.StatusCreated) {
			t.Errorf("acceptance %d, taking back %d", first, back)
		}
		if n := s.count("SELECT count(*) FROM referrals WHERE person_id = $1 AND state IN ('Open', 'Accepted')", r["personId"]); n != 1 {
			t.Errorf("%d referrals go on, want 1", n)
		}
	}
}
