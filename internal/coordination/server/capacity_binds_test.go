package server_test

import (
	"net/http"
	"slices"
	"testing"
)

// assessed is an assessment about a kind of decision.
func assessed(about, outcome, on string) object {
	body := assessment(outcome)
	body["about"], body["assessedOn"] = about, on
	return body
}

// A choice to end support does not count while the latest assessment about it found no capacity (rule 4).
func TestLackOfCapacityBindsAClosure(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	episode := north.accepted("north", person("9990000018", "Example"))
	path, closure := "/v1/people/"+episode["personId"].(string)+"/capacity-assessments", "/v1/episodes/"+episode["id"].(string)+"/closure"
	byChoice := object{"reason": "PersonChose", "returnPlan": returnPlan(), "choice": choice()}
	app := s.app("test-subject", "north")
	if _, err := app.Exec(t.Context(), "INSERT INTO return_plans (episode_id, summary, how_to_return, valid_until, recorded_by) VALUES ($1, 'x', 'x', current_date + 365, 'test-subject')", episode["id"]); err != nil {
		t.Fatal(err)
	}
	inSQL := func(want string) {
		t.Helper()
		tx, err := app.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback(t.Context()) //nolint:errcheck // only what the statement answers counts
		if _, err := tx.Exec(t.Context(), "INSERT INTO closures (episode_id, recorded_by, reason, basis, told_how, capacity) VALUES ($1, 'test-subject', 'PersonChose', 'Choice', 'x', 'HasCapacity')", episode["id"]); code(err) != want {
			t.Errorf("in SQL: %v, want code %q", err, want)
		}
	}
	inSQL("")
	north.post(path, assessed("Money", "LacksCapacity", day(0))).want(http.StatusCreated) // about something else
	inSQL("")
	lacks := items(north.post(path, assessed("Closure", "LacksCapacity", day(-1))).want(http.StatusCreated))
	inSQL("CM004")
	refused := north.post(closure, byChoice).refused(http.StatusUnprocessableEntity, "closure-incomplete")
	if !slices.Equal(missing(refused), []string{"capacity"}) || at(refused) != "body.choice.capacity" {
		t.Errorf("missing %v at %v", missing(refused), at(refused))
	}
	if n := s.count("SELECT count(*) FROM closure_refusals WHERE missing = 'capacity'"); n != 1 {
		t.Errorf("%d refusals are on record", n)
	}
	// An assessment that was made earlier does not supersede it; one that was made later does, and one entered in error never bound.
	north.post(path, assessed("Closure", "HasCapacity", day(-2))).want(http.StatusCreated)
	inSQL("CM004")
	later := items(north.post(path, assessed("Closure", "HasCapacity", day(0))).want(http.StatusCreated))
	inSQL("")
	mark := func(list []any, outcome, on string) {
		t.Helper()
		for _, item := range list {
			if a := item.(object); a["about"] == "Closure" && a["outcome"] == outcome && a["assessedOn"] == on {
				north.post("/v1/capacity-assessments/"+a["id"].(string)+"/entered-in-error", nil).want(http.StatusOK)
			}
		}
	}
	mark(later, "HasCapacity", day(0))
	inSQL("CM004")
	mark(lacks, "LacksCapacity", day(-1))
	inSQL("")
}

// Nor does a choice not to begin.
func TestLackOfCapacityBindsAReferral(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	r := north.refer("north", person("9990000018", "Example"))
	path := "/v1/people/" + r["personId"].(string) + "/capacity-assessments"
	north.post(path, assessed("Closure", "LacksCapacity", day(0))).want(http.StatusCreated)
	refused := north.end(r["id"], object{"kind": "PersonChose", "choice": choice()}).refused(http.StatusUnprocessableEntity, "outcome-incomplete")
	if !slices.Equal(missing(refused), []string{"capacity"}) {
		t.Errorf("missing %v", missing(refused))
	}
	app := s.app("test-subject", "north")
	const end = "INSERT INTO referral_outcomes (referral_id, kind, told_how, capacity, recorded_by) VALUES ($1, 'PersonChose', 'x', 'HasCapacity', 'test-subject')"
	if _, err := app.Exec(t.Context(), end, r["id"]); code(err) != "CM030" {
		t.Errorf("in SQL: %v", err)
	}
	north.post(path, assessed("Closure", "HasCapacity", day(0))).want(http.StatusCreated)
	north.end(r["id"], object{"kind": "PersonChose", "choice": choice()}).want(http.StatusCreated)
}

// Nor does the person's agreement to a plan (rule 7); it counts in every record of the person.
func TestLackOfCapacityBindsAPlan(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	episode := north.accepted("north", person("9990000018", "Example"))
	merged := south.accepted("south", person("9990000018", "Somebody"))["personId"].(string)
	south.post("/v1/people/"+merged+"/capacity-assessments", assessed("CarePlan", "LacksCapacity", day(0))).want(http.StatusCreated)
	plan, path, etag := north.drafted(episode, draft())
	app := s.app("test-subject", "north")
	inSQL := func(want, agreement, grounds string) {
		t.Helper()
		tx, err := app.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback(t.Context()) //nolint:errcheck // only what the statement answers counts
		if _, err := tx.Exec(t.Context(), "UPDATE plans SET state = 'InForce', in_force_from = current_date, changed_by = 'test-subject', agreement = '"+agreement+"', "+grounds+" WHERE id = $1", plan["id"]); code(err) != want {
			t.Errorf("%s in SQL: %v, want code %q", agreement, err, want)
		}
	}
	inSQL("", "Person", "capacity = 'HasCapacity'") // the assessment is another person's, as far as anybody knows
	s.merge(merged, episode["personId"].(string)).want(http.StatusCreated)
	inSQL("CM052", "Person", "capacity = 'HasCapacity'")
	inSQL("CM052", "NotAgreed", "capacity = 'HasCapacity', why_not = 'x'")
	inSQL("", "BestInterests", "capacity = 'LacksCapacity', best_interests = 'x'")
	refused := north.post(path+"/agreement", agreement(), "If-Match", etag).refused(http.StatusUnprocessableEntity, "plan-incomplete")
	if !slices.Equal(missing(refused), []string{"capacity"}) || at(refused) != "body.capacity" {
		t.Errorf("missing %v at %v", missing(refused), at(refused))
	}
	if got := items(north.get("/v1/people/" + episode["personId"].(string) + "/capacity-assessments").want(http.StatusOK)); len(got) != 1 {
		t.Errorf("the assessments of the person: %v", got)
	}
	north.post(path+"/agreement", object{"by": "BestInterests", "on": day(0), "capacity": "LacksCapacity", "bestInterests": "What she has always wished"}, "If-Match", etag).want(http.StatusOK)
}
