package server_test

import (
	"net/http"
	"slices"
	"testing"
)

// waiting is the referral that waits in a merged record.
func (c caller) waiting(merged string) string {
	c.s.t.Helper()
	for _, item := range items(c.get("/v1/referrals").want(http.StatusOK)) {
		if r := item.(object); r["personId"] == merged && r["state"] == "Open" {
			return r["id"].(string)
		}
	}
	c.s.t.Fatal("no referral waits in the record")
	return ""
}

// Who is sent on stays in the record of the first referral.
func TestMergedRecordsReferralIsSentOn(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	atNorth, atSouth := s.as("practitioner", "north"), s.as("practitioner", "south")
	canonical, merged := s.merged()
	sent := atSouth.sendOn(atSouth.waiting(merged), "north")
	if r := atNorth.get("/v1/referrals/" + sent).want(http.StatusOK); r["personId"] != merged {
		t.Errorf("sent on: %v", r)
	}
	if episode := atNorth.post("/v1/referrals/"+sent+"/acceptance", nil).want(http.StatusCreated); episode["personId"] != merged {
		t.Errorf("accepted: %v", episode)
	}
	// What begins anew begins in the canonical record as ever.
	body := referral("south", nil)
	delete(body, "person")
	body["personId"] = merged
	if r := atSouth.post("/v1/referrals", body).want(http.StatusCreated); r["personId"] != canonical {
		t.Errorf("a new referral: %v", r)
	}
}

// Referrals of one person are duplicates, whichever of their records they stand in; and so do duties and support count.
func TestMergedRecordsReferralIsADuplicate(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	atNorth, atSouth := s.as("practitioner", "north"), s.as("practitioner", "south")
	stranger := atSouth.refer("south", person("9990000026", "Stranger"))
	canonical, merged := s.merged()
	waiting, other := atSouth.waiting(merged), atNorth.waiting(canonical)
	refused := atSouth.end(waiting, object{"kind": "Duplicate", "duplicateOf": stranger["id"]}).refused(http.StatusUnprocessableEntity, "outcome-incomplete")
	if !slices.Equal(missing(refused), []string{"duplicate"}) {
		t.Errorf("another person's referral: %v", missing(refused))
	}
	s.byOwner("INSERT INTO legal_duties (id, person_id, kind, recorded_by) VALUES (gen_random_uuid(), $1, 'Section117Aftercare', 'x')", canonical)
	refused = atSouth.end(waiting, object{"kind": "PersonChose", "choice": choice()}).refused(http.StatusUnprocessableEntity, "outcome-incomplete")
	if !slices.Equal(missing(refused), []string{"acceptance"}) {
		t.Errorf("a choice under a duty: %v", missing(refused))
	}
	app := s.app("test-subject", "south")
	if _, err := app.Exec(t.Context(), "INSERT INTO referral_outcomes (referral_id, kind, told_how, capacity, recorded_by) VALUES ($1, 'PersonChose', 'x', 'HasCapacity', 'test-subject')", waiting); code(err) != "CM030" {
		t.Errorf("a choice under a duty in another record, in SQL: %v", err)
	}
	if _, err := app.Exec(t.Context(), "INSERT INTO referral_outcomes (referral_id, kind, duplicate_of, recorded_by) VALUES ($1, 'Duplicate', $2, 'test-subject')", waiting, stranger["id"]); code(err) != "CM030" {
		t.Errorf("a stranger's referral, in SQL: %v", err)
	}
	if r := atSouth.end(waiting, object{"kind": "Duplicate", "duplicateOf": other}).want(http.StatusCreated); r["state"] != "Duplicate" {
		t.Errorf("the duplicate: %v", r)
	}
}

// Who comes back comes back to any episode of theirs; the new spell begins in the canonical record.
func TestReEntryToAMergedRecordsEpisode(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	atSouth := s.as("practitioner", "south")
	canonical := s.as("practitioner", "north").refer("north", person("9990000018", "Example"))["personId"].(string)
	earlier := atSouth.closed("south", person("9990000018", "Somebody"), 30)
	s.merge(earlier["personId"].(string), canonical).want(http.StatusCreated)
	for _, id := range []any{canonical, earlier["personId"]} {
		back := object{"personId": id, "service": "south", "reason": "x", "receivedOn": day(0)}
		got := atSouth.post("/v1/re-entries", back).want(http.StatusCreated)
		if want := map[any]string{canonical: "Reentered"}[id]; want != "" && got["outcome"] != want {
			t.Errorf("came back: %v", got)
		}
		episode := atSouth.get("/v1/episodes/" + got["episodeId"].(string)).want(http.StatusOK)
		if episode["personId"] != canonical || episode["previousEpisodeId"] != earlier["id"] {
			t.Errorf("the new spell: %v", episode)
		}
	}
}
