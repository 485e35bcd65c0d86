package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// acceptedSince is an episode of a person who first asked for help so many days ago.
func (c caller) acceptedSince(service string, who object, daysAgo int) object {
	c.s.t.Helper()
	r := referral(service, who)
	r["receivedOn"] = day(-daysAgo)
	made := c.post("/v1/referrals", r).want(http.StatusCreated)
	return c.post("/v1/referrals/"+made["id"].(string)+"/acceptance", nil).want(http.StatusCreated)
}

func outcomesOf(episode object) string { return "/v1/episodes/" + episode["id"].(string) + "/outcomes" }

// dialog scores DIALOG's items from the first on.
func dialog(on string, scored ...int) object {
	var scores []object
	for i, score := range scored {
		scores = append(scores, object{"item": i + 1, "score": score})
	}
	return object{"tool": "DIALOG", "answeredOn": on, "scores": scores}
}

func one(tool, on string, item, score int) object {
	return object{"tool": tool, "answeredOn": on, "scores": []object{{"item": item, "score": score}}}
}

// attended records attended contacts of an episode beside the API.
func (s *system) attended(episode object, n int) {
	s.t.Helper()
	for range n {
		s.byOwner(`INSERT INTO contacts (id, episode_id, service_id, happened_at, medium, attendance, held_with, recorded_by)
			SELECT gen_random_uuid(), id, responsible_service_id, now() - interval '1 minute', 'FaceToFace', 'Attended', 'Person', 'test-subject' FROM episodes WHERE id = $1`, episode["id"])
	}
}

// Rule 8: the same item, from the first score to the latest, and what counts in measures.
func TestOutcomeChange(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	episode := north.acceptedSince("north", person("9990000018", "Example"), 200)
	path := outcomesOf(episode)
	first := north.post(path, dialog(day(-190), 3, 4, 2, 4, 5, 4, 4, 6, 5, 5, 5)).want(http.StatusCreated)
	if first["qualityOfLife"] != 4.0 || first["satisfactionWithTreatment"] != 5.0 || first["suggestsRisk"] != false {
		t.Errorf("recorded: %v", first)
	}
	if topic := first["scores"].([]any)[3].(object)["topic"]; topic != "accommodation" {
		t.Errorf("item 4 is about %v", topic)
	}
	north.post(path, dialog(day(-30), 1)).want(http.StatusCreated)
	latest := north.post(path, dialog(day(0), 5, 3, 2)).want(http.StatusCreated)
	if latest["qualityOfLife"] != nil {
		t.Errorf("a mean of three items: %v", latest)
	}
	north.post(path, one("ReQoL-10", day(-190), 0, 20)).want(http.StatusCreated)
	ten := object{"tool": "ReQoL-10", "answeredOn": day(-1), "scores": []object{}}
	for item := 1; item <= 10; item++ {
		ten["scores"] = append(ten["scores"].([]object), object{"item": item, "score": 2 + item%3})
	}
	if summed := north.post(path, ten).want(http.StatusCreated); summed["scores"].([]any)[0].(object)["score"] != 30.0 || len(summed["answers"].([]any)) != 10 {
		t.Errorf("ten answers: %v", summed)
	}
	north.post(path, one("GBO", day(-5), 2, 4)).want(http.StatusCreated)

	body := north.get(path + "/change").want(http.StatusOK)
	got := map[string]string{}
	for _, item := range body["items"].([]any) {
		i := item.(object)
		got[fmt.Sprintf("%v %v", i["tool"], i["item"])] = fmt.Sprintf("%v %v %v", i["change"], i["class"], i["recovered"])
		if i["words"] == "" {
			t.Errorf("no words: %v", i)
		}
	}
	for item, want := range map[string]string{
		"DIALOG 1": "2 ReliableImprovement <nil>", "DIALOG 2": "-1 ReliableDeterioration <nil>", "DIALOG 3": "0 NoReliableChange <nil>",
		"DIALOG 4": "<nil> <nil> <nil>", "ReQoL-10 0": "10 ReliableImprovement true", "GBO 2": "<nil> <nil> <nil>",
	} {
		if got[item] != want {
			t.Errorf("%s: %s, want %s", item, got[item], want)
		}
	}
	if body["counted"] != "TooFewContacts" {
		t.Errorf("without contacts: %v", body["counted"])
	}
	s.attended(episode, 2)
	if body := north.get(path + "/change").want(http.StatusOK); body["counted"] != "Counts" || body["contacts"] != 2.0 {
		t.Errorf("after two contacts: %v, %v", body["counted"], body["contacts"])
	}
	young := north.acceptedSince("north", person("9990000026", "Young"), 10)
	s.attended(young, 2)
	if body := north.get(outcomesOf(young) + "/change").want(http.StatusOK); body["counted"] != "OpenTooShort" || len(body["items"].([]any)) != 0 {
		t.Errorf("after ten days: %v", body)
	}
	if items := north.get(path + "?limit=3").want(http.StatusOK); len(items["items"].([]any)) != 3 || items["next"] == nil {
		t.Errorf("a page of three: %v", items)
	}
	south := s.as("practitioner", "south")
	for _, hidden := range []answer{south.get(path), south.get(path + "/change"), south.post(path, dialog(day(0), 4))} {
		hidden.refused(http.StatusNotFound, "not-found")
	}
	if n := s.count("SELECT count(*) FROM audit_events WHERE person_id = $1 AND operation IN ('recordOutcomes', 'listOutcomes', 'readOutcomeChange') AND outcome = 'Done'", episode["personId"]); n != 11 {
		t.Errorf("%d rows in the audit trail, want 11: six records, two comparisons, a page of three", n)
	}
}

func TestOutcomeInput(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	path := outcomesOf(north.acceptedSince("north", person("9990000018", "Example"), 10))
	answers := func(n, score int) object {
		body := object{"tool": "ReQoL-10", "answeredOn": day(0), "scores": []object{}}
		for item := 1; item <= n; item++ {
			body["scores"] = append(body["scores"].([]object), object{"item": item, "score": score})
		}
		return body
	}
	for name, test := range map[string]struct {
		body     any
		location string
	}{
		"another tool":             {one("HoNOS", day(0), 1, 1), "body.tool"},
		"no scores":                {object{"tool": "DIALOG", "answeredOn": day(0), "scores": []object{}}, "body.scores"},
		"DIALOG 0":                 {dialog(day(0), 4, 0), "body.scores[1].score"},
		"DIALOG 8":                 {dialog(day(0), 8), "body.scores[0].score"},
		"DIALOG item 12":           {one("DIALOG", day(0), 12, 4), "body.scores[0].item"},
		"DIALOG total":             {one("DIALOG", day(0), 0, 4), "body.scores[0].item"},
		"half a point":             {object{"tool": "DIALOG", "answeredOn": day(0), "scores": []object{{"item": 1, "score": 4.5}}}, "body.scores[0].score"},
		"an item twice":            {object{"tool": "DIALOG", "answeredOn": day(0), "scores": []object{{"item": 1, "score": 4}, {"item": 1, "score": 5}}}, "body.scores[1].item"},
		"ReQoL-10 above 40":        {one("ReQoL-10", day(0), 0, 41), "body.scores[0].score"},
		"ReQoL-10 nine answers":    {answers(9, 4), "body.scores"},
		"ReQoL-10 answer of 5":     {answers(10, 5), "body.scores[0].score"},
		"ReQoL-10 total and items": {object{"tool": "ReQoL-10", "answeredOn": day(0), "scores": []object{{"item": 0, "score": 20}, {"item": 1, "score": 2}}}, "body.scores[1].item"},
		"goal of 11":               {one("GBO", day(0), 1, 11), "body.scores[0].score"},
		"fourth goal":              {one("GBO", day(0), 4, 5), "body.scores[0].item"},
		"tomorrow":                 {dialog(day(1), 4), "body.answeredOn"},
		"before the referral":      {dialog(day(-11), 4), "body.answeredOn"},
		"no such day":              {dialog("2026-02-30", 4), "body.answeredOn"},
		"the question's words":     {object{"tool": "DIALOG", "answeredOn": day(0), "scores": []object{{"item": 1, "score": 4, "text": "x"}}}, "body.scores[0].…"},
	} {
		t.Run(name, func(t *testing.T) {
			wantField(t, north.post(path, test.body).refused(http.StatusUnprocessableEntity, "invalid-request"), test.location)
		})
	}
	if n := s.count("SELECT (SELECT count(*) FROM outcome_assessments) + (SELECT count(*) FROM outcome_scores) + (SELECT count(*) FROM alerts_for_staff)"); n != 0 {
		t.Errorf("refused requests left %d rows", n)
	}
	id := "/v1/outcome-assessments/" + uuid.NewString() + "/entered-in-error"
	north.post(id, nil).refused(http.StatusNotFound, "not-found")
}

// Rule 8 in the database: what the API checks holds for whoever writes past it.
func TestAppRoleCannotBreakOutcomes(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	caller := s.as("practitioner", "north")
	episode := caller.acceptedSince("north", person("9990000018", "Example"), 10)
	hidden := s.as("practitioner", "south").acceptedSince("south", person("9990000026", "Hidden"), 10)
	held := caller.post(outcomesOf(episode), dialog(day(0), 4, 4)).want(http.StatusCreated)
	other := caller.acceptedSince("north", person("9990000034", "Other"), 10)
	app := s.app("test-subject", "north")
	// values are tool, answered_on, answers, risk_flag; then the scores as (item, score) pairs.
	save := func(episode, person any, service uuid.UUID, subject, values, scores string) string {
		id := uuid.NewString()
		sql := fmt.Sprintf(`BEGIN; INSERT INTO outcome_assessments (id, person_id, episode_id, service_id, recorded_by, tool, answered_on, answers, risk_flag)
			VALUES ('%s', '%s', '%s', '%s', '%s', %s);`, id, person, episode, service, subject, values)
		if scores != "" {
			sql += fmt.Sprintf("INSERT INTO outcome_scores (id, assessment_id, item, score) SELECT gen_random_uuid(), '%s', v.* FROM (VALUES %s) v;", id, scores)
		}
		return sql + "COMMIT"
	}
	mine := func(values, scores string) string {
		return save(episode["id"], episode["personId"], north, "test-subject", values, scores)
	}
	for name, test := range map[string]struct{ sql, want string }{
		"good":                        {mine("'DIALOG', current_date, NULL, false", "(1, 7), (11, 1)"), ""},
		"ten answers":                 {mine("'ReQoL-10', current_date, '{4,4,4,4,4,0,0,0,0,0}', false", "(0, 20)"), ""},
		"DIALOG 8":                    {mine("'DIALOG', current_date, NULL, false", "(1, 8)"), "23514"},
		"DIALOG 0":                    {mine("'DIALOG', current_date, NULL, false", "(1, 0)"), "23514"},
		"DIALOG item 12":              {mine("'DIALOG', current_date, NULL, false", "(12, 4)"), "23514"},
		"ReQoL-10 41":                 {mine("'ReQoL-10', current_date, NULL, false", "(0, 41)"), "23514"},
		"ReQoL-10 by items":           {mine("'ReQoL-10', current_date, NULL, false", "(1, 4)"), "23514"},
		"goal of 11":                  {mine("'GBO', current_date, NULL, false", "(3, 11)"), "23514"},
		"fourth goal":                 {mine("'GBO', current_date, NULL, false", "(4, 10)"), "23514"},
		"another tool":                {mine("'HoNOS', current_date, NULL, false", "(1, 1)"), "23514"},
		"an item twice":               {mine("'DIALOG', current_date, NULL, false", "(1, 4), (1, 5)"), "23505"},
		"no scores":                   {mine("'DIALOG', current_date, NULL, false", ""), "CM060"},
		"nine answers":                {mine("'ReQoL-10', current_date, '{4,4,4,4,4,0,0,0,0}', false", "(0, 20)"), "23514"},
		"answer of 5":                 {mine("'ReQoL-10', current_date, '{5,4,4,4,3,0,0,0,0,0}', false", "(0, 20)"), "23514"},
		"an unknown answer":           {mine("'ReQoL-10', current_date, '{4,4,4,4,4,0,0,0,0,NULL}', false", "(0, 20)"), "23514"},
		"a total of other answers":    {mine("'ReQoL-10', current_date, '{4,4,4,4,4,0,0,0,0,0}', false", "(0, 21)"), "CM060"},
		"answers to DIALOG":           {mine("'DIALOG', current_date, '{4,4,4,4,4,0,0,0,0,0}', false", "(1, 4)"), "23514"},
		"tomorrow":                    {mine("'DIALOG', current_date + 1, NULL, false", "(1, 4)"), "23514"},
		"before the referral":         {mine("'DIALOG', current_date - 11, NULL, false", "(1, 4)"), "CM060"},
		"in another's name":           {save(episode["id"], episode["personId"], north, "somebody", "'DIALOG', current_date, NULL, false", "(1, 4)"), "42501"},
		"another's episode":           {save(hidden["id"], hidden["personId"], south, "test-subject", "'DIALOG', current_date, NULL, false", "(1, 4)"), "42501"},
		"another's episode as own":    {save(hidden["id"], hidden["personId"], north, "test-subject", "'DIALOG', current_date, NULL, false", "(1, 4)"), "CM060"},
		"another person's episode":    {save(episode["id"], other["personId"], north, "test-subject", "'DIALOG', current_date, NULL, false", "(1, 4)"), "CM060"},
		"no episode":                  {save(uuid.NewString(), other["personId"], north, "test-subject", "'DIALOG', current_date, NULL, false", "(1, 4)"), "CM060"},
		"a score added later":         {fmt.Sprintf("INSERT INTO outcome_scores (id, assessment_id, item, score) VALUES (gen_random_uuid(), '%s', 3, 4)", held["id"]), "CM060"},
		"a score of nothing":          {"INSERT INTO outcome_scores (id, assessment_id, item, score) VALUES (gen_random_uuid(), gen_random_uuid(), 3, 4)", "CM060"},
		"change a score":              {"UPDATE outcome_scores SET score = 7", "42501"},
		"delete a score":              {"DELETE FROM outcome_scores", "42501"},
		"change the day":              {"UPDATE outcome_assessments SET answered_on = current_date", "42501"},
		"take the risk away":          {"UPDATE outcome_assessments SET risk_flag = false", "42501"},
		"in error in another's name":  {fmt.Sprintf("UPDATE outcome_assessments SET entered_in_error_by = 'somebody' WHERE id = '%s'", held["id"]), "42501"},
		"choose when it was in error": {"UPDATE outcome_assessments SET entered_in_error_at = '2000-01-01'", "42501"},
		"make an alert":               {fmt.Sprintf("INSERT INTO alerts_for_staff (person_id, episode_id, service_id, assessment_id, due_on) SELECT person_id, episode_id, service_id, id, current_date FROM outcome_assessments WHERE id = '%s'", held["id"]), "42501"},
		"delete an alert":             {"DELETE FROM alerts_for_staff", "42501"},
		"shift a deadline":            {"UPDATE alerts_for_staff SET due_on = current_date + 100", "42501"},
		"give an alert away":          {"UPDATE alerts_for_staff SET service_id = gen_random_uuid()", "42501"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := app.Exec(t.Context(), test.sql); code(err) != test.want || (test.want == "" && err != nil) {
				t.Errorf("got %v, want code %q", err, test.want)
			}
			if _, err := app.Exec(t.Context(), "ROLLBACK"); err != nil {
				t.Fatal(err)
			}
		})
	}
	if n := s.count("SELECT count(*) FROM outcome_scores"); n != 5 {
		t.Errorf("%d scores, want the first two and the three good ones", n)
	}
}

func TestOutcomesEnteredInError(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	episode := north.acceptedSince("north", person("9990000018", "Example"), 10)
	path := outcomesOf(episode)
	north.post(path, dialog(day(-5), 2)).want(http.StatusCreated)
	wrong := north.post(path, dialog(day(-4), 7))
	id := wrong.want(http.StatusCreated)["id"].(string)
	mark := "/v1/outcome-assessments/" + id + "/entered-in-error"
	north.post(mark, nil).refused(http.StatusPreconditionRequired, "precondition-required")
	north.post(mark, nil, "If-Match", `W/"9"`).refused(http.StatusPreconditionFailed, "precondition-failed")
	tag := wrong.header.Get("ETag")
	marked := north.post(mark, nil, "If-Match", tag)
	if body := marked.want(http.StatusOK); body["enteredInError"] != true || marked.header.Get("ETag") == tag {
		t.Errorf("marked: %v, ETag %s", body, marked.header.Get("ETag"))
	}
	north.post(mark, nil, "If-Match", tag).refused(http.StatusPreconditionFailed, "precondition-failed")
	north.post(mark, nil, "If-Match", marked.header.Get("ETag")).refused(http.StatusConflict, "state-conflict")
	items := north.get(path + "/change").want(http.StatusOK)["items"].([]any)
	if len(items) != 1 || items[0].(object)["followUp"] != nil {
		t.Errorf("what was in error still counts: %v", items)
	}
	if all := north.get(path).want(http.StatusOK)["items"].([]any); len(all) != 2 || all[0].(object)["enteredInError"] != true {
		t.Errorf("what was in error is not shown as such: %v", all)
	}
	app := s.app("test-subject", "north")
	if _, err := app.Exec(t.Context(), "UPDATE outcome_assessments SET entered_in_error_by = 'test-subject' WHERE id = $1", id); code(err) != "CM061" {
		t.Errorf("marked twice: %v", err)
	}
	if n := s.count("SELECT count(*) FROM outcome_scores WHERE entered_in_error_at IS NOT NULL AND assessment_id = $1", id); n != 1 {
		t.Errorf("%d scores are in error", n)
	}
	south := s.app("test-subject", "south")
	if done, err := south.Exec(t.Context(), "UPDATE outcome_assessments SET entered_in_error_by = 'test-subject'"); err != nil || done.RowsAffected() != 0 {
		t.Errorf("another service marked %v, %v", done, err)
	}
	s.as("practitioner", "south").post(mark, nil, "If-Match", tag).refused(http.StatusNotFound, "not-found")
}

// Answers after the end of the episode are not of it, and those of its last day are although they are written down later.
func TestOutcomesOfAClosedEpisode(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	caller := s.as("practitioner", "north")
	episode := caller.acceptedSince("north", person("9990000018", "Example"), 30)
	caller.post("/v1/episodes/"+episode["id"].(string)+"/closure", object{"reason": "SupportElsewhere", "returnPlan": returnPlan(), "acceptance": acceptance()}).want(http.StatusCreated)
	s.byOwner("UPDATE episodes SET closed_at = now() - interval '2 days', opened_at = now() - interval '20 days' WHERE id = $1", episode["id"])
	wantField(t, caller.post(outcomesOf(episode), dialog(day(0), 4)).refused(http.StatusUnprocessableEntity, "invalid-request"), "body.answeredOn")
	caller.post(outcomesOf(episode), dialog(day(-2), 4)).want(http.StatusCreated)
	app := s.app("test-subject", "north")
	_, err := app.Exec(t.Context(), "INSERT INTO outcome_assessments (id, person_id, episode_id, service_id, tool, answered_on, recorded_by) VALUES (gen_random_uuid(), $1, $2, $3, 'GBO', current_date, 'test-subject')",
		episode["personId"], episode["id"], north)
	if code(err) != "CM060" {
		t.Errorf("after the end, in SQL: %v", err)
	}
	s.byOwner("UPDATE people SET died_on = $2::date, death_source = 'GP' WHERE id = $1", episode["personId"], day(-5))
	caller.post(outcomesOf(episode), dialog(day(-3), 4)).refused(http.StatusConflict, "person-died")
	caller.post(outcomesOf(episode), dialog(day(-6), 4)).want(http.StatusCreated)
	if strings.Contains(logs.String(), "answeredOn") {
		t.Error("the log holds a body")
	}
}
