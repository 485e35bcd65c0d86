package server_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// recordTag is the ETag of a person's record as the caller reads it now.
func (c caller) recordTag(personID string) string {
	c.s.t.Helper()
	a := c.get("/v1/people/" + personID)
	a.want(http.StatusOK)
	return a.header.Get("ETag")
}

// putNow changes a part of a person's record with its present version.
func (c caller) putNow(personID, path string, body any) answer {
	c.s.t.Helper()
	return c.do(http.MethodPut, path, body, "If-Match", c.recordTag(personID))
}

// supported is a person with an open episode at north.
func (s *system) supported(number string) (personID string, episode object) {
	s.t.Helper()
	episode = s.as("practitioner", "north").accepted("north", person(number, "Example"))
	return episode["personId"].(string), episode
}

// wantField checks that a problem names the field first.
func wantField(t *testing.T, body object, location string) {
	t.Helper()
	fields, _ := body["errors"].([]any)
	if len(fields) == 0 || fields[0].(object)["location"] != location {
		t.Errorf("errors %v, want one at %s", fields, location)
	}
}

func fullDetails() object {
	return object{
		"preferredName": "Lex", "language": "ur", "interpreter": "Needed", "communicationNeeds": []string{"LargePrint"}, "communicationNote": "Speak slowly",
		"reasonableAdjustments": []string{"QuietPlace", "LongerAppointment"}, "adjustmentsNote": "No strip lights", "ethnicity": "J", "gender": "NonBinary",
		"genderAsAtBirth": "NotStated", "sexualOrientation": "NotStated", "religion": "Muslim", "disability": "Disabled", "impairments": []string{"Hearing"},
		"employment": "LookingForWork", "accommodation": "SofaSurfing", "caring": "Children", "longTermConditions": []string{"BipolarDisorder", "Diabetes"},
	}
}

func TestPersonDetails(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	id, episode := s.supported("9990000018")
	north := s.as("practitioner", "north")
	path := "/v1/people/" + id + "/details"
	before := north.recordTag(id)
	if a := north.get(path); a.header.Get("ETag") != before || strings.TrimSpace(a.raw) != "{}" {
		t.Errorf("nothing was asked yet: %q %s", a.header.Get("ETag"), a.raw)
	}
	north.do(http.MethodPut, path, fullDetails()).refused(http.StatusPreconditionRequired, "precondition-required")
	a := north.do(http.MethodPut, path, fullDetails(), "If-Match", before)
	got := a.want(http.StatusOK)
	for name, value := range fullDetails() {
		if list, ok := value.([]string); ok {
			if n := len(got[name].([]any)); n != len(list) {
				t.Errorf("%s: %v", name, got[name])
			}
		} else if got[name] != value {
			t.Errorf("%s: %v, want %v", name, got[name], value)
		}
	}
	if tag := a.header.Get("ETag"); tag == before || tag != north.recordTag(id) {
		t.Errorf("ETag %s after the change, %s before", tag, before)
	}
	north.do(http.MethodPut, path, object{"preferredName": "Al"}, "If-Match", before).refused(http.StatusPreconditionFailed, "precondition-failed")
	if p := north.get("/v1/people/" + id).want(http.StatusOK); p["preferredName"] != "Lex" {
		t.Errorf("the record: %v", p)
	}
	second := north.putNow(id, path, object{"ethnicity": "Z"}).want(http.StatusOK)
	if second["preferredName"] != nil || second["ethnicity"] != "Z" || second["changedBy"] != testSubject {
		t.Errorf("the second sheet: %v", second)
	}
	if n := s.count("SELECT count(*) FROM earlier_versions WHERE person_id = $1 AND part = 'person_details' AND record->>'ethnicity' = 'J' AND replaced_by = $2", id, testSubject); n != 1 {
		t.Errorf("%d earlier sheets are kept", n)
	}

	// Who sees the person without supporting them reads and does not write; who does not see them finds nothing.
	north.post("/v1/episodes/"+episode["id"].(string)+"/closure", object{"reason": "SupportElsewhere", "returnPlan": returnPlan(), "acceptance": acceptance()}).want(http.StatusCreated)
	north.get(path).want(http.StatusOK)
	north.putNow(id, path, object{}).refused(http.StatusForbidden, "not-your-service")
	south := s.as("practitioner", "south")
	south.get(path).refused(http.StatusNotFound, "not-found")
	south.do(http.MethodPut, path, object{}, "If-Match", before).refused(http.StatusNotFound, "not-found")
	s.with(object{"roles": []string{"integration"}, "purpose": "direct-care", "services": []string{"north"}}).do(http.MethodPut, path, object{}).refused(http.StatusForbidden, "forbidden")
}

func TestPersonDetailsBadInput(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	id, _ := s.supported("9990000018")
	north := s.as("practitioner", "north")
	const secret = "Unmistakable"
	for _, test := range []struct {
		part, location string
		body           object
	}{
		{"details", "body.…", object{"nickname": secret}},
		{"details", "body.preferredName", object{"preferredName": "  "}},
		{"details", "body.preferredName", object{"preferredName": strings.Repeat(secret, 10)}},
		{"details", "body.language", object{"language": secret}},
		{"details", "body.language", object{"interpreter": "Needed"}},
		{"details", "body.communicationNeeds[0]", object{"communicationNeeds": []string{secret}}},
		{"details", "body.reasonableAdjustments", object{"reasonableAdjustments": []string{"QuietPlace", "QuietPlace"}}},
		{"details", "body.ethnicity", object{"ethnicity": "I"}},
		{"details", "body.ethnicity", object{"ethnicity": "White"}},
		{"details", "body.gender", object{"gender": secret}},
		{"details", "body.impairments", object{"impairments": []string{"Hearing"}}},
		{"details", "body.impairments", object{"impairments": []string{"Hearing"}, "disability": "NotStated"}},
		{"details", "body.longTermConditions[0]", object{"longTermConditions": []string{secret}}},
		{"contact", "body.mobile", object{"mobile": secret}},
		{"contact", "body.email", object{"email": secret}},
		{"contact", "body.preferred", object{"preferred": "Text", "landline": "01632 960001"}},
		{"contact", "body.preferred", object{"preferred": "Email"}},
		{"contact", "body.leaveMessage", object{"leaveMessage": true}},
	} {
		a := north.putNow(id, "/v1/people/"+id+"/"+test.part, test.body)
		wantField(t, a.refused(http.StatusUnprocessableEntity, "invalid-request"), test.location)
		if strings.Contains(a.raw, secret) {
			t.Errorf("the answer repeats the value: %s", a.raw)
		}
	}
	if n := s.count("SELECT (SELECT count(*) FROM person_details) + (SELECT count(*) FROM contact_details)"); n != 0 {
		t.Errorf("refused requests left %d rows", n)
	}
}

func TestAppRoleCannotBreakTheDetails(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	id, _ := s.supported("9990000018")
	north, south := s.app("test-subject", "north"), s.app("test-subject", "south")
	if _, err := north.Exec(t.Context(), "INSERT INTO person_details (person_id, changed_by) VALUES ($1, 'test-subject')", id); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		conn      *pgx.Conn
		sql, want string
	}{
		"as somebody else":         {north, "UPDATE person_details SET changed_by = 'somebody'", "42501"},
		"of a hidden person":       {south, "INSERT INTO contact_details (person_id, changed_by) VALUES ('" + id + "', 'test-subject')", "42501"},
		"move to another person":   {north, "UPDATE person_details SET person_id = gen_random_uuid()", "42501"},
		"remove":                   {north, "DELETE FROM person_details", "42501"},
		"a letter that is none":    {north, "UPDATE person_details SET ethnicity = 'Q', changed_by = 'test-subject'", "23514"},
		"an interpreter of what":   {north, "UPDATE person_details SET interpreter = 'Needed', changed_by = 'test-subject'", "23514"},
		"an unknown condition":     {north, "UPDATE person_details SET long_term_conditions = '{Sadness}', changed_by = 'test-subject'", "23514"},
		"impairments of nobody":    {north, "UPDATE person_details SET impairments = '{Sight}', changed_by = 'test-subject'", "23514"},
		"an email that is none":    {north, "INSERT INTO contact_details (person_id, email, changed_by) VALUES ('" + id + "', 'x', 'test-subject')", "23514"},
		"preferred without number": {north, "INSERT INTO contact_details (person_id, preferred, changed_by) VALUES ('" + id + "', 'Text', 'test-subject')", "23514"},
		"read earlier versions":    {north, "SELECT FROM earlier_versions", "42501"},
		"change earlier versions":  {north, "UPDATE earlier_versions SET record = '{}'", "42501"},
		"show a hidden location":   {north, "UPDATE people SET location_sensitive = false", "42501"},
		"lift a restriction":       {north, "UPDATE person_access SET restricted = false", "42501"},
	} {
		if _, err := test.conn.Exec(t.Context(), test.sql); code(err) != test.want {
			t.Errorf("%s: got %v, want code %s", name, err, test.want)
		}
	}
	if done, err := south.Exec(t.Context(), "UPDATE person_details SET changed_by = 'test-subject'"); err != nil || done.RowsAffected() != 0 {
		t.Errorf("a hidden person's details were changed: %v, %v", done, err)
	}
	var version *int64
	if err := south.QueryRow(t.Context(), "SELECT lock_person($1)", id).Scan(&version); err != nil || version != nil {
		t.Errorf("a hidden person's record is locked: %v, %v", version, err)
	}
}

// Without saying who asks, the app role sees no row of what makes up a person's record.
func TestNobodySeesAPersonsParts(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	id, _ := s.supported("9990000018")
	lead := s.as("service-lead", "north")
	parts := everyPart(lead, id)
	seen, nobody, other := s.app(testSubject, "north"), s.app(""), s.app(testSubject, "south")
	for _, table := range parts {
		var n int
		for name, conn := range map[string]*pgx.Conn{"nobody": nobody, "another service": other} {
			if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM (SELECT 1 FROM "+table+") rows").Scan(&n); err != nil || n != 0 {
				t.Errorf("%s sees %d rows of %s (%v)", name, n, table, err)
			}
		}
		if err := seen.QueryRow(t.Context(), "SELECT count(*) FROM (SELECT 1 FROM "+table+") rows").Scan(&n); err != nil || n == 0 {
			t.Errorf("its own caller sees %d rows of %s (%v)", n, table, err)
		}
	}
	// Every table that holds a person's id is protected.
	if n := s.count(`SELECT count(*) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attname = 'person_id' AND NOT c.relrowsecurity`); n != 0 {
		t.Errorf("%d tables with a person's id have no row-level security", n)
	}
	// Whoever asks in vain for a part is in the person's access log.
	south := s.as("practitioner", "south")
	for path, table := range map[string]string{"/v1/registrations/": "registrations", "/v1/carers/": "carers", "/v1/representatives/": "representatives"} {
		request := uuid.NewString()
		part := s.text("SELECT id::text FROM " + table)
		south.do(http.MethodPut, path+part, maps.Clone(partBodies[table]), "X-Request-ID", request, "If-Match", `W/"1"`).refused(http.StatusNotFound, "not-found")
		if n := s.count("SELECT count(*) FROM audit_events WHERE request_id = $1 AND outcome = 'Refused' AND person_id = $2", request, id); n != 1 {
			t.Errorf("%s: %d rows in the access log", path, n)
		}
	}
}

// text is one value as the owner sees it.
func (s *system) text(query string, args ...any) (value string) {
	s.t.Helper()
	conn, err := pgx.Connect(s.t.Context(), s.database.OwnerURL)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close(s.t.Context())
	if err := conn.QueryRow(s.t.Context(), query, args...).Scan(&value); err != nil {
		s.t.Fatal(err)
	}
	return value
}

// partBodies are valid changes of parts.
var partBodies = map[string]object{
	"registrations":   {},
	"representatives": {},
	"carers":          {"kind": "Carer", "name": "Sam Example", "relationship": "Partner"},
}

// everyPart records one of each part of a person's record, and gives the tables.
func everyPart(lead caller, id string) []string {
	lead.s.t.Helper()
	at := "/v1/people/" + id
	lead.putNow(id, at+"/details", fullDetails()).want(http.StatusOK)
	lead.putNow(id, at+"/contact", object{"mobile": "07700 900123", "preferred": "Text"}).want(http.StatusOK)
	lead.post(at+"/registrations", object{"practice": "A81001", "from": day(-9)}).want(http.StatusCreated)
	lead.post(at+"/residences", address(day(-9))).want(http.StatusCreated)
	carer := lead.post(at+"/carers", object{"kind": "Carer", "name": "Sam Example", "relationship": "Partner", "phone": "07700 900456"}).want(http.StatusCreated)
	carerID := carer["items"].([]any)[0].(object)["id"]
	lead.post(at+"/carer-confidences", object{"carerId": carerID, "saidOn": day(0), "said": "Worried about the nights"}).want(http.StatusCreated)
	lead.post(at+"/alerts", object{"kind": "Safeguarding", "detail": "Made-up reason"}).want(http.StatusCreated)
	lead.post(at+"/objections", object{"organisation": "RT1", "objectedOn": day(0)}).want(http.StatusCreated)
	lead.post(at+"/capacity-assessments", assessment("HasCapacity")).want(http.StatusCreated)
	lead.post(at+"/representatives", object{"kind": "Advocate", "name": "Ash Example", "from": day(0)}).want(http.StatusCreated)
	lead.putNow(id, at+"/named-access", object{"subjects": []string{testSubject}, "reason": "Works here"}).want(http.StatusOK)
	return []string{"person_details", "contact_details", "registrations", "residences", "carers", "carer_contacts", "carer_confidences", "person_alerts",
		"objections", "capacity_assessments", "representatives", "named_access"}
}
