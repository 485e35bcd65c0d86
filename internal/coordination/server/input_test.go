package server_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
)

func TestBadInput(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	const secret = "9434765919"
	with := func(path string, value any) object {
		body := referral("north", person("9990000018", "Example"))
		target := body
		if name, ok := strings.CutPrefix(path, "person."); ok {
			target, path = body["person"].(object), name
		}
		if value == nil {
			delete(target, path)
		} else {
			target[path] = value
		}
		return body
	}
	for name, test := range map[string]struct {
		body     any
		status   int
		slug     string
		location string
	}{
		"unknown field":          {with("nickname", secret), 422, "invalid-request", "body.…"},
		"field named by a value": {with(secret, "x"), 422, "invalid-request", "body.…"},
		"wrong type":             {with("reason", 9434765919), 422, "invalid-request", "body.reason"},
		"unknown route":          {with("route", secret), 422, "invalid-request", "body.route"},
		"missing reason":         {with("reason", nil), 422, "invalid-request", "body"},
		"blank reason":           {with("reason", "  "), 422, "invalid-request", "body.reason"},
		"long reason":            {with("reason", strings.Repeat("x", 4001)), 422, "invalid-request", "body.reason"},
		"NUL in text":            {with("reason", "a\x00b"), 400, "malformed-request", ""},
		"no such day":            {with("receivedOn", "2026-02-30"), 422, "invalid-request", "body.receivedOn"},
		"day in the future":      {with("receivedOn", "2999-01-01"), 422, "invalid-request", "body.receivedOn"},
		"unknown service":        {with("service", secret), 422, "invalid-request", "body.service"},
		"closing service":        {with("service", "east"), 409, "service-closing", ""},
		"nobody":                 {with("person", nil), 422, "invalid-request", "body.person"},
		"wrong check digit":      {with("person.nhsNumber", "9434765918"), 422, "invalid-request", "body.person.nhsNumber"},
		"no NHS number":          {with("person.nhsNumber", nil), 422, "invalid-request", "body.person.nhsNumber"},
		"number and reason":      {with("person.nhsNumberAbsentReason", "NotKnownYet"), 422, "invalid-request", "body.person.nhsNumberAbsentReason"},
		"born in the future":     {with("person.birthDate", "2999-01-01"), 422, "invalid-request", "body.person.birthDate"},
		"blank name":             {with("person.familyName", "  "), 422, "invalid-request", "body.person.familyName"},
		"not an id":              {with("personId", secret), 422, "invalid-request", "body.personId"},
		"year 0":                 {with("receivedOn", "0000-01-01"), 422, "invalid-request", "body.receivedOn"},
		"born in year 0":         {with("person.birthDate", "0000-01-01"), 422, "invalid-request", "body.person.birthDate"},
		"half a surrogate pair":  {`{"reason":"\ud83d"}`, 400, "malformed-request", ""},
		"the other half":         {`{"reason":"\udc00x"}`, 400, "malformed-request", ""},
		"a key twice":            {`{"person":{},"reason":"a","reason":" "}`, 400, "malformed-request", ""},
		"a key twice, escaped":   {`{"person":{"familyName":"a","family\u004eame":" "}}`, 400, "malformed-request", ""},
		"a key in other case":    {with("Reason", "x"), 422, "invalid-request", "body.…"},
		"no JSON":                {"{" + secret, 400, "malformed-request", ""},
		"nothing":                {"", 400, "malformed-request", ""},
		"a list":                 {"[]", 422, "invalid-request", "body"},
		"invalid UTF-8":          {"{\"reason\":\"\xff" + secret + "\"}", 400, "malformed-request", ""},
		"deep nesting":           {strings.Repeat("[", 5000) + strings.Repeat("]", 5000), 400, "malformed-request", ""},
		"huge":                   {`{"reason":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "body-too-large", ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := north.post("/v1/referrals", test.body)
			body := a.refused(test.status, test.slug)
			if strings.Contains(a.raw, secret) || strings.Contains(a.raw, "9434765918") {
				t.Errorf("the answer repeats the value: %s", a.raw)
			}
			if test.location != "" {
				fields, _ := body["errors"].([]any)
				if len(fields) == 0 || fields[0].(object)["location"] != test.location {
					t.Errorf("errors %v, want one at %s", fields, test.location)
				}
			}
		})
	}
	if n := s.count("SELECT (SELECT count(*) FROM people) + (SELECT count(*) FROM referrals)"); n != 0 {
		t.Errorf("refused requests left %d rows", n)
	}
	north.do(http.MethodPost, "/v1/referrals", "a=b", "Content-Type", "application/x-www-form-urlencoded").refused(http.StatusUnsupportedMediaType, "unsupported-media-type")
	north.get("/v1/referrals?stat=Open").refused(http.StatusUnprocessableEntity, "invalid-request")
	north.get("/v1/referrals?service=%00").refused(http.StatusUnprocessableEntity, "invalid-request")
	north.get("/v1/referrals?service=%ff").refused(http.StatusUnprocessableEntity, "invalid-request")
	if a := north.get("/v1/referrals?Smith=x"); strings.Contains(a.raw, "Smith") {
		t.Errorf("the answer repeats a parameter's name: %s", a.raw)
	}
	north.get("/v1/referrals?limit=many").refused(http.StatusUnprocessableEntity, "invalid-request")
	north.get("/v1/people/"+secret).refused(http.StatusUnprocessableEntity, "invalid-request")
	north.get("/v1/nowhere").refused(http.StatusNotFound, "not-found")
	if a := north.do(http.MethodDelete, "/v1/services", nil); a.header.Get("Allow") == "" {
		t.Errorf("no Allow header: %s", a.raw)
	} else {
		a.refused(http.StatusMethodNotAllowed, "method-not-allowed")
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	lead := s.as("digital-lead")
	id := uuid.NewString()
	a := lead.do(http.MethodGet, "/v1/services", nil, "X-Request-ID", id, "X-Correlation-ID", "abc")
	if a.header.Get("X-Request-ID") != id || a.header.Get("X-Correlation-ID") != "abc" || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers: %v", a.header)
	}
	a = lead.do(http.MethodGet, "/v1/services", nil, "X-Request-ID", "9990000018")
	if _, err := uuid.Parse(a.header.Get("X-Request-ID")); err != nil {
		t.Errorf("a request id that is no UUID was taken: %v", a.header)
	}
	body := lead.do(http.MethodGet, "/v1/people/"+uuid.NewString(), nil, "X-Request-ID", id).want(http.StatusForbidden)
	if body["instance"] != "urn:uuid:"+id {
		t.Errorf("instance: %v", body["instance"])
	}
	page := send(t, http.MethodGet, s.public+body["type"].(string), nil)
	if page.status != http.StatusOK || !strings.Contains(page.raw, "The role does not allow this") {
		t.Errorf("the problem's type does not resolve: %d %s", page.status, page.raw)
	}
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	body := referral("north", person("9990000018", "Example"))
	key := []string{"Idempotency-Key", "key-1"}
	first := north.post("/v1/referrals", body, key...).want(http.StatusCreated)
	second := north.post("/v1/referrals", body, key...).want(http.StatusCreated)
	for field := range first {
		if first[field] != second[field] {
			t.Errorf("%s: %v, then %v", field, first[field], second[field])
		}
	}
	if n := s.count("SELECT count(*) FROM audit_events WHERE operation = 'createReferral' AND person_id = $1", first["personId"]); n != 2 {
		t.Errorf("%d rows in the audit trail, want one for each answer", n)
	}
	changed := referral("north", person("9990000018", "Example"))
	changed["reason"] = "Another reason"
	north.post("/v1/referrals", changed, key...).refused(http.StatusUnprocessableEntity, "idempotency-key-reused")

	// The same key of someone else, or for another operation, is another key.
	s.with(object{"sub": "another", "roles": []string{"practitioner"}, "services": []string{"north"}}).post("/v1/referrals", body, key...).want(http.StatusCreated)
	accept := "/v1/referrals/" + first["id"].(string) + "/acceptance"
	episode := north.post(accept, nil, key...).want(http.StatusCreated)
	if again := north.post(accept, nil, key...).want(http.StatusCreated); again["id"] != episode["id"] {
		t.Errorf("a repeated acceptance: %v, then %v", episode["id"], again["id"])
	}
	if n := s.count("SELECT count(*) FROM referrals"); n != 2 {
		t.Errorf("%d referrals, want 2", n)
	}

	// Who acts for other services now, or by another client, may not see what the first answer shows.
	for name, c := range map[string]caller{
		"other services": s.as("practitioner", "south"), "no services": s.as("practitioner"),
		"other client": s.with(object{"azp": "another", "roles": []string{"practitioner"}, "services": []string{"north"}}),
	} {
		if a := c.post("/v1/referrals", body, key...); a.status != http.StatusUnprocessableEntity || strings.Contains(a.raw, first["personId"].(string)) {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
	order := object{"roles": []string{"practitioner"}, "services": []string{"south", "north"}}
	pair := s.with(order).post("/v1/referrals", body, "Idempotency-Key", "pair").want(http.StatusCreated)
	order["services"] = []string{"north", "south"}
	if again := s.with(order).post("/v1/referrals", body, "Idempotency-Key", "pair").want(http.StatusCreated); again["id"] != pair["id"] {
		t.Error("the order of services makes another request")
	}

	// A refused request does not use its key up.
	north.post("/v1/referrals", object{"service": "north"}, "Idempotency-Key", "key-2").want(http.StatusUnprocessableEntity)
	north.post("/v1/referrals", body, "Idempotency-Key", "key-2").want(http.StatusCreated)

	// A key is held until it is removed, however old it is, and removed when records could be changed in 24 hours since.
	s.count("WITH aged AS (UPDATE idempotency_keys SET created_at = now() - interval '25 hours' RETURNING 1) SELECT count(*) FROM aged")
	before := s.count("SELECT count(*) FROM referrals")
	if again := north.post("/v1/referrals", body, key...).want(http.StatusCreated); again["id"] != first["id"] {
		t.Error("a repetition after 25 hours was done again")
	}
	north.post("/v1/referrals", changed, key...).refused(http.StatusUnprocessableEntity, "idempotency-key-reused")
	if n := s.count("SELECT count(*) FROM referrals"); n != before {
		t.Errorf("%d referrals after repetitions, %d before", n, before)
	}
	expired := func() int64 { t.Helper(); return s.count("SELECT expire_idempotency_keys()") }
	if n := expired(); n != 0 {
		t.Errorf("%d keys expired although nothing could be changed since", n)
	}
	s.count("WITH w AS (INSERT INTO writable_hours SELECT date_trunc('hour', now()) - n * interval '1 hour' FROM generate_series(1, 23) n RETURNING 1) SELECT count(*) FROM w")
	if n := expired(); n != 0 {
		t.Errorf("%d keys expired after 23 hours", n)
	}
	s.count("WITH w AS (INSERT INTO writable_hours VALUES (date_trunc('hour', now()) - interval '24 hours') RETURNING 1) SELECT count(*) FROM w")
	if n := expired(); n == 0 {
		t.Error("no key expired")
	}
	north.post("/v1/referrals", changed, key...).want(http.StatusCreated)
}

func TestConcurrentRepetitionsWorkOnce(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	body := referral("north", person("9990000018", "Example"))
	ids := make([]any, 8)
	var group sync.WaitGroup
	for i := range ids {
		group.Go(func() {
			a := north.post("/v1/referrals", body, "Idempotency-Key", "same")
			if a.status == http.StatusCreated {
				ids[i] = a.want(http.StatusCreated)["id"]
			} else {
				t.Errorf("status %d: %s", a.status, a.raw)
			}
		})
	}
	group.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("repetitions got different answers: %v", ids)
		}
	}
	// Without keys, one person referred many times at once is still one person, and accepted many times has one episode.
	var accepted sync.Map
	for range 8 {
		group.Go(func() {
			r := north.post("/v1/referrals", referral("north", person("9990000026", "Other")))
			if r.status != http.StatusCreated {
				t.Errorf("referral: %d %s", r.status, r.raw)
				return
			}
			e := north.post("/v1/referrals/"+r.want(http.StatusCreated)["id"].(string)+"/acceptance", nil)
			if e.status != http.StatusCreated {
				t.Errorf("acceptance: %d %s", e.status, e.raw)
				return
			}
			accepted.Store(e.want(http.StatusCreated)["id"], true)
		})
	}
	group.Wait()
	episodes := 0
	accepted.Range(func(any, any) bool { episodes++; return true })
	if people := s.count("SELECT count(*) FROM people"); people != 2 || episodes != 1 {
		t.Errorf("%d people and %d episodes, want 2 and 1", people, episodes)
	}
}
