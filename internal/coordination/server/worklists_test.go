package server_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/google/uuid"
)

// counts are the numbers of all worklists of the caller's services.
func (c caller) counts() map[string]float64 {
	c.s.t.Helper()
	counts := map[string]float64{}
	for _, item := range c.get("/v1/worklists").want(http.StatusOK)["items"].([]any) {
		counts[item.(object)["service"].(string)+" "+item.(object)["kind"].(string)] = item.(object)["count"].(float64)
	}
	return counts
}

// listed are the ids in a worklist, read in pages of two.
func (c caller) listed(kind string) []any {
	c.s.t.Helper()
	ids := []any{}
	for next := ""; ; {
		body := c.get("/v1/worklists/" + kind + "?limit=2&cursor=" + next).want(http.StatusOK)
		for _, item := range body["items"].([]any) {
			ids = append(ids, item.(object)["id"])
		}
		if next, _ = body["next"].(string); next == "" {
			return ids
		}
	}
}

func TestWorklists(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("service-lead", "south")
	var ids []any
	for i, number := range []string{"9990000018", "9990000026", "9990000034", "9990000042"} {
		body := referral("north", person(number, "Example"))
		body["receivedOn"] = day(-29 + i) // the first contact of the first was due yesterday, of the second today
		ids = append(ids, north.post("/v1/referrals", body).want(http.StatusCreated)["id"])
	}
	north.post("/v1/referrals/"+ids[1].(string)+"/reaching-steps", object{"kind": "RiskReview", "on": day(0), "nextOn": day(5)}).want(http.StatusCreated)
	north.post("/v1/referrals/"+ids[2].(string)+"/reaching-steps", object{"kind": "RiskReview", "on": day(0), "nextOn": day(0)}).want(http.StatusCreated)
	sent := north.sendOn(ids[3], "south")
	for kind, want := range map[string][]any{
		"waiting": {ids[0], ids[1], ids[2]}, "reaching": {ids[2], ids[1]}, "reaching-due": {ids[2]}, "sent-on": {sent}, "overdue": {ids[0]},
	} {
		if got := north.listed(kind); !slices.Equal(got, want) {
			t.Errorf("north, %s: %v, want %v", kind, got, want)
		}
		if got := north.counts()["north "+kind]; got != float64(len(want)) {
			t.Errorf("north, %s: counted %v, want %d", kind, got, len(want))
		}
	}
	for kind, want := range map[string][]any{"waiting": {sent}, "reaching": {}, "reaching-due": {}, "sent-on": {}, "overdue": {}} {
		if got := south.listed(kind); !slices.Equal(got, want) {
			t.Errorf("south, %s: %v, want %v", kind, got, want)
		}
		if got, counted := south.counts()["south "+kind]; !counted || got != float64(len(want)) {
			t.Errorf("south, %s: counted %v, %v; want %d", kind, got, counted, len(want))
		}
	}
	item := north.get("/v1/worklists/overdue").want(http.StatusOK)["items"].([]any)[0].(object)
	if item["due"] != "FirstContact" || item["dueOn"] != day(-1) || item["subject"] != "Referral" || item["service"] != "north" {
		t.Errorf("overdue: %v", item)
	}
	// A breach blocks nothing.
	north.post("/v1/referrals/"+ids[0].(string)+"/acceptance", nil).want(http.StatusCreated)
	// The first contact is due from the episode until it is closed.
	if got := north.listed("overdue"); !slices.Equal(got, []any{ids[0]}) {
		t.Errorf("overdue after acceptance: %v", got)
	}
	episode := north.get("/v1/referrals/" + ids[0].(string)).want(http.StatusOK)["episodeId"].(string)
	north.post("/v1/episodes/"+episode+"/closure", object{"reason": "SupportElsewhere", "returnPlan": returnPlan(), "acceptance": acceptance()}).want(http.StatusCreated)
	if got := north.listed("overdue"); len(got) != 0 {
		t.Errorf("overdue after the closure: %v", got)
	}
}

// Exact numbers are for those who work in the service, and each person listed is audited.
func TestWhoMayReadWorklists(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	r := north.refer("north", person("9990000018", "Example"))
	for _, path := range []string{"/v1/worklists", "/v1/worklists/waiting"} {
		for _, c := range []caller{s.as("digital-lead", "north"), s.with(object{"roles": []string{"integration"}, "services": []string{"north"}, "purpose": "direct-care"})} {
			c.get(path).refused(http.StatusForbidden, "forbidden")
		}
		s.as("service-lead", "south").get(path+"?service=north").refused(http.StatusUnprocessableEntity, "invalid-request")
		if items := s.as("practitioner").get(path).want(http.StatusOK)["items"].([]any); len(items) != 0 {
			t.Errorf("%s without a service: %v", path, items)
		}
	}
	if got := s.as("practitioner", "north", "south").counts(); got["north waiting"] != 1 || got["south waiting"] != 0 || len(got) < 10 {
		t.Errorf("counts of two services: %v", got)
	}
	id := uuid.NewString()
	north.do(http.MethodGet, "/v1/worklists/waiting?service=north", nil, "X-Request-ID", id).want(http.StatusOK)
	if n := s.count("SELECT count(*) FROM audit_events WHERE request_id = $1 AND operation = 'readWorklist' AND person_id = $2 AND resource_id = $3", id, r["personId"], r["id"]); n != 1 {
		t.Errorf("%d rows in the audit trail, want 1", n)
	}
	north.get("/v1/worklists/unknown").refused(http.StatusNotFound, "not-found")
	north.get("/v1/worklists/waiting?cursor=made-up").refused(http.StatusUnprocessableEntity, "invalid-request")
	north.get("/v1/worklists/waiting?limit=0").refused(http.StatusUnprocessableEntity, "invalid-request")
}

// A next date that passes is listed and, some days later, escalated.
func TestNextDateThatHasPassed(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	r := north.refer("north", person("9990000018", "Example"))
	north.post("/v1/referrals/"+r["id"].(string)+"/reaching-steps", object{"kind": "RiskReview", "on": day(0), "nextOn": day(0)}).want(http.StatusCreated)
	owner := s.owner()
	for _, sql := range []string{
		"UPDATE referrals SET reaching_next_on = reaching_next_on - 8", "UPDATE deadlines SET due_on = due_on - 8 WHERE kind = 'ReachingNext'", "SELECT escalate_deadlines()",
	} {
		if _, err := owner.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	for _, kind := range []string{"reaching-due", "overdue"} {
		items := north.get("/v1/worklists/" + kind).want(http.StatusOK)["items"].([]any)
		if len(items) != 1 || items[0].(object)["due"] != "ReachingNext" || items[0].(object)["escalatedTo"] != "ICS" || items[0].(object)["dueOn"] != day(-8) {
			t.Errorf("%s: %v", kind, items)
		}
	}
}
