package server_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/uuid"
)

func asset(name string) object {
	return object{"name": name, "kind": "Arts", "tier": 4, "place": "coast", "neighbourhood": "harbour", "contact": "The old chapel, Tuesdays at six"}
}

// Service leads keep the list of assets; everyone who works for the ICS reads it.
func TestAssets(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	lead, reader := s.as("service-lead", "north"), s.as("digital-lead")
	made := lead.post("/v1/assets", asset("Harbour choir"))
	choir := made.want(http.StatusCreated)
	path := "/v1/assets/" + choir["id"].(string)
	if choir["active"] != true || reader.get(path).want(http.StatusOK)["name"] != "Harbour choir" {
		t.Errorf("made: %v", choir)
	}
	whole := asset("Coast library")
	whole["kind"] = "Learning"
	delete(whole, "neighbourhood")
	lead.post("/v1/assets", whole).want(http.StatusCreated)
	for query, want := range map[string]int{"": 2, "?neighbourhood=harbour": 2, "?neighbourhood=hill": 1, "?kind=Arts": 1, "?tier=4": 2, "?tier=1": 0, "?place=coast": 2, "?place=moor": 0, "?limit=1": 1} {
		if items := reader.get("/v1/assets" + query).want(http.StatusOK)["items"].([]any); len(items) != want {
			t.Errorf("%q: %d assets, want %d", query, len(items), want)
		}
	}
	lead.post("/v1/assets", asset("HARBOUR choir")).refused(http.StatusConflict, "state-conflict")
	s.as("practitioner", "north").post("/v1/assets", asset("Garden")).refused(http.StatusForbidden, "forbidden")
	for name, test := range map[string]struct {
		field    string
		value    any
		location string
	}{
		"no name":              {"name", " ", "body.name"},
		"an unknown kind":      {"kind", "Sect", "body.kind"},
		"tier 7":               {"tier", 7, "body.tier"},
		"an unknown place":     {"place", "moor", "body.place"},
		"another's neighbours": {"neighbourhood", "valley", "body.neighbourhood"},
		"no contact":           {"contact", "", "body.contact"},
	} {
		body := asset("Garden")
		body[test.field] = test.value
		t.Log(name)
		wantField(t, lead.post("/v1/assets", body).refused(http.StatusUnprocessableEntity, "invalid-request"), test.location)
	}
	retired := asset("Harbour choir")
	retired["active"] = false
	lead.do(http.MethodPut, path, retired).refused(http.StatusPreconditionRequired, "precondition-required")
	changed := lead.do(http.MethodPut, path, retired, "If-Match", made.header.Get("ETag"))
	changed.want(http.StatusOK)
	lead.do(http.MethodPut, path, retired, "If-Match", made.header.Get("ETag")).refused(http.StatusPreconditionFailed, "precondition-failed")
	if shown, all := reader.get("/v1/assets").want(http.StatusOK)["items"].([]any), reader.get("/v1/assets?retired=true").want(http.StatusOK)["items"].([]any); len(shown) != 1 || len(all) != 2 {
		t.Errorf("after one retired: %d shown, %d in all", len(shown), len(all))
	}
	lead.post("/v1/assets", asset("Harbour choir")).want(http.StatusCreated) // a new one of the name of one that is gone
	lead.do(http.MethodPut, path, asset("Harbour choir"), "If-Match", changed.header.Get("ETag")).refused(http.StatusConflict, "state-conflict")
	lead.get("/v1/assets/"+uuid.NewString()).refused(http.StatusNotFound, "not-found")
	nobody, app := s.app(""), s.app("test-subject", "north")
	var n int
	if err := nobody.QueryRow(t.Context(), "SELECT count(*) FROM assets").Scan(&n); err != nil || n != 0 {
		t.Errorf("nobody sees %d assets, %v", n, err)
	}
	for sql, want := range map[string]string{
		"UPDATE assets SET active = false":                          "42501", // in nobody's name
		"UPDATE assets SET active = false, changed_by = 'somebody'": "42501",
		"UPDATE assets SET tier = 0, changed_by = 'test-subject'":   "23514",
		"DELETE FROM assets":                                        "42501",
		"INSERT INTO assets (id, name, kind, tier, place, contact, recorded_by) VALUES (gen_random_uuid(), 'x', 'Arts', 4, 'coast', 'x', 'somebody')": "42501",
	} {
		if _, err := app.Exec(t.Context(), sql); code(err) != want {
			t.Errorf("%s: %v, want %s", sql, err, want)
		}
	}
}

// Social prescribing: who was put in touch with what, by whom, whether they went, and what came of it.
func TestAssetLinks(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	lead, caller := s.as("service-lead", "north"), s.as("practitioner", "north")
	episode := caller.acceptedSince("north", person("9990000018", "Example"), 50)
	choir := lead.post("/v1/assets", asset("Harbour choir")).want(http.StatusCreated)
	links := "/v1/people/" + episode["personId"].(string) + "/asset-links"
	body := object{"assetId": choir["id"], "linkedOn": day(-20)}
	made := caller.post(links, body, "Idempotency-Key", "link")
	link := made.want(http.StatusCreated)
	if again := caller.post(links, body, "Idempotency-Key", "link").want(http.StatusCreated); again["id"] != link["id"] || link["linkedBy"] != testSubject || link["assetName"] != "Harbour choir" {
		t.Errorf("linked: %v, then %v", link, again)
	}
	wantField(t, caller.post(links, object{"assetId": uuid.NewString(), "linkedOn": day(0)}).refused(http.StatusUnprocessableEntity, "invalid-request"), "body.assetId")
	wantField(t, caller.post(links, object{"assetId": choir["id"], "linkedOn": day(1)}).refused(http.StatusUnprocessableEntity, "invalid-request"), "body.linkedOn")
	path := "/v1/asset-links/" + link["id"].(string)
	caller.do(http.MethodPut, path, object{}).refused(http.StatusPreconditionRequired, "precondition-required")
	tag := made.header.Get("ETag")
	for name, test := range map[string]struct {
		body     object
		location string
	}{
		"went before":             {object{"firstAttendedOn": day(-21)}, "body.firstAttendedOn"},
		"will go":                 {object{"firstAttendedOn": day(1)}, "body.firstAttendedOn"},
		"an outcome without day":  {object{"firstAttendedOn": day(-10), "outcome": "StillGoing"}, "body.outcomeOn"},
		"a day without outcome":   {object{"outcomeOn": day(0)}, "body.outcomeOn"},
		"goes and has never gone": {object{"outcome": "StillGoing", "outcomeOn": day(0)}, "body.firstAttendedOn"},
		"not taken up and went":   {object{"firstAttendedOn": day(-10), "outcome": "NotTakenUp", "outcomeOn": day(0)}, "body.firstAttendedOn"},
		"outcome before going":    {object{"firstAttendedOn": day(-10), "outcome": "DidNotSuit", "outcomeOn": day(-11)}, "body.outcomeOn"},
		"an unknown outcome":      {object{"outcome": "Expelled", "outcomeOn": day(0)}, "body.outcome"},
	} {
		t.Log(name)
		wantField(t, caller.do(http.MethodPut, path, test.body, "If-Match", tag).refused(http.StatusUnprocessableEntity, "invalid-request"), test.location)
	}
	went := caller.do(http.MethodPut, path, object{"firstAttendedOn": day(-10)}, "If-Match", tag)
	if went.want(http.StatusOK)["firstAttendedOn"] != day(-10) {
		t.Errorf("went: %s", went.raw)
	}
	caller.do(http.MethodPut, path, object{}, "If-Match", tag).refused(http.StatusPreconditionFailed, "precondition-failed")
	goes := caller.do(http.MethodPut, path, object{"firstAttendedOn": day(-10), "outcome": "StillGoing", "outcomeOn": day(0)}, "If-Match", went.header.Get("ETag"))
	goes.want(http.StatusOK)
	retired := asset("Harbour choir")
	retired["active"] = false
	lead.do(http.MethodPut, "/v1/assets/"+choir["id"].(string), retired, "If-Match", fmt.Sprintf(`W/"%v"`, choir["version"])).want(http.StatusOK)
	caller.post(links, body).refused(http.StatusConflict, "state-conflict")
	app := s.app("test-subject", "north")
	insert := "INSERT INTO asset_links (id, person_id, asset_id, service_id, linked_on, recorded_by) VALUES (gen_random_uuid(), $1, $2, $3, current_date, 'test-subject')"
	if _, err := app.Exec(t.Context(), insert, episode["personId"], choir["id"], north); code(err) != "CM062" {
		t.Errorf("linked with what is gone, in SQL: %v", err)
	}
	for set, want := range map[string]string{
		"outcome = 'NotTakenUp', outcome_on = current_date, changed_by = 'test-subject'":                   "23514",
		"first_attended_on = linked_on - 1, changed_by = 'test-subject'":                                   "23514",
		"first_attended_on = current_date + 1, outcome_on = current_date + 1, changed_by = 'test-subject'": "23514",
		"first_attended_on = current_date, changed_by = 'somebody'":                                        "42501",
		"asset_id = gen_random_uuid()":                                                                     "42501",
	} {
		if _, err := app.Exec(t.Context(), "UPDATE asset_links SET "+set); code(err) != want {
			t.Errorf("%s: %v, want %s", set, err, want)
		}
	}
	stranger := s.as("practitioner", "south")
	for _, hidden := range []answer{stranger.get(links), stranger.get(path), stranger.do(http.MethodPut, path, object{}, "If-Match", tag)} {
		hidden.refused(http.StatusNotFound, "not-found")
	}
	if items := caller.get(links).want(http.StatusOK)["items"].([]any); len(items) != 1 {
		t.Errorf("links: %v", items)
	}
	// What part the person takes in the community.
	caller.post(outcomesOf(episode), dialog(day(-30), 1, 1, 1, 1, 2, 3, 4)).want(http.StatusCreated)
	caller.post(outcomesOf(episode), one("DIALOG", day(-1), 5, 6)).want(http.StatusCreated)
	work := "/v1/people/" + episode["personId"].(string) + "/work-status"
	caller.post(work, object{"status": "UnemployedSeeking", "toldOn": day(-40), "wantsWorkSupport": true}).want(http.StatusCreated)
	caller.post(work, object{"status": "Volunteering", "toldOn": day(-2)}).want(http.StatusCreated)
	wantField(t, caller.post(work, object{"status": "Employed", "toldOn": day(1)}).refused(http.StatusUnprocessableEntity, "invalid-request"), "body.toldOn")
	wantField(t, caller.post(work, object{"status": "Idle", "toldOn": day(0)}).refused(http.StatusUnprocessableEntity, "invalid-request"), "body.status")
	part := caller.get("/v1/people/" + episode["personId"].(string) + "/participation").want(http.StatusOK)
	own := part["ownScores"].([]any)
	if len(own) != 3 || own[0].(object)["score"] != 6.0 || own[0].(object)["topic"] != "leisure" || own[2].(object)["score"] != 4.0 {
		t.Errorf("own scores: %v", own)
	}
	if uptake := part["assets"].(object); uptake["linked"] != 1.0 || uptake["attended"] != 1.0 || uptake["stillGoing"] != 1.0 || part["work"].(object)["status"] != "Volunteering" {
		t.Errorf("participation: %v", part)
	}
	stranger.get("/v1/people/"+episode["personId"].(string)+"/participation").refused(http.StatusNotFound, "not-found")
	marked := caller.post(path+"/entered-in-error", nil, "If-Match", goes.header.Get("ETag"))
	marked.want(http.StatusOK)
	caller.do(http.MethodPut, path, object{}, "If-Match", marked.header.Get("ETag")).refused(http.StatusConflict, "state-conflict")
	if part := caller.get("/v1/people/" + episode["personId"].(string) + "/participation").want(http.StatusOK); part["assets"].(object)["linked"] != 0.0 {
		t.Errorf("what was in error counts: %v", part["assets"])
	}
}

// A work status that was wrong no longer counts. Only the service that recorded it says so.
func TestWorkStatusEnteredInError(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	caller, colleague := s.as("practitioner", "north"), s.as("practitioner", "south")
	episode := caller.acceptedSince("north", person("9990000018", "Example"), 50)
	who := "/v1/people/" + episode["personId"].(string)
	caller.post(who+"/work-status", object{"status": "Student", "toldOn": day(-40)}).want(http.StatusCreated)
	body := object{"status": "Employed", "toldOn": day(-2), "wantsWorkSupport": true}
	made := caller.post(who+"/work-status", body, "Idempotency-Key", "work")
	wrong := made.want(http.StatusCreated)
	if wrong["status"] != "Employed" || wrong["toldOn"] != day(-2) || wrong["service"] != "north" || wrong["enteredInError"] != false {
		t.Errorf("recorded: %v", wrong)
	}
	if again := caller.post(who+"/work-status", body, "Idempotency-Key", "work").want(http.StatusCreated); again["id"] != wrong["id"] {
		t.Errorf("repeated with its key: %v", again)
	}
	if read := caller.get(who + "/participation").want(http.StatusOK)["work"].(object); read["id"] != wrong["id"] || read["version"] != wrong["version"] {
		t.Errorf("participation: %v", read)
	}
	mark, tag := "/v1/work-statuses/"+wrong["id"].(string)+"/entered-in-error", made.header.Get("ETag")
	colleague.post(mark, nil, "If-Match", tag).refused(http.StatusNotFound, "not-found")
	colleague.accepted("south", person("9990000018", "Example"))
	colleague.post(mark, nil, "If-Match", tag).refused(http.StatusForbidden, "not-your-service")
	caller.post(mark, nil).refused(http.StatusPreconditionRequired, "precondition-required")
	caller.post(mark, nil, "If-Match", `W/"9"`).refused(http.StatusPreconditionFailed, "precondition-failed")
	marked := caller.post(mark, nil, "If-Match", tag)
	if marked.want(http.StatusOK)["enteredInError"] != true || marked.header.Get("ETag") == tag {
		t.Errorf("marked: %s, ETag %s", marked.raw, marked.header.Get("ETag"))
	}
	caller.post(mark, nil, "If-Match", marked.header.Get("ETag")).refused(http.StatusConflict, "state-conflict")
	if read := caller.get(who + "/participation").want(http.StatusOK)["work"].(object); read["status"] != "Student" {
		t.Errorf("the latest after one was in error: %v", read)
	}
	if n := s.count("SELECT count(*) FROM audit_events WHERE operation = 'readParticipation' AND resource_id = $1", wrong["id"]); n != 1 {
		t.Errorf("%d readers of what was in error are on record", n)
	}
}
