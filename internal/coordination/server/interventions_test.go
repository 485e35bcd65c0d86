package server_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
)

func intervention() object {
	return object{"givenOn": day(0), "kind": "Psychosocial", "theme": "PeerSupport", "snomedCode": "1853481000000101"}
}

func TestInterventions(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	episode := north.supported("9990000018")
	path := "/v1/episodes/" + episode["id"].(string) + "/interventions"
	met := north.post("/v1/episodes/"+episode["id"].(string)+"/contacts", contact()).want(http.StatusCreated)
	made, etag := north.post(path, with(intervention(), "contactId", met["id"])).etag(http.StatusCreated)
	if made["tier"] != 4.0 || made["nationalClock"] != true || made["contactId"] != met["id"] || made["personId"] != episode["personId"] {
		t.Errorf("intervention: %v", made)
	}
	if read, again := north.get("/v1/interventions/" + made["id"].(string)).etag(http.StatusOK); again != etag || read["theme"] != "PeerSupport" {
		t.Errorf("read %v with %s, was %s", read, again, etag)
	}
	for _, kind := range []string{"Consultation", "Signposting", "Discussion"} {
		if got := north.post(path, with(with(intervention(), "kind", kind), "theme", "FinancialInclusion")).want(http.StatusCreated); got["nationalClock"] != false || got["tier"] != 1.0 {
			t.Errorf("%s: %v", kind, got)
		}
	}
	if got := north.post(path, with(with(intervention(), "snomedCode", nil), "theme", "SelfHarmSupport")).want(http.StatusCreated); got["nationalClock"] != false || got["tier"] != 6.0 {
		t.Errorf("without a code: %v", got)
	}
	earlier := north.post(path, with(intervention(), "givenOn", day(-9))).want(http.StatusCreated)
	first := north.get(path + "?limit=5").want(http.StatusOK)
	rest := north.get(path + "?limit=5&cursor=" + first["next"].(string)).want(http.StatusOK)
	if len(items(first)) != 5 || len(items(rest)) != 1 || items(rest)[0].(object)["id"] != earlier["id"] {
		t.Errorf("list: %v, then %v", first, rest)
	}
}

func TestInterventionBadInput(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	episode, other := north.supported("9990000018"), north.supported("9990000026")
	contacts := "/v1/episodes/" + episode["id"].(string) + "/contacts"
	missed := north.post(contacts, with(contact(), "attendance", "DidNotAttend")).want(http.StatusCreated)
	yesterday := north.post(contacts, with(contact(), "happenedAt", moment(-24*time.Hour))).want(http.StatusCreated)
	mistaken, etag := north.post(contacts, contact()).etag(http.StatusCreated)
	north.post("/v1/contacts/"+mistaken["id"].(string)+"/entered-in-error", object{"why": "NeverHappened"}, "If-Match", etag).want(http.StatusOK)
	elsewhere := north.post("/v1/episodes/"+other["id"].(string)+"/contacts", contact()).want(http.StatusCreated)
	hidden := s.as("practitioner", "south").accepted("south", person("9990000034", "Hidden"))
	unseen := s.as("practitioner", "south").post("/v1/episodes/"+hidden["id"].(string)+"/contacts", contact()).want(http.StatusCreated)
	for name, test := range map[string]struct {
		field    string
		value    any
		location string
	}{
		"tomorrow":                     {"givenOn", day(1), "body.givenOn"},
		"before the referral":          {"givenOn", day(-11), "body.givenOn"},
		"in year 0":                    {"givenOn", "0000-01-01", "body.givenOn"},
		"unknown kind":                 {"kind", "Surprise", "body.kind"},
		"unknown theme":                {"theme", "Surprise", "body.theme"},
		"a tier of one's own":          {"tier", 6, "body.tier"},
		"code with a slip":             {"snomedCode", "1853481000000102", "body.snomedCode"},
		"at a missed contact":          {"contactId", missed["id"], "body.contactId"},
		"at a contact of yesterday":    {"contactId", yesterday["id"], "body.contactId"},
		"at a contact that never was":  {"contactId", mistaken["id"], "body.contactId"},
		"at another person's contact":  {"contactId", elsewhere["id"], "body.contactId"},
		"at a hidden person's contact": {"contactId", unseen["id"], "body.contactId"},
		"at no contact at all":         {"contactId", uuid.NewString(), "body.contactId"},
	} {
		t.Run(name, func(t *testing.T) {
			body := north.post("/v1/episodes/"+episode["id"].(string)+"/interventions", with(intervention(), test.field, test.value)).refused(http.StatusUnprocessableEntity, "invalid-request")
			if at(body) != test.location {
				t.Errorf("errors at %v, want %s", at(body), test.location)
			}
		})
	}
	if n := s.count("SELECT count(*) FROM interventions"); n != 0 {
		t.Errorf("refused requests left %d interventions", n)
	}
}

// A record that was entered in error leaves the lists, stays readable with its mark, and keeps the mark.
func TestEnteredInError(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	episode := north.supported("9990000018")
	contacts, interventions := "/v1/episodes/"+episode["id"].(string)+"/contacts", "/v1/episodes/"+episode["id"].(string)+"/interventions"
	met, metTag := north.post(contacts, contact()).etag(http.StatusCreated)
	given, givenTag := north.post(interventions, with(intervention(), "contactId", met["id"])).etag(http.StatusCreated)
	markMet, markGiven := "/v1/contacts/"+met["id"].(string)+"/entered-in-error", "/v1/interventions/"+given["id"].(string)+"/entered-in-error"
	why := object{"why": "WrongPerson"}
	north.post(markMet, why, "If-Match", metTag).refused(http.StatusConflict, "state-conflict") // something was given there
	for _, test := range []struct{ path, etag string }{{markGiven, givenTag}, {markMet, metTag}} {
		north.post(test.path, why).refused(http.StatusPreconditionRequired, "precondition-required")
		north.post(test.path, why, "If-Match", `W/"7"`).refused(http.StatusPreconditionFailed, "precondition-failed")
		if body := north.post(test.path, object{"why": "Embarrassing"}, "If-Match", test.etag).refused(http.StatusUnprocessableEntity, "invalid-request"); at(body) != "body.why" {
			t.Errorf("errors at %v", at(body))
		}
		marked, next := north.post(test.path, why, "If-Match", test.etag).etag(http.StatusOK)
		if marked["enteredInError"].(object)["why"] != "WrongPerson" || next == test.etag {
			t.Errorf("marked: %v, ETag %s", marked, next)
		}
		north.post(test.path, why, "If-Match", next).refused(http.StatusConflict, "state-conflict")
	}
	for _, list := range []string{interventions, contacts} {
		if got := items(north.get(list).want(http.StatusOK)); len(got) != 0 {
			t.Errorf("the list shows what was entered in error: %v", got)
		}
	}
	if read := north.get("/v1/contacts/" + met["id"].(string)).want(http.StatusOK); read["enteredInError"] == nil {
		t.Errorf("read without its mark: %v", read)
	}
	// Another service that sees the person does not mark what this one recorded.
	r := north.post("/v1/referrals", with(with(referral("south", nil), "person", nil), "personId", episode["personId"])).want(http.StatusCreated)
	south := s.as("practitioner", "south")
	south.post("/v1/referrals/"+r["id"].(string)+"/acceptance", nil).want(http.StatusCreated)
	kept, keptTag := north.post(contacts, contact()).etag(http.StatusCreated)
	south.post("/v1/contacts/"+kept["id"].(string)+"/entered-in-error", why, "If-Match", keptTag).refused(http.StatusForbidden, "not-your-service")
	left, leftTag := north.get("/v1/contacts/" + kept["id"].(string)).etag(http.StatusOK)
	if left["enteredInError"] != nil || leftTag != keptTag {
		t.Errorf("marked by another service: %v", left)
	}
	north.post("/v1/contacts/"+kept["id"].(string)+"/entered-in-error", why, "If-Match", keptTag).want(http.StatusOK)
}

// The themes of the document are those of the database.
func TestThemesAgree(t *testing.T) {
	t.Parallel()
	s := start(t)
	var held []string
	if err := s.app("").QueryRow(t.Context(), "SELECT array_agg(theme ORDER BY theme) FROM intervention_themes").Scan(&held); err != nil {
		t.Fatal(err)
	}
	var named []string
	body := contract().Paths.Find("/v1/episodes/{id}/interventions").Post.RequestBody.Value.Content["application/json"].Schema.Value
	for _, theme := range body.Properties["theme"].Value.Enum {
		named = append(named, theme.(string))
	}
	slices.Sort(named)
	if !slices.Equal(named, held) {
		t.Errorf("the document has %v, the database %v", named, held)
	}
}

func TestAppRoleCannotBreakContacts(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	caller := s.as("practitioner", "north")
	episode, other := caller.supported("9990000018"), caller.supported("9990000026")
	hidden := s.as("practitioner", "south").accepted("south", person("9990000034", "Hidden"))
	contacts := "/v1/episodes/" + episode["id"].(string) + "/contacts"
	met := caller.post(contacts, contact()).want(http.StatusCreated)
	missed := caller.post(contacts, with(contact(), "attendance", "DidNotAttend")).want(http.StatusCreated)
	elsewhere := caller.post("/v1/episodes/"+other["id"].(string)+"/contacts", contact()).want(http.StatusCreated)
	given := caller.post("/v1/episodes/"+episode["id"].(string)+"/interventions", with(intervention(), "contactId", met["id"])).want(http.StatusCreated)
	app := s.app("test-subject", "north")
	columns := "INSERT INTO contacts (id, episode_id, service_id, happened_at, medium, attendance, held_with, recorded_by"
	into := func(values string) string { return columns + ") VALUES (gen_random_uuid(), $1, $2, " + values + ")" }
	give := "INSERT INTO interventions (id, episode_id, service_id, given_on, kind, theme, tier, recorded_by, contact_id) VALUES (gen_random_uuid(), $1, $2, "
	for name, test := range map[string]struct {
		sql  string
		args []any
		want string
	}{
		"a contact as it should be":    {into("now(), 'Video', 'Attended', 'Person', 'test-subject'"), []any{episode["id"], north}, ""},
		"with a hidden person":         {into("now(), 'Video', 'Attended', 'Person', 'test-subject'"), []any{hidden["id"], north}, "CM050"},
		"as a hidden service":          {into("now(), 'Video', 'Attended', 'Person', 'test-subject'"), []any{hidden["id"], south}, "42501"},
		"as another service":           {into("now(), 'Video', 'Attended', 'Person', 'test-subject'"), []any{episode["id"], south}, "CM050"},
		"in another's name":            {into("now(), 'Video', 'Attended', 'Person', 'somebody'"), []any{episode["id"], north}, "42501"},
		"in the future":                {into("now() + interval '1 hour', 'Video', 'Attended', 'Person', 'test-subject'"), []any{episode["id"], north}, "23514"},
		"before the referral":          {into("now() - interval '12 days', 'Video', 'Attended', 'Person', 'test-subject'"), []any{episode["id"], north}, "CM050"},
		"rejected as an attendance":    {into("now(), 'Video', 'Discharged', 'Person', 'test-subject'"), []any{episode["id"], north}, "23514"},
		"nowhere":                      {into("now(), 'Video', 'Attended', 'Person', 'test-subject'"), []any{nil, north}, "CM050"},
		"for a person of one's choice": {columns + ", person_id) VALUES (gen_random_uuid(), $1, $2, now(), 'Video', 'Attended', 'Person', 'test-subject', $3)", []any{episode["id"], north, other["personId"]}, "42501"},
		"assessed but missed":          {columns + ", assessment) VALUES (gen_random_uuid(), $1, $2, now(), 'Video', 'DidNotAttend', 'Person', 'test-subject', true)", []any{episode["id"], north}, "23514"},
		"back-dated":                   {columns + ", recorded_at) VALUES (gen_random_uuid(), $1, $2, now(), 'Video', 'Attended', 'Person', 'test-subject', '2000-01-01')", []any{episode["id"], north}, "42501"},
		"change a contact":             {"UPDATE contacts SET attendance = 'Attended' WHERE id = $1", []any{missed["id"]}, "42501"},
		"move a contact":               {"UPDATE contacts SET episode_id = $2 WHERE id = $1", []any{met["id"], other["id"]}, "42501"},
		"delete a contact":             {"DELETE FROM contacts WHERE id = $1", []any{met["id"]}, "42501"},
		"mark in another's name":       {"UPDATE contacts SET entered_in_error_by = 'somebody', entered_in_error_why = 'Duplicate' WHERE id = $1", []any{missed["id"]}, "42501"},
		"mark without a reason":        {"UPDATE contacts SET entered_in_error_by = 'test-subject' WHERE id = $1", []any{missed["id"]}, "23514"},
		"mark with interventions":      {"UPDATE contacts SET entered_in_error_by = 'test-subject', entered_in_error_why = 'Duplicate' WHERE id = $1", []any{met["id"]}, "CM050"},
		"choose the time of the mark":  {"UPDATE contacts SET entered_in_error_at = now() WHERE id = $1", []any{missed["id"]}, "42501"},
		"give as it should be":         {give + "current_date, 'Other', 'SelfCare', 4, 'test-subject', $3)", []any{episode["id"], north, met["id"]}, ""},
		"give at a missed contact":     {give + "current_date, 'Other', 'SelfCare', 4, 'test-subject', $3)", []any{episode["id"], north, missed["id"]}, "CM050"},
		"give at another's contact":    {give + "current_date, 'Other', 'SelfCare', 4, 'test-subject', $3)", []any{episode["id"], north, elsewhere["id"]}, "CM050"},
		"give in the future":           {give + "current_date + 1, 'Other', 'SelfCare', 4, 'test-subject', NULL)", []any{episode["id"], north}, "23514"},
		"give to a hidden person":      {give + "current_date, 'Other', 'SelfCare', 4, 'test-subject', NULL)", []any{hidden["id"], south}, "42501"},
		"give on another tier":         {give + "current_date, 'Other', 'SelfCare', 6, 'test-subject', NULL)", []any{episode["id"], north}, "23503"},
		"give in another's name":       {give + "current_date, 'Other', 'SelfCare', 4, 'somebody', NULL)", []any{episode["id"], north}, "42501"},
		"change an intervention":       {"UPDATE interventions SET kind = 'Other' WHERE id = $1", []any{given["id"]}, "42501"},
		"delete an intervention":       {"DELETE FROM interventions WHERE id = $1", []any{given["id"]}, "42501"},
		"make a theme of one's own":    {"INSERT INTO intervention_themes VALUES ('Surprise', 1)", nil, "42501"},
		"learn when an episode begins": {"SELECT episode_begins($1)", []any{hidden["id"]}, "42501"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := app.Exec(t.Context(), test.sql, test.args...); code(err) != test.want {
				t.Fatalf("got %v, want code %q", err, test.want)
			}
		})
	}
	mark := "UPDATE contacts SET entered_in_error_by = 'test-subject', entered_in_error_why = 'Duplicate' WHERE id = $1"
	if _, err := app.Exec(t.Context(), mark, missed["id"]); err != nil {
		t.Fatal(err)
	}
	if _, err := app.Exec(t.Context(), "UPDATE contacts SET entered_in_error_by = NULL, entered_in_error_why = NULL WHERE id = $1", missed["id"]); err == nil {
		t.Error("a mark was taken back")
	}
	if tag, err := s.app("test-subject", "south").Exec(t.Context(), mark, elsewhere["id"]); err != nil || tag.RowsAffected() != 0 {
		t.Errorf("another service marks %d contacts (%v)", tag.RowsAffected(), err)
	}
	for _, table := range []string{"contacts", "interventions"} {
		var n int
		if err := s.app("").QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil || n != 0 {
			t.Errorf("nobody sees %d %s (%v)", n, table, err)
		}
	}
}
