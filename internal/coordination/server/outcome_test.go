package server_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// end records an outcome at a referral as the caller has just read it.
func (c caller) end(id any, outcome object) answer {
	c.s.t.Helper()
	path := "/v1/referrals/" + id.(string)
	return c.post(path+"/outcome", outcome, "If-Match", c.get(path).header.Get("ETag"))
}

func party() object {
	return object{"name": "Dr Example", "organisation": "Example Surgery", "on": day(0), "channel": "Phone"}
}

// referredBy is a referral by a route.
func (c caller) referredBy(route, service string, who object) object {
	c.s.t.Helper()
	body := referral(service, who)
	body["route"] = route
	return c.post("/v1/referrals", body).want(http.StatusCreated)
}

func TestOutcomesOfAReferral(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	first := north.referredBy("GP", "north", person("9990000018", "Example"))
	for _, test := range []struct {
		outcome object
		number  string
		shows   object
	}{
		{object{"kind": "PersonChose", "choice": choice()}, "9990000026", object{"toldHow": "Face to face"}},
		{object{"kind": "Withdrawn", "withdrawal": party()}, "9990000034", party()},
		{object{"kind": "MovedAway", "acceptance": party()}, "9990000042", party()},
		{object{"kind": "Redirected", "acceptance": party()}, "9990000050", party()},
		{object{"kind": "Duplicate", "duplicateOf": first["id"]}, "9990000018", object{"duplicateOf": first["id"]}},
		{object{"kind": "Died", "death": object{"on": day(-1), "source": "GP"}}, "9990000069", nil},
	} {
		r := north.referredBy("GP", "north", person(test.number, "Example"))
		path := "/v1/referrals/" + r["id"].(string)
		north.post(path+"/reaching-steps", object{"kind": "RiskReview", "on": day(0), "nextOn": day(7)}).want(http.StatusCreated)
		answered := north.end(r["id"], test.outcome).want(http.StatusCreated)
		read := north.get(path).want(http.StatusOK)
		kind := test.outcome["kind"]
		if answered["state"] != kind || read["state"] != kind || read["responsibleService"] != "north" || read["reachingNextOn"] != nil || read["outcomeAt"] == nil {
			t.Errorf("%s: answered %v, read %v", kind, answered, read)
		}
		shown, _ := read["outcome"].(object)
		if !maps.EqualFunc(shown, test.shows, func(a, b any) bool { return a == b }) {
			t.Errorf("%s shows %v, want %v", kind, shown, test.shows)
		}
		if n := s.count("SELECT count(*) FROM deadlines WHERE subject_id = $1 AND met_at IS NULL AND dropped_at IS NULL", r["id"]); n != 0 {
			t.Errorf("%s: %d deadlines go on", kind, n)
		}
		if n := s.count("SELECT count(*) FROM person_access WHERE source_id = $1 AND until BETWEEN now() + interval '89 days' AND now() + interval '91 days'", r["id"]); n != 1 {
			t.Errorf("%s: access does not end after 90 days", kind)
		}
		north.end(r["id"], test.outcome).refused(http.StatusConflict, "state-conflict")
		north.post(path+"/acceptance", nil).refused(http.StatusConflict, "state-conflict")
		north.post(path+"/reaching-steps", object{"kind": "RiskReview", "on": day(0), "nextOn": day(7)}).refused(http.StatusConflict, "state-conflict")
	}
	if read := north.get("/v1/referrals/" + first["id"].(string)).want(http.StatusOK); read["state"] != "Open" {
		t.Errorf("the referral that goes on is %v", read["state"])
	}
	if items := north.get("/v1/referrals?state=MovedAway").want(http.StatusOK)["items"].([]any); len(items) != 1 || items[0].(object)["outcome"].(object)["organisation"] != "Example Surgery" {
		t.Errorf("list: %v", items)
	}
}

// A death that is recorded with one referral ends all of the person's.
func TestDeathEndsAllReferrals(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	who := person("9990000018", "Example")
	r, elsewhere := north.refer("north", who), south.refer("south", who)
	north.end(r["id"], object{"kind": "Redirected", "service": "south"}).want(http.StatusCreated) // sent on, and not yet accepted
	north.end(r["id"], object{"kind": "Died", "death": object{"on": day(0), "source": "Family"}}).want(http.StatusCreated)
	if read := south.get("/v1/referrals/" + elsewhere["id"].(string)).want(http.StatusOK); read["state"] != "Died" {
		t.Errorf("the other referral is %v", read["state"])
	}
	if n := s.count("SELECT count(*) FROM referrals WHERE state <> 'Died'"); n != 0 {
		t.Errorf("%d referrals go on", n)
	}
	if n := s.count("SELECT count(*) FROM deadlines WHERE dropped_why IS DISTINCT FROM 'Died'"); n != 0 {
		t.Errorf("%d deadlines go on", n)
	}
	if p := north.get("/v1/people/" + r["personId"].(string)).want(http.StatusOK); p["death"].(object)["source"] != "Family" {
		t.Errorf("person: %v", p)
	}
}

// A death that was none: the referral goes on with what was due, and may have an outcome again.
func TestReferralGoesOnAfterAReversedDeath(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	r := north.refer("north", person("9990000018", "Example"))
	path := "/v1/referrals/" + r["id"].(string)
	north.post(path+"/reaching-steps", object{"kind": "RiskReview", "on": day(0), "nextOn": day(7)}).want(http.StatusCreated)
	north.end(r["id"], object{"kind": "Died", "death": object{"on": day(0), "source": "GP"}}).want(http.StatusCreated)
	s.as("service-lead", "north").reverseDeath(r["personId"].(string), "PersonIsAlive").want(http.StatusOK)
	if read := north.get(path).want(http.StatusOK); read["state"] != "Reaching" || read["reachingNextOn"] != day(7) || read["outcome"] != nil {
		t.Errorf("after the reversal: %v", read)
	}
	if n := s.count("SELECT count(*) FROM deadlines WHERE met_at IS NULL AND dropped_at IS NULL"); n != 2 {
		t.Errorf("%d things are due, want the first contact and the next date", n)
	}
	if read := north.end(r["id"], object{"kind": "MovedAway", "acceptance": party()}).want(http.StatusCreated); read["state"] != "MovedAway" {
		t.Errorf("the next outcome: %v", read)
	}
}

func TestAReferralIsNeverSimplyRejected(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("service-lead", "north")
	r := north.referredBy("GP", "north", person("9990000018", "Example"))
	someoneElse := north.refer("north", person("9990000026", "Other"))
	with := func(o object, name string, value any) object { o[name] = value; return o }
	outside := func(acceptance object) object { return object{"kind": "Redirected", "acceptance": acceptance} }
	chose := func(choice object) object { return object{"kind": "PersonChose", "choice": choice} }
	cases := map[string]struct {
		body object
		want string
	}{
		"rejected":                {object{"kind": "Rejected"}, "kind"},
		"did not attend":          {object{"kind": "Did not attend", "choice": choice()}, "kind"},
		"not reachable":           {object{"kind": "NotReachable"}, "kind"},
		"no kind":                 {object{}, "kind"},
		"accepted":                {object{"kind": "Accepted"}, "kind"},
		"sent on to nobody":       {object{"kind": "Redirected"}, "receiver"},
		"sent on to itself":       {object{"kind": "Redirected", "service": "north"}, "receiver"},
		"sent on to two":          {object{"kind": "Redirected", "service": "south", "acceptance": party()}, "receiver"},
		"outside, by nobody":      {outside(with(party(), "name", " ")), "acceptance"},
		"outside, no one's":       {outside(with(party(), "organisation", "")), "acceptance"},
		"outside, tomorrow":       {outside(with(party(), "on", day(1))), "acceptance"},
		"outside, no day":         {outside(with(party(), "on", "soon")), "acceptance"},
		"outside, unknown means":  {outside(with(party(), "channel", "Pigeon")), "acceptance"},
		"no choice":               {object{"kind": "PersonChose"}, "choice"},
		"not told":                {chose(with(choice(), "toldHow", " ")), "choice"},
		"capacity not considered": {chose(with(choice(), "capacity", "")), "capacity"},
		"capacity is lacking":     {chose(with(choice(), "capacity", "LacksCapacity")), "acceptance"},
		"taken back by nobody":    {object{"kind": "Withdrawn"}, "withdrawal"},
		"duplicate of nothing":    {object{"kind": "Duplicate"}, "duplicate"},
		"duplicate of itself":     {object{"kind": "Duplicate", "duplicateOf": r["id"]}, "duplicate"},
		"another's duplicate":     {object{"kind": "Duplicate", "duplicateOf": someoneElse["id"]}, "duplicate"},
		"no death":                {object{"kind": "Died"}, "death"},
		"death before birth":      {object{"kind": "Died", "death": object{"on": "1970-01-01", "source": "GP"}}, "death"},
		"death by rumour":         {object{"kind": "Died", "death": object{"on": day(0), "source": "Rumour"}}, "death"},
		"moved to nobody":         {object{"kind": "MovedAway", "choice": choice()}, "acceptance"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			body := north.end(r["id"], test.body).refused(http.StatusUnprocessableEntity, "outcome-incomplete")
			if !slices.Equal(missing(body), []string{test.want}) || len(body["errors"].([]any)) != 1 {
				t.Errorf("missing %v, errors %v; want %s", missing(body), body["errors"], test.want)
			}
		})
	}
	if n := s.count("SELECT count(*) FROM outcome_refusals WHERE service_id = $1", north.id("north")); n != int64(len(cases)) {
		t.Errorf("%d refusal events, want %d", n, len(cases))
	}
	if n := s.count("SELECT count(*) FROM audit_events WHERE operation = 'recordReferralOutcome' AND outcome = 'Refused' AND person_id = $1", r["personId"]); n != int64(len(cases)) {
		t.Errorf("%d refusals in the audit trail, want %d", n, len(cases))
	}
	if n := s.count("SELECT (SELECT count(*) FROM referral_outcomes) + (SELECT count(*) FROM referrals WHERE state <> 'Open')"); n != 0 {
		t.Errorf("refused outcomes left %d rows", n)
	}
	const secret = "9434765919"
	for name, test := range map[string]struct {
		body     any
		location string
	}{
		"unknown field":   {object{"kind": "Withdrawn", secret: "x"}, "body.…"},
		"wrong type":      {object{"kind": 9434765919}, "body.kind"},
		"not an id":       {object{"kind": "Duplicate", "duplicateOf": secret}, "body.duplicateOf"},
		"unknown service": {object{"kind": "Redirected", "service": secret}, "body.service"},
		"long name":       {outside(with(party(), "name", strings.Repeat("x", 201))), "body.acceptance.name"},
	} {
		a := north.post("/v1/referrals/"+r["id"].(string)+"/outcome", test.body, "If-Match", `W/"1"`)
		body := a.refused(http.StatusUnprocessableEntity, "invalid-request")
		if at := body["errors"].([]any)[0].(object)["location"]; at != test.location || strings.Contains(a.raw, secret) {
			t.Errorf("%s: %s", name, a.raw)
		}
	}
}

// What people asked for themselves is theirs alone to give up.
func TestOwnRequestIsNotTakenBackByOthers(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	app := s.app("test-subject", "north")
	for _, route := range []string{"Self", "Online", "WalkIn"} {
		r := north.referredBy(route, "north", person("9990000018", "Example"))
		body := north.end(r["id"], object{"kind": "Withdrawn", "withdrawal": party()}).refused(http.StatusUnprocessableEntity, "outcome-incomplete")
		if !slices.Equal(missing(body), []string{"choice"}) {
			t.Errorf("%s: %v", route, body)
		}
		_, err := app.Exec(t.Context(), insertOutcome+"party_name, party_organisation, party_on, party_channel) VALUES ($1, 'test-subject', 'Withdrawn', 'x', 'x', current_date, 'Phone')", r["id"])
		if code(err) != "CM030" {
			t.Errorf("%s, in SQL: %v", route, err)
		}
	}
}

// Choice alone does not suffice while there is a legal duty and nobody supports the person.
func TestChoiceUnderALegalDutyWithoutSupport(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	who := person("9990000018", "Example")
	episode := north.accepted("north", who)
	north.do(http.MethodPut, "/v1/people/"+episode["personId"].(string)+"/legal-duties", object{"open": []string{"Section117Aftercare"}}).want(http.StatusOK)
	supported := north.refer("north", who)
	north.end(supported["id"], object{"kind": "PersonChose", "choice": choice()}).want(http.StatusCreated)
	north.post("/v1/episodes/"+episode["id"].(string)+"/closure", object{"reason": "SupportElsewhere", "returnPlan": returnPlan(), "acceptance": acceptance()}).want(http.StatusCreated)
	r := north.refer("north", who)
	body := north.end(r["id"], object{"kind": "PersonChose", "choice": choice()}).refused(http.StatusUnprocessableEntity, "outcome-incomplete")
	if !slices.Equal(missing(body), []string{"acceptance"}) {
		t.Errorf("missing %v", missing(body))
	}
	_, err := s.app("test-subject", "north").Exec(t.Context(), insertOutcome+"told_how, capacity) VALUES ($1, 'test-subject', 'PersonChose', 'x', 'HasCapacity')", r["id"])
	if code(err) != "CM030" {
		t.Errorf("in SQL: %v", err)
	}
	north.end(r["id"], object{"kind": "Redirected", "acceptance": party()}).want(http.StatusCreated)
}

func TestReferralVersions(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	created := north.post("/v1/referrals", referral("north", person("9990000018", "Example")))
	id := created.want(http.StatusCreated)["id"].(string)
	path := "/v1/referrals/" + id
	tag := north.get(path).header.Get("ETag")
	if created.header.Get("ETag") != tag || tag == "" {
		t.Errorf("created with %q, read with %q", created.header.Get("ETag"), tag)
	}
	outcome := object{"kind": "PersonChose", "choice": choice()}
	north.post(path+"/outcome", outcome).refused(http.StatusPreconditionRequired, "precondition-required")
	step := north.post(path+"/reaching-steps", object{"kind": "RiskReview", "on": day(0), "nextOn": day(1)})
	step.want(http.StatusCreated)
	north.post(path+"/outcome", outcome, "If-Match", tag).refused(http.StatusPreconditionFailed, "precondition-failed")
	north.post(path+"/acceptance", nil, "If-Match", tag).refused(http.StatusPreconditionFailed, "precondition-failed")
	north.post(path+"/outcome", outcome, "If-Match", step.header.Get("ETag")).want(http.StatusCreated)
	key := []string{"If-Match", step.header.Get("ETag"), "Idempotency-Key", "outcome"}
	other := north.refer("north", person("9990000026", "Other"))["id"].(string)
	for range 2 { // the repetition gets the first answer, although the version it names is past
		north.post("/v1/referrals/"+other+"/outcome", outcome, append(key[2:], "If-Match", `W/"1"`)...).want(http.StatusCreated)
	}
	// Another service may neither see nor change it.
	s.as("practitioner", "south").post(path+"/outcome", outcome, "If-Match", tag).refused(http.StatusNotFound, "not-found")
	s.as("practitioner", "south").post("/v1/referrals/"+uuid.NewString()+"/reaching-steps", object{"kind": "RiskReview", "on": day(0), "nextOn": day(1)}).refused(http.StatusNotFound, "not-found")
}
