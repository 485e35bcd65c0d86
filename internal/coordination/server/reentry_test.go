package server_test

import (
	"net/http"
	"slices"
	"testing"
)

func reEntry(service string, who object) object {
	return object{"person": who, "service": service, "reason": "It has come back", "receivedOn": day(0)}
}

// closed refers, accepts and closes, and lets the return plan end so many days from today.
func (c caller) closed(service string, who object, validUntil int) object {
	c.s.t.Helper()
	episode := c.accepted(service, who)
	c.post("/v1/episodes/"+episode["id"].(string)+"/closure", object{"reason": "SupportComplete", "returnPlan": returnPlan(), "acceptance": acceptance()}).want(http.StatusCreated)
	if _, err := c.s.owner().Exec(c.s.t.Context(), "UPDATE return_plans SET valid_until = $2::date WHERE episode_id = $1", episode["id"], day(validUntil)); err != nil {
		c.s.t.Fatal(err)
	}
	return episode
}

func TestReEntryStartsANewSpell(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	who := person("9990000018", "Example")
	earlier := north.closed("north", who, 30)
	body := reEntry("north", nil)
	delete(body, "person")
	body["personId"] = earlier["personId"]
	back := north.post("/v1/re-entries", body, "Idempotency-Key", "back").want(http.StatusCreated)
	if again := north.post("/v1/re-entries", body, "Idempotency-Key", "back").want(http.StatusCreated); again["episodeId"] != back["episodeId"] {
		t.Errorf("the same request again: %v", again)
	}
	if back["outcome"] != "Reentered" || back["personId"] != earlier["personId"] {
		t.Fatalf("came back: %v", back)
	}
	id := back["episodeId"].(string)
	path := "/v1/episodes/" + id
	episode := north.get(path).want(http.StatusOK)
	if episode["state"] != "Open" || episode["previousEpisodeId"] != earlier["id"] || episode["safetyCheckDueOn"] != day(7) || episode["keyWorkerDueOn"] != day(14) {
		t.Errorf("the new episode: %v", episode)
	}
	r := north.get("/v1/referrals/" + back["referralId"].(string)).want(http.StatusOK)
	if r["state"] != "Accepted" || r["route"] != "Self" || r["episodeId"] != id {
		t.Errorf("the referral of the new spell: %v", r)
	}
	if n := s.count("SELECT count(*) FROM referrals WHERE re_entry AND id = $1", r["id"]); n != 1 {
		t.Error("the referral does not say that it is a re-entry")
	}
	// Somebody who comes back while an episode is open joins it.
	if joined := north.post("/v1/re-entries", body).want(http.StatusCreated); joined["outcome"] != "Joined" || joined["episodeId"] != id {
		t.Errorf("joined: %v", joined)
	}
	// The safety check is due, then done.
	due := func(query string) []string { return s.ids(north, "/v1/safety-checks-due"+query) }
	if got := due(""); !slices.Equal(got, []string{id}) {
		t.Errorf("due: %v", got)
	}
	if got := due("?overdue=true"); len(got) != 0 {
		t.Errorf("overdue: %v", got)
	}
	if _, err := s.owner().Exec(t.Context(), "UPDATE episodes SET safety_check_due_on = $1::date WHERE safety_check_due_on IS NOT NULL", day(-1)); err != nil {
		t.Fatal(err)
	}
	if got := due("?overdue=true"); !slices.Equal(got, []string{id}) {
		t.Errorf("overdue: %v", got)
	}
	check := object{"risk": "As before", "medicines": "None", "address": "Moved to her sister's", "safeguarding": "None known", "checkedOn": day(0)}
	if state := north.get(path + "/safety-check").want(http.StatusOK); state["dueOn"] != day(-1) || state["check"] != nil {
		t.Errorf("before the check: %v", state)
	}
	s.as("practitioner", "south").post(path+"/safety-check", check).refused(http.StatusNotFound, "not-found")
	if state := north.post(path+"/safety-check", check).want(http.StatusCreated); state["dueOn"] != nil || state["check"].(object)["address"] != "Moved to her sister's" {
		t.Errorf("after the check: %v", state)
	}
	if got := due(""); len(got) != 0 {
		t.Errorf("due after the check: %v", got)
	}
	north.get("/v1/safety-checks-due?service=south").refused(http.StatusUnprocessableEntity, "invalid-request")
}

// An expired plan still opens to any service; a valid one opens its service to whoever calls. Whoever does not belong to the service learns
// from the answer neither whether the person was known nor whether anything opened.
func TestWhichDoorsAReturnPlanOpens(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	gp := s.with(object{"roles": []string{"integration"}, "purpose": "direct-care", "sub": "gp-system"})
	expired, valid, known, stranger := person("9990000018", "Expired"), person("9990000026", "Valid"), person("9990000034", "Known"), person("9990000042", "Stranger")
	was := north.closed("north", expired, -1)
	north.closed("north", valid, 30)
	north.refer("north", known)

	back := south.post("/v1/re-entries", reEntry("south", expired)).want(http.StatusCreated)
	if back["outcome"] != "Reentered" || back["personId"] != was["personId"] {
		t.Fatalf("an expired plan at another service: %v", back)
	}
	if episode := south.get("/v1/episodes/" + back["episodeId"].(string)).want(http.StatusOK); episode["responsibleService"] != "south" || episode["previousEpisodeId"] != was["id"] {
		t.Errorf("an expired plan at another service: %v", episode)
	}
	opened := func(who object) bool {
		t.Helper()
		answered := gp.post("/v1/re-entries", reEntry("north", who)).want(http.StatusCreated)
		if answered["outcome"] != nil || answered["episodeId"] != nil {
			t.Errorf("the answer tells what opened: %v", answered)
		}
		return s.count("SELECT count(*) FROM referrals WHERE id = $1 AND state = 'Accepted' AND re_entry", answered["referralId"]) == 1
	}
	if !opened(valid) {
		t.Error("a valid plan did not open its service")
	}
	for name, who := range map[string]object{"expired": expired, "known": known, "stranger": stranger} {
		if opened(who) {
			t.Errorf("%s: a caller outside the service opened an episode", name)
		}
	}
	// For the service itself: who was never here is referred, not turned away.
	if referred := north.post("/v1/re-entries", reEntry("north", known)).want(http.StatusCreated); referred["outcome"] != "Referred" || referred["episodeId"] != nil {
		t.Errorf("no earlier episode: %v", referred)
	}
	if n := s.count("SELECT count(*) FROM referrals WHERE state = 'Open' AND re_entry"); n != 0 {
		t.Errorf("%d referrals that wait say that they are re-entries", n)
	}
}

func TestReEntryAfterADeath(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	who := person("9990000018", "Example")
	north.closed("north", who, 30)
	second := north.accepted("north", who)
	north.post("/v1/episodes/"+second["id"].(string)+"/closure", object{"reason": "Died", "death": object{"on": day(0), "source": "GP"}}).want(http.StatusCreated)
	body := reEntry("north", nil)
	delete(body, "person")
	body["personId"] = second["personId"]
	north.post("/v1/re-entries", body).refused(http.StatusConflict, "person-died")
	// By details: taken like any referral of somebody who died; the service sees why.
	back := north.post("/v1/re-entries", reEntry("north", who)).want(http.StatusCreated)
	if r := north.get("/v1/referrals/" + back["referralId"].(string)).want(http.StatusOK); back["outcome"] != "Referred" || r["state"] != "Died" {
		t.Errorf("back %v, referral %v", back, r)
	}
}

func TestReEntriesAtOnceMakeOneEpisode(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	who := person("9990000018", "Example")
	north.closed("north", who, 30)
	send := func() answer { return north.post("/v1/re-entries", reEntry("north", who)) }
	if got := atOnce(send, send, send, send); !slices.Equal(got, []int{201, 201, 201, 201}) {
		t.Errorf("four at once: %v", got)
	}
	if n := s.count("SELECT count(*) FROM episodes WHERE state = 'Open'"); n != 1 {
		t.Errorf("%d open episodes", n)
	}
}

func TestReEntryBadInput(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	who := person("9990000018", "Example")
	north.closed("north", who, 30)
	before := s.count("SELECT count(*) FROM referrals")
	const secret = "Unmistakable9434765919"
	with := func(field string, value any) object {
		body := reEntry("north", who)
		body[field] = value
		return body
	}
	north.badInput(t, map[string]badInput{
		"unknown service": {with("service", secret), "body.service"},
		"nobody":          {object{"service": "north", "reason": "x", "receivedOn": day(0)}, "body.person"},
		"twice":           {with("personId", "00000000-0000-0000-0000-000000000001"), "body.personId"},
		"not an id":       {with("personId", secret), "body.personId"},
		"blank reason":    {with("reason", " "), "body.reason"},
		"tomorrow":        {with("receivedOn", day(1)), "body.receivedOn"},
		"no such day":     {with("receivedOn", "2026-02-30"), "body.receivedOn"},
		"unknown field":   {with(secret, "x"), "body.…"},
		"wrong number":    {with("person", person("9990000019", "Example")), "body.person.nhsNumber"},
	}, secret, func(body any) answer { return north.post("/v1/re-entries", body) })
	north.post("/v1/re-entries", with("service", "east")).refused(http.StatusConflict, "service-closing")
	if n := s.count("SELECT count(*) FROM referrals"); n != before {
		t.Errorf("refused requests left %d referrals", n-before)
	}
	id := north.post("/v1/re-entries", reEntry("north", who)).want(http.StatusCreated)["episodeId"].(string)
	check := func(field string, value any) object {
		body := object{"risk": "x", "medicines": "x", "address": "x", "safeguarding": "x", "checkedOn": day(0)}
		body[field] = value
		return body
	}
	cases := map[string]badInput{"tomorrow": {check("checkedOn", day(1)), "body.checkedOn"}, "before the episode": {check("checkedOn", day(-1)), "body.checkedOn"}}
	for _, part := range []string{"risk", "medicines", "address", "safeguarding"} {
		cases["blank "+part] = badInput{check(part, " "), "body." + part}
	}
	north.badInput(t, cases, secret, func(body any) answer { return north.post("/v1/episodes/"+id+"/safety-check", body) })
	if n := s.count("SELECT count(*) FROM safety_checks"); n != 0 {
		t.Errorf("refused requests left %d checks", n)
	}
}

func TestAppRoleCannotBreakReEntry(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	asNorth, asSouth := s.as("practitioner", "north"), s.as("practitioner", "south")
	mine := asNorth.closed("north", person("9990000018", "Example"), 30)
	hidden := asSouth.closed("south", person("9990000026", "Hidden"), 30)
	open := asSouth.accepted("south", person("9990000034", "Open"))
	app := s.app("test-subject", "north")
	const enter = "SELECT re_enter(gen_random_uuid(), gen_random_uuid(), $1, $2, 'x', current_date)"
	for name, test := range map[string]struct {
		sql  string
		args []any
		want string
	}{
		"a hidden person":         {enter, []any{hidden["personId"], north}, "42501"},
		"to a closing service":    {enter, []any{mine["personId"], east}, "CM001"},
		"without a reason":        {"SELECT re_enter(gen_random_uuid(), gen_random_uuid(), $1, $2, ' ', current_date)", []any{mine["personId"], north}, "23514"},
		"mark a referral":         {"UPDATE referrals SET re_entry = true", nil, "42501"},
		"put the check off":       {"UPDATE episodes SET safety_check_due_on = NULL", nil, "42501"},
		"check another's episode": {"INSERT INTO safety_checks (id, episode_id, person_id, risk, medicines, address, safeguarding, checked_on, recorded_by) VALUES (gen_random_uuid(), $1, $2, 'x', 'x', 'x', 'x', current_date, 'test-subject')", []any{open["id"], open["personId"]}, "42501"},
		"check a closed episode":  {"INSERT INTO safety_checks (id, episode_id, person_id, risk, medicines, address, safeguarding, checked_on, recorded_by) VALUES (gen_random_uuid(), $1, $2, 'x', 'x', 'x', 'x', current_date, 'test-subject')", []any{mine["id"], mine["personId"]}, "CM003"},
		"rewrite a check":         {"UPDATE safety_checks SET risk = 'x'", nil, "42501"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := app.Exec(t.Context(), test.sql, test.args...); code(err) != test.want {
				t.Fatalf("got %v, want code %s", err, test.want)
			}
		})
	}
	if _, err := s.app("").Exec(t.Context(), enter, mine["personId"], north); code(err) != "42501" {
		t.Errorf("as nobody: %v", err)
	}
}
