package server_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
)

func safetyPlan() object {
	return object{"warningSigns": "Made-up sign", "ownCoping": "A walk", "peopleWhoHelp": "Sam Example", "servicesToCall": "The crisis line", "meansSafety": "Sam keeps the keys", "reasonsForLiving": "The dog", "madeWithPerson": true}
}

// withCrisisService makes south a service with the function CrisisLink.
func (s *system) withCrisisService() {
	s.t.Helper()
	d := testDirectory(2)
	for i := range d.Services {
		if d.Services[i].Name == "south" {
			d.Services[i].Functions = []string{"Core", "CrisisLink"}
		}
	}
	s.putDirectory(d).want(http.StatusOK)
}

// A safety plan counts as soon as it is saved, for a person who was only just referred, and needs no episode.
func TestSafetyPlanCountsAtOnce(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	r := north.refer("north", person("9990000018", "Example"))
	path := "/v1/people/" + r["personId"].(string) + "/safety-plans"
	if list := items(north.get(path).want(http.StatusOK)); len(list) != 0 {
		t.Errorf("before: %v", list)
	}
	first, firstTag := north.post(path, object{"reasonsForLiving": "The dog", "madeWithPerson": false}).etag(http.StatusCreated)
	if first["current"] != true || first["edition"] != 1.0 || first["service"] != "north" {
		t.Errorf("saved: %v", first)
	}
	second, secondTag := north.post(path, safetyPlan()).etag(http.StatusCreated)
	for field, want := range safetyPlan() {
		if second[field] != want {
			t.Errorf("%s: %v, want %v", field, second[field], want)
		}
	}
	if before := north.get("/v1/safety-plans/" + first["id"].(string)).want(http.StatusOK); before["current"] != false || before["reasonsForLiving"] != "The dog" {
		t.Errorf("the version before: %v", before)
	}
	if list := items(north.get(path + "?limit=1").want(http.StatusOK)); len(list) != 1 || list[0].(object)["id"] != second["id"] || list[0].(object)["current"] != true {
		t.Errorf("the version that counts: %v", list)
	}
	// A mistaken version steps back for the one before it.
	mark := "/v1/safety-plans/" + second["id"].(string) + "/entered-in-error"
	north.post(mark, object{"why": "WrongPerson"}).refused(http.StatusPreconditionRequired, "precondition-required")
	north.post(mark, object{"why": "WrongPerson"}, "If-Match", `W/"5"`).refused(http.StatusPreconditionFailed, "precondition-failed")
	marked, next := north.post(mark, object{"why": "WrongPerson"}, "If-Match", secondTag).etag(http.StatusOK)
	if marked["current"] != false || marked["enteredInError"].(object)["why"] != "WrongPerson" {
		t.Errorf("marked: %v", marked)
	}
	north.post(mark, object{"why": "WrongPerson"}, "If-Match", next).refused(http.StatusConflict, "state-conflict")
	if list := items(north.get(path).want(http.StatusOK)); len(list) != 1 || list[0].(object)["id"] != first["id"] || list[0].(object)["current"] != true {
		t.Errorf("after the mistake: %v", list)
	}
	north.post("/v1/safety-plans/"+first["id"].(string)+"/entered-in-error", object{"why": "Duplicate"}, "If-Match", firstTag).want(http.StatusOK)
}

// Those who save at once are all kept, with numbers of their own, and exactly one version counts.
func TestSafetyPlansAtOnce(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	r := north.refer("north", person("9990000018", "Example"))
	path := "/v1/people/" + r["personId"].(string) + "/safety-plans"
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if a := north.post(path, safetyPlan()); a.status != http.StatusCreated {
				t.Errorf("status %d: %s", a.status, a.raw)
			}
		})
	}
	group.Wait()
	list := items(north.get(path).want(http.StatusOK))
	for i, item := range list {
		if plan := item.(object); plan["edition"] != float64(4-i) || plan["current"] != (i == 0) {
			t.Errorf("version %d of %d: %v", i, len(list), plan)
		}
	}
	if len(list) != 4 {
		t.Errorf("%d versions are kept, want 4", len(list))
	}
}

func TestSafetyPlansOfHiddenPeople(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("service-lead", "south")
	r := north.refer("north", person("9990000018", "Example"))
	path := "/v1/people/" + r["personId"].(string) + "/safety-plans"
	plan := north.post(path, safetyPlan()).want(http.StatusCreated)
	south.get(path).refused(http.StatusNotFound, "not-found")
	south.post(path, safetyPlan()).refused(http.StatusNotFound, "not-found")
	south.get("/v1/safety-plans/"+plan["id"].(string)).refused(http.StatusNotFound, "not-found")
	south.post("/v1/safety-plans/"+plan["id"].(string)+"/entered-in-error", object{"why": "Duplicate"}, "If-Match", `W/"1"`).refused(http.StatusNotFound, "not-found")
	// South is no crisis service: the search is closed to it, and so is the function behind it.
	south.post("/v1/safety-plans/search", object{"nhsNumber": "9990000018", "birthDate": "1984-02-29"}).refused(http.StatusForbidden, "not-your-service")
	var n int
	search := "SELECT count(*) FROM crisis_safety_plans('9990000018', '1984-02-29')"
	for name, conn := range map[string]string{"south": "test-subject", "nobody": ""} {
		if err := s.app(conn, "south").QueryRow(t.Context(), search).Scan(&n); err != nil || n != 0 {
			t.Errorf("%s finds %d by SQL (%v)", name, n, err)
		}
	}
	if n := s.count("SELECT count(*) FROM audit_events WHERE outcome = 'Refused' AND person_id = $1", r["personId"]); n != 4 {
		t.Errorf("%d attempts are in the person's access log, want 4", n)
	}
	if n := s.count("SELECT count(*) FROM safety_plans"); n != 1 {
		t.Errorf("%d safety plans, want 1", n)
	}
}

// A crisis service finds the safety plan, and nothing else, of a person whom it may not see otherwise.
func TestCrisisServiceFindsTheSafetyPlan(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	s.withCrisisService()
	north, crisis := s.as("practitioner", "north"), s.as("practitioner", "south")
	r := north.refer("north", person("9990000018", "Example"))
	without := north.refer("north", person("9990000026", "Example"))
	path := "/v1/people/" + r["personId"].(string) + "/safety-plans"
	north.post(path, with(safetyPlan(), "ownCoping", "Of old")).want(http.StatusCreated)
	plan := north.post(path, safetyPlan()).want(http.StatusCreated)
	id := uuid.NewString()
	look := func(number, born string) []any {
		return items(crisis.do(http.MethodPost, "/v1/safety-plans/search", object{"nhsNumber": number, "birthDate": born}, "X-Request-ID", id).want(http.StatusOK))
	}
	found := look("999 000 0018", "1984-02-29")
	if len(found) != 1 || found[0].(object)["id"] != plan["id"] || found[0].(object)["ownCoping"] != "A walk" || found[0].(object)["current"] != true {
		t.Fatalf("found %v", found)
	}
	if n := s.count("SELECT count(*) FROM audit_events WHERE request_id = $1 AND operation = 'searchSafetyPlans' AND outcome = 'Done' AND person_id = $2 AND resource_id = $3", id, r["personId"], plan["id"]); n != 1 {
		t.Errorf("%d rows tell of the search in the person's access log", n)
	}
	for name, got := range map[string][]any{
		"another birth date": look("9990000018", "1984-02-28"), "an unknown number": look("9990000034", "1984-02-29"), "no plan": look("9990000026", "1984-02-29"),
	} {
		if len(got) != 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
	if n := s.count("SELECT count(*) FROM audit_events WHERE request_id = $1 AND person_id = $2", id, without["personId"]); n != 1 {
		t.Errorf("%d rows tell of the search for a person without a plan", n)
	}
	// The rest of the record stays closed, and so does the plan by its id.
	crisis.get("/v1/people/"+r["personId"].(string)).refused(http.StatusNotFound, "not-found")
	crisis.get(path).refused(http.StatusNotFound, "not-found")
	crisis.get("/v1/safety-plans/"+plan["id"].(string)).refused(http.StatusNotFound, "not-found")
	s.with(object{"roles": []string{"integration"}, "purpose": "direct-care", "services": []string{"south"}}).
		post("/v1/safety-plans/search", object{"nhsNumber": "9990000018", "birthDate": "1984-02-29"}).refused(http.StatusForbidden, "forbidden")
}

func TestSafetyPlanBadInput(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	s.withCrisisService()
	north, crisis := s.as("practitioner", "north"), s.as("practitioner", "south")
	r := north.refer("north", person("9990000018", "Example"))
	path := "/v1/people/" + r["personId"].(string) + "/safety-plans"
	const secret = "9434765919"
	for name, test := range map[string]struct {
		body     any
		location string
	}{
		"nothing in it":     {object{"madeWithPerson": true}, "body"},
		"blanks in it":      {object{"madeWithPerson": true, "ownCoping": " \n\t"}, "body"},
		"made with whom":    {with(safetyPlan(), "madeWithPerson", nil), "body"},
		"long":              {with(safetyPlan(), "ownCoping", strings.Repeat("x", 4001)), "body.ownCoping"},
		"a list":            {with(safetyPlan(), "ownCoping", []string{secret}), "body.ownCoping"},
		"unknown field":     {with(safetyPlan(), secret, "x"), "body.…"},
		"for an episode":    {with(safetyPlan(), "episodeId", uuid.NewString()), "body.episodeId"},
		"with an agreement": {with(safetyPlan(), "agreement", "Person"), "body.agreement"},
	} {
		t.Run(name, func(t *testing.T) {
			a := north.post(path, test.body)
			if body := a.refused(http.StatusUnprocessableEntity, "invalid-request"); at(body) != test.location || strings.Contains(a.raw, secret) {
				t.Errorf("errors at %v, want %s: %s", at(body), test.location, a.raw)
			}
		})
	}
	for name, body := range map[string]object{
		"wrong check digit": {"nhsNumber": "9434765918", "birthDate": "1984-02-29"}, "no birth date": {"nhsNumber": "9434765919"},
		"year 0": {"nhsNumber": "9434765919", "birthDate": "0000-01-01"}, "a name": {"nhsNumber": "9434765919", "birthDate": "1984-02-29", "familyName": "Example"},
	} {
		a := crisis.post("/v1/safety-plans/search", body)
		a.refused(http.StatusUnprocessableEntity, "invalid-request")
		if strings.Contains(a.raw, "943476591") {
			t.Errorf("%s: the answer repeats the number: %s", name, a.raw)
		}
	}
	if n := s.count("SELECT count(*) FROM safety_plans"); n != 0 {
		t.Errorf("refused requests left %d safety plans", n)
	}
}

func TestAppRoleCannotBreakSafetyPlans(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	caller := s.as("practitioner", "north")
	r := caller.refer("north", person("9990000018", "Example"))
	hidden := s.as("practitioner", "south").accepted("south", person("9990000034", "Hidden"))
	unseen := s.as("practitioner", "south").post("/v1/people/"+hidden["personId"].(string)+"/safety-plans", safetyPlan()).want(http.StatusCreated)
	plan := caller.post("/v1/people/"+r["personId"].(string)+"/safety-plans", safetyPlan()).want(http.StatusCreated)
	dead := caller.supported("9990000026")
	caller.post("/v1/episodes/"+dead["id"].(string)+"/closure", object{"reason": "Died", "death": object{"on": day(0), "source": "GP"}}).want(http.StatusCreated)
	caller.post("/v1/people/"+dead["personId"].(string)+"/safety-plans", safetyPlan()).refused(http.StatusConflict, "person-died")
	app := s.app("test-subject", "north")
	insert := "INSERT INTO safety_plans (id, person_id, service_id, own_coping, made_with_person, recorded_by) VALUES (gen_random_uuid(), $1, $2, 'x', true, $3)"
	for name, test := range map[string]struct {
		sql  string
		args []any
		want string
	}{
		"a plan as it should be":   {insert, []any{r["personId"], north, "test-subject"}, ""},
		"for a hidden person":      {insert, []any{hidden["personId"], north, "test-subject"}, "42501"},
		"as another service":       {insert, []any{r["personId"], south, "test-subject"}, "42501"},
		"in another's name":        {insert, []any{r["personId"], north, "somebody"}, "42501"},
		"after death":              {insert, []any{dead["personId"], north, "test-subject"}, "CM005"},
		"that says nothing":        {"INSERT INTO safety_plans (id, person_id, service_id, made_with_person, recorded_by) VALUES (gen_random_uuid(), $1, $2, true, 'test-subject')", []any{r["personId"], north}, "23514"},
		"change what was saved":    {"UPDATE safety_plans SET own_coping = 'x' WHERE id = $1", []any{plan["id"]}, "42501"},
		"choose when it was saved": {"UPDATE safety_plans SET recorded_at = now() WHERE id = $1", []any{plan["id"]}, "42501"},
		"delete it":                {"DELETE FROM safety_plans WHERE id = $1", []any{plan["id"]}, "42501"},
		"mark in another's name":   {"UPDATE safety_plans SET entered_in_error_by = 'somebody', entered_in_error_why = 'Duplicate' WHERE id = $1", []any{plan["id"]}, "42501"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := app.Exec(t.Context(), test.sql, test.args...); code(err) != test.want {
				t.Fatalf("got %v, want code %q", err, test.want)
			}
		})
	}
	if tag, err := app.Exec(t.Context(), "UPDATE safety_plans SET entered_in_error_by = 'test-subject', entered_in_error_why = 'Duplicate' WHERE id = $1", unseen["id"]); err != nil || tag.RowsAffected() != 0 {
		t.Errorf("a hidden plan is marked: %d rows, %v", tag.RowsAffected(), err)
	}
	var n int
	if err := s.app("").QueryRow(t.Context(), "SELECT count(*) FROM safety_plans").Scan(&n); err != nil || n != 0 {
		t.Errorf("nobody sees %d safety plans (%v)", n, err)
	}
}
