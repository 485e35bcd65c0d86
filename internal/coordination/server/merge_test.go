package server_test

import (
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// merged are two records with one NHS number as claimed gives them, the second merged into the first.
func (s *system) merged() (canonical, merged string) {
	s.t.Helper()
	canonical, merged = s.claimed()
	if a := s.merge(merged, canonical).want(http.StatusCreated); a["state"] != "Merged" {
		s.t.Fatalf("merged: %v", a)
	}
	return canonical, merged
}

// recordsNow is everything about access, people and their rows that a merge could touch, without versions.
func (s *system) recordsNow() []string {
	s.t.Helper()
	rows, err := s.owner().Query(s.t.Context(), `
		SELECT 'access ' || to_jsonb(a)::text FROM person_access a
		UNION ALL SELECT 'person ' || (to_jsonb(p) - '{version,updated_at}'::text[])::text FROM people p
		UNION ALL SELECT 'referral ' || (to_jsonb(r) - '{version,updated_at}'::text[])::text FROM referrals r
		UNION ALL SELECT 'episode ' || (to_jsonb(e) - '{version,updated_at}'::text[])::text FROM episodes e
		UNION ALL SELECT 'key worker ' || to_jsonb(k)::text FROM key_workers k
		UNION ALL SELECT 'team ' || to_jsonb(m)::text FROM team_members m
		UNION ALL SELECT 'stay ' || to_jsonb(st)::text FROM stays_elsewhere st
		UNION ALL SELECT 'handover ' || (to_jsonb(h) - '{version,updated_at}'::text[])::text FROM handovers h
		UNION ALL SELECT 'deadline ' || to_jsonb(d)::text FROM deadlines d
		UNION ALL SELECT 'pair ' || to_jsonb(q)::text FROM matching_queue q ORDER BY 1`)
	if err != nil {
		s.t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

func TestUnmergeRestoresExactly(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south, officer := s.as("practitioner", "north"), s.as("practitioner", "south"), s.officer()
	settled, queued := s.claimed()
	s.as("practitioner", "south").accepted("south", person("9990000018", "Somebody"))
	before := s.recordsNow()
	_, decision := officer.onlyPair()
	officer.post(decision, object{"decision": "SamePerson"}).want(http.StatusCreated)
	officer.post("/v1/people/"+settled+"/unmerge", object{"reason": "DifferentPeople"}).refused(http.StatusNotFound, "not-found")
	officer.post("/v1/people/"+queued+"/unmerge", object{"reason": "9434765919"}).refused(http.StatusUnprocessableEntity, "invalid-request")
	if after := officer.post("/v1/people/"+queued+"/unmerge", object{"reason": "DifferentPeople"}).want(http.StatusCreated); after["canonicalId"] != settled || after["state"] != "Unmerged" {
		t.Errorf("unmerged: %v", after)
	}
	if after := s.recordsNow(); !slices.Equal(after, before) {
		t.Errorf("after taking them apart\n%v\nbefore\n%v", after, before)
	}
	officer.onlyPair() // the question is open again
	north.get("/v1/people/"+queued).refused(http.StatusNotFound, "not-found")
	south.get("/v1/people/"+settled).refused(http.StatusNotFound, "not-found")
	if p := south.get("/v1/people/" + queued).want(http.StatusOK); p["id"] != queued || p["mergedFrom"] != nil {
		t.Errorf("the record by itself: %v", p)
	}
	officer.post("/v1/people/"+queued+"/unmerge", object{"reason": "DifferentPeople"}).refused(http.StatusNotFound, "not-found")
	if n := s.count("SELECT count(*) FROM people_merges WHERE unmerged_by = 'records-officer-1' AND unmerge_reason = 'DifferentPeople'"); n != 1 {
		t.Errorf("%d merges are on record", n)
	}
}

// Access that begins or ends while two records are one person's does so for both; taken apart, each keeps its own.
func TestMergedRecordsShareAccess(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("service-lead", "north"), s.as("practitioner", "south")
	canonical, merged := s.merged()
	waiting := south.get("/v1/referrals").want(http.StatusOK)["items"].([]any)[0].(object)["id"].(string)
	if r := north.get("/v1/referrals/" + waiting).want(http.StatusOK); r["personId"] != merged {
		t.Errorf("the merged record's referral as the other service sees it: %v", r)
	}
	late := north.refer("north", object{"nhsNumber": "9990000018", "familyName": "Somebody", "givenName": "Testperson", "birthDate": "1984-02-29"})
	if late["personId"] != canonical {
		t.Errorf("what comes later is begun for %v", late["personId"])
	}
	shared := "SELECT count(*) FROM person_access WHERE source_id = $1 AND (until IS NULL OR until > now())"
	if n := s.count(shared, late["id"]); n != 2 {
		t.Errorf("%d records are seen by the later referral, want both", n)
	}
	north.post("/v1/referrals/"+late["id"].(string)+"/retraction", object{"reason": "RecordedTwice"}).want(http.StatusCreated)
	if n := s.count(shared, late["id"]); n != 0 {
		t.Errorf("%d records are still seen by the referral entered in error", n)
	}
	if n := s.count("SELECT count(*) FROM person_access WHERE shared_from = person_id"); n != 0 {
		t.Errorf("%d rows share with themselves", n)
	}
}

func TestMergedRecordBeginsNothing(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	atNorth, atSouth := s.as("practitioner", "north"), s.as("practitioner", "south")
	canonical, merged := s.merged()

	byID := referral("south", nil)
	delete(byID, "person")
	byID["personId"] = merged
	if r := atSouth.post("/v1/referrals", byID).want(http.StatusCreated); r["personId"] != canonical {
		t.Errorf("a referral by the merged record's id is for %v", r["personId"])
	}
	app := s.app("test-subject", "north", "south")
	id := uuid.NewString()
	if _, err := app.Exec(t.Context(), "INSERT INTO referrals (id, person_id, service_id, responsible_service_id, route, reason, received_on, recorded_by) VALUES ($1, $2, $3, $3, 'Self', 'x', current_date, 'test-subject')",
		id, merged, north); err != nil {
		t.Fatal(err)
	}
	if n := s.count("SELECT count(*) FROM referrals WHERE id = $1 AND person_id = $2", id, canonical); n != 1 {
		t.Error("a referral stands in the merged record")
	}
	if _, err := app.Exec(t.Context(), "INSERT INTO episodes (id, person_id, responsible_service_id, opened_by) VALUES (gen_random_uuid(), $1, $2, 'test-subject')", merged, north); code(err) != "CM021" {
		t.Errorf("an episode of the merged record: %v", err)
	}

	// What waited there when it was merged goes on there, so that it stays with its record if the two are taken apart.
	var waiting string
	for _, item := range atSouth.get("/v1/referrals?service=south").want(http.StatusOK)["items"].([]any) {
		if item.(object)["personId"] == merged {
			waiting = item.(object)["id"].(string)
		}
	}
	episode := atSouth.post("/v1/referrals/"+waiting+"/acceptance", nil).want(http.StatusCreated)
	if episode["personId"] != merged {
		t.Errorf("the episode of what waited: %v", episode)
	}
	// A duty towards the person counts whichever record it stands in.
	p := atSouth.do(http.MethodPut, "/v1/people/"+merged+"/legal-duties", object{"open": []string{"Section117Aftercare"}}).want(http.StatusOK)
	if p["id"] != canonical || len(p["legalDuties"].([]any)) != 1 {
		t.Errorf("duties: %v", p)
	}
	closure := "/v1/episodes/" + episode["id"].(string) + "/closure"
	body := atSouth.post(closure, object{"reason": "PersonChose", "returnPlan": returnPlan(), "choice": choice()}).refused(http.StatusUnprocessableEntity, "closure-incomplete")
	if !slices.Equal(missing(body), []string{"acceptance"}) {
		t.Errorf("missing: %v", missing(body))
	}
	southern := s.app("test-subject", "south")
	if _, err := southern.Exec(t.Context(), "INSERT INTO return_plans (episode_id, summary, how_to_return, valid_until, recorded_by) VALUES ($1, 'x', 'x', current_date + 365, 'test-subject')", episode["id"]); err != nil {
		t.Fatal(err)
	}
	if _, err := southern.Exec(t.Context(), "INSERT INTO closures (episode_id, reason, basis, told_how, capacity, recorded_by) VALUES ($1, 'PersonChose', 'Choice', 'x', 'HasCapacity', 'test-subject')", episode["id"]); code(err) != "CM004" {
		t.Errorf("a choice under a duty of the other record: %v", err)
	}
	atSouth.do(http.MethodPut, "/v1/people/"+canonical+"/legal-duties", object{"open": []string{}}).want(http.StatusOK)
	if p := atNorth.get("/v1/people/" + canonical).want(http.StatusOK); len(p["legalDuties"].([]any)) != 0 {
		t.Errorf("duties that were ended: %v", p)
	}
}

// Merges are one deep and have no cycles, keep the number, and do not decide whether somebody has died.
func TestMergesThatAreRefused(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	officer, north := s.officer(), s.as("practitioner", "north")
	canonical, merged := s.merged()
	other := north.refer("north", person("9990000026", "Other"))["personId"].(string)
	unnumbered := person("", "Unnumbered")
	delete(unnumbered, "nhsNumber")
	unnumbered["nhsNumberAbsentReason"] = "NeverIssued"
	without := north.refer("north", unnumbered)["personId"].(string)
	dead := person("", "Departed")
	delete(dead, "nhsNumber")
	dead["nhsNumberAbsentReason"] = "NeverIssued"
	died := north.accepted("north", dead)
	north.post("/v1/episodes/"+died["id"].(string)+"/closure", object{"reason": "Died", "death": object{"on": day(0), "source": "GP"}}).want(http.StatusCreated)

	app := s.appIn("records-officer", "officer")
	for name, test := range map[string]struct {
		merged, into string
		status       int
		slug         string
	}{
		"into a merged record":   {without, merged, 409, "merge-refused"},
		"a merged record":        {merged, other, 409, "merge-refused"},
		"in a circle":            {canonical, merged, 409, "merge-refused"},
		"the canonical of one":   {canonical, without, 409, "merge-refused"},
		"with itself":            {without, without, 409, "merge-refused"},
		"two numbers":            {other, canonical, 409, "merge-refused"},
		"losing the number":      {other, without, 409, "merge-refused"},
		"the dead and the quick": {died["personId"].(string), without, 409, "merge-refused"},
		"nobody":                 {uuid.NewString(), canonical, 404, "not-found"},
		"into nobody":            {without, uuid.NewString(), 404, "not-found"},
	} {
		officer.post("/v1/people/"+test.merged+"/merge", object{"into": test.into}).refused(test.status, test.slug)
		if _, err := app.Exec(t.Context(), "INSERT INTO people_merges (id, merged_id, canonical_id, merged_by) VALUES (gen_random_uuid(), $1, $2, 'officer')", test.merged, test.into); code(err) != "CM020" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := s.count("SELECT count(*) FROM people WHERE merged_into IS NOT NULL"); n != 1 {
		t.Errorf("%d records are merged, want one", n)
	}
	officer.post("/v1/people/"+without+"/merge", object{"into": canonical}).want(http.StatusCreated) // a second one, beside the first
	for name, sql := range map[string]string{
		"rewrite a merge": "UPDATE people_merges SET canonical_id = merged_id", "end one without a reason": "UPDATE people_merges SET unmerged_by = 'officer'",
		"delete a merge": "DELETE FROM people_merges", "end one in another's name": "UPDATE people_merges SET unmerged_by = 'somebody', unmerge_reason = 'MergedInError'",
	} {
		if _, err := app.Exec(t.Context(), sql); code(err) != map[bool]string{true: "23514", false: "42501"}[name == "end one without a reason"] {
			t.Errorf("%s: %v", name, err)
		}
	}
	lead := s.appIn("service-lead", "test-subject", "north", "south")
	if tag, err := lead.Exec(t.Context(), "UPDATE people_merges SET unmerged_by = 'test-subject', unmerge_reason = 'MergedInError'"); err != nil || tag.RowsAffected() != 0 {
		t.Errorf("a lead takes %d records apart (%v)", tag.RowsAffected(), err)
	}
}

// Two officers who merge the same two records at once, each into the other's, make one merge and no circle.
func TestMergesAtOnce(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	unnumbered := func(family string) string {
		who := person("", family)
		delete(who, "nhsNumber")
		who["nhsNumberAbsentReason"] = "NeverIssued"
		return s.as("practitioner", "north").refer("north", who)["personId"].(string)
	}
	one, other := unnumbered("Example"), unnumbered("Sample")
	officer := s.officer()
	got := make([]int, 8)
	var group sync.WaitGroup
	for i := range got {
		group.Go(func() {
			ids := []string{one, other}
			got[i] = officer.post("/v1/people/"+ids[i%2]+"/merge", object{"into": ids[(i+1)%2]}).status
		})
	}
	group.Wait()
	slices.Sort(got)
	if !slices.Equal(got, []int{201, 409, 409, 409, 409, 409, 409, 409}) {
		t.Errorf("merges at once: %v", got)
	}
	if n := s.count("SELECT count(*) FROM people WHERE merged_into IS NOT NULL"); n != 1 {
		t.Errorf("%d records are merged", n)
	}
}
