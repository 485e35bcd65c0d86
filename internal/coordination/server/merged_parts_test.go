package server_test

import (
	"net/http"
	"testing"
)

// twoRecords are two records with one NHS number: north supports the person in the first, south in the second, each by an episode.
func (s *system) twoRecords() (canonical, merged string) {
	s.t.Helper()
	canonical = s.as("practitioner", "north").accepted("north", person("9990000018", "Example"))["personId"].(string)
	merged = s.as("practitioner", "south").accepted("south", person("9990000018", "Somebody"))["personId"].(string)
	return canonical, merged
}

func (s *system) unmerge(merged string) {
	s.t.Helper()
	s.officer().post("/v1/people/"+merged+"/unmerge", object{"reason": "DifferentPeople"}).want(http.StatusCreated)
}

// listedParts are the lists of a person's record, with the names under which each of two records is told from the other.
var listedParts = []string{"representatives", "capacity-assessments", "carers", "carer-confidences", "registrations", "residences", "needs", "health-checks", "asset-links", "safety-plans"}

// onePartOfEach records one of each listed part in a record, and a work status.
func (c caller) onePartOfEach(id string, asset any) {
	c.s.t.Helper()
	at := "/v1/people/" + id
	carer := items(c.post(at+"/carers", object{"kind": "Carer", "name": "Sam Example", "relationship": "Partner"}).want(http.StatusCreated))[0].(object)
	for path, body := range map[string]object{
		"representatives": {"kind": "Advocate", "name": "Ash Example", "from": day(-1)}, "capacity-assessments": assessment("HasCapacity"),
		"carer-confidences": {"carerId": carer["id"], "saidOn": day(0), "said": "Made-up worry"}, "registrations": {"practice": "A81001", "from": day(-9)},
		"residences": address(day(-9)), "needs": {"area": "Housing", "description": "Made-up need", "identifiedOn": day(0)},
		"health-checks": {"measuredOn": day(0), "smoking": object{"status": "Never"}}, "asset-links": {"assetId": asset, "linkedOn": day(0)},
		"safety-plans": safetyPlan(), "work-status": {"status": "Employed", "toldOn": day(0)},
	} {
		c.post(at+"/"+path, body).want(http.StatusCreated)
	}
}

// What is recorded of a person in either of two records is read in both while they are one person's, and in its own when they are taken apart.
func TestPartsOfMergedRecords(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	canonical, merged := s.twoRecords()
	choir := s.as("service-lead", "north").post("/v1/assets", asset("Harbour choir")).want(http.StatusCreated)["id"]
	north.onePartOfEach(canonical, choir)
	south.onePartOfEach(merged, choir)
	lists := func(c caller, id string, want int) {
		t.Helper()
		for _, part := range listedParts {
			if got := items(c.get("/v1/people/" + id + "/" + part).want(http.StatusOK)); len(got) != want {
				t.Errorf("%s: %d, want %d", part, len(got), want)
			}
		}
		if got := c.get("/v1/people/" + id + "/participation").want(http.StatusOK)["assets"].(object)["linked"]; got != float64(want) {
			t.Errorf("participation: %v assets, want %d", got, want)
		}
	}
	lists(north, canonical, 1)
	lists(south, merged, 1)
	s.merge(merged, canonical).want(http.StatusCreated)
	for _, c := range []caller{north, south} {
		for _, id := range []string{canonical, merged} {
			lists(c, id, 2)
			if p := c.get("/v1/people/" + id + "/participation").want(http.StatusOK); p["personId"] != canonical {
				t.Errorf("the participation is that of %v", p["personId"])
			}
		}
	}
	s.unmerge(merged)
	lists(north, canonical, 1)
	lists(south, merged, 1)
	north.get("/v1/people/"+merged+"/needs").refused(http.StatusNotFound, "not-found")
}

// The elements of a health check, scores and work count whichever record they stand in.
func TestHealthCheckOfMergedRecords(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	canonical, merged := s.twoRecords()
	north.post("/v1/people/"+canonical+"/health-checks", object{"measuredOn": day(0), "smoking": object{"status": "Never"}}).want(http.StatusCreated)
	south.post("/v1/people/"+merged+"/health-checks", object{"measuredOn": day(0), "alcohol": object{"auditC": 3}}).want(http.StatusCreated)
	south.post("/v1/people/"+merged+"/work-status", object{"status": "Student", "toldOn": day(0)}).want(http.StatusCreated)
	lacking := func(c caller, id string, want int) {
		t.Helper()
		if got := c.get("/v1/people/" + id + "/health-checks/status").want(http.StatusOK)["lacking"].([]any); len(got) != want {
			t.Errorf("lacking %v, want %d", got, want)
		}
	}
	s.merge(merged, canonical).want(http.StatusCreated)
	lacking(north, canonical, 4)
	lacking(south, merged, 4)
	if p := north.get("/v1/people/" + canonical + "/participation").want(http.StatusOK); p["work"].(object)["status"] != "Student" {
		t.Errorf("work: %v", p["work"])
	}
	s.unmerge(merged)
	lacking(north, canonical, 5)
	lacking(south, merged, 5)
}

// A change of a part of either record is one of the person's record: it raises the version that is read and asked for.
func TestPartsOfMergedRecordsRaiseItsVersion(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	canonical, merged := s.twoRecords()
	part := items(south.post("/v1/people/"+merged+"/representatives", object{"kind": "Advocate", "name": "Ash Example", "from": day(-9)}).want(http.StatusCreated))[0].(object)["id"].(string)
	s.merge(merged, canonical).want(http.StatusCreated)
	list := "/v1/people/" + merged + "/representatives"
	before := north.recordTag(canonical)
	if tag := south.get(list).header.Get("ETag"); tag != before {
		t.Errorf("the list has the ETag %s, the record %s", tag, before)
	}
	change := func(tag string) answer {
		return south.do(http.MethodPut, "/v1/representatives/"+part, object{"to": day(0)}, "If-Match", tag)
	}
	changed := change(before)
	changed.want(http.StatusOK)
	if after := north.recordTag(canonical); after == before || changed.header.Get("ETag") != after {
		t.Errorf("ETag %s before, %s after the change, which said %s", before, after, changed.header.Get("ETag"))
	}
	change(before).refused(http.StatusPreconditionFailed, "precondition-failed")
	// What comes new stands in the canonical record, by whichever id it was recorded.
	south.post(list, object{"kind": "Advocate", "name": "Kim Example", "from": day(0)}).want(http.StatusCreated)
	if n := s.count("SELECT count(*) FROM representatives WHERE person_id = $1 AND name = 'Kim Example'", canonical); n != 1 {
		t.Errorf("%d of the new one stand in the canonical record", n)
	}
}

// What a service records of its own support stands with its episode, so that it stays there when the records are taken apart.
func TestSupportOfMergedRecordsStaysWithItsEpisode(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	south := s.as("practitioner", "south")
	canonical, merged := s.twoRecords()
	s.merge(merged, canonical).want(http.StatusCreated)
	need := south.post("/v1/people/"+canonical+"/needs", object{"area": "Housing", "description": "Made-up need", "identifiedOn": day(0)}).want(http.StatusCreated)
	south.post("/v1/people/"+canonical+"/health-checks", object{"measuredOn": day(0), "smoking": object{"status": "Never"}}).want(http.StatusCreated)
	for _, table := range []string{"needs", "health_check_elements"} {
		if n := s.count("SELECT count(*) FROM "+table+" x JOIN episodes e ON e.id = x.episode_id WHERE x.person_id = $1", merged); n != 1 {
			t.Errorf("%s: %d rows stand with the service's episode", table, n)
		}
	}
	if n := s.count("SELECT count(*) FROM audit_events WHERE person_id = $1 AND resource_id = $2 AND operation = 'recordNeed'", merged, need["id"]); n != 1 {
		t.Errorf("%d rows of the trail name the record of the need", n)
	}
	s.unmerge(merged)
	if got := items(south.get("/v1/people/" + merged + "/needs").want(http.StatusOK)); len(got) != 1 {
		t.Errorf("needs of the record by itself: %v", got)
	}
}

// Who has read what a merged record says is in that record's own access log, also when it stands by itself again.
func TestMergedRecordsKeepTheirOwnTrail(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	canonical, merged := s.twoRecords()
	s.merge(merged, canonical).want(http.StatusCreated)
	at := "/v1/people/" + canonical
	paths := map[string]string{
		at: "readPerson", at + "/representatives": "listRepresentatives", at + "/details": "readPersonDetails", at + "/contact": "readContactDetails",
		at + "/participation": "readParticipation", at + "/health-checks/status": "readHealthCheckStatus", at + "/alerts": "listPersonAlerts",
	}
	for path := range paths {
		north.get(path).want(http.StatusOK)
	}
	s.unmerge(merged)
	logged := map[any]int{}
	for _, event := range items(s.as("practitioner", "south").get("/v1/people/" + merged + "/access-log?limit=200").want(http.StatusOK)) {
		logged[event.(object)["operation"]]++
	}
	for _, operation := range paths {
		if logged[operation] != 1 {
			t.Errorf("%s is %d times in the log of the merged record", operation, logged[operation])
		}
	}
}
