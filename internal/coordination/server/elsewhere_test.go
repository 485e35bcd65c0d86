package server_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/google/uuid"
)

// put changes what belongs to an episode, as the caller has just read it.
func (c caller) put(episode any, part string, body object) answer {
	c.s.t.Helper()
	path := "/v1/episodes/" + episode.(string)
	return c.do(http.MethodPut, path+part, body, "If-Match", c.get(path).header.Get("ETag"))
}

func (s *system) ids(c caller, path string) []string {
	s.t.Helper()
	found := []string{}
	for _, item := range c.get(path).want(http.StatusOK)["items"].([]any) {
		id, ok := item.(object)["id"].(string)
		if !ok {
			id = item.(object)["episodeId"].(string)
		}
		found = append(found, id)
	}
	return found
}

func TestElsewhereKeepsTheEpisodeOpen(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	who := person("9990000018", "Example")
	episode := north.accepted("north", who)
	other := north.accepted("north", person("9990000026", "Other"))
	id := episode["id"].(string)
	path := "/v1/episodes/" + id
	prison := object{"place": "Prison", "heldBy": "Mental health in-reach team", "organisation": "HMP Example", "since": day(-3), "expectedReturn": day(60)}
	north.do(http.MethodPut, path+"/elsewhere", prison).refused(http.StatusPreconditionRequired, "precondition-required")
	north.do(http.MethodPut, path+"/elsewhere", prison, "If-Match", `W/"9999"`).refused(http.StatusPreconditionFailed, "precondition-failed")
	south.do(http.MethodPut, path+"/elsewhere", prison, "If-Match", `W/"1"`).refused(http.StatusNotFound, "not-found")
	south.refer("south", who)
	south.put(id, "/elsewhere", prison).refused(http.StatusForbidden, "not-your-service")
	before := north.get(path).header.Get("ETag")
	a := north.put(id, "/elsewhere", prison)
	if got := a.want(http.StatusOK); got["state"] != "Elsewhere" || got["elsewhere"].(object)["heldBy"] != "Mental health in-reach team" {
		t.Fatalf("in prison: %v", got)
	}
	if tag := a.header.Get("ETag"); tag == before || tag != north.get(path).header.Get("ETag") {
		t.Errorf("ETag %s, then %s", before, tag)
	}
	for filter, want := range map[string][]string{"Elsewhere": {id}, "Open": {other["id"].(string)}, "Closed": {}} {
		if got := s.ids(north, "/v1/episodes?state="+filter); !slices.Equal(got, want) {
			t.Errorf("state=%s: %v, want %v", filter, got, want)
		}
	}
	if n := s.count("SELECT open_episodes FROM at_a_glance($1, $1)", day(0)); n != 2 {
		t.Errorf("%d people are supported, want 2: one of them is in prison", n)
	}
	prison["heldBy"] = "Another team"
	north.put(id, "/elsewhere", prison).want(http.StatusOK)
	hospital := object{"place": "Hospital", "heldBy": "Ward 3", "organisation": "Example Hospital", "since": day(-1)}
	if got := north.put(id, "/elsewhere", hospital).want(http.StatusOK)["elsewhere"].(object); got["place"] != "Hospital" || got["expectedReturn"] != nil {
		t.Errorf("moved on: %v", got)
	}
	if n := s.count("SELECT count(*) FROM stays_elsewhere WHERE until IS NULL OR (held_by_name = 'Another team' AND until = $1::date)", day(-1)); n != 2 {
		t.Errorf("%d stays, want the one in prison until the one in hospital", n)
	}
	app := s.app("test-subject", "north")
	const begin = `INSERT INTO stays_elsewhere (id, episode_id, person_id, place, held_by_name, held_by_organisation, since, recorded_by)
		VALUES (gen_random_uuid(), $1, $2, 'Abroad', 'x', 'x', $3::date, 'test-subject')`
	if _, err := app.Exec(t.Context(), begin, id, episode["personId"], day(0)); code(err) != "23505" {
		t.Errorf("in two places at once: %v", err)
	}
	if _, err := app.Exec(t.Context(), "UPDATE stays_elsewhere SET until = $1::date, ended_by = 'test-subject' WHERE until IS NULL", day(1)); code(err) != "CM043" {
		t.Errorf("a return in the future: %v", err)
	}
	north.post(path+"/return", object{"on": day(-2)}).refused(http.StatusUnprocessableEntity, "invalid-request")
	north.post(path+"/return", object{"on": day(1)}).refused(http.StatusUnprocessableEntity, "invalid-request")
	if back := north.post(path+"/return", object{"on": day(0)}).want(http.StatusCreated); back["state"] != "Open" || back["elsewhere"] != nil {
		t.Errorf("back: %v", back)
	}
	north.post(path+"/return", object{"on": day(0)}).refused(http.StatusConflict, "state-conflict")
	hospital["since"] = day(-2)
	north.put(id, "/elsewhere", hospital).refused(http.StatusUnprocessableEntity, "invalid-request")
	if _, err := app.Exec(t.Context(), begin, id, episode["personId"], day(-2)); code(err) != "CM043" {
		t.Errorf("a stay within another: %v", err)
	}
	// A closure, here because the person stays away for good, ends the stay too.
	north.put(id, "/elsewhere", object{"place": "Abroad", "heldBy": "Family doctor", "organisation": "Example Practice", "since": day(0)}).want(http.StatusOK)
	closed := north.post(path+"/closure", object{"reason": "MovedAway", "returnPlan": returnPlan(), "acceptance": acceptance()}).want(http.StatusCreated)
	if closed["state"] != "Closed" || closed["elsewhere"] != nil || closed["closure"].(object)["nationalClosureCode"] != "03" {
		t.Errorf("closed: %v", closed)
	}
	north.put(id, "/elsewhere", hospital).refused(http.StatusConflict, "state-conflict")
	if _, err := app.Exec(t.Context(), begin, id, episode["personId"], day(0)); code(err) != "CM003" {
		t.Errorf("elsewhere after the closure: %v", err)
	}
}

// Choice alone closes nothing while any legal duty is open, or where capacity is lacking.
func TestChoiceAloneNeverSuffices(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	episode := north.accepted("north", person("9990000018", "Example"))
	path := "/v1/episodes/" + episode["id"].(string) + "/closure"
	duties := "/v1/people/" + episode["personId"].(string) + "/legal-duties"
	chosen := object{"reason": "PersonChose", "returnPlan": returnPlan(), "choice": choice()}
	for _, duty := range []string{"Section117Aftercare", "CommunityTreatmentOrder", "ConditionalDischarge"} {
		north.do(http.MethodPut, duties, object{"open": []string{duty}}).want(http.StatusOK)
		for _, reason := range []string{"PersonChose", "SupportComplete", "SupportElsewhere"} {
			chosen["reason"] = reason
			if got := missing(north.post(path, chosen).refused(http.StatusUnprocessableEntity, "closure-incomplete")); !slices.Equal(got, []string{"acceptance"}) {
				t.Errorf("%s under %s lacks %v", reason, duty, got)
			}
		}
	}
	north.do(http.MethodPut, duties, object{"open": []string{}}).want(http.StatusOK)
	lacking := object{"reason": "PersonChose", "returnPlan": returnPlan(), "choice": object{"toldHow": "Face to face", "capacity": "LacksCapacity"}}
	if got := missing(north.post(path, lacking).refused(http.StatusUnprocessableEntity, "closure-incomplete")); !slices.Equal(got, []string{"acceptance"}) {
		t.Errorf("where capacity is lacking: %v", got)
	}
	if n := s.count("SELECT count(*) FROM closures"); n != 0 {
		t.Errorf("%d closures", n)
	}
	// Acceptance closes under a duty, and the national code goes out with it.
	north.do(http.MethodPut, duties, object{"open": []string{"Section117Aftercare"}}).want(http.StatusOK)
	closed := north.post(path, object{"reason": "SupportElsewhere", "returnPlan": returnPlan(), "acceptance": acceptance()}).want(http.StatusCreated)
	if closed["closure"].(object)["nationalClosureCode"] != "08" {
		t.Errorf("closed: %v", closed)
	}
}

func TestElsewhereBadInput(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	id := north.accepted("north", person("9990000018", "Example"))["id"]
	const secret = "Unmistakable9434765919"
	with := func(field string, value any) object {
		body := object{"place": "Prison", "heldBy": "Team", "organisation": "HMP Example", "since": day(0)}
		body[field] = value
		return body
	}
	north.badInput(t, map[string]badInput{
		"unknown place":           {with("place", secret), "body.place"},
		"nobody holds":            {with("heldBy", "  "), "body.heldBy"},
		"no organisation":         {with("organisation", ""), "body.organisation"},
		"no such day":             {with("since", "2026-02-30"), "body.since"},
		"tomorrow":                {with("since", day(1)), "body.since"},
		"back before it began":    {with("expectedReturn", day(-1)), "body.expectedReturn"},
		"unknown field":           {with("madeUp", secret), "body.…"},
		"wrong type":              {with("heldBy", 9434765919), "body.heldBy"},
		"year 0":                  {with("since", "0000-01-01"), "body.since"},
		"day of return is no day": {with("expectedReturn", secret), "body.expectedReturn"},
	}, secret, func(body any) answer { return north.put(id, "/elsewhere", body.(object)) })
	if n := s.count("SELECT count(*) FROM stays_elsewhere"); n != 0 {
		t.Errorf("%d stays after refused requests", n)
	}
	north.do(http.MethodPut, "/v1/episodes/"+uuid.NewString()+"/elsewhere", with("place", "Prison"), "If-Match", `W/"1"`).refused(http.StatusNotFound, "not-found")
}
