package server_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"
)

func assessment(outcome string) object {
	return object{
		"about": "CarePlan", "decision": "Agreeing to the plan", "outcome": outcome, "supportGiven": "Plain words, twice", "finding": "Made-up finding",
		"assessorName": "Dr Example", "assessorRole": "Psychiatrist", "assessedOn": day(0), "reviewOn": day(30),
	}
}

func TestCapacityAssessments(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	id, _ := s.supported("9990000018")
	north := s.as("practitioner", "north")
	path := "/v1/people/" + id + "/capacity-assessments"
	const secret = "Unmistakable"
	with := func(name string, value any) object {
		body := assessment("LacksCapacity")
		body[name] = value
		return body
	}
	for _, test := range []struct {
		location string
		body     object
	}{
		{"body.outcome", with("outcome", secret)}, {"body.about", with("about", secret)}, {"body.decision", with("decision", " ")},
		{"body.supportGiven", with("supportGiven", "")}, {"body.assessedOn", with("assessedOn", day(1))}, {"body.reviewOn", with("reviewOn", day(-1))},
		{"body.…", with(secret, "x")},
	} {
		a := north.post(path, test.body)
		wantField(t, a.refused(http.StatusUnprocessableEntity, "invalid-request"), test.location)
		if strings.Contains(a.raw, secret) {
			t.Errorf("the answer repeats the value: %s", a.raw)
		}
	}
	if n := s.count("SELECT count(*) FROM capacity_assessments"); n != 0 {
		t.Errorf("refused requests left %d rows", n)
	}
	first := items(north.post(path, assessment("LacksCapacity")).want(http.StatusCreated))[0].(object)
	if got := items(north.post(path, assessment("HasCapacity")).want(http.StatusCreated)); len(got) != 2 || got[0].(object)["outcome"] != "HasCapacity" {
		t.Errorf("a later assessment stands beside the earlier one: %v", got)
	}
	retract := "/v1/capacity-assessments/" + first["id"].(string) + "/entered-in-error"
	s.as("practitioner", "south").post(retract, nil).refused(http.StatusNotFound, "not-found")
	north.post(retract, nil).want(http.StatusOK)
	north.post(retract, nil).refused(http.StatusConflict, "state-conflict")
	s.as("integration", "north").get(path).refused(http.StatusForbidden, "purpose-missing")
	app := s.app("test-subject", "north")
	for name, test := range map[string]struct{ sql, want string }{
		"change the outcome":    {"UPDATE capacity_assessments SET outcome = 'HasCapacity'", "42501"},
		"take a mark back":      {"UPDATE capacity_assessments SET entered_in_error_at = NULL, changed_by = 'test-subject'", "42501"},
		"remove":                {"DELETE FROM capacity_assessments", "42501"},
		"assess as another":     {insertAssessment(id, "'HasCapacity', 'x', current_date, 'somebody'"), "42501"},
		"without support":       {insertAssessment(id, "'HasCapacity', ' ', current_date, 'test-subject'"), "23514"},
		"assess tomorrow":       {insertAssessment(id, "'HasCapacity', 'x', current_date + 1, 'test-subject'"), "23514"},
		"an outcome in between": {insertAssessment(id, "'Perhaps', 'x', current_date, 'test-subject'"), "23514"},
	} {
		if _, err := app.Exec(t.Context(), test.sql); code(err) != test.want {
			t.Errorf("%s: got %v, want code %s", name, err, test.want)
		}
	}
}

func insertAssessment(id, values string) string {
	return "INSERT INTO capacity_assessments (id, person_id, decision, about, finding, assessor_name, assessor_role, outcome, support_given, assessed_on, recorded_by) " +
		"VALUES (gen_random_uuid(), '" + id + "', 'x', 'Other', 'x', 'x', 'x', " + values + ")"
}

func TestRepresentatives(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	id, _ := s.supported("9990000018")
	north := s.as("practitioner", "north")
	path := "/v1/people/" + id + "/representatives"
	attorney := object{"kind": "HealthAndWelfareAttorney", "name": "Ash Example", "phone": "07700 900789", "documentSeenOn": day(0), "from": day(-10)}
	with := func(name string, value any) object {
		body := maps.Clone(attorney)
		if body[name] = value; value == nil {
			delete(body, name)
		}
		return body
	}
	for _, test := range []struct {
		location string
		body     object
	}{
		{"body.documentSeenOn", with("documentSeenOn", nil)}, {"body.documentSeenOn", with("documentSeenOn", day(1))}, {"body.kind", with("kind", "Friend")},
		{"body.to", with("to", day(-11))}, {"body.from", with("from", "0000-01-01")}, {"body.name", with("name", " ")}, {"body.email", with("email", "x")},
	} {
		wantField(t, north.post(path, test.body).refused(http.StatusUnprocessableEntity, "invalid-request"), test.location)
	}
	got := items(north.post(path, attorney).want(http.StatusCreated))[0].(object)
	north.post(path, object{"kind": "MentalCapacityAdvocate", "name": "Kim Example", "organisation": "Voices", "from": day(0)}).want(http.StatusCreated)
	part := "/v1/representatives/" + got["id"].(string)
	north.do(http.MethodPut, part, object{"to": day(0)}).refused(http.StatusPreconditionRequired, "precondition-required")
	wantField(t, north.putNow(id, part, object{"to": day(-11)}).refused(http.StatusUnprocessableEntity, "invalid-request"), "body.to")
	north.putNow(id, part, object{"to": day(0)}).want(http.StatusOK)
	if n := s.count("SELECT count(*) FROM earlier_versions WHERE part = 'representatives' AND record->>'to_on' IS NULL"); n != 1 {
		t.Errorf("%d earlier versions, want 1", n)
	}
	app := s.app("test-subject", "north")
	for name, test := range map[string]struct{ sql, want string }{
		"authority without a document": {"INSERT INTO representatives (id, person_id, kind, name, from_on, recorded_by) VALUES (gen_random_uuid(), $1, 'CourtDeputy', 'x', current_date, 'test-subject')", "23514"},
		"as somebody else":             {"INSERT INTO representatives (id, person_id, kind, name, from_on, recorded_by) VALUES (gen_random_uuid(), $1, 'Advocate', 'x', current_date, 'somebody')", "42501"},
		"become an attorney":           {"UPDATE representatives SET kind = 'HealthAndWelfareAttorney' WHERE person_id = $1", "42501"},
		"end before the beginning":     {"UPDATE representatives SET to_on = '2000-01-01', changed_by = 'test-subject' WHERE person_id = $1", "23514"},
	} {
		if _, err := app.Exec(t.Context(), test.sql, id); code(err) != test.want {
			t.Errorf("%s: got %v, want code %s", name, err, test.want)
		}
	}
}
