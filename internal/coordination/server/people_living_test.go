package server_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

func address(from string) object {
	return object{
		"kind": "Address", "lines": []string{"1 Example Street", "Exampleton"}, "postcode": "zz11zz", "lsoa": "E01000001",
		"neighbourhood": "harbour", "imdDecile": 2, "imdEdition": 2025, "from": from,
	}
}

// Rule 10: at most one residence and one registration on any day; none is allowed; history is kept.
func TestOneResidenceAtATime(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	id, _ := s.supported("9990000018")
	north := s.as("practitioner", "north")
	path := "/v1/people/" + id + "/residences"
	if got := items(north.get(path).want(http.StatusOK)); len(got) != 0 {
		t.Errorf("somebody without an address lives at %v", got)
	}
	first := items(north.post(path, address(day(-100))).want(http.StatusCreated))[0].(object)
	if first["postcode"] != "ZZ1 1ZZ" || first["place"] != "coast" || first["neighbourhood"] != "harbour" || first["imdDecile"] != 2.0 {
		t.Errorf("the first residence: %v", first)
	}
	nowhere := object{"kind": "NoFixedAbode", "neighbourhood": "hill", "from": day(-10)}
	north.post(path, nowhere).refused(http.StatusConflict, "period-overlaps")
	// Both days belong to a span.
	north.post(path, object{"kind": "Abroad", "from": day(-200), "to": day(-100)}).refused(http.StatusConflict, "period-overlaps")
	north.post(path, object{"kind": "Abroad", "from": day(-200), "to": day(-101)}).want(http.StatusCreated)
	nowhere["endsEarlier"] = true
	got := items(north.post(path, nowhere).want(http.StatusCreated))
	if len(got) != 3 || got[0].(object)["kind"] != "NoFixedAbode" || got[1].(object)["to"] != day(-11) {
		t.Fatalf("after moving: %v", got)
	}
	if n := s.count("SELECT count(*) FROM earlier_versions WHERE part = 'residences' AND record->>'to_on' IS NULL"); n != 1 {
		t.Errorf("%d earlier versions of the first residence, want 1", n)
	}

	// Ended, opened again, entered in error.
	part := "/v1/residences/" + got[0].(object)["id"].(string)
	before := north.recordTag(id)
	north.do(http.MethodPut, part, object{"to": day(-1)}).refused(http.StatusPreconditionRequired, "precondition-required")
	north.do(http.MethodPut, part, object{"to": day(-1)}, "If-Match", before).want(http.StatusOK)
	north.do(http.MethodPut, part, object{}, "If-Match", before).refused(http.StatusPreconditionFailed, "precondition-failed")
	wantField(t, north.putNow(id, part, object{"to": day(-11)}).refused(http.StatusUnprocessableEntity, "invalid-request"), "body.to")
	north.post(path, object{"kind": "Hospital", "from": day(0)}).want(http.StatusCreated)
	north.putNow(id, part, object{}).refused(http.StatusConflict, "period-overlaps")
	north.putNow(id, part, object{"to": day(-1), "enteredInError": true}).want(http.StatusOK)
	north.putNow(id, part, object{"to": day(-1)}).refused(http.StatusConflict, "state-conflict")
	north.post(path, object{"kind": "Temporary", "from": day(-10), "to": day(-1)}).want(http.StatusCreated)
}

func TestOneRegistrationAtATime(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	id, _ := s.supported("9990000018")
	north := s.as("practitioner", "north")
	path := "/v1/people/" + id + "/registrations"
	if got := items(north.get(path).want(http.StatusOK)); len(got) != 0 {
		t.Errorf("somebody without a practice is registered: %v", got)
	}
	// Four at once: one registers the person.
	var group sync.WaitGroup
	got := make([]int, 4)
	for i := range got {
		group.Go(func() { got[i] = north.post(path, object{"practice": "A81001", "from": day(-50)}).status })
	}
	group.Wait()
	if slices.Sort(got); !slices.Equal(got, []int{201, 409, 409, 409}) {
		t.Errorf("four at once who register a person: %v", got)
	}
	north.post(path, object{"practice": "A81002", "from": day(-50), "endsEarlier": true}).refused(http.StatusConflict, "period-overlaps")
	moved := items(north.post(path, object{"practice": "A81002", "from": day(-5), "endsEarlier": true}).want(http.StatusCreated))
	if len(moved) != 2 || moved[0].(object)["practice"] != "A81002" || moved[1].(object)["to"] != day(-6) {
		t.Errorf("after moving: %v", moved)
	}
	part := "/v1/registrations/" + moved[0].(object)["id"].(string)
	north.putNow(id, part, object{"to": day(0)}).want(http.StatusOK)
	s.as("practitioner", "south").do(http.MethodPut, part, object{}, "If-Match", "1").refused(http.StatusNotFound, "not-found")
}

func TestLivingBadInput(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	id, _ := s.supported("9990000018")
	north := s.as("practitioner", "north")
	const secret = "Unmistakable"
	with := func(name string, value any) object {
		body := address(day(0))
		if body[name] = value; value == nil {
			delete(body, name)
		}
		return body
	}
	for _, test := range []struct {
		part, location string
		body           object
	}{
		{"residences", "body.kind", with("kind", secret)},
		{"residences", "body.kind", with("kind", "NoFixedAbode")},
		{"residences", "body.lines", with("lines", nil)},
		{"residences", "body.lines[1]", with("lines", []string{"1 Example Street", " "})},
		{"residences", "body.lines[0]", with("lines", []string{strings.Repeat(secret, 10)})},
		{"residences", "body.postcode", with("postcode", "ZZ1")},
		{"residences", "body.lsoa", with("lsoa", secret)},
		{"residences", "body.lsoa", with("lsoa", nil)},
		{"residences", "body.neighbourhood", with("neighbourhood", secret)},
		{"residences", "body.neighbourhood", with("kind", "OutOfArea")},
		{"residences", "body.imdDecile", with("imdDecile", 0)},
		{"residences", "body.imdEdition", with("imdEdition", nil)},
		{"residences", "body.imdEdition", with("imdEdition", 2015)},
		{"residences", "body.from", with("from", day(1))},
		{"residences", "body.from", with("from", "0000-01-01")},
		{"residences", "body.to", with("to", day(-1))},
		{"residences", "body.…", with("country", secret)},
		{"registrations", "body.practice", object{"practice": secret, "from": day(0)}},
		{"registrations", "body.practice", object{"practice": "V81997", "from": day(0)}},
		{"registrations", "body.from", object{"practice": "A81001", "from": day(1)}},
		{"registrations", "body.to", object{"practice": "A81001", "from": day(0), "to": "soon"}},
	} {
		a := north.post("/v1/people/"+id+"/"+test.part, test.body)
		wantField(t, a.refused(http.StatusUnprocessableEntity, "invalid-request"), test.location)
		if strings.Contains(a.raw, secret) {
			t.Errorf("the answer repeats the value: %s", a.raw)
		}
	}
	if n := s.count("SELECT (SELECT count(*) FROM residences) + (SELECT count(*) FROM registrations)"); n != 0 {
		t.Errorf("refused requests left %d rows", n)
	}
}

func TestAppRoleCannotBreakRule10(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	id, _ := s.supported("9990000018")
	app := s.app("test-subject", "north")
	const (
		register = "INSERT INTO registrations (id, person_id, practice_ods_code, from_on, to_on, recorded_by) VALUES (gen_random_uuid(), $1, "
		reside   = "INSERT INTO residences (id, person_id, recorded_by, from_on, to_on, kind, lines, postcode, neighbourhood, imd_decile) VALUES (gen_random_uuid(), $1, 'test-subject', "
	)
	for _, statement := range []string{register + "'A81001', current_date - 9, NULL, 'test-subject')", reside + "current_date - 9, NULL, 'Hospital', '{}', NULL, NULL, NULL)"} {
		if _, err := app.Exec(t.Context(), statement, id); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct{ sql, want string }{
		"second registration":          {register + "'A81002', current_date, NULL, 'test-subject')", "23P01"},
		"registration on its last day": {register + "'A81002', current_date - 20, current_date - 9, 'test-subject')", "23P01"},
		"no practice":                  {register + "'V81997', current_date - 30, current_date - 20, 'test-subject')", "23514"},
		"end before the beginning":     {register + "'A81002', current_date - 30, current_date - 31, 'test-subject')", "23514"},
		"registration of tomorrow":     {register + "'A81002', current_date + 1, NULL, 'test-subject')", "23514"},
		"register as somebody else":    {register + "'A81002', current_date - 30, current_date - 20, 'somebody')", "42501"},
		"second residence":             {reside + "current_date, NULL, 'Abroad', '{}', NULL, NULL, NULL)", "23P01"},
		"address without a line":       {reside + "current_date - 30, current_date - 20, 'Address', '{}', NULL, NULL, NULL)", "23514"},
		"nowhere with a postcode":      {reside + "current_date - 30, current_date - 20, 'NoFixedAbode', '{}', 'ZZ1 1ZZ', NULL, NULL)", "23514"},
		"abroad in a neighbourhood":    {reside + "current_date - 30, current_date - 20, 'Abroad', '{}', NULL, 'harbour', NULL)", "23514"},
		"neighbourhood of nowhere":     {reside + "current_date - 30, current_date - 20, 'Address', '{x}', NULL, 'nowhere', NULL)", "CM011"},
		"decile of no edition":         {reside + "current_date - 30, current_date - 20, 'Address', '{x}', NULL, NULL, 1)", "23514"},
		"move the beginning":           {"UPDATE residences SET from_on = current_date, changed_by = 'test-subject' WHERE person_id = $1", "42501"},
		"change as somebody else":      {"UPDATE residences SET to_on = current_date, changed_by = 'somebody' WHERE person_id = $1", "42501"},
		"remove":                       {"DELETE FROM residences WHERE person_id = $1", "42501"},
	} {
		if _, err := app.Exec(t.Context(), test.sql, id); code(err) != test.want {
			t.Errorf("%s: got %v, want code %s", name, err, test.want)
		}
	}
	if done, err := app.Exec(t.Context(), "UPDATE residences SET entered_in_error_at = now(), changed_by = 'test-subject'"); err != nil || done.RowsAffected() != 1 {
		t.Fatalf("%v, %v", done, err)
	}
	if done, err := app.Exec(t.Context(), "UPDATE residences SET entered_in_error_at = NULL, changed_by = 'test-subject'"); err != nil || done.RowsAffected() != 0 {
		t.Errorf("what was entered in error was taken back: %v, %v", done, err)
	}
	if _, err := app.Exec(t.Context(), reside+"current_date - 9, NULL, 'Prison', '{}', NULL, NULL, NULL)", id); err != nil {
		t.Errorf("after one that was entered in error: %v", err)
	}
}

// LocationSensitive: address, practice and contact, the carers' too, are shown to the responsible service only, in every output.
func TestSensitiveLocation(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	id, _ := s.supported("9990000018")
	north := s.as("practitioner", "north")
	at := "/v1/people/" + id
	everyPart(s.as("service-lead", "north"), id)
	s.as("service-lead", "north").post(at+"/named-access/end", nil).want(http.StatusOK)
	// South is asked to help and supports the person; north stays responsible.
	sent := referral("south", nil)
	delete(sent, "person")
	sent["personId"], sent["fromService"] = id, "north"
	r := north.post("/v1/referrals", sent).want(http.StatusCreated)
	south, appSouth := s.as("practitioner", "south"), s.app(testSubject, "south")
	hiding := []string{"contact_details", "registrations", "residences", "carer_contacts"}
	check := func(hidden bool) {
		t.Helper()
		want := map[bool]int{true: 0, false: 1}[hidden]
		for path, field := range map[string]string{"/residences": "hidden", "/registrations": "hidden", "/contact": "hidden", "/carers": "contactHidden"} {
			a := south.get(at + path)
			if body := a.want(http.StatusOK); body[field] != hidden {
				t.Errorf("%s: %s", path, a.raw)
			}
			for _, secret := range []string{"Example Street", "ZZ1", "E01000001", "harbour", "A81001", "07700"} {
				if hidden && strings.Contains(a.raw, secret) {
					t.Errorf("%s shows where the person is: %s", path, a.raw)
				}
			}
		}
		for _, table := range hiding {
			var n int
			if err := appSouth.QueryRow(t.Context(), "SELECT count(*) FROM (SELECT 1 FROM "+table+") rows").Scan(&n); err != nil || n != want {
				t.Errorf("%s in SQL: %d rows, want %d (%v)", table, n, want, err)
			}
		}
	}
	check(false)
	alert := items(north.post(at+"/alerts", object{"kind": "LocationSensitive", "detail": "Made-up danger"}).want(http.StatusCreated))[0].(object)
	north.post(at+"/alerts", object{"kind": "LocationSensitive", "detail": "Again"}).refused(http.StatusConflict, "state-conflict")
	check(true)
	if p := south.get(at).want(http.StatusOK); !slices.Contains(p["alerts"].([]any), any("LocationSensitive")) {
		t.Errorf("the record does not say so: %v", p)
	}
	if got := north.get(at + "/residences").want(http.StatusOK); got["hidden"] != false || len(items(got)) != 1 {
		t.Errorf("the responsible service: %v", got)
	}
	// What is hidden is not changed, nor shown by ending the alert.
	south.post(at+"/residences", address(day(0))).refused(http.StatusForbidden, "location-hidden")
	south.post(at+"/registrations", object{"practice": "A81001", "from": day(0)}).refused(http.StatusForbidden, "location-hidden")
	south.putNow(id, at+"/contact", object{}).refused(http.StatusForbidden, "location-hidden")
	carer := items(south.get(at + "/carers").want(http.StatusOK))[0].(object)["id"].(string)
	south.putNow(id, "/v1/carers/"+carer, object{"kind": "Carer", "name": "Sam", "relationship": "Friend", "phone": "07700 900999"}).refused(http.StatusForbidden, "location-hidden")
	south.putNow(id, "/v1/carers/"+carer, object{"kind": "Carer", "name": "Sam", "relationship": "Friend"}).want(http.StatusOK)
	if n := s.count("SELECT count(*) FROM carer_contacts WHERE phone = '07700 900456'"); n != 1 {
		t.Error("who does not see a number removed it")
	}
	end := "/v1/person-alerts/" + alert["id"].(string) + "/end"
	south.post(end, object{"reason": "x"}).refused(http.StatusForbidden, "not-your-service")
	for name, test := range map[string]struct {
		sql, want string
	}{
		"end the alert":     {"UPDATE person_alerts SET ended_at = now(), ended_by = '" + testSubject + "', end_reason = 'x' WHERE kind = 'LocationSensitive'", ""},
		"change blindly":    {"UPDATE residences SET entered_in_error_at = now(), changed_by = '" + testSubject + "'", ""},
		"overwrite contact": {"UPDATE contact_details SET mobile = NULL, preferred = NULL, changed_by = '" + testSubject + "'", ""},
		"record an address": {"INSERT INTO residences (id, person_id, kind, from_on, recorded_by) VALUES (gen_random_uuid(), '" + id + "', 'Hospital', current_date, '" + testSubject + "')", "42501"},
	} {
		if done, err := appSouth.Exec(t.Context(), test.sql); code(err) != test.want || done.RowsAffected() != 0 {
			t.Errorf("%s: %v, %v", name, done, err)
		}
	}
	check(true)
	// By accepting, south becomes responsible and is shown all of it.
	south.post("/v1/referrals/"+r["id"].(string)+"/acceptance", nil).want(http.StatusCreated)
	check(false)
	north.post(end, object{"reason": "Moved"}).want(http.StatusOK)
	north.post(end, object{"reason": "Moved"}).refused(http.StatusConflict, "state-conflict")
	if n := s.count("SELECT count(*) FROM people WHERE location_sensitive"); n != 0 {
		t.Error("the location stays sensitive after the alert")
	}
}
