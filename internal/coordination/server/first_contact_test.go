package server_test

import (
	"net/http"
	"testing"
	"time"
)

// waits tells whether a referral's first contact is due still.
func (s *system) waits(referral any) bool {
	s.t.Helper()
	return s.count("SELECT count(*) FROM deadlines WHERE subject_id = $1 AND kind = 'FirstContact' AND met_at IS NULL AND dropped_at IS NULL", referral) == 1
}

// The first attended contact ends the wait of every referral in the episode; one that was missed, held among professionals, or that
// happened before the person asked does not, nor one that never was.
func TestFirstContactEndsTheWait(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	episode := north.supported("9990000018")
	path := "/v1/episodes/" + episode["id"].(string) + "/contacts"
	var first any
	for _, item := range items(north.get("/v1/referrals").want(http.StatusOK)) {
		first = item.(object)["id"]
	}
	second := north.refer("north", person("9990000018", "Example"))
	north.post("/v1/referrals/"+second["id"].(string)+"/acceptance", nil).want(http.StatusCreated)
	check := func(what string, waits ...bool) {
		t.Helper()
		for i, id := range []any{first, second["id"]} {
			if got := s.waits(id); got != waits[i] {
				t.Errorf("%s: referral %d waits %v, want %v", what, i+1, got, waits[i])
			}
		}
	}
	check("before", true, true)
	north.post(path, with(contact(), "attendance", "DidNotAttend")).want(http.StatusCreated)
	north.post(path, with(contact(), "with", "Professional")).want(http.StatusCreated)
	check("missed, and among professionals", true, true)
	early := north.post(path, with(contact(), "happenedAt", moment(-48*time.Hour))).want(http.StatusCreated)
	check("before the second referral", false, true)
	now := north.post(path, contact()).want(http.StatusCreated)
	check("met", false, false)
	mark := func(id any) {
		t.Helper()
		at := "/v1/contacts/" + id.(string)
		north.post(at+"/entered-in-error", object{"why": "NeverHappened"}, "If-Match", north.get(at).header.Get("ETag")).want(http.StatusOK)
	}
	mark(now["id"])
	check("the later contact never was", false, true)
	mark(early["id"])
	check("neither was", true, true)
}

// Who is met before acceptance does not wait for it after; nor does who is sent on, once met by the other service.
func TestNobodyWaitsWhoWasMetBefore(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	r := north.refer("north", person("9990000018", "Example"))
	sent := north.sendOn(r["id"], "south")
	if !s.waits(r["id"]) {
		t.Fatal("nothing is due")
	}
	south.post("/v1/referrals/"+sent+"/contacts", contact()).want(http.StatusCreated)
	if s.waits(r["id"]) {
		t.Error("the person was met and waits")
	}
	south.post("/v1/referrals/"+sent+"/acceptance", nil).want(http.StatusCreated)
	if s.waits(sent) {
		t.Error("the person waits again after the acceptance")
	}
}

// Accepted is not arrived: the first attended contact with the person is.
func TestContactIsTheArrival(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	episode := north.supported("9990000018")
	h := north.offer(episode["id"], to("south", handover("Sideways", "Routine")))
	path := "/v1/episodes/" + episode["id"].(string) + "/contacts"
	north.post(path, contact()).want(http.StatusCreated)
	south.post(h+"/acceptance", nil).want(http.StatusCreated)
	arrived := func(want any) {
		t.Helper()
		if got := south.get(h).want(http.StatusOK)["arrivedOn"]; got != want {
			t.Errorf("arrived on %v, want %v", got, want)
		}
	}
	south.post(path, with(contact(), "attendance", "DidNotAttend")).want(http.StatusCreated)
	carer := with(contact(), "with", "Carer")
	south.post(path, with(carer, "carerInvolved", true)).want(http.StatusCreated)
	arrived(nil)
	if got := south.listed("handovers-not-arrived"); len(got) != 1 {
		t.Errorf("not arrived: %v", got)
	}
	south.post(path, contact()).want(http.StatusCreated)
	arrived(day(0))
	if got := south.listed("handovers-not-arrived"); len(got) != 0 {
		t.Errorf("not arrived: %v", got)
	}
	// Nobody keeps these by hand.
	app := s.app("test-subject", "south")
	for name, sql := range map[string]string{
		"meet a deadline":    "UPDATE deadlines SET met_at = now()",
		"meet by function":   "SELECT meet_deadline('" + episode["id"].(string) + "', 'KeyWorker')",
		"arrive by function": "SELECT handover_arrived('" + episode["personId"].(string) + "', '" + south.id("south") + "', current_date)",
	} {
		if _, err := app.Exec(t.Context(), sql); code(err) != "42501" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
