package server_test

import (
	"net/http"
	"testing"
)

func TestReferralToEpisode(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	r := north.refer("north", person("999 000 0018", "Example"))
	if r["state"] != "Open" || r["responsibleService"] != "north" {
		t.Fatalf("referral: %v", r)
	}
	id := r["id"].(string)
	read := north.get("/v1/referrals/" + id).want(http.StatusOK)
	for _, field := range []string{"id", "personId", "service", "responsibleService", "route", "reason", "receivedOn", "state"} {
		if read[field] != r[field] {
			t.Errorf("%s was answered as %v and read as %v", field, r[field], read[field])
		}
	}
	p := north.get("/v1/people/" + r["personId"].(string)).want(http.StatusOK)
	if p["nhsNumber"] != "9990000018" || p["familyName"] != "Example" || p["birthDate"] != "1984-02-29" {
		t.Fatalf("person: %v", p)
	}
	episode := north.post("/v1/referrals/"+id+"/acceptance", nil).want(http.StatusCreated)
	if episode["state"] != "Open" || episode["responsibleService"] != "north" || episode["personId"] != r["personId"] {
		t.Fatalf("episode: %v", episode)
	}
	north.post("/v1/referrals/"+id+"/acceptance", nil).refused(http.StatusConflict, "state-conflict")
	north.get("/v1/episodes/" + episode["id"].(string)).want(http.StatusOK)
	found := north.post("/v1/people/search", object{"nhsNumber": "9990000018"}).want(http.StatusOK)
	if items := found["items"].([]any); len(items) != 1 {
		t.Fatalf("search: %v", found)
	}
	log := north.get("/v1/people/" + r["personId"].(string) + "/access-log").want(http.StatusOK)
	operations := map[string]bool{}
	for _, item := range log["items"].([]any) {
		operations[item.(object)["operation"].(string)] = true
	}
	for _, operation := range []string{"createReferral", "readReferral", "readPerson", "acceptReferral", "readEpisode", "searchPeople"} {
		if !operations[operation] {
			t.Errorf("the access log lacks %s: %v", operation, log)
		}
	}
}

func TestStatistics(t *testing.T) {
	t.Parallel()
	s := start(t)
	lead := s.as("digital-lead")
	glance := func() map[string]object {
		body := lead.get("/v1/statistics/at-a-glance").want(http.StatusOK)
		tiles := map[string]object{}
		for _, tile := range body["tiles"].([]any) {
			tiles[tile.(object)["id"].(string)] = tile.(object)
		}
		return tiles
	}
	if tile := glance()["waiting"]; tile["value"] != "-" || tile["count"] != nil || tile["suppressed"] != false {
		t.Fatalf("without a directory: %v", tile)
	}
	s.putDirectory(testDirectory(1)).want(http.StatusOK)
	if tile := glance()["waiting"]; tile["value"] != "*" || tile["count"] != nil || tile["suppressed"] != true {
		t.Fatalf("nobody waits: %v", tile)
	}
	gp := s.with(map[string]any{"roles": []string{"integration"}, "purpose": "direct-care"})
	for _, number := range []string{"9990000018", "9990000026", "9990000034", "9990000042", "9990000050", "9990000069"} {
		gp.refer("north", person(number, "Example"))
	}
	if tile := glance()["people-referred"]; tile["value"] != "5" || tile["count"] != 5.0 || tile["unit"] != "people" {
		t.Fatalf("six people: %v", tile)
	}
}
