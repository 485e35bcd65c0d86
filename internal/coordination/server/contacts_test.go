package server_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/cmhf/operator/internal/directory"
)

// moment is so long from now, in the form of requests.
func moment(later time.Duration) string {
	return time.Now().Add(later).UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano)
}

func contact() object {
	return object{"happenedAt": moment(0), "medium": "FaceToFace", "attendance": "Attended", "with": "Person"}
}

// with is a copy of a body with one field changed, or without it.
func with(body object, field string, value any) object {
	changed := maps.Clone(body)
	if changed[field] = value; value == nil {
		delete(changed, field)
	}
	return changed
}

func (a answer) etag(status int) (object, string) {
	a.t.Helper()
	body := a.want(status)
	if a.header.Get("ETag") == "" {
		a.t.Fatal("no ETag")
	}
	return body, a.header.Get("ETag")
}

// at gives where the first error of a refusal is.
func at(body object) any {
	fields, _ := body["errors"].([]any)
	if len(fields) == 0 {
		return nil
	}
	return fields[0].(object)["location"]
}

// supported is a person whom north supports, referred ten days ago.
func (c caller) supported(nhsNumber string) object {
	c.s.t.Helper()
	body := referral("north", person(nhsNumber, "Example"))
	body["receivedOn"] = day(-10)
	r := c.post("/v1/referrals", body).want(http.StatusCreated)
	return c.post("/v1/referrals/"+r["id"].(string)+"/acceptance", nil).want(http.StatusCreated)
}

func items(body object) []any { return body["items"].([]any) }

func TestContactInEpisode(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	episode := north.supported("9990000018")
	path := "/v1/episodes/" + episode["id"].(string) + "/contacts"
	body := contact()
	body["minutes"], body["assessment"], body["assessmentCode"], body["carerInvolved"], body["summary"] = 50, true, "1853441000000109", true, "Made-up summary"
	made, etag := north.post(path, body).etag(http.StatusCreated)
	for field, want := range body {
		if field == "minutes" {
			want = 50.0
		}
		if made[field] != want {
			t.Errorf("%s: %v, want %v", field, made[field], want)
		}
	}
	if made["mediumCode"] != "01" || made["attendanceCode"] != "5" || made["personId"] != episode["personId"] || made["service"] != "north" {
		t.Errorf("contact: %v", made)
	}
	read, again := north.get("/v1/contacts/" + made["id"].(string)).etag(http.StatusOK)
	if again != etag || read["summary"] != made["summary"] {
		t.Errorf("read %v with %s, was %s", read, again, etag)
	}
	earlier := north.post(path, with(contact(), "happenedAt", moment(-9*24*time.Hour))).want(http.StatusCreated)
	late := with(with(contact(), "attendance", "DidNotAttend"), "arrivedLate", true)
	if missed := north.post(path, with(late, "happenedAt", moment(-time.Hour))).want(http.StatusCreated); missed["attendanceCode"] != "7" {
		t.Errorf("came too late: %v", missed)
	}
	if carer := north.post(path, with(with(contact(), "with", "Carer"), "happenedAt", moment(-2*time.Hour))).want(http.StatusCreated); carer["carerInvolved"] != true {
		t.Errorf("held with a carer: %v", carer)
	}
	var got []any
	for next := ""; ; {
		list := north.get(path + "?limit=3&cursor=" + next).want(http.StatusOK)
		got = append(got, items(list)...)
		if next, _ = list["next"].(string); next == "" {
			break
		}
	}
	if len(got) != 4 || got[0].(object)["id"] != made["id"] || got[3].(object)["id"] != earlier["id"] {
		t.Errorf("list: %v", got)
	}
	if n := s.count("SELECT count(*) FROM audit_events WHERE person_id = $1 AND resource_id = $2 AND operation IN ('recordContact', 'readContact', 'listContacts')", episode["personId"], made["id"]); n != 3 {
		t.Errorf("%d uses of the contact are in the audit trail, want 3", n)
	}
	key := []string{"Idempotency-Key", "once"}
	first := north.post(path, body, key...).want(http.StatusCreated)
	if second, tag := north.post(path, body, key...).etag(http.StatusCreated); second["id"] != first["id"] || tag != etag {
		t.Errorf("a repetition made %v (%s), was %v", second["id"], tag, first["id"])
	}
}

// The first contact often comes before acceptance. It stands in the episode's list afterwards.
func TestContactBeforeAcceptance(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	body := referral("south", person("9990000018", "Example"))
	body["fromService"] = "north"
	r := north.post("/v1/referrals", body).want(http.StatusCreated)
	path := "/v1/referrals/" + r["id"].(string)
	met := south.post(path+"/contacts", contact()).want(http.StatusCreated)
	if met["referralId"] != r["id"] || met["episodeId"] != nil || met["service"] != "south" {
		t.Errorf("contact: %v", met)
	}
	rang := north.post(path+"/contacts", with(contact(), "medium", "Telephone")).want(http.StatusCreated)
	if rang["service"] != "north" || rang["mediumCode"] != "02" {
		t.Errorf("the sender's contact: %v", rang)
	}
	episode := south.post(path+"/acceptance", nil).want(http.StatusCreated)
	south.post(path+"/contacts", contact()).refused(http.StatusConflict, "state-conflict")
	south.post(path+"/contacts", with(contact(), "happenedAt", met["happenedAt"])).want(http.StatusCreated)
	south.post("/v1/episodes/"+episode["id"].(string)+"/contacts", contact()).want(http.StatusCreated)
	if got := items(south.get("/v1/episodes/" + episode["id"].(string) + "/contacts").want(http.StatusOK)); len(got) != 4 {
		t.Errorf("contacts of the episode: %v", got)
	}
	if got := items(south.get(path + "/contacts").want(http.StatusOK)); len(got) != 3 {
		t.Errorf("contacts of the referral: %v", got)
	}
	// North still sees the person, and is not responsible any more.
	north.post("/v1/episodes/"+episode["id"].(string)+"/contacts", contact()).refused(http.StatusForbidden, "not-your-service")
}

// However often somebody misses a contact: nothing follows, and nothing counts it as an attempt to reach them.
func TestMissedContactsHaveNoConsequence(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	lead := s.as("service-lead", "north")
	episode := lead.supported("9990000018")
	path := "/v1/episodes/" + episode["id"].(string)
	state := "SELECT count(*) FROM episodes e JOIN people p ON p.id = e.person_id JOIN person_access a ON a.source_id = e.id WHERE e.state = 'Open' AND e.version = 1 AND p.version = 1 AND a.until IS NULL"
	before := s.count(state)
	for _, medium := range []string{"FaceToFace", "Telephone", "Video"} {
		lead.post(path+"/contacts", with(with(contact(), "attendance", "DidNotAttend"), "medium", medium)).want(http.StatusCreated)
	}
	if n := s.count(state); n != 1 || n != before {
		t.Errorf("something about the episode or the person has changed: %d, before %d", n, before)
	}
	lead.post(path+"/closure", object{"reason": "DidNotAttend", "returnPlan": returnPlan(), "acceptance": acceptance()}).refused(http.StatusUnprocessableEntity, "closure-incomplete")
	holder := object{"name": "Dr Example", "organisation": "Example Surgery", "agreedOn": day(0)}
	refused := lead.post(path+"/closure", object{"reason": "NotEngaging", "returnPlan": returnPlan(), "holder": holder}).refused(http.StatusUnprocessableEntity, "closure-incomplete")
	if !slices.Contains(missing(refused), "reaching-attempts") {
		t.Errorf("missed contacts count as attempts: %v", missing(refused))
	}
}

func TestContactBadInput(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	episode := north.supported("9990000018")
	const secret = "9434765919"
	missed := with(contact(), "attendance", "DidNotAttend")
	cases := map[string]struct {
		body     any
		location string
	}{
		"in the future":           {with(contact(), "happenedAt", moment(time.Hour)), "body.happenedAt"},
		"before the referral":     {with(contact(), "happenedAt", moment(-12*24*time.Hour)), "body.happenedAt"},
		"in year 0":               {with(contact(), "happenedAt", "0000-01-01T00:00:00Z"), "body.happenedAt"},
		"no time":                 {with(contact(), "happenedAt", secret), "body.happenedAt"},
		"day without time":        {with(contact(), "happenedAt", day(0)), "body.happenedAt"},
		"unknown medium":          {with(contact(), "medium", secret), "body.medium"},
		"unknown attendance":      {with(contact(), "attendance", secret), "body.attendance"},
		"no attendance":           {with(contact(), "attendance", nil), "body"},
		"with nobody known":       {with(contact(), "with", secret), "body.with"},
		"missed and assessed":     {with(missed, "assessment", true), "body.assessment"},
		"missed with a carer":     {with(missed, "carerInvolved", true), "body.carerInvolved"},
		"missed for an hour":      {with(missed, "minutes", 60), "body.minutes"},
		"cancelled and late":      {with(with(contact(), "attendance", "CancelledByService"), "arrivedLate", true), "body.arrivedLate"},
		"assessed without person": {with(with(contact(), "with", "Professional"), "assessment", true), "body.assessment"},
		"code without assessment": {with(contact(), "assessmentCode", "1853441000000109"), "body.assessmentCode"},
		"code with a slip":        {with(with(contact(), "assessment", true), "assessmentCode", "1853441000000108"), "body.assessmentCode"},
		"NHS number as code":      {with(with(contact(), "assessment", true), "assessmentCode", secret), "body.assessmentCode"},
		"no minutes":              {with(contact(), "minutes", 0), "body.minutes"},
		"two days long":           {with(contact(), "minutes", 2880), "body.minutes"},
		"long summary":            {with(contact(), "summary", strings.Repeat("x", 4001)), "body.summary"},
		"long professional":       {with(contact(), "professional", strings.Repeat("x", 201)), "body.professional"},
		"unknown field":           {with(contact(), secret, "x"), "body.…"},
		"somebody else's service": {with(contact(), "service", "south"), "body.service"},
		"somebody else's person":  {with(contact(), "personId", uuid.NewString()), "body.personId"},
		"marked from the start":   {with(contact(), "enteredInError", object{"why": "Duplicate"}), "body.enteredInError"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			a := north.post("/v1/episodes/"+episode["id"].(string)+"/contacts", test.body)
			body := a.refused(http.StatusUnprocessableEntity, "invalid-request")
			if at(body) != test.location || strings.Contains(a.raw, secret) {
				t.Errorf("errors at %v, want %s: %s", at(body), test.location, a.raw)
			}
		})
	}
	if n := s.count("SELECT count(*) FROM contacts"); n != 0 {
		t.Errorf("refused requests left %d contacts", n)
	}
	if n := s.count("SELECT count(*) FROM audit_events WHERE outcome = 'Refused' AND operation = 'recordContact' AND person_id = $1", episode["personId"]); n != int64(len(cases)) {
		t.Errorf("%d refusals are in the person's access log, want %d", n, len(cases))
	}
}

// To those who may not see the person, their contacts and interventions are as absent as those that never were.
func TestContactsOfHiddenPeople(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	episode := north.supported("9990000018")
	r := north.refer("north", person("9990000026", "Example"))
	made := north.post("/v1/episodes/"+episode["id"].(string)+"/contacts", contact()).want(http.StatusCreated)
	given := north.post("/v1/episodes/"+episode["id"].(string)+"/interventions", intervention()).want(http.StatusCreated)
	for path, body := range map[string]any{
		"/v1/episodes/" + episode["id"].(string) + "/contacts":            contact(),
		"/v1/episodes/" + episode["id"].(string) + "/interventions":       intervention(),
		"/v1/referrals/" + r["id"].(string) + "/contacts":                 contact(),
		"/v1/contacts/" + made["id"].(string):                             nil,
		"/v1/interventions/" + given["id"].(string):                       nil,
		"/v1/contacts/" + made["id"].(string) + "/entered-in-error":       object{"why": "Duplicate"},
		"/v1/interventions/" + given["id"].(string) + "/entered-in-error": object{"why": "Duplicate"},
	} {
		absent := identifier.ReplaceAllString(path, "/"+uuid.NewString())
		methods := map[string]any{http.MethodPost: body, http.MethodGet: nil}
		if body == nil {
			delete(methods, http.MethodPost)
		}
		if strings.HasSuffix(path, "entered-in-error") {
			delete(methods, http.MethodGet)
		}
		for method, body := range methods {
			hidden, never := south.do(method, path, body, "If-Match", `W/"1"`).refused(http.StatusNotFound, "not-found"), south.do(method, absent, body, "If-Match", `W/"1"`).refused(http.StatusNotFound, "not-found")
			if hidden["detail"] != never["detail"] {
				t.Errorf("%s %s: %v differs from %v", method, path, hidden["detail"], never["detail"])
			}
		}
	}
	if n := s.count("SELECT count(*) FROM contacts") + s.count("SELECT count(*) FROM interventions"); n != 2 {
		t.Errorf("%d contacts and interventions, want 2", n)
	}
	if n := s.count("SELECT count(*) FROM audit_events WHERE outcome = 'Refused' AND person_id = $1", episode["personId"]); n != 8 {
		t.Errorf("%d attempts are in the person's access log, want 8", n)
	}
}

// A death ends contacts. What came before it may still be written up.
func TestNothingAfterDeath(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	episode := north.supported("9990000018")
	path := "/v1/episodes/" + episode["id"].(string)
	met := north.post(path+"/contacts", with(contact(), "happenedAt", moment(-5*24*time.Hour))).want(http.StatusCreated)
	north.post(path+"/closure", object{"reason": "Died", "death": object{"on": day(-3), "source": "GP"}}).want(http.StatusCreated)
	for _, body := range []object{contact(), with(contact(), "happenedAt", moment(-24*time.Hour))} {
		a := north.post(path+"/contacts", body)
		if a.status != http.StatusConflict {
			t.Errorf("a contact after the death: %d %s", a.status, a.raw)
		}
	}
	north.post(path+"/contacts", with(contact(), "happenedAt", moment(-24*time.Hour))).refused(http.StatusConflict, "person-died")
	north.post(path+"/interventions", intervention()).refused(http.StatusConflict, "person-died")
	north.post(path+"/contacts", with(contact(), "happenedAt", moment(-4*24*time.Hour))).want(http.StatusCreated)
	north.post(path+"/interventions", with(with(intervention(), "givenOn", day(-5)), "contactId", met["id"])).want(http.StatusCreated)
	app := s.app("test-subject", "north")
	_, err := app.Exec(t.Context(), `INSERT INTO contacts (id, episode_id, service_id, happened_at, medium, attendance, held_with, recorded_by)
		VALUES (gen_random_uuid(), $1, $2, now() - interval '1 day', 'Video', 'Attended', 'Person', 'test-subject')`, episode["id"], directory.ServiceID("QOP", "north"))
	if code(err) != "CM005" {
		t.Errorf("by SQL: %v", err)
	}
}

// After the closure of an episode nothing more happens in it; what happened before can be written up.
func TestContactAfterClosure(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	episode := north.supported("9990000018")
	path := "/v1/episodes/" + episode["id"].(string)
	north.post(path+"/closure", object{"reason": "SupportElsewhere", "returnPlan": returnPlan(), "acceptance": acceptance()}).want(http.StatusCreated)
	north.post(path+"/contacts", contact()).refused(http.StatusConflict, "state-conflict")
	north.post(path+"/contacts", with(contact(), "happenedAt", moment(-24*time.Hour))).want(http.StatusCreated)
}
