package server_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/directory"
)

const otherSubject = "6b1f0f0a-3f0e-4f6e-8f0c-5d0a1c2b3e4f"

func (s *system) other(role string, services ...string) caller {
	s.t.Helper()
	return s.with(object{"sub": otherSubject, "roles": []string{role}, "services": services})
}

// twoOrganisations has north led by RT1 and south by RT2.
func (s *system) twoOrganisations() {
	s.t.Helper()
	d := testDirectory(2)
	for i := range d.Services {
		if d.Services[i].Name == "south" {
			d.Services[i].LeadProvider = directory.Provider{ODSCode: "RT2", Name: "Other Trust"}
		}
	}
	s.putDirectory(d).want(http.StatusOK)
}

// seesPerson holds every way to a person's record against whether the caller may see it.
func seesPerson(t *testing.T, s *system, c caller, app *pgx.Conn, id, nhsNumber string, want bool) {
	t.Helper()
	status := map[bool]int{true: http.StatusOK, false: http.StatusNotFound}[want]
	for _, path := range []string{"", "/access-log", "/details", "/contact", "/registrations", "/residences", "/carers", "/alerts", "/objections", "/capacity-assessments", "/representatives", "/named-access"} {
		if a := c.get("/v1/people/" + id + path); a.status != status {
			t.Errorf("%s: status %d, want %d", path, a.status, status)
		}
	}
	if found := items(c.post("/v1/people/search", object{"nhsNumber": nhsNumber}).want(http.StatusOK)); (len(found) == 1) != want {
		t.Errorf("the search finds %d", len(found))
	}
	for _, path := range []string{"/v1/referrals?limit=100", "/v1/episodes?limit=100"} {
		shown := slices.ContainsFunc(items(c.get(path).want(http.StatusOK)), func(item any) bool { return item.(object)["personId"] == id })
		if shown && !want {
			t.Errorf("%s shows the person", path)
		}
	}
	for _, query := range []string{
		"SELECT count(*) FROM people WHERE id = $1", "SELECT count(*) FROM person_access_log($1, NULL, 1000)",
		"SELECT count(*) FROM (SELECT FROM referrals WHERE person_id = $1 UNION ALL SELECT FROM episodes WHERE person_id = $1) rows",
		"SELECT count(*) FROM person_access WHERE person_id = $1", "SELECT count(lock_person($1))",
	} {
		var n int
		if err := app.QueryRow(t.Context(), query, id).Scan(&n); err != nil || (n > 0) != want {
			t.Errorf("%s: %d (%v), want any %v", query, n, err, want)
		}
	}
}

func TestNamedAccess(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	const number = "9990000018"
	id, episode := s.supported(number)
	lead, other := s.as("service-lead", "north"), s.other("service-lead", "north")
	appLead, appOther := s.app(testSubject, "north"), s.app(otherSubject, "north")
	path := "/v1/people/" + id + "/named-access"
	if got := lead.get(path).want(http.StatusOK); got["limited"] != false || got["subjects"] != nil {
		t.Errorf("before: %v", got)
	}
	seesPerson(t, s, other, appOther, id, number, true)

	// At least one person of the responsible service stands on the list: who sets it.
	wantField(t, lead.putNow(id, path, object{"subjects": []string{}, "reason": "x"}).refused(http.StatusUnprocessableEntity, "invalid-request"), "body.subjects")
	wantField(t, lead.putNow(id, path, object{"subjects": []string{otherSubject}, "reason": "x"}).refused(http.StatusUnprocessableEntity, "invalid-request"), "body.subjects")
	wantField(t, lead.putNow(id, path, object{"subjects": []string{testSubject, ""}, "reason": "x"}).refused(http.StatusUnprocessableEntity, "invalid-request"), "body.subjects[1]")
	wantField(t, lead.putNow(id, path, object{"subjects": []string{testSubject}, "reason": " "}).refused(http.StatusUnprocessableEntity, "invalid-request"), "body.reason")
	limit := object{"subjects": []string{testSubject}, "reason": "Works at the service"}
	s.as("practitioner", "north").putNow(id, path, limit).refused(http.StatusForbidden, "forbidden")
	lead.do(http.MethodPut, path, limit).refused(http.StatusPreconditionRequired, "precondition-required")
	lead.post(path+"/end", nil).refused(http.StatusConflict, "state-conflict")
	got := lead.putNow(id, path, limit).want(http.StatusOK)
	if got["limited"] != true || got["setBy"] != testSubject || got["reason"] != "Works at the service" {
		t.Errorf("the list: %v", got)
	}
	seesPerson(t, s, lead, appLead, id, number, true)
	seesPerson(t, s, other, appOther, id, number, false)
	other.get("/v1/episodes/"+episode["id"].(string)).refused(http.StatusNotFound, "not-found")
	other.post("/v1/episodes/"+episode["id"].(string)+"/closure", object{"reason": "Died", "death": object{"on": day(0), "source": "GP"}}).refused(http.StatusNotFound, "not-found")
	other.do(http.MethodPut, path, object{"subjects": []string{otherSubject}, "reason": "x"}, "If-Match", `W/"1"`).refused(http.StatusNotFound, "not-found")
	// A service that comes to the person later inherits the limit. Whoever refers learns nothing of it.
	r := other.refer("south", person(number, "Example"))
	other.refer("north", person(number, "Example"))
	seesPerson(t, s, s.other("practitioner", "south"), s.app(otherSubject, "south"), id, number, false)
	seesPerson(t, s, other, appOther, id, number, false)
	s.other("practitioner", "south").post("/v1/referrals/"+r["id"].(string)+"/acceptance", nil).refused(http.StatusNotFound, "not-found")
	seesPerson(t, s, s.as("practitioner", "south"), s.app(testSubject, "south"), id, number, true)

	for name, test := range map[string]struct {
		conn      *pgx.Conn
		sql, want string
	}{
		"an empty list":               {appLead, "INSERT INTO named_access (id, person_id, subjects, reason, set_by) VALUES (gen_random_uuid(), $1, '{}', 'x', '" + testSubject + "')", "23514"},
		"a list without its setter":   {appLead, "INSERT INTO named_access (id, person_id, subjects, reason, set_by) VALUES (gen_random_uuid(), $1, '{somebody}', 'x', '" + testSubject + "')", "23514"},
		"a second list":               {appLead, "INSERT INTO named_access (id, person_id, subjects, reason, set_by) VALUES (gen_random_uuid(), $1, '{" + testSubject + "}', 'x', '" + testSubject + "')", "23505"},
		"set it as another":           {appLead, "INSERT INTO named_access (id, person_id, subjects, reason, set_by) VALUES (gen_random_uuid(), $1, '{somebody}', 'x', 'somebody')", "42501"},
		"set it unseen":               {appOther, "INSERT INTO named_access (id, person_id, subjects, reason, set_by) VALUES (gen_random_uuid(), $1, '{" + otherSubject + "}', 'x', '" + otherSubject + "')", "42501"},
		"name oneself":                {appLead, "UPDATE named_access SET subjects = '{somebody}' WHERE person_id = $1", "42501"},
		"remove the list":             {appLead, "DELETE FROM named_access WHERE person_id = $1", "42501"},
		"give oneself an open access": {appOther, "INSERT INTO person_access (person_id, service_id, why, source_id) VALUES ($1, '" + north.String() + "', 'Episode', gen_random_uuid())", "42501"},
	} {
		if _, err := test.conn.Exec(t.Context(), test.sql, id); code(err) != test.want {
			t.Errorf("%s: got %v, want code %s", name, err, test.want)
		}
	}
	if done, err := appOther.Exec(t.Context(), "UPDATE named_access SET ended_by = '"+otherSubject+"', ended_at = now()"); err != nil || done.RowsAffected() != 0 {
		t.Errorf("ended unseen: %v, %v", done, err)
	}

	// A new list replaces the old one; ending it opens the record again. All of it stays on record.
	lead.putNow(id, path, object{"subjects": []string{testSubject, otherSubject}, "reason": "On duty"}).want(http.StatusOK)
	seesPerson(t, s, other, appOther, id, number, true)
	lead.putNow(id, path, limit).want(http.StatusOK)
	seesPerson(t, s, other, appOther, id, number, false)
	lead.post(path+"/end", nil).want(http.StatusOK)
	seesPerson(t, s, other, appOther, id, number, true)
	if n := s.count("SELECT count(*) FROM named_access WHERE person_id = $1 AND ended_by = $2", id, testSubject); n != 3 {
		t.Errorf("%d lists are on record, want 3", n)
	}
}

// Only the responsible service limits a record.
func TestNamedAccessIsTheResponsibleServices(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	who := person("9990000018", "Example")
	north, south := s.as("service-lead", "north"), s.as("service-lead", "south")
	id := north.accepted("north", who)["personId"].(string)
	closed := south.accepted("south", who)
	south.post("/v1/episodes/"+closed["id"].(string)+"/closure", object{"reason": "SupportElsewhere", "returnPlan": returnPlan(), "acceptance": acceptance()}).want(http.StatusCreated)
	path := "/v1/people/" + id + "/named-access"
	south.putNow(id, path, object{"subjects": []string{testSubject}, "reason": "x"}).refused(http.StatusForbidden, "not-your-service")
	app := s.app(testSubject, "south")
	if _, err := app.Exec(t.Context(), "INSERT INTO named_access (id, person_id, subjects, reason, set_by) VALUES (gen_random_uuid(), $1, ARRAY[$2], 'x', $2)", id, testSubject); code(err) != "42501" {
		t.Errorf("in SQL: %v", err)
	}
	north.putNow(id, path, object{"subjects": []string{testSubject}, "reason": "x"}).want(http.StatusOK)
	south.post(path+"/end", nil).refused(http.StatusForbidden, "not-your-service")
}

// A service that is given access while a limit is being set waits for it, and inherits it.
func TestLimitAndAccessAtOnce(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	id, _ := s.supported("9990000018")
	limiting, err := s.app(testSubject, "north").Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer limiting.Rollback(t.Context()) //nolint:errcheck // after a commit there is nothing to roll back
	if _, err := limiting.Exec(t.Context(), "INSERT INTO named_access (id, person_id, subjects, reason, set_by) VALUES ($1, $2, ARRAY[$3], 'x', $3)", uuid.New(), id, testSubject); err != nil {
		t.Fatal(err)
	}
	other := s.other("practitioner", "south")
	referred := make(chan answer)
	go func() { referred <- other.post("/v1/referrals", referral("south", person("9990000018", "Example"))) }()
	eventually(t, "the referral to wait", func() bool {
		return s.count("SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()") == 1
	})
	if err := limiting.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a := <-referred; a.status != http.StatusCreated {
		t.Fatalf("the referral: %d %s", a.status, a.raw)
	}
	if n := s.count("SELECT count(*) FROM person_access WHERE person_id = $1 AND NOT restricted", id); n != 0 {
		t.Errorf("%d services see the person without being limited", n)
	}
	other.get("/v1/people/"+id).refused(http.StatusNotFound, "not-found")
}

// An objection to an organisation is enforced for all services that it leads, save one that is responsible or asked to help now.
func TestObjection(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	s.twoOrganisations()
	const number = "9990000018"
	who, southID := person(number, "Example"), south
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	appSouth := s.app(testSubject, "south")
	id := north.accepted("north", who)["personId"].(string)
	closed := south.accepted("south", who)
	south.post("/v1/episodes/"+closed["id"].(string)+"/closure", object{"reason": "SupportElsewhere", "returnPlan": returnPlan(), "acceptance": acceptance()}).want(http.StatusCreated)
	seesPerson(t, s, south, appSouth, id, number, true)

	path := "/v1/people/" + id + "/objections"
	south.post(path, object{"organisation": "RT1", "objectedOn": day(0)}).refused(http.StatusForbidden, "not-your-service")
	for location, body := range map[string]object{
		"body.organisation": {"organisation": "RT9", "objectedOn": day(0)},
		"body.objectedOn":   {"organisation": "RT2", "objectedOn": day(1)},
		"body.reason":       {"organisation": "RT2", "objectedOn": day(0), "reason": " "},
	} {
		wantField(t, north.post(path, body).refused(http.StatusUnprocessableEntity, "invalid-request"), location)
	}
	objection := items(north.post(path, object{"organisation": "RT2", "objectedOn": day(0), "reason": "Not there"}).want(http.StatusCreated))[0].(object)
	if services := objection["services"].([]any); len(services) != 1 || services[0] != "south" {
		t.Errorf("the objection: %v", objection)
	}
	north.post(path, object{"organisation": "RT2", "objectedOn": day(0)}).refused(http.StatusConflict, "state-conflict")
	seesPerson(t, s, south, appSouth, id, number, false)
	seesPerson(t, s, north, s.app(testSubject, "north"), id, number, true)

	// Who sees the objection doesn't refer past it; the person's own request and a crisis are taken, and so is what comes from those
	// who don't see the person, with the answer as ever.
	referAs := func(c caller, route string) answer {
		body := referral("south", who)
		body["route"] = route
		return c.post("/v1/referrals", body)
	}
	referAs(north, "GP").refused(http.StatusConflict, "person-objects")
	app := s.app(testSubject, "north")
	if _, err := app.Exec(t.Context(), `INSERT INTO referrals (id, person_id, service_id, responsible_service_id, route, reason, received_on, recorded_by)
		VALUES (gen_random_uuid(), $1, $2, $2, 'GP', 'x', current_date, $3)`, id, southID, testSubject); code(err) != "CM010" {
		t.Errorf("past an objection, in SQL: %v", err)
	}
	if n := s.count("SELECT count(*) FROM referrals WHERE service_id = $1 AND outcome_at IS NULL", southID); n != 0 {
		t.Errorf("%d referrals were taken past an objection", n)
	}
	gp := s.with(object{"roles": []string{"integration"}, "purpose": "direct-care"})
	taken := referAs(gp, "GP").want(http.StatusCreated)
	// South is responsible now: it sees the person, the objection too, for as long as that lasts.
	seesPerson(t, s, south, appSouth, id, number, true)
	episode := south.post("/v1/referrals/"+taken["id"].(string)+"/acceptance", nil).want(http.StatusCreated)
	seesPerson(t, s, south, appSouth, id, number, true)
	// It sees the person for the last time in the answer to its closure.
	south.post("/v1/episodes/"+episode["id"].(string)+"/closure", object{"reason": "SupportElsewhere", "returnPlan": returnPlan(), "acceptance": acceptance()}).want(http.StatusCreated)
	seesPerson(t, s, south, appSouth, id, number, false)
	referAs(north, "Crisis").want(http.StatusCreated)
	seesPerson(t, s, south, appSouth, id, number, true)

	withdrawal := "/v1/objections/" + objection["id"].(string) + "/withdrawal"
	s.as("practitioner", "east").post(withdrawal, nil).refused(http.StatusNotFound, "not-found")
	north.post(withdrawal, nil).want(http.StatusOK)
	north.post(withdrawal, nil).refused(http.StatusConflict, "state-conflict")
	if n := s.count("SELECT count(*) FROM person_access WHERE restricted"); n != 0 {
		t.Errorf("%d rows are restricted after the objection", n)
	}
	referAs(north, "GP").want(http.StatusCreated)
	for name, test := range map[string]struct{ sql, want string }{
		"object as somebody else": {"INSERT INTO objections (id, person_id, organisation_ods_code, objected_on, recorded_by) VALUES (gen_random_uuid(), $1, 'RT1', current_date, 'somebody')", "42501"},
		"object tomorrow":         {"INSERT INTO objections (id, person_id, organisation_ods_code, objected_on, recorded_by) VALUES (gen_random_uuid(), $1, 'RT1', current_date + 1, '" + testSubject + "')", "23514"},
		"rewrite an objection":    {"UPDATE objections SET organisation_ods_code = 'RT9' WHERE person_id = $1", "42501"},
		"remove an objection":     {"DELETE FROM objections WHERE person_id = $1", "42501"},
	} {
		if _, err := app.Exec(t.Context(), test.sql, id); code(err) != test.want {
			t.Errorf("%s: got %v, want code %s", name, err, test.want)
		}
	}
}

func TestPersonAlerts(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	id, _ := s.supported("9990000018")
	north := s.as("practitioner", "north")
	path := "/v1/people/" + id + "/alerts"
	const secret = "Unmistakable"
	for _, test := range []struct {
		location string
		body     object
	}{
		{"body.kind", object{"kind": secret, "detail": "x"}},
		{"body.detail", object{"kind": "Safeguarding", "detail": " "}},
		{"body.safeChannels", object{"kind": "Safeguarding", "detail": "x", "safeChannels": []string{"Text"}}},
		{"body.safeChannels[0]", object{"kind": "SafeToContact", "detail": "x", "safeChannels": []string{secret}}},
		{"body.reviewOn", object{"kind": "Safeguarding", "detail": "x", "reviewOn": day(-1)}},
	} {
		a := north.post(path, test.body)
		wantField(t, a.refused(http.StatusUnprocessableEntity, "invalid-request"), test.location)
		if strings.Contains(a.raw, secret) {
			t.Errorf("the answer repeats the value: %s", a.raw)
		}
	}
	if n := s.count("SELECT count(*) FROM person_alerts"); n != 0 {
		t.Errorf("refused requests left %d rows", n)
	}
	before := north.recordTag(id)
	safe := items(north.post(path, object{"kind": "SafeToContact", "detail": "Partner reads letters", "safeChannels": []string{"Text"}, "reviewOn": day(90)}).want(http.StatusCreated))[0].(object)
	if north.recordTag(id) == before {
		t.Error("an alert makes no new version of the record")
	}
	// It is seen before anyone writes or calls: in the record and in the search.
	for _, p := range []any{north.get("/v1/people/" + id).want(http.StatusOK), items(north.post("/v1/people/search", object{"nhsNumber": "9990000018"}).want(http.StatusOK))[0]} {
		if alerts := p.(object)["alerts"].([]any); len(alerts) != 1 || alerts[0] != "SafeToContact" {
			t.Errorf("alerts in the record: %v", alerts)
		}
	}
	end := "/v1/person-alerts/" + safe["id"].(string) + "/end"
	wantField(t, north.post(end, object{"reason": " "}).refused(http.StatusUnprocessableEntity, "invalid-request"), "body.reason")
	s.as("practitioner", "south").post(end, object{"reason": "x"}).refused(http.StatusNotFound, "not-found")
	if ended := items(north.post(end, object{"reason": "Lives alone now"}).want(http.StatusOK))[0].(object); ended["endReason"] != "Lives alone now" || ended["endedBy"] != testSubject {
		t.Errorf("the ended alert: %v", ended)
	}
	north.post(path, object{"kind": "Safeguarding", "detail": "x"}).want(http.StatusCreated)
	app := s.app("test-subject", "north")
	for name, test := range map[string]struct{ sql, want string }{
		"end without a reason": {"UPDATE person_alerts SET ended_by = 'test-subject', ended_at = now() WHERE ended_at IS NULL", "23514"},
		"end as somebody else": {"UPDATE person_alerts SET ended_by = 'somebody', ended_at = now(), end_reason = 'x' WHERE ended_at IS NULL", "42501"},
		"rewrite":              {"UPDATE person_alerts SET detail = 'x'", "42501"},
		"remove":               {"DELETE FROM person_alerts", "42501"},
		"channels of danger":   {"INSERT INTO person_alerts (id, person_id, kind, detail, safe_channels, recorded_by) VALUES (gen_random_uuid(), '" + id + "', 'Safeguarding', 'x', '{Text}', 'test-subject')", "23514"},
	} {
		if _, err := app.Exec(t.Context(), test.sql); code(err) != test.want {
			t.Errorf("%s: got %v, want code %s", name, err, test.want)
		}
	}
}
