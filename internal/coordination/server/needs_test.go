package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func needsOf(episode object) string { return "/v1/people/" + episode["personId"].(string) + "/needs" }

// A need is found, something is done, and it is met or not, each with its day; whoever supports the person works on it.
func TestNeeds(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	caller, colleague, stranger := s.as("practitioner", "north"), s.as("service-lead", "south"), s.as("practitioner", "east")
	who := person("9990000018", "Example")
	episode := caller.acceptedSince("north", who, 100)
	colleague.accepted("south", who)
	made := caller.post(needsOf(episode), object{"area": "Housing", "description": "The flat is damp", "identifiedOn": day(-20)})
	need := made.want(http.StatusCreated)
	if need["state"] != "Identified" || need["stateOn"] != day(-20) || need["action"] != nil {
		t.Errorf("recorded: %v", need)
	}
	path := "/v1/needs/" + need["id"].(string)
	acting := object{"action": "Letter to the landlord", "actionOn": day(-10)}
	caller.do(http.MethodPut, path, acting).refused(http.StatusPreconditionRequired, "precondition-required")
	changed := colleague.do(http.MethodPut, path, acting, "If-Match", made.header.Get("ETag"))
	if body := changed.want(http.StatusOK); body["state"] != "Acting" || body["stateOn"] != day(0) {
		t.Errorf("acting: %v", body)
	}
	caller.do(http.MethodPut, path, acting, "If-Match", made.header.Get("ETag")).refused(http.StatusPreconditionFailed, "precondition-failed")
	settled := object{"action": "Letter to the landlord", "actionOn": day(-10), "state": "PartlyMet", "stateOn": day(-1)}
	if body := caller.do(http.MethodPut, path, settled, "If-Match", changed.header.Get("ETag")).want(http.StatusOK); body["state"] != "PartlyMet" || body["stateOn"] != day(-1) {
		t.Errorf("settled: %v", body)
	}
	read := caller.get(path)
	if read.want(http.StatusOK)["state"] != "PartlyMet" {
		t.Errorf("read: %s", read.raw)
	}
	colleague.post(path+"/entered-in-error", nil, "If-Match", read.header.Get("ETag")).refused(http.StatusForbidden, "not-your-service")
	marked := caller.post(path+"/entered-in-error", nil, "If-Match", read.header.Get("ETag"))
	if marked.want(http.StatusOK)["enteredInError"] != true {
		t.Errorf("marked: %s", marked.raw)
	}
	caller.do(http.MethodPut, path, settled, "If-Match", marked.header.Get("ETag")).refused(http.StatusConflict, "state-conflict")
	caller.post(needsOf(episode), object{"area": "Work", "description": "Lost the job", "identifiedOn": day(-3), "action": "Met the adviser", "state": "Met"}).want(http.StatusCreated)
	if items := colleague.get(needsOf(episode)).want(http.StatusOK)["items"].([]any); len(items) != 2 || items[0].(object)["state"] != "Met" || items[1].(object)["enteredInError"] != true {
		t.Errorf("list: %v", items)
	}
	for _, hidden := range []answer{stranger.get(path), stranger.get(needsOf(episode)), stranger.do(http.MethodPut, path, settled, "If-Match", `W/"1"`)} {
		hidden.refused(http.StatusNotFound, "not-found")
	}
	if strings.Contains(logs.String(), "damp") {
		t.Error("the log holds a need's words")
	}
}

func TestNeedInput(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	caller := s.as("practitioner", "north")
	path := needsOf(caller.acceptedSince("north", person("9990000018", "Example"), 10))
	with := func(fields object) object {
		body := object{"area": "Money", "description": "Made-up", "identifiedOn": day(-5)}
		for name, value := range fields {
			body[name] = value
		}
		return body
	}
	for name, test := range map[string]struct {
		body     object
		location string
	}{
		"an unknown area":             {with(object{"area": "Weather"}), "body.area"},
		"no words":                    {with(object{"description": "  "}), "body.description"},
		"many words":                  {with(object{"description": strings.Repeat("x", 2001)}), "body.description"},
		"tomorrow":                    {with(object{"identifiedOn": day(1)}), "body.identifiedOn"},
		"met without an action":       {with(object{"state": "Met"}), "body.action"},
		"not met without an action":   {with(object{"state": "NotMet", "action": "  "}), "body.action"},
		"an action, only identified":  {with(object{"state": "Identified", "action": "x"}), "body.state"},
		"the day of no action":        {with(object{"actionOn": day(0)}), "body.actionOn"},
		"acted before it was found":   {with(object{"action": "x", "actionOn": day(-6)}), "body.actionOn"},
		"acting tomorrow":             {with(object{"action": "x", "actionOn": day(1)}), "body.actionOn"},
		"met before anything is done": {with(object{"action": "x", "actionOn": day(-2), "state": "Met", "stateOn": day(-3)}), "body.stateOn"},
		"met tomorrow":                {with(object{"action": "x", "state": "Met", "stateOn": day(1)}), "body.stateOn"},
		"an unknown state":            {with(object{"state": "Closed"}), "body.state"},
	} {
		t.Run(name, func(t *testing.T) {
			wantField(t, caller.post(path, test.body).refused(http.StatusUnprocessableEntity, "invalid-request"), test.location)
		})
	}
	if n := s.count("SELECT count(*) FROM needs"); n != 0 {
		t.Errorf("refused requests left %d rows", n)
	}
}

func TestAppRoleCannotBreakNeeds(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	caller := s.as("practitioner", "north")
	episode := caller.acceptedSince("north", person("9990000018", "Example"), 10)
	id := caller.post(needsOf(episode), object{"area": "Money", "description": "Made-up", "identifiedOn": day(-5)}).want(http.StatusCreated)["id"]
	app := s.app("test-subject", "north")
	for name, test := range map[string]struct{ set, want string }{
		"met without an action":     {"state = 'Met', changed_by = 'test-subject'", "23514"},
		"an action without its day": {"state = 'Acting', action = 'x', changed_by = 'test-subject'", "23514"},
		"acted before it was found": {"state = 'Acting', action = 'x', action_on = current_date - 6, state_on = current_date, changed_by = 'test-subject'", "23514"},
		"met before acting":         {"state = 'Met', action = 'x', action_on = current_date - 1, state_on = current_date - 2, changed_by = 'test-subject'", "23514"},
		"met tomorrow":              {"state = 'Met', action = 'x', action_on = current_date, state_on = current_date + 1, changed_by = 'test-subject'", "23514"},
		"in another's name":         {"state = 'Acting', action = 'x', action_on = current_date, state_on = current_date, changed_by = 'somebody'", "42501"},
		"in nobody's name":          {"state = 'Acting', action = 'x', action_on = current_date, state_on = current_date", "42501"},
		"in error for another":      {"entered_in_error_by = 'somebody'", "42501"},
		"other words":               {"description = 'x'", "42501"},
		"another person":            {"person_id = gen_random_uuid()", "42501"},
	} {
		if _, err := app.Exec(t.Context(), fmt.Sprintf("UPDATE needs SET %s WHERE id = '%s'", test.set, id)); code(err) != test.want {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
	const change = "UPDATE needs SET state = 'Acting', action = 'x', action_on = current_date, state_on = current_date, changed_by = 'test-subject'"
	if done, err := s.app("test-subject", "south").Exec(t.Context(), change); err != nil || done.RowsAffected() != 0 {
		t.Errorf("another service changes %v, %v", done, err)
	}
	if _, err := app.Exec(t.Context(), "UPDATE needs SET entered_in_error_by = 'test-subject'"); err != nil {
		t.Fatal(err)
	}
	if _, err := app.Exec(t.Context(), change); code(err) != "CM061" {
		t.Errorf("a change of what is in error: %v", err)
	}
	if _, err := app.Exec(t.Context(), "DELETE FROM needs"); code(err) != "42501" {
		t.Errorf("a need is deleted: %v", err)
	}
}
