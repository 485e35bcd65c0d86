package server_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/cmhf/operator/internal/directory"
)

var west = directory.ServiceID("QOP", "west")

// startWithWest has the service west beside those of startWithDirectory.
func startWithWest(t testing.TB) *system {
	t.Helper()
	s := start(t)
	d := testDirectory(1)
	d.Services = append(d.Services, directory.Service{
		ID: west, Name: "west", DisplayName: "The west service", State: directory.StateOpen, Place: "coast",
		Neighbourhoods: []string{"hill"}, LeadProvider: directory.Provider{ODSCode: "RT1", Name: "Test Trust"}, Functions: []string{"CrisisLink"},
	})
	s.putDirectory(d).want(http.StatusOK)
	return s
}

func handover(direction, urgency string) object {
	return object{"direction": direction, "urgency": urgency, "reason": "Needs other support", "summary": "What has helped so far"}
}

func to(service string, body object) object { body["toService"] = service; return body }

// offer offers the person of an episode and gives the handover's path.
func (c caller) offer(episode any, body object) string {
	c.s.t.Helper()
	offered := c.post("/v1/episodes/"+episode.(string)+"/handovers", body).want(http.StatusCreated)
	return "/v1/handovers/" + offered["id"].(string)
}

// notOneResponsible counts breaches of what must hold at every instant: one service is responsible for each open episode, and it alone sees
// the person as such.
const notOneResponsible = `SELECT count(*) FROM episodes e WHERE e.state = 'Open' AND (
	SELECT array_agg(a.service_id) FROM person_access a WHERE a.source_id = e.id AND a.why = 'Episode' AND a.until IS NULL) IS DISTINCT FROM ARRAY[e.responsible_service_id]`

func TestHandoverMovesResponsibilityOnAcceptance(t *testing.T) {
	t.Parallel()
	s := startWithWest(t)
	north, south, west := s.as("practitioner", "north"), s.as("practitioner", "south"), s.as("practitioner", "west")
	episode := north.accepted("north", person("9990000018", "Example"))
	path := "/v1/episodes/" + episode["id"].(string)
	who := "/v1/people/" + episode["personId"].(string)
	north.put(episode["id"], "/key-worker", keyWorker("kim")).want(http.StatusOK)
	south.get(who).refused(http.StatusNotFound, "not-found")
	offered := north.post(path+"/handovers", to("south", handover("Up", "Routine"))).want(http.StatusCreated)
	if offered["state"] != "Offered" || offered["answerDueOn"] != day(5) || offered["fromService"] != "north" {
		t.Fatalf("offered: %v", offered)
	}
	h := "/v1/handovers/" + offered["id"].(string)
	north.post(path+"/handovers", to("south", handover("Up", "Routine"))).refused(http.StatusConflict, "state-conflict")
	// The receiver sees the person; north stays responsible.
	south.get(who).want(http.StatusOK)
	if read := south.get(h).want(http.StatusOK); read["person"].(object)["familyName"] != "Example" {
		t.Errorf("the receiver reads %v", read)
	}
	west.get(who).refused(http.StatusNotFound, "not-found")
	west.get(h).refused(http.StatusNotFound, "not-found")
	for _, part := range []string{"/acceptance", "/withdrawal"} {
		west.post(h+part, nil).refused(http.StatusNotFound, "not-found")
	}
	if read := south.get(path).want(http.StatusOK); read["responsibleService"] != "north" {
		t.Fatalf("before the answer: %v", read)
	}
	north.post(h+"/acceptance", nil).refused(http.StatusForbidden, "not-your-service")
	south.post(h+"/withdrawal", nil).refused(http.StatusForbidden, "not-your-service")
	south.post(h+"/arrival", object{"on": day(0)}).refused(http.StatusConflict, "state-conflict")
	closure := object{"reason": "SupportElsewhere", "returnPlan": returnPlan(), "acceptance": acceptance()}
	north.post(path+"/closure", closure).refused(http.StatusConflict, "state-conflict")
	for c, want := range map[caller][2][]string{north: {{}, {offered["id"].(string)}}, south: {{offered["id"].(string)}, {}}, west: {{}, {}}} {
		incoming, outgoing := s.ids(c, "/v1/handovers?state=Offered"), s.ids(c, "/v1/handovers?direction=outgoing&state=Offered")
		if !slices.Equal(incoming, want[0]) || !slices.Equal(outgoing, want[1]) {
			t.Errorf("incoming %v and outgoing %v, want %v", incoming, outgoing, want)
		}
	}
	accepted := south.post(h+"/acceptance", nil).want(http.StatusCreated)
	if accepted["state"] != "Accepted" || accepted["acceptance"].(object)["recordedAs"] != "Receiver" {
		t.Errorf("accepted: %v", accepted)
	}
	for _, c := range []caller{north, south} {
		if read := c.get(path).want(http.StatusOK); read["responsibleService"] != "south" || read["keyWorker"] != nil || read["keyWorkerDueOn"] != day(14) {
			t.Errorf("after the acceptance: %v", read)
		}
	}
	north.post(path+"/closure", closure).refused(http.StatusForbidden, "not-your-service")
	north.do(http.MethodPut, who+"/legal-duties", object{"open": []string{}}).refused(http.StatusForbidden, "not-your-service")
	south.do(http.MethodPut, who+"/legal-duties", object{"open": []string{}}).want(http.StatusOK)
	south.post(h+"/acceptance", nil).refused(http.StatusConflict, "state-conflict")
	north.post(h+"/withdrawal", nil).refused(http.StatusConflict, "state-conflict")
	// Accepted is not arrived.
	for _, list := range []string{"/v1/handovers?notArrived=true", "/v1/handovers?direction=outgoing&notArrived=true"} {
		c := map[bool]caller{true: south, false: north}[list == "/v1/handovers?notArrived=true"]
		if got := s.ids(c, list); len(got) != 1 {
			t.Errorf("%s: %v, want the one that has not arrived", list, got)
		}
	}
	if n := s.count("SELECT count(*) FROM person_access WHERE why = 'HandoverSent' AND service_id = $1 AND until IS NULL", directory.ServiceID("QOP", "north")); n != 1 {
		t.Error("the sender does not see how it goes on")
	}
	north.post(h+"/arrival", object{"on": day(0)}).refused(http.StatusForbidden, "not-your-service")
	south.post(h+"/arrival", object{"on": day(-1)}).refused(http.StatusUnprocessableEntity, "invalid-request")
	south.post(h+"/arrival", object{"on": day(1)}).refused(http.StatusUnprocessableEntity, "invalid-request")
	if arrived := south.post(h+"/arrival", object{"on": day(0)}).want(http.StatusCreated); arrived["arrivedOn"] != day(0) {
		t.Errorf("arrived: %v", arrived)
	}
	south.post(h+"/arrival", object{"on": day(0)}).refused(http.StatusConflict, "state-conflict")
	if got := s.ids(south, "/v1/handovers?notArrived=true"); len(got) != 0 {
		t.Errorf("not arrived: %v", got)
	}
	if n := s.count("SELECT count(*) FROM person_access WHERE why = 'HandoverSent' AND until > now() + interval '89 days'"); n != 1 {
		t.Error("the sender's access does not end 90 days after the arrival")
	}
	// And back again: the person may return to where they came from.
	back := south.offer(episode["id"], to("north", handover("Down", "Urgent")))
	north.post(back+"/acceptance", nil).want(http.StatusCreated)
	if n := s.count(notOneResponsible); n != 0 {
		t.Errorf("%d episodes have not one responsible service", n)
	}
	north.post(path+"/closure", closure).want(http.StatusCreated)
	if n := s.count("SELECT count(*) FROM person_access WHERE until IS NULL"); n != 0 {
		t.Errorf("%d services see the person without end after the closure", n)
	}
}

// The first attended contact, when somebody records one, is the arrival.
func TestArrivalByContact(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	episode := north.accepted("north", person("9990000018", "Example"))
	h := north.offer(episode["id"], to("south", handover("Sideways", "Routine")))
	contact := func(service string, later int) {
		t.Helper()
		if _, err := s.owner().Exec(t.Context(), "SELECT handover_arrived($1, $2, $3::date)", episode["personId"], directory.ServiceID("QOP", service), day(later)); err != nil {
			t.Fatal(err)
		}
	}
	arrived := func() any { return south.get(h).want(http.StatusOK)["arrivedOn"] }
	contact("south", 0)
	if got := arrived(); got != nil {
		t.Errorf("arrived on %v before the acceptance", got)
	}
	south.post(h+"/acceptance", nil).want(http.StatusCreated)
	contact("north", 0)
	contact("south", -1)
	if got := arrived(); got != nil {
		t.Errorf("arrived on %v by a contact elsewhere or before", got)
	}
	contact("south", 0)
	if got := arrived(); got != day(0) {
		t.Errorf("arrived on %v", got)
	}
	contact("south", 0)
	if _, err := s.app("test-subject", "south").Exec(t.Context(), "SELECT handover_arrived($1, $2, current_date)", episode["personId"], directory.ServiceID("QOP", "south")); code(err) != "42501" {
		t.Errorf("as the app: %v", err)
	}
}

func TestDeclineNamesAnotherWay(t *testing.T) {
	t.Parallel()
	s := startWithWest(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	episode := north.accepted("north", person("9990000018", "Example"))
	h := north.offer(episode["id"], to("south", handover("Down", "Routine")))
	south.badInput(t, map[string]badInput{
		"no alternative": {object{"reason": "x"}, "body.alternative"},
		"no reason":      {object{"alternative": "x"}, "body"},
		"itself":         {object{"reason": "x", "alternativeService": "south"}, "body.alternativeService"},
		"nowhere":        {object{"reason": "x", "alternativeService": "Unmistakable"}, "body.alternativeService"},
		"blank":          {object{"reason": " ", "alternative": "x"}, "body.reason"},
	}, "Unmistakable", func(body any) answer { return south.post(h+"/decline", body) })
	north.post(h+"/decline", object{"reason": "x", "alternative": "x"}).refused(http.StatusForbidden, "not-your-service")
	declined := south.post(h+"/decline", object{"reason": "No group has a place", "alternativeService": "west"}).want(http.StatusCreated)
	if declined["state"] != "Declined" || declined["decline"].(object)["alternativeService"] != "west" {
		t.Errorf("declined: %v", declined)
	}
	if read := north.get("/v1/episodes/" + episode["id"].(string)).want(http.StatusOK); read["responsibleService"] != "north" {
		t.Errorf("after the decline: %v", read)
	}
	again := north.offer(episode["id"], to("south", handover("Down", "Routine")))
	withdrawn := north.post(again+"/withdrawal", nil).want(http.StatusCreated)
	if withdrawn["state"] != "Withdrawn" {
		t.Errorf("withdrawn: %v", withdrawn)
	}
	south.post(again+"/acceptance", nil).refused(http.StatusConflict, "state-conflict")
	if n := s.count("SELECT count(*) FROM person_access WHERE why = 'HandoverOffered' AND until IS NULL"); n != 0 {
		t.Errorf("%d offers without an end give access", n)
	}
}

// Nobody in a crisis is sent back: the receiver passes the person on, and is free when another service has accepted.
func TestCrisisStepUpNeedsALiveTransfer(t *testing.T) {
	t.Parallel()
	s := startWithWest(t)
	north, south, west := s.as("practitioner", "north"), s.as("practitioner", "south"), s.as("practitioner", "west")
	episode := north.accepted("north", person("9990000018", "Example"))
	path := "/v1/episodes/" + episode["id"].(string)
	offered := north.post(path+"/handovers", to("south", handover("Up", "Crisis"))).want(http.StatusCreated)
	if offered["answerDueOn"] != day(0) {
		t.Errorf("an answer to a crisis is due on %v", offered["answerDueOn"])
	}
	h := "/v1/handovers/" + offered["id"].(string)
	south.post(h+"/decline", object{"reason": "Full", "alternativeService": "west"}).refused(http.StatusConflict, "live-transfer-needed")
	app := s.app("test-subject", "south")
	const decline = "UPDATE handovers SET state = 'Declined', decline_reason = 'x', alternative = 'x' WHERE id = $1"
	if _, err := app.Exec(t.Context(), decline, offered["id"]); code(err) != "CM042" {
		t.Errorf("declined in SQL: %v", err)
	}
	south.post(h+"/transfers", object{"toService": "south", "reason": "Full"}).refused(http.StatusUnprocessableEntity, "invalid-request")
	west.post(h+"/transfers", object{"toService": "west", "reason": "Full"}).refused(http.StatusNotFound, "not-found")
	passed := south.post(h+"/transfers", object{"toService": "west", "reason": "Full tonight"}).want(http.StatusCreated)
	if passed["transferOf"] != offered["id"] || passed["fromService"] != "north" || passed["urgency"] != "Crisis" || passed["summary"] != "What has helped so far" {
		t.Errorf("passed on: %v", passed)
	}
	// Offered on is not accepted.
	south.post(h+"/decline", object{"reason": "Full", "alternativeService": "west"}).refused(http.StatusConflict, "live-transfer-needed")
	if _, err := app.Exec(t.Context(), decline, offered["id"]); code(err) != "CM042" {
		t.Errorf("declined in SQL while nobody has accepted: %v", err)
	}
	west.post("/v1/handovers/"+passed["id"].(string)+"/acceptance", nil).want(http.StatusCreated)
	if read := south.get(h).want(http.StatusOK); read["state"] != "Declined" || read["decline"].(object)["alternativeService"] != "west" {
		t.Errorf("after the live transfer: %v", read)
	}
	if read := west.get(path).want(http.StatusOK); read["responsibleService"] != "west" {
		t.Errorf("after the live transfer: %v", read)
	}
	// A step-up that is no crisis is declined and not passed on.
	urgent := west.offer(episode["id"], to("south", handover("Up", "Urgent")))
	south.post(urgent+"/transfers", object{"toService": "north", "reason": "x"}).refused(http.StatusConflict, "state-conflict")
	south.post(urgent+"/decline", object{"reason": "x", "alternative": "A bed at Example Hospital"}).want(http.StatusCreated)
}

func TestUnansweredHandoversGoOn(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	episode := north.accepted("north", person("9990000018", "Example"))
	h := north.offer(episode["id"], to("south", handover("Up", "Routine")))
	due := func(later int) {
		t.Helper()
		if _, err := s.owner().Exec(t.Context(), "ALTER TABLE handovers DISABLE TRIGGER handover_changed"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.owner().Exec(t.Context(), "UPDATE handovers SET answer_due_on = $1::date", day(later)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.owner().Exec(t.Context(), "ALTER TABLE handovers ENABLE TRIGGER handover_changed"); err != nil {
			t.Fatal(err)
		}
	}
	app := s.app("test-subject", "south")
	for _, step := range []struct {
		due       int
		escalated any
		went      int
	}{{0, nil, 0}, {-1, "ServiceLead", 1}, {-1, "ServiceLead", 0}, {-5, "ServiceLead", 0}, {-6, "ICS", 1}, {-7, "ICS", 0}} {
		due(step.due)
		var went int
		if err := app.QueryRow(t.Context(), "SELECT escalate_handovers()").Scan(&went); err != nil || went != step.went {
			t.Errorf("due on %s: %d went on, want %d (%v)", day(step.due), went, step.went, err)
		}
		if got := south.get(h).want(http.StatusOK)["escalatedTo"]; got != step.escalated {
			t.Errorf("due on %s: with %v, want %v", day(step.due), got, step.escalated)
		}
	}
	if got := s.ids(south, "/v1/handovers?escalatedTo=ICS"); len(got) != 1 {
		t.Errorf("with the ICS: %v", got)
	}
	south.post(h+"/acceptance", nil).want(http.StatusCreated) // late is not too late
	if got := s.ids(south, "/v1/handovers?state=Offered&escalatedTo=ICS"); len(got) != 0 {
		t.Errorf("with the ICS after the answer: %v", got)
	}
}

func TestHandoverBadInput(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	episode := north.accepted("north", person("9990000018", "Example"))
	path := "/v1/episodes/" + episode["id"].(string) + "/handovers"
	const secret = "Unmistakable9434765919"
	with := func(field string, value any) object {
		body := to("south", handover("Up", "Routine"))
		body[field] = value
		return body
	}
	north.badInput(t, map[string]badInput{
		"nobody":                 {handover("Up", "Routine"), "body.toService"},
		"two receivers":          {with("organisation", secret), "body.toService"},
		"unknown service":        {with("toService", secret), "body.toService"},
		"itself":                 {with("toService", "north"), "body.toService"},
		"unknown direction":      {with("direction", secret), "body.direction"},
		"unknown urgency":        {with("urgency", secret), "body.urgency"},
		"blank reason":           {with("reason", " "), "body.reason"},
		"blank summary":          {with("summary", "\t"), "body.summary"},
		"unknown field":          {with(secret, "x"), "body.…"},
		"ODS code of a service":  {with("odsCode", "A81001"), "body.odsCode"},
		"ODS code in lower case": {with("odsCode", "a81001"), "body.odsCode"},
		"long reason":            {with("reason", strings.Repeat(secret, 200)), "body.reason"},
	}, secret, func(body any) answer { return north.post(path, body) })
	north.post(path, with("toService", "east")).refused(http.StatusConflict, "service-closing")
	north.get("/v1/handovers?direction=sideways").refused(http.StatusUnprocessableEntity, "invalid-request")
	north.get("/v1/handovers?service=south").refused(http.StatusUnprocessableEntity, "invalid-request")
	north.get("/v1/handovers?cursor=made-up").refused(http.StatusUnprocessableEntity, "invalid-request")
	if n := s.count("SELECT count(*) FROM handovers"); n != 0 {
		t.Errorf("refused requests left %d handovers", n)
	}
}
