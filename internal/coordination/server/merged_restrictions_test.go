package server_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// merge merges one record into another, as a records officer.
func (s *system) merge(merged, canonical string) answer {
	s.t.Helper()
	return s.officer().post("/v1/people/"+merged+"/merge", object{"into": canonical})
}

// sees tells whether a caller may see each of the records.
func sees(t *testing.T, c caller, want bool, records ...string) {
	t.Helper()
	for _, id := range records {
		if a := c.get("/v1/people/" + id); (a.status == http.StatusOK) != want || (a.status == http.StatusNotFound) == want {
			t.Errorf("record %s: status %d, want seen %v", id, a.status, want)
		}
	}
}

// A list is the person's: it binds every record that is merged, whichever it was set in, and its own alone when they are taken apart.
func TestNamedAccessBindsMergedRecords(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	lead, other := s.as("service-lead", "north"), s.other("practitioner", "north")
	southLead, southOther := s.as("service-lead", "south"), s.other("practitioner", "south")
	canonical := lead.accepted("north", person("9990000018", "Example"))["personId"].(string)
	merged := southLead.accepted("south", person("9990000018", "Somebody"))["personId"].(string)
	limit := object{"subjects": []string{testSubject}, "reason": "Works at the service"}
	southLead.putNow(merged, "/v1/people/"+merged+"/named-access", limit).want(http.StatusOK)
	sees(t, other, true, canonical)
	sees(t, southOther, false, merged)
	s.merge(merged, canonical).want(http.StatusCreated)
	for _, c := range []caller{lead, southLead} {
		sees(t, c, true, canonical, merged)
	}
	for _, c := range []caller{other, southOther} {
		sees(t, c, false, canonical, merged)
	}
	if n := s.count("SELECT count(*) FROM person_access WHERE NOT restricted"); n != 0 {
		t.Errorf("%d rows of access are not limited", n)
	}
	// Who comes later is bound too, and can name nobody whom they do not see.
	other.refer("north", person("9990000018", "Example"))
	sees(t, other, false, canonical, merged)
	app := s.app(otherSubject, "north", "south")
	for _, id := range []string{canonical, merged} {
		if _, err := app.Exec(t.Context(), "SELECT re_enter(gen_random_uuid(), gen_random_uuid(), $1, $2, 'x', current_date)", id, north); code(err) != "42501" {
			t.Errorf("re-entry of a person unseen: %v", err)
		}
		for _, query := range []string{"SELECT count(lock_person($1))", "SELECT count(*) FROM person_access_log($1, NULL, 10)", "SELECT count(*) FROM people WHERE id = $1"} {
			var n int
			if err := app.QueryRow(t.Context(), query, id).Scan(&n); err != nil || n != 0 {
				t.Errorf("%s: %d, %v", query, n, err)
			}
		}
	}
	// The list is read, and ended, by any id of the person.
	path := "/v1/people/" + canonical + "/named-access"
	if got := lead.get(path).want(http.StatusOK); got["limited"] != true || len(got["subjects"].([]any)) != 1 {
		t.Errorf("the list: %v", got)
	}
	lead.post(path+"/end", nil).want(http.StatusOK)
	sees(t, other, true, canonical, merged)
	lead.putNow(canonical, path, limit).want(http.StatusOK)
	sees(t, southOther, false, canonical, merged)
	s.officer().post("/v1/people/"+merged+"/unmerge", object{"reason": "DifferentPeople"}).want(http.StatusCreated)
	sees(t, southOther, true, merged)
	sees(t, other, false, canonical)
}

// Two lists without a common name would hide the person from everybody.
func TestListsThatExcludeEachOtherAreNotMerged(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	lead, otherLead := s.as("service-lead", "north"), s.other("service-lead", "south")
	canonical := lead.accepted("north", person("9990000018", "Example"))["personId"].(string)
	merged := otherLead.accepted("south", person("9990000018", "Somebody"))["personId"].(string)
	lead.putNow(canonical, "/v1/people/"+canonical+"/named-access", object{"subjects": []string{testSubject}, "reason": "x"}).want(http.StatusOK)
	otherLead.putNow(merged, "/v1/people/"+merged+"/named-access", object{"subjects": []string{otherSubject}, "reason": "x"}).want(http.StatusOK)
	s.merge(merged, canonical).refused(http.StatusConflict, "merge-refused")
	app := s.appIn("records-officer", "records-officer-1")
	insert := "INSERT INTO people_merges (id, merged_id, canonical_id, merged_by) VALUES ($1, $2, $3, 'records-officer-1')"
	if _, err := app.Exec(t.Context(), insert, uuid.New(), merged, canonical); code(err) != "CM020" {
		t.Errorf("in SQL: %v", err)
	}
	otherLead.putNow(merged, "/v1/people/"+merged+"/named-access", object{"subjects": []string{otherSubject, testSubject}, "reason": "x"}).want(http.StatusOK)
	s.merge(merged, canonical).want(http.StatusCreated)
	sees(t, lead, true, canonical, merged)
	sees(t, otherLead, false, canonical, merged)
	// Only who stands on both lists is shown.
	if got := lead.get("/v1/people/" + merged + "/named-access").want(http.StatusOK); len(got["subjects"].([]any)) != 1 || got["subjects"].([]any)[0] != testSubject {
		t.Errorf("the list: %v", got)
	}
}

// An objection and an alert count in every record of the person.
func TestObjectionAndAlertBindMergedRecords(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	s.twoOrganisations()
	atNorth, atSouth := s.as("service-lead", "north"), s.as("service-lead", "south")
	canonical := atNorth.closed("north", person("9990000018", "Example"), 30)["personId"].(string)
	merged := atSouth.accepted("south", person("9990000018", "Somebody"))["personId"].(string)
	atSouth.post("/v1/people/"+merged+"/alerts", object{"kind": "LocationSensitive", "detail": "Fled from home"}).want(http.StatusCreated)
	appNorth, appSouth := s.app("test-subject", "north"), s.app("test-subject", "south")
	seesLocation := func(want map[string]bool) {
		t.Helper()
		for name, conn := range map[string]*pgx.Conn{"north": appNorth, "south": appSouth} {
			var got bool
			if err := conn.QueryRow(t.Context(), "SELECT caller_sees_location($1)", canonical).Scan(&got); err != nil || got != want[name] {
				t.Errorf("%s sees where the person is: %v (%v), want %v", name, got, err, want[name])
			}
		}
	}
	seesLocation(map[string]bool{"north": true, "south": false})
	s.merge(merged, canonical).want(http.StatusCreated)
	seesLocation(map[string]bool{"north": false, "south": true})
	if got := items(atNorth.get("/v1/people/" + canonical + "/alerts").want(http.StatusOK)); len(got) != 1 {
		t.Errorf("alerts of the person: %v", got)
	}
	atSouth.post("/v1/people/"+merged+"/objections", object{"organisation": "RT1", "objectedOn": day(0)}).want(http.StatusCreated)
	sees(t, atNorth, false, canonical, merged)
	sees(t, atSouth, true, canonical, merged)
	if got := items(atSouth.get("/v1/people/" + canonical + "/objections").want(http.StatusOK)); len(got) != 1 {
		t.Errorf("objections of the person: %v", got)
	}
	body := referral("north", nil)
	delete(body, "person")
	body["personId"], body["route"] = canonical, "GP"
	atSouth.post("/v1/referrals", body).refused(http.StatusConflict, "person-objects")
	s.officer().post("/v1/people/"+merged+"/unmerge", object{"reason": "DifferentPeople"}).want(http.StatusCreated)
	sees(t, atNorth, true, canonical)
	seesLocation(map[string]bool{"north": true, "south": false})
}
