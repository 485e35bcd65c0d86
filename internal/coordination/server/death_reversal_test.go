package server_test

import (
	"net/http"
	"strings"
	"testing"
)

// A death that was none leaves everything as it was: who is there for the person, where they stay, who waits for their arrival, what is
// due. What ended before the death stays ended.
func TestReversedDeathRestoresWhoWasThere(t *testing.T) {
	t.Parallel()
	s := startWithWest(t)
	north, south, lead := s.as("practitioner", "north"), s.as("practitioner", "south"), s.as("service-lead", "north")
	surgery := s.partner("A81001")
	who := person("9990000018", "Example")
	episode := north.accepted("north", who)
	id, dead := episode["id"].(string), episode["personId"].(string)
	north.put(id, "/key-worker", keyWorker("earlier")).want(http.StatusOK)
	north.put(id, "/key-worker", keyWorker("kim")).want(http.StatusOK) // on the same day, by the same hand as the death will be
	for _, member := range []string{"Jo", "Bo"} {
		north.put(id, "/team", object{"members": []object{{"name": member, "role": "Psychiatrist", "organisation": "Test Trust"}}}).want(http.StatusOK)
	}
	north.put(id, "/elsewhere", object{"place": "Hospital", "heldBy": "Ward 3", "organisation": "Example Hospital", "since": day(0)}).want(http.StatusOK)
	outsider := north.offer(id, outside(handover("Down", "Routine")))
	surgery.post(outsider+"/acceptance", object{"name": "Dr Example"}).want(http.StatusCreated)
	// A second episode without a key worker, that another service has just taken over.
	moved := s.as("practitioner", "west").accepted("west", who)
	taken := s.as("practitioner", "west").offer(moved["id"], to("south", handover("Up", "Routine")))
	south.post(taken+"/acceptance", nil).want(http.StatusCreated)
	before := s.recordsNow()
	reading := north.get("/v1/episodes/" + id).want(http.StatusOK)

	north.putDeath(dead, object{"on": day(-1), "source": "Family"}).want(http.StatusOK)
	if read := north.get("/v1/episodes/" + id).want(http.StatusOK); read["keyWorker"] != nil || read["state"] != "Closed" {
		t.Errorf("after the death: %v", read)
	}
	if n := s.count("SELECT count(*) FROM deadlines WHERE met_at IS NULL AND dropped_at IS NULL"); n != 0 {
		t.Errorf("%d things are due for somebody who has died", n)
	}
	app := s.app("test-subject", "north")
	if done, err := app.Exec(t.Context(), "UPDATE key_workers SET until = NULL, ended_by = NULL"); err == nil && done.RowsAffected() != 0 {
		t.Error("the app lets a key worker go on")
	}
	since := s.as("practitioner").post("/v1/referrals", referral("west", who)).want(http.StatusCreated)["id"]
	lead.reverseDeath(dead, "PersonIsAlive").want(http.StatusOK)
	after := s.recordsNow()
	for _, row := range before {
		if !strings.Contains(strings.Join(after, "\n")+"\n", row+"\n") {
			t.Errorf("not as it was: %s", row)
		}
	}
	if len(after) != len(before)+3 { // the referral that came since, its access, and its first contact that is due
		t.Errorf("%d rows, %d before\n%s", len(after), len(before), strings.Join(after, "\n"))
	}
	read := north.get("/v1/episodes/" + id).want(http.StatusOK)
	if read["state"] != "Elsewhere" || read["keyWorker"].(object)["subject"] != "kim" || read["keyWorker"].(object)["since"] != reading["keyWorker"].(object)["since"] {
		t.Errorf("after the reversal: %v", read)
	}
	if due := s.due(moved["id"]); due["KeyWorker"] != day(14)+" south" {
		t.Errorf("due after the reversal: %v", due)
	}
	if due := s.due(since); due["FirstContact"] != day(28)+" west" {
		t.Errorf("due for the referral that came since: %v", due)
	}
	// It goes on: the key worker is replaced, and the episode ends, as ever.
	north.put(id, "/key-worker", keyWorker("another")).want(http.StatusOK)
	north.putDeath(dead, object{"on": day(0), "source": "GP"}).want(http.StatusOK)
	lead.reverseDeath(dead, "RecordedInError").want(http.StatusOK)
	if n := s.count("SELECT count(*) FROM key_workers WHERE episode_id = $1 AND until IS NULL AND subject = 'another'", id); n != 1 {
		t.Error("a second reversal restores somebody else")
	}
}
