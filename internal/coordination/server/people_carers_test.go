package server_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// Nobody is told anything for being near, a parent of somebody under 18 no more than others.
func TestParentsAreToldNothingByDefault(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	young := person("9990000018", "Example")
	young["birthDate"] = day(-16 * 365)
	north := s.as("practitioner", "north")
	id := north.accepted("north", young)["personId"].(string)
	path := "/v1/people/" + id + "/carers"
	parent := object{"kind": "Parent", "name": "Pat Example", "relationship": "Parent", "phone": "07700 900456", "email": "pat@example.org"}
	got := items(north.post(path, parent).want(http.StatusCreated))[0].(object)
	if got["mayBeTold"] != nil || got["basis"] != nil || got["phone"] != "07700 900456" {
		t.Errorf("a parent by default: %v", got)
	}
	with := func(fields object) object {
		body := maps.Clone(parent)
		maps.Copy(body, fields)
		return body
	}
	part := "/v1/carers/" + got["id"].(string)
	for location, body := range map[string]object{
		"body.basis":        with(object{"mayBeTold": []string{"Wellbeing"}}),
		"body.agreedOn":     with(object{"mayBeTold": []string{"Wellbeing"}, "basis": "PersonAgreed"}),
		"body.mayBeTold":    with(object{"basis": "PersonAgreed", "agreedOn": day(0)}),
		"body.endedOn":      with(object{"endedOn": day(1)}),
		"body.kind":         with(object{"kind": "Unmistakable"}),
		"body.name":         with(object{"name": " "}),
		"body.phone":        with(object{"phone": "Unmistakable"}),
		"body.mayBeTold[0]": with(object{"mayBeTold": []string{"Unmistakable"}}),
	} {
		a := north.putNow(id, part, body)
		wantField(t, a.refused(http.StatusUnprocessableEntity, "invalid-request"), location)
		if strings.Contains(a.raw, "Unmistakable") {
			t.Errorf("the answer repeats the value: %s", a.raw)
		}
	}
	wantField(t, north.putNow(id, part, with(object{"mayBeTold": []string{"Wellbeing"}, "basis": "ParentalResponsibility", "agreedOn": day(0)})).refused(http.StatusUnprocessableEntity, "invalid-request"), "body.basis")
	agreed := with(object{"mayBeTold": []string{"Wellbeing", "Appointments"}, "basis": "PersonAgreed", "agreedOn": day(0)})
	north.do(http.MethodPut, part, agreed).refused(http.StatusPreconditionRequired, "precondition-required")
	if got := items(north.putNow(id, part, agreed).want(http.StatusOK))[0].(object); len(got["mayBeTold"].([]any)) != 2 {
		t.Errorf("with the person's agreement: %v", got)
	}
	ended := items(north.putNow(id, part, with(object{"endedOn": day(0)})).want(http.StatusOK))[0].(object)
	if ended["mayBeTold"] != nil || ended["endedOn"] != day(0) {
		t.Errorf("after the end: %v", ended)
	}
	if n := s.count("SELECT count(*) FROM earlier_versions WHERE part = 'carers' AND record->>'basis' = 'PersonAgreed'"); n != 1 {
		t.Errorf("%d earlier permissions are on record, want 1", n)
	}
	app := s.app("test-subject", "north")
	for name, test := range map[string]struct{ sql, want string }{
		"permission without a basis": {"INSERT INTO carers (id, person_id, kind, name, relationship, may_be_told, changed_by) VALUES (gen_random_uuid(), $1, 'Parent', 'x', 'Parent', '{CarePlan}', 'test-subject')", "23514"},
		"a basis that is none":       {"INSERT INTO carers (id, person_id, kind, name, relationship, may_be_told, basis, agreed_on, changed_by) VALUES (gen_random_uuid(), $1, 'Parent', 'x', 'Parent', '{CarePlan}', 'Parent', current_date, 'test-subject')", "23514"},
		"told after the end":         {"UPDATE carers SET may_be_told = '{CarePlan}', basis = 'PersonAgreed', agreed_on = current_date, changed_by = 'test-subject' WHERE person_id = $1", "23514"},
		"record as somebody else":    {"INSERT INTO carers (id, person_id, kind, name, relationship, changed_by) VALUES (gen_random_uuid(), $1, 'Carer', 'x', 'Other', 'somebody')", "42501"},
		"move to another person":     {"UPDATE carers SET person_id = $1", "42501"},
		"remove":                     {"DELETE FROM carers WHERE person_id = $1", "42501"},
	} {
		if _, err := app.Exec(t.Context(), test.sql, id); code(err) != test.want {
			t.Errorf("%s: got %v, want code %s", name, err, test.want)
		}
	}
}

// What carers say in confidence is in no output but its own, for services that support the person now.
func TestCarerConfidences(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	id, episode := s.supported("9990000018")
	other, _ := s.supported("9990000026")
	north := s.as("practitioner", "north")
	at := "/v1/people/" + id
	carer := object{"kind": "Carer", "name": "Sam Example", "relationship": "Partner"}
	carerID := items(north.post(at+"/carers", carer).want(http.StatusCreated))[0].(object)["id"]
	elsewhere := items(north.post("/v1/people/"+other+"/carers", carer).want(http.StatusCreated))[0].(object)["id"]
	path := at + "/carer-confidences"
	const said = "Unmistakable worry"
	with := func(name string, value any) object {
		body := object{"carerId": carerID, "saidOn": day(0), "said": said}
		body[name] = value
		return body
	}
	for location, body := range map[string]object{
		"body.carerId": with("carerId", elsewhere), "body.saidOn": with("saidOn", day(1)), "body.said": with("said", " "), "body.sharing": with("sharing", said),
	} {
		a := north.post(path, body)
		wantField(t, a.refused(http.StatusUnprocessableEntity, "invalid-request"), location)
		if strings.Contains(a.raw, said) {
			t.Errorf("the answer repeats the value: %s", a.raw)
		}
	}
	before := north.recordTag(id)
	got := items(north.post(path, with("said", said)).want(http.StatusCreated))[0].(object)
	if got["said"] != said || got["sharing"] != "NotWithThePerson" || got["carerName"] != "Sam Example" {
		t.Errorf("what was said: %v", got)
	}
	if north.recordTag(id) != before {
		t.Error("the record's version tells that somebody spoke")
	}
	for _, part := range []string{"", "/carers", "/details", "/contact", "/alerts", "/access-log", "/objections", "/capacity-assessments", "/representatives"} {
		if a := north.get(at + part); a.status != http.StatusOK || strings.Contains(a.raw, "Unmistakable") {
			t.Errorf("%s: %d %s", part, a.status, a.raw)
		}
	}
	s.with(object{"roles": []string{"integration"}, "purpose": "direct-care", "services": []string{"north"}}).get(path).refused(http.StatusForbidden, "forbidden")
	s.as("practitioner", "south").get(path).refused(http.StatusNotFound, "not-found")
	retract := "/v1/carer-confidences/" + got["id"].(string) + "/entered-in-error"
	if got := items(north.post(retract, nil).want(http.StatusOK))[0].(object); got["enteredInError"] != true {
		t.Errorf("after entering in error: %v", got)
	}
	north.post(retract, nil).refused(http.StatusConflict, "state-conflict")

	app := s.app("test-subject", "north")
	const insert = "INSERT INTO carer_confidences (id, person_id, carer_id, said_on, said, recorded_by) VALUES ($1, $2, $3, current_date, 'x', "
	if _, err := app.Exec(t.Context(), insert+"'somebody')", uuid.New(), id, carerID); code(err) != "42501" {
		t.Errorf("as somebody else: %v", err)
	}
	if _, err := app.Exec(t.Context(), insert+"'test-subject')", uuid.New(), id, elsewhere); code(err) != "23503" {
		t.Errorf("of another's carer: %v", err)
	}
	if _, err := app.Exec(t.Context(), "UPDATE carer_confidences SET said = 'x'"); code(err) != "42501" {
		t.Errorf("rewritten: %v", err)
	}
	// After the closure the service still sees the person, and no confidence.
	north.post("/v1/episodes/"+episode["id"].(string)+"/closure", object{"reason": "SupportElsewhere", "returnPlan": returnPlan(), "acceptance": acceptance()}).want(http.StatusCreated)
	north.get(at + "/carers").want(http.StatusOK)
	north.get(path).refused(http.StatusForbidden, "not-your-service")
	var n int
	if err := app.QueryRow(t.Context(), "SELECT count(*) FROM carer_confidences").Scan(&n); err != nil || n != 0 {
		t.Errorf("in SQL, after the closure: %d rows, %v", n, err)
	}
}
