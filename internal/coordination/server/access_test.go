package server_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/cmhf/operator/internal/coordination/access"
)

func TestOtherServicesSeeNothing(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	r := north.refer("north", person("9990000018", "Example"))
	episode := north.post("/v1/referrals/"+r["id"].(string)+"/acceptance", nil).want(http.StatusCreated)
	nobody := uuid.NewString()
	for _, path := range []string{"/v1/people/%s", "/v1/people/%s/access-log", "/v1/referrals/%s", "/v1/episodes/%s"} {
		id := map[bool]any{true: episode["id"], false: r["personId"]}[strings.Contains(path, "episodes")]
		if strings.Contains(path, "referrals") {
			id = r["id"]
		}
		hidden := south.get(strings.Replace(path, "%s", id.(string), 1)).refused(http.StatusNotFound, "not-found")
		absent := south.get(strings.Replace(path, "%s", nobody, 1)).refused(http.StatusNotFound, "not-found")
		delete(hidden, "instance")
		delete(absent, "instance")
		if !maps.EqualFunc(hidden, absent, func(a, b any) bool { return a == b }) {
			t.Errorf("%s: hidden %v differs from absent %v", path, hidden, absent)
		}
	}
	south.do(http.MethodPut, "/v1/people/"+r["personId"].(string)+"/legal-duties", object{"open": []string{}}).refused(http.StatusNotFound, "not-found")
	south.post("/v1/referrals/"+r["id"].(string)+"/acceptance", nil).refused(http.StatusNotFound, "not-found")
	for _, path := range []string{"/v1/referrals", "/v1/episodes"} {
		if body := south.get(path).want(http.StatusOK); len(body["items"].([]any)) != 0 {
			t.Errorf("%s shows %v", path, body)
		}
		south.get(path+"?service=north").refused(http.StatusUnprocessableEntity, "invalid-request")
	}
	if body := south.post("/v1/people/search", object{"nhsNumber": "9990000018"}).want(http.StatusOK); len(body["items"].([]any)) != 0 {
		t.Errorf("search shows %v", body)
	}
	byID := referral("south", nil)
	delete(byID, "person")
	byID["personId"] = r["personId"]
	south.post("/v1/referrals", byID).refused(http.StatusNotFound, "not-found")
	if n := s.count("SELECT count(*) FROM audit_events WHERE outcome = 'Refused' AND person_id = $1", r["personId"]); n < 3 {
		t.Errorf("%d refused attempts are in the audit trail", n)
	}
}

// A service that sends a person on sees the person too and stays responsible until the other accepts.
func TestSenderStaysResponsibleUntilAcceptance(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	body := referral("south", person("9990000018", "Example"))
	body["fromService"] = "south"
	north.post("/v1/referrals", body).refused(http.StatusUnprocessableEntity, "invalid-request")
	body["fromService"] = "north"
	r := north.post("/v1/referrals", body).want(http.StatusCreated)
	path := "/v1/referrals/" + r["id"].(string)
	for _, c := range []caller{north, south} {
		if read := c.get(path).want(http.StatusOK); read["responsibleService"] != "north" {
			t.Fatalf("before acceptance: %v", read)
		}
	}
	north.post(path+"/acceptance", nil).refused(http.StatusForbidden, "not-your-service")
	episode := south.post(path+"/acceptance", nil).want(http.StatusCreated)
	for _, c := range []caller{north, south} {
		if read := c.get(path).want(http.StatusOK); read["responsibleService"] != "south" || read["episodeId"] != episode["id"] {
			t.Fatalf("after acceptance: %v", read)
		}
	}
}

func TestSecondReferralJoinsTheOpenEpisode(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	first := north.accepted("north", person("9990000018", "Example"))
	second := north.accepted("north", person("9990000018", "EXAMPLE"))
	if first["id"] != second["id"] {
		t.Fatalf("one person has two open episodes with one service: %v, %v", first["id"], second["id"])
	}
}

// The answer to a referral is the same for a new person, a known one, and one whose details contradict a known record.
func TestReferralDoesNotTellWhoIsKnown(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	gp := s.with(object{"roles": []string{"integration"}, "purpose": "direct-care"})
	created := gp.refer("north", person("9990000018", "Example"))
	known := gp.refer("south", person("999 000 0018", " exAMPle"))
	differs := gp.refer("south", person("9990000018", "Somebody"))
	again := gp.refer("south", person("9990000018", "Somebody"))
	if known["personId"] != created["personId"] {
		t.Error("a known person got a second record")
	}
	if differs["personId"] == created["personId"] || differs["personId"] != again["personId"] {
		t.Error("contradicting details were mixed with another record, or made one each time")
	}
	shape := func(o object) []string { return slices.Sorted(maps.Keys(o)) }
	if !slices.Equal(shape(created), shape(known)) || !slices.Equal(shape(created), shape(differs)) {
		t.Error("the answers differ in shape")
	}
	if n := s.count("SELECT count(*) FROM matching_queue WHERE why = 'DetailsDiffer'"); n != 1 {
		t.Errorf("%d pairs wait for matching, want 1", n)
	}
	// To those who may see it, the queued record looks like any other.
	p := s.as("practitioner", "south").get("/v1/people/" + differs["personId"].(string)).want(http.StatusOK)
	if p["nhsNumber"] != "9990000018" || p["familyName"] != "Somebody" {
		t.Errorf("queued record: %v", p)
	}
}

// Every operation is tried with every role: the table alone decides.
func TestRoleTable(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	var document struct {
		Paths map[string]map[string]struct {
			OperationID string   `json:"operationId"`
			Roles       []string `json:"x-roles"`
		} `json:"paths"`
	}
	if err := json.Unmarshal([]byte(send(t, http.MethodGet, s.public+"/openapi.json", nil).raw), &document); err != nil {
		t.Fatal(err)
	}
	roles := append(access.Roles(), "unknown", "")
	tried := 0
	for path, methods := range document.Paths {
		for method, operation := range methods {
			rule := access.For(access.Operation(operation.OperationID))
			url := strings.Replace(path, "{id}", uuid.NewString(), 1)
			for _, role := range roles {
				tried++
				c := s.with(object{"roles": []access.Role{role}, "purpose": "direct-care", "services": []string{"north"}})
				a := c.do(strings.ToUpper(method), url, map[bool]any{true: object{}, false: nil}[method != "get"])
				allowed := slices.Contains(rule.Roles, role)
				if allowed != slices.Contains(operation.Roles, string(role)) {
					t.Errorf("%s: the document's x-roles differ from the table", operation.OperationID)
				}
				if refused := strings.Contains(a.raw, "/problems/forbidden"); refused == allowed {
					t.Errorf("%s as %q: status %d, allowed %v", operation.OperationID, role, a.status, allowed)
				}
			}
		}
	}
	tried += len(roles) * len(fhirOperations()) // which TestFHIRRoleTable tries
	if tried != len(roles)*len(access.Rules()) {
		t.Errorf("tried %d combinations of %d operations: an operation is not served or has no rule", tried, len(access.Rules()))
	}
	s.with(object{"roles": []string{"integration"}}).post("/v1/people/search", object{"nhsNumber": "9990000018"}).refused(http.StatusForbidden, "purpose-missing")
	if n := s.count("SELECT count(*) FROM audit_events WHERE outcome = 'Refused' AND problem IN ('forbidden', 'purpose-missing')"); n == 0 {
		t.Error("refused roles leave no audit trail")
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	for name, c := range map[string]caller{"no token": {s, ""}, "junk": {s, "junk"}} {
		if a := c.get("/v1/services"); a.status != http.StatusUnauthorized || a.header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
	s.with(object{"ics": "QU9", "roles": []string{"digital-lead"}}).get("/v1/services").refused(http.StatusForbidden, "wrong-ics")
	s.with(object{"aud": "cmhf-qu9", "roles": []string{"digital-lead"}}).get("/v1/services").refused(http.StatusUnauthorized, "unauthenticated")
	s.as("digital-lead").get("/v1/services").want(http.StatusOK)
}

func TestOneAuditRowForEachPersonReturned(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	for _, number := range []string{"9990000018", "9990000026", "9990000034"} {
		north.refer("north", person(number, "Example"))
	}
	id := uuid.NewString()
	north.do(http.MethodGet, "/v1/referrals?limit=2", nil, "X-Request-ID", id).want(http.StatusOK)
	if n := s.count("SELECT count(DISTINCT person_id) FROM audit_events WHERE request_id = $1 AND operation = 'listReferrals' AND role = 'practitioner' AND purpose = 'direct-care'", id); n != 2 {
		t.Errorf("%d people are in the audit trail of a list of two", n)
	}
	empty := uuid.NewString()
	north.do(http.MethodPost, "/v1/people/search", object{"nhsNumber": "9990000042"}, "X-Request-ID", empty).want(http.StatusOK)
	if n := s.count("SELECT count(*) FROM audit_events WHERE request_id = $1 AND person_id IS NULL", empty); n != 1 {
		t.Errorf("a search without a result left %d rows", n)
	}
}

func TestListPages(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	var want []string
	for _, number := range []string{"9990000018", "9990000026", "9990000034", "9990000042", "9990000050"} {
		want = append(want, north.accepted("north", person(number, "Example"))["id"].(string))
	}
	slices.Reverse(want)
	for _, path := range []string{"/v1/episodes?limit=2&state=Open", "/v1/referrals?limit=2&service=north"} {
		var got []string
		for next := ""; ; {
			body := north.get(path + "&cursor=" + next).want(http.StatusOK)
			for _, item := range body["items"].([]any) {
				id, ok := item.(object)["episodeId"].(string)
				if !ok {
					id = item.(object)["id"].(string)
				}
				got = append(got, id)
			}
			if next, _ = body["next"].(string); next == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
	north.get("/v1/episodes?cursor=made-up").refused(http.StatusUnprocessableEntity, "invalid-request")
}
