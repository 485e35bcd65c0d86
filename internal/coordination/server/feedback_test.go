package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func reply(service string, overall int) object {
	return object{"service": service, "from": "Person", "givenOn": day(0), "answers": object{"overall": overall}}
}

// Words and names are for the leads of the service alone; numbers for its staff, from five replies on.
func TestFeedback(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	staff, lead, other := s.as("practitioner", "north"), s.as("service-lead", "north"), s.as("service-lead", "south")
	episode := staff.accepted("north", person("9990000018", "Example"))
	named := reply("north", 5)
	named["personId"], named["comment"], named["from"] = episode["personId"], "Unmistakably kind", "Carer"
	named["answers"].(object)["listenedTo"] = 4
	given := staff.post("/v1/feedback", named).want(http.StatusCreated)
	gp := s.with(object{"roles": []string{"integration"}, "purpose": "direct-care"})
	for _, overall := range []int{1, 2, 3} {
		anonymous := reply("north", overall)
		anonymous["comment"] = "Nobody rang back"
		gp.post("/v1/feedback", anonymous).want(http.StatusCreated)
	}
	heard := func(c caller) object {
		t.Helper()
		return c.get("/v1/feedback/summary?service=north").want(http.StatusOK)["items"].([]any)[0].(object)
	}
	if four := heard(staff); four["replies"] != nil || len(four["means"].([]any)) != 0 {
		t.Errorf("four replies show %v", four)
	}
	gp.post("/v1/feedback", reply("north", 4)).want(http.StatusCreated)
	five := heard(staff)
	means := five["means"].([]any)
	if five["replies"] != 5.0 || len(means) != 1 || means[0].(object)["mean"] != 3.0 || means[0].(object)["question"] != "overall" {
		t.Errorf("five replies show %v", five)
	}
	items := lead.get("/v1/feedback").want(http.StatusOK)["items"].([]any)
	if len(items) != 5 || items[4].(object)["comment"] != "Unmistakably kind" || items[4].(object)["personId"] != episode["personId"] || items[0].(object)["personId"] != nil {
		t.Errorf("the lead reads %v", items)
	}
	if page := lead.get("/v1/feedback?limit=2").want(http.StatusOK); len(page["items"].([]any)) != 2 || page["next"] == nil {
		t.Errorf("a page of two: %v", page)
	}
	staff.get("/v1/feedback").refused(http.StatusForbidden, "forbidden")
	if hidden := other.get("/v1/feedback").want(http.StatusOK)["items"].([]any); len(hidden) != 0 {
		t.Errorf("another service's lead reads %v", hidden)
	}
	other.get("/v1/feedback?service=north").refused(http.StatusUnprocessableEntity, "invalid-request")
	other.get("/v1/feedback/summary?service=north").refused(http.StatusUnprocessableEntity, "invalid-request")
	// Anonymous is anonymous in the audit trail too; what carries a name is in the person's access log.
	if n := s.count("SELECT count(*) FROM audit_events WHERE operation = 'giveFeedback' AND person_id IS NULL AND resource_id IS NULL AND outcome = 'Done'"); n != 4 {
		t.Errorf("%d anonymous replies in the audit trail, want 4", n)
	}
	if n := s.count("SELECT count(*) FROM audit_events WHERE operation IN ('giveFeedback', 'listFeedback') AND person_id = $1", episode["personId"]); n != 2 {
		t.Errorf("%d uses of the named reply in the audit trail, want 2", n)
	}
	if strings.Contains(logs.String(), "Unmistakably") {
		t.Error("the log holds the words")
	}

	app := s.app("test-subject", "north")
	for sql, want := range map[string]string{
		"SELECT comment FROM feedback":           "42501",
		"SELECT person_id FROM feedback_authors": "42501",
		"DELETE FROM feedback_authors":           "42501",
		"SELECT * FROM feedback":                 "42501",
		"UPDATE feedback SET overall = 5":        "42501",
		"DELETE FROM feedback":                   "42501",
		"INSERT INTO feedback (id, service_id, from_whom, given_on, overall, recorded_by) VALUES (gen_random_uuid(), '" + north.String() + "', 'Person', current_date, 6, 'test-subject')":     "23514",
		"INSERT INTO feedback (id, service_id, from_whom, given_on, overall, recorded_by) VALUES (gen_random_uuid(), '" + north.String() + "', 'Person', current_date + 1, 5, 'test-subject')": "23514",
		"INSERT INTO feedback (id, service_id, from_whom, given_on, overall, recorded_by) VALUES (gen_random_uuid(), '" + north.String() + "', 'Person', current_date, 5, 'somebody')":         "42501",
	} {
		if _, err := app.Exec(t.Context(), sql); code(err) != want {
			t.Errorf("%s: %v, want %s", sql, err, want)
		}
	}
	var n int
	const whole = "SELECT count(*) FROM feedback_of_services(ARRAY[$1, $2]::uuid[], 'infinity', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 100)"
	if err := s.app("test-subject", "south").QueryRow(t.Context(), whole, north, south).Scan(&n); err != nil || n != 0 {
		t.Errorf("another service reads %d whole replies, %v", n, err)
	}
	hidden := s.as("practitioner", "south").accepted("south", person("9990000026", "Hidden"))
	for name, test := range map[string]struct {
		person any
		want   string
	}{"hidden": {hidden["personId"], "42501"}, "visible": {episode["personId"], ""}} {
		id := uuid.NewString()
		_, err := app.Exec(t.Context(), "BEGIN; INSERT INTO feedback (id, service_id, from_whom, given_on, overall, recorded_by) VALUES ('"+id+"', '"+north.String()+
			"', 'Person', current_date, 5, 'test-subject'); INSERT INTO feedback_authors (id, person_id) VALUES ('"+id+"', '"+test.person.(string)+"'); COMMIT")
		if code(err) != test.want || (test.want == "" && err != nil) {
			t.Errorf("in the name of somebody %s: %v", name, err)
		}
		if _, err := app.Exec(t.Context(), "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := app.Exec(t.Context(), "INSERT INTO feedback_authors (id, person_id) VALUES ($1, $2)", items[0].(object)["id"], episode["personId"]); code(err) != "42501" {
		t.Errorf("a name put to an anonymous reply: %v", err)
	}
	named["personId"] = hidden["personId"]
	staff.post("/v1/feedback", named).refused(http.StatusNotFound, "not-found")
	named["personId"] = uuid.NewString()
	staff.post("/v1/feedback", named).refused(http.StatusNotFound, "not-found")
	if given["comment"] != nil {
		t.Errorf("the answer repeats the words: %v", given)
	}
}

func TestFeedbackInput(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	staff := s.as("practitioner", "north")
	for name, test := range map[string]struct {
		field    string
		value    any
		location string
	}{
		"an unknown service": {"service", "west", "body.service"},
		"from nobody":        {"from", "Neighbour", "body.from"},
		"tomorrow":           {"givenOn", day(1), "body.givenOn"},
		"six of five":        {"answers", object{"overall": 6}, "body.answers.overall"},
		"nothing of five":    {"answers", object{"overall": 0}, "body.answers.overall"},
		"no overall":         {"answers", object{"listenedTo": 4}, "body.answers"},
		"another question":   {"answers", object{"overall": 4, "parking": 1}, "body.answers.…"},
		"a long comment":     {"comment", strings.Repeat("x", 4001), "body.comment"},
		"not an id":          {"personId", "Example", "body.personId"},
	} {
		body := reply("north", 4)
		body[test.field] = test.value
		t.Log(name)
		wantField(t, staff.post("/v1/feedback", body).refused(http.StatusUnprocessableEntity, "invalid-request"), test.location)
	}
	if n := s.count("SELECT count(*) FROM feedback"); n != 0 {
		t.Errorf("refused requests left %d rows", n)
	}
}
