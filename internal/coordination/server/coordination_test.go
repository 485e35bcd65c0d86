package server_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// badInput is a request that must be refused, and the field that the answer names.
type badInput struct {
	body     any
	location string
}

func (c caller) badInput(t *testing.T, cases map[string]badInput, secret string, send func(body any) answer) {
	t.Helper()
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			a := send(test.body)
			body := a.refused(http.StatusUnprocessableEntity, "invalid-request")
			if strings.Contains(a.raw, secret) {
				t.Errorf("the answer repeats the value: %s", a.raw)
			}
			fields, _ := body["errors"].([]any)
			if len(fields) == 0 || fields[0].(object)["location"] != test.location {
				t.Errorf("errors %v, want one at %s", fields, test.location)
			}
		})
	}
}

func keyWorker(subject string) object {
	return object{"subject": subject, "name": "Kim Example", "role": "Nurse", "since": day(0)}
}

func level(name string) object {
	return object{"level": name, "complexity": "Two interventions", "whatMatters": "Sleep and the choir", "carersViews": "Her sister wants to be called", "professionalJudgement": "A team is needed"}
}

// fillCoordination leaves a row in each table of coordination, handovers and safety checks.
func (c caller) fillCoordination(episode object) {
	c.s.t.Helper()
	id := episode["id"]
	c.put(id, "/key-worker", keyWorker("kim")).want(http.StatusOK)
	c.put(id, "/team", object{"members": []object{{"name": "Bo", "role": "Psychiatrist", "organisation": "Test Trust"}}}).want(http.StatusOK)
	c.put(id, "/level", level("Team")).want(http.StatusOK)
	c.put(id, "/elsewhere", object{"place": "Hospital", "heldBy": "Ward 3", "organisation": "Example Hospital", "since": day(0)}).want(http.StatusOK)
	c.post(c.offer(id, to("south", handover("Up", "Routine")))+"/withdrawal", nil).want(http.StatusCreated)
	c.post("/v1/episodes/"+id.(string)+"/safety-check", object{"risk": "x", "medicines": "x", "address": "x", "safeguarding": "x", "checkedOn": day(0)}).want(http.StatusCreated)
}

func TestEveryoneHasOneKeyWorker(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	who := person("9990000018", "Example")
	episode := north.accepted("north", who)
	id := episode["id"].(string)
	path := "/v1/episodes/" + id
	if episode["keyWorkerDueOn"] != day(14) {
		t.Errorf("a key worker is due on %v, want %s", episode["keyWorkerDueOn"], day(14))
	}
	lists := func(want, overdue []string) {
		t.Helper()
		if got := s.ids(north, "/v1/episodes?keyWorker=None"); !slices.Equal(got, want) {
			t.Errorf("without a key worker: %v, want %v", got, want)
		}
		if got := s.ids(north, "/v1/episodes?keyWorker=Overdue"); !slices.Equal(got, overdue) {
			t.Errorf("too long without a key worker: %v, want %v", got, overdue)
		}
	}
	lists([]string{id}, []string{})
	if _, err := s.owner().Exec(t.Context(), "UPDATE episodes SET key_worker_due_on = $1::date", day(-1)); err != nil {
		t.Fatal(err)
	}
	lists([]string{id}, []string{id})
	north.do(http.MethodPut, path+"/key-worker", keyWorker("kim")).refused(http.StatusPreconditionRequired, "precondition-required")
	stale := north.get(path).header.Get("ETag")
	south.refer("south", who)
	south.put(id, "/key-worker", keyWorker("kim")).refused(http.StatusForbidden, "not-your-service")
	a := north.put(id, "/key-worker", keyWorker("kim"))
	if got := a.want(http.StatusOK); got["keyWorker"].(object)["subject"] != "kim" || got["keyWorkerDueOn"] != nil || a.header.Get("ETag") == stale {
		t.Errorf("key worker: %v, %s", got, a.header.Get("ETag"))
	}
	lists([]string{}, []string{})
	north.do(http.MethodPut, path+"/key-worker", keyWorker("lou"), "If-Match", stale).refused(http.StatusPreconditionFailed, "precondition-failed")
	second := north.put(id, "/key-worker", keyWorker("lou")).want(http.StatusOK)
	if past := second["pastKeyWorkers"].([]any); second["keyWorker"].(object)["subject"] != "lou" || len(past) != 1 || past[0].(object)["subject"] != "kim" || past[0].(object)["until"] != day(0) {
		t.Errorf("after a change: %v", second)
	}
	if read := north.get(path).want(http.StatusOK); read["keyWorker"].(object)["subject"] != "lou" {
		t.Errorf("the episode: %v", read)
	}
	// Those who name one at the same time, having read the same, do not overwrite each other.
	tag := north.get(path).header.Get("ETag")
	statuses := make([]int, 4)
	var group sync.WaitGroup
	for i := range statuses {
		group.Go(func() {
			statuses[i] = north.do(http.MethodPut, path+"/key-worker", keyWorker("at-once"), "If-Match", tag).status
		})
	}
	group.Wait()
	if slices.Sort(statuses); !slices.Equal(statuses, []int{200, 412, 412, 412}) {
		t.Errorf("four at once: %v", statuses)
	}
	north.post(path+"/closure", object{"reason": "SupportElsewhere", "returnPlan": returnPlan(), "acceptance": acceptance()}).want(http.StatusCreated)
	if n := s.count("SELECT count(*) FROM key_workers WHERE until IS NULL"); n != 0 {
		t.Errorf("%d key workers of a closed episode", n)
	}
	north.put(id, "/key-worker", keyWorker("kim")).refused(http.StatusConflict, "state-conflict")
}

// As far as is known where somebody works, a key worker works for the responsible service.
func TestKeyWorkerWorksForTheService(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	id := north.accepted("north", person("9990000018", "Example"))["id"]
	lou := func(services ...string) caller {
		return s.with(object{"sub": "lou", "roles": []string{"practitioner"}, "services": services})
	}
	lou("south").accepted("south", person("9990000026", "Other"))
	body := north.put(id, "/key-worker", keyWorker("lou")).refused(http.StatusUnprocessableEntity, "invalid-request")
	if location := body["errors"].([]any)[0].(object)["location"]; location != "body.subject" {
		t.Errorf("errors: %v", body)
	}
	const insert = `INSERT INTO key_workers (id, episode_id, person_id, subject, name, role, since, recorded_by)
		SELECT gen_random_uuid(), id, person_id, 'lou', 'x', 'x', $2::date, 'test-subject' FROM episodes WHERE id = $1`
	if _, err := s.app("test-subject", "north").Exec(t.Context(), insert, id, day(0)); code(err) != "CM044" {
		t.Errorf("in SQL: %v", err)
	}
	// Who has moved to the service says so by naming themselves, and is known there from then on.
	lou("north").put(id, "/key-worker", keyWorker("lou")).want(http.StatusOK)
	other := north.accepted("north", person("9990000034", "Third"))["id"]
	north.put(other, "/key-worker", keyWorker("lou")).want(http.StatusOK)
}

func TestTeam(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	id := north.accepted("north", person("9990000018", "Example"))["id"]
	names := func(body object) (found []string) {
		for _, member := range body["team"].([]any) {
			found = append(found, member.(object)["name"].(string))
		}
		return found
	}
	peer := object{"name": "Ash", "role": "Peer support worker", "organisation": "Example Charity"}
	doctor := object{"subject": "dr", "name": "Bo", "role": "Psychiatrist", "organisation": "Test Trust"}
	link := object{"name": "Cy", "role": "Link worker", "organisation": "Example Surgery"}
	if got := names(north.put(id, "/team", object{"members": []object{peer, doctor}}).want(http.StatusOK)); !slices.Equal(got, []string{"Ash", "Bo"}) {
		t.Errorf("team: %v", got)
	}
	if got := names(north.put(id, "/team", object{"members": []object{doctor, link}}).want(http.StatusOK)); !slices.Equal(got, []string{"Bo", "Cy"}) {
		t.Errorf("team after a change: %v", got)
	}
	if n := s.count("SELECT count(*) FROM team_members WHERE name = 'Ash' AND until = $1::date", day(0)); n != 1 {
		t.Error("who left the team is not in its history")
	}
	if n := s.count("SELECT count(*) FROM team_members"); n != 3 {
		t.Errorf("%d rows, want 3: who stays is not written again", n)
	}
	north.put(id, "/team", object{"members": []object{link, link}}).refused(http.StatusUnprocessableEntity, "invalid-request")
	if got := names(north.put(id, "/team", object{"members": []object{}}).want(http.StatusOK)); len(got) != 0 {
		t.Errorf("nobody: %v", got)
	}
}

func TestLevelHasFourReasonsAndIsNoFlag(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	episode := north.accepted("north", person("9990000018", "Example"))
	id := episode["id"]
	if got := north.put(id, "/level", level("A word of our own")).want(http.StatusOK)["level"].(object); got["level"] != "A word of our own" || got["decidedOn"] != day(0) {
		t.Errorf("level: %v", got)
	}
	d := testDirectory(2)
	for i := range d.Services {
		if d.Services[i].Name == "north" {
			d.Services[i].CoordinationLevels = []string{"Brief", "Team"}
		}
	}
	s.putDirectory(d).want(http.StatusOK)
	body := north.put(id, "/level", level("A word of our own")).refused(http.StatusUnprocessableEntity, "invalid-request")
	if message := body["errors"].([]any)[0].(object)["message"].(string); !strings.Contains(message, "Brief, Team") {
		t.Errorf("the answer does not name the levels: %v", body)
	}
	got := north.put(id, "/level", level("Team")).want(http.StatusOK)
	if past := got["pastLevels"].([]any); got["level"].(object)["level"] != "Team" || len(past) != 1 || past[0].(object)["level"] != "A word of our own" {
		t.Errorf("levels: %v", got)
	}
	app := s.app("test-subject", "north")
	const insert = `INSERT INTO coordination_levels (id, episode_id, person_id, level, complexity, what_matters, carers_views, professional_judgement, recorded_by)
		VALUES (gen_random_uuid(), $1, $2, $3, 'x', $4, 'x', 'x', 'test-subject')`
	for name, test := range map[string]struct{ level, matters, want string }{
		"none of the service's": {"Other", "x", "CM045"}, "a reason is missing": {"Team", " ", "23514"},
	} {
		if _, err := app.Exec(t.Context(), insert, id, episode["personId"], test.level, test.matters); code(err) != test.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.putDirectory(testDirectory(3)).want(http.StatusOK)
	for _, flag := range []string{"CPA", "non-CPA", "Care Programme Approach", "On cpa"} {
		north.put(id, "/level", level(flag)).refused(http.StatusUnprocessableEntity, "invalid-request")
		if _, err := app.Exec(t.Context(), insert, id, episode["personId"], flag, "x"); code(err) != "23514" {
			t.Errorf("%s in SQL: %v", flag, err)
		}
	}
	north.put(id, "/level", level("Capacity building")).want(http.StatusOK)
}

func TestCoordinationBadInput(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	id := north.accepted("north", person("9990000018", "Example"))["id"]
	const secret = "Unmistakable9434765919"
	with := func(body object, field string, value any) object {
		if value == nil {
			delete(body, field)
		} else {
			body[field] = value
		}
		return body
	}
	north.badInput(t, map[string]badInput{
		"no subject":         {with(keyWorker("x"), "subject", " "), "body.subject"},
		"no role":            {with(keyWorker("x"), "role", nil), "body"},
		"long name":          {with(keyWorker("x"), "name", strings.Repeat(secret, 20)), "body.name"},
		"since tomorrow":     {with(keyWorker("x"), "since", day(1)), "body.since"},
		"before the episode": {with(keyWorker("x"), "since", day(-1)), "body.since"},
		"unknown field":      {with(keyWorker("x"), secret, "x"), "body.…"},
	}, secret, func(body any) answer { return north.put(id, "/key-worker", body.(object)) })
	cases := map[string]badInput{"CPA flag": {level("CPA"), "body.level"}, "unknown field": {with(level("x"), "cpa", true), "body.…"}}
	for _, reason := range []string{"complexity", "whatMatters", "carersViews", "professionalJudgement"} {
		cases["without "+reason] = badInput{with(level("x"), reason, nil), "body"}
		cases["blank "+reason] = badInput{with(level("x"), reason, "  "), "body." + reason}
	}
	north.badInput(t, cases, secret, func(body any) answer { return north.put(id, "/level", body.(object)) })
	north.badInput(t, map[string]badInput{
		"no list":       {object{}, "body"},
		"a nameless":    {object{"members": []object{{"name": " ", "role": "x", "organisation": "x"}}}, "body.members[0].name"},
		"twice":         {object{"members": []object{{"name": "a", "role": "x", "organisation": "x"}, {"name": "a", "role": "x", "organisation": "x"}}}, "body.members[1]"},
		"unknown field": {object{"members": []object{{"name": "a", "role": "x", "organisation": "x", secret: "x"}}}, "body.members[0].…"},
	}, secret, func(body any) answer { return north.put(id, "/team", body.(object)) })
	if n := s.count("SELECT (SELECT count(*) FROM key_workers) + (SELECT count(*) FROM coordination_levels) + (SELECT count(*) FROM team_members)"); n != 0 {
		t.Errorf("refused requests left %d rows", n)
	}
}

func TestAppRoleCannotBreakCoordination(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	asNorth := s.as("practitioner", "north")
	episode := asNorth.accepted("north", person("9990000018", "Example"))
	hidden := s.as("practitioner", "south").accepted("south", person("9990000026", "Hidden"))
	plain := asNorth.accepted("north", person("9990000034", "Third"))
	asNorth.put(episode["id"], "/key-worker", keyWorker("kim")).want(http.StatusOK)
	app := s.app("test-subject", "north")
	const insert = "INSERT INTO key_workers (id, episode_id, person_id, subject, name, role, since, recorded_by) VALUES (gen_random_uuid(), $1, $2, 'x', 'x', 'x', current_date, $3)"
	for name, test := range map[string]struct {
		sql  string
		args []any
		want string
	}{
		"a second key worker":      {insert, []any{episode["id"], episode["personId"], "test-subject"}, "23505"},
		"of another's episode":     {insert, []any{hidden["id"], hidden["personId"], "test-subject"}, "42501"},
		"for another person":       {insert, []any{plain["id"], hidden["personId"], "test-subject"}, "23503"},
		"in another's name":        {insert, []any{episode["id"], episode["personId"], "somebody"}, "42501"},
		"rewrite a key worker":     {"UPDATE key_workers SET subject = 'x'", nil, "42501"},
		"end in another's name":    {"UPDATE key_workers SET until = current_date, ended_by = 'somebody'", nil, "42501"},
		"end before the start":     {"UPDATE key_workers SET until = current_date - 9, ended_by = 'test-subject'", nil, "23514"},
		"delete the history":       {"DELETE FROM key_workers", nil, "42501"},
		"rewrite a level":          {"UPDATE coordination_levels SET level = 'x'", nil, "42501"},
		"shift when one is due":    {"UPDATE episodes SET key_worker_due_on = current_date + 99", nil, "42501"},
		"say who works where":      {"INSERT INTO staff_sightings VALUES ('x', $1, current_date)", []any{north}, "42501"},
		"read who works where":     {"SELECT * FROM staff_sightings", nil, "42501"},
		"an episode after another": {"INSERT INTO episodes (id, person_id, responsible_service_id, opened_by, previous_episode_id) VALUES (gen_random_uuid(), $1, $2, 'test-subject', $3)", []any{episode["personId"], north, episode["id"]}, "42501"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := app.Exec(t.Context(), test.sql, test.args...); code(err) != test.want {
				t.Fatalf("got %v, want code %s", err, test.want)
			}
		})
	}
}
