package server_test

import (
	"net/http"
	"testing"
)

// What is settled stays, and what is not complete does not come into force, whoever writes to the database.
func TestAppRoleCannotBreakPlans(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	caller := s.as("practitioner", "north")
	episode, other, third := caller.supported("9990000018"), caller.supported("9990000026"), caller.supported("9990000042")
	settled, _, _ := caller.agreed(episode)
	open, _, _ := caller.drafted(other, draft())
	bare, _, _ := caller.drafted(third, object{"reviewOn": day(30), "goals": []object{{"goal": "Engage"}}})
	hidden := s.as("practitioner", "south").accepted("south", person("9990000034", "Hidden"))
	unseen, _, _ := s.as("practitioner", "south").agreed(hidden)
	app := s.app("test-subject", "north")
	agree := "UPDATE plans SET state = 'InForce', changed_by = 'test-subject', in_force_from = current_date, "
	person := "agreement = 'Person', capacity = 'HasCapacity' WHERE id = $1"
	insert := "INSERT INTO plans (id, episode_id, service_id, kind, created_by, changed_by"
	for name, test := range map[string]struct {
		sql  string
		args []any
		want string
	}{
		// An agreed version only changes by a new version or entered-in-error.
		"change what is settled":        {"UPDATE plans SET summary = 'x', changed_by = 'test-subject' WHERE id = $1", []any{settled["id"]}, "CM051"},
		"put the review off":            {"UPDATE plans SET review_on = review_on + 30, changed_by = 'test-subject' WHERE id = $1", []any{settled["id"]}, "CM051"},
		"agree again on another ground": {agree + "agreement = 'NotAgreed', capacity = 'HasCapacity', why_not = 'x' WHERE id = $1", []any{settled["id"]}, "CM051"},
		"back to draft":                 {"UPDATE plans SET state = 'Draft', changed_by = 'test-subject' WHERE id = $1", []any{settled["id"]}, "CM051"},
		"supersede by nothing":          {"UPDATE plans SET state = 'Superseded', changed_by = 'test-subject' WHERE id = $1", []any{settled["id"]}, "CM051"},
		"change and mark at once":       {"UPDATE plans SET summary = 'x', state = 'EnteredInError', entered_in_error_by = 'test-subject', entered_in_error_why = 'Duplicate', changed_by = 'test-subject' WHERE id = $1", []any{settled["id"]}, "CM051"},
		"add a goal to it":              {"INSERT INTO plan_goals (plan_id, position, goal, own_words) VALUES ($1, 3, 'x', true)", []any{settled["id"]}, "CM051"},
		"change its goal":               {"UPDATE plan_goals SET goal = 'x' WHERE plan_id = $1", []any{settled["id"]}, "42501"},
		"delete it":                     {"DELETE FROM plans WHERE id = $1", []any{settled["id"]}, "42501"},
		"agree to it again":             {"UPDATE plans SET settled_by = 'somebody' WHERE id = $1", []any{settled["id"]}, "42501"},
		"move it to another episode":    {"UPDATE plans SET episode_id = $2 WHERE id = $1", []any{settled["id"], other["id"]}, "42501"},
		"choose the time of the mark":   {"UPDATE plans SET entered_in_error_at = now() WHERE id = $1", []any{settled["id"]}, "42501"},
		// A plan comes into force complete.
		"no goal in their words":     {agree + person, []any{bare["id"]}, "CM052"},
		"in force without agreement": {"UPDATE plans SET state = 'InForce', changed_by = 'test-subject' WHERE id = $1", []any{open["id"]}, "CM052"},
		"no review date":             {agree + "review_on = NULL, " + person, []any{open["id"]}, "CM052"},
		"review in two years":        {agree + "review_on = current_date + 731, " + person, []any{open["id"]}, "23514"},
		"review in the past":         {agree + "review_on = current_date - 1, " + person, []any{open["id"]}, "CM052"},
		"agreed in the future":       {"UPDATE plans SET state = 'InForce', changed_by = 'test-subject', in_force_from = current_date + 1, " + person, []any{open["id"]}, "CM052"},
		"agreed before the start":    {"UPDATE plans SET state = 'InForce', changed_by = 'test-subject', in_force_from = current_date - 11, " + person, []any{open["id"]}, "CM052"},
		"not agreed, no reason":      {agree + "agreement = 'NotAgreed', capacity = 'HasCapacity' WHERE id = $1", []any{open["id"]}, "23514"},
		"agreed without capacity":    {agree + "agreement = 'Person', capacity = 'LacksCapacity' WHERE id = $1", []any{open["id"]}, "23514"},
		"capacity not considered":    {agree + "agreement = 'Person' WHERE id = $1", []any{open["id"]}, "23514"},
		"best interests, unsaid":     {agree + "agreement = 'BestInterests', capacity = 'LacksCapacity' WHERE id = $1", []any{open["id"]}, "23514"},
		"attorney without a name":    {agree + "agreement = 'Attorney', capacity = 'LacksCapacity' WHERE id = $1", []any{open["id"]}, "23514"},
		"an unknown ground":          {agree + "agreement = 'Team', capacity = 'HasCapacity' WHERE id = $1", []any{open["id"]}, "23514"},
		"agreement on a draft":       {"UPDATE plans SET agreement = 'Person', capacity = 'HasCapacity', in_force_from = current_date, changed_by = 'test-subject' WHERE id = $1", []any{open["id"]}, "23514"},
		"agree in another's name":    {"UPDATE plans SET state = 'InForce', changed_by = 'somebody', in_force_from = current_date, " + person, []any{open["id"]}, "42501"},
		"mark without a reason":      {"UPDATE plans SET state = 'EnteredInError', changed_by = 'test-subject' WHERE id = $1", []any{open["id"]}, "23514"},
		"mark in another's name":     {"UPDATE plans SET state = 'EnteredInError', entered_in_error_by = 'somebody', entered_in_error_why = 'Duplicate', changed_by = 'test-subject' WHERE id = $1", []any{open["id"]}, "42501"},
		// There is one plan.
		"a second draft":                 {insert + ") VALUES (gen_random_uuid(), $1, $2, 'MentalHealth', 'test-subject', 'test-subject')", []any{other["id"], north}, "CM051"},
		"a draft beside the plan":        {insert + ") VALUES (gen_random_uuid(), $1, $2, 'MentalHealth', 'test-subject', 'test-subject')", []any{episode["id"], north}, "CM051"},
		"a draft that follows another's": {insert + ", previous_id) VALUES (gen_random_uuid(), $1, $2, 'MentalHealth', 'test-subject', 'test-subject', $3)", []any{episode["id"], north, unseen["id"]}, "CM051"},
		"in force from the start":        {insert + ", state) VALUES (gen_random_uuid(), $1, $2, 'MentalHealth', 'test-subject', 'test-subject', 'InForce')", []any{third["id"], north}, "42501"},
		"number of one's choice":         {insert + ", edition) VALUES (gen_random_uuid(), $1, $2, 'MentalHealth', 'test-subject', 'test-subject', 7)", []any{third["id"], north}, "42501"},
		"a draft for a hidden person":    {insert + ") VALUES (gen_random_uuid(), $1, $2, 'MentalHealth', 'test-subject', 'test-subject')", []any{hidden["id"], north}, "CM050"},
		"a draft of another service":     {insert + ") VALUES (gen_random_uuid(), $1, $2, 'MentalHealth', 'test-subject', 'test-subject')", []any{third["id"], south}, "CM050"},
		"a draft in another's name":      {insert + ") VALUES (gen_random_uuid(), $1, $2, 'MentalHealth', 'somebody', 'test-subject')", []any{episode["id"], north}, "CM051"},
		"a goal in a hidden plan":        {"INSERT INTO plan_goals (plan_id, position, goal, own_words) VALUES ($1, 3, 'x', true)", []any{unseen["id"]}, "CM051"},
		"ask what a plan lacks":          {"SELECT plan_lacks(p) FROM plans p", nil, "42501"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := app.Exec(t.Context(), test.sql, test.args...); code(err) != test.want {
				t.Fatalf("got %v, want code %s", err, test.want)
			}
		})
	}
	for name, statement := range map[string]string{
		"strike a goal of a settled plan": "DELETE FROM plan_goals WHERE plan_id = '" + settled["id"].(string) + "'",
		"mark a hidden plan":              "UPDATE plans SET state = 'EnteredInError', entered_in_error_by = 'test-subject', entered_in_error_why = 'Duplicate', changed_by = 'test-subject' WHERE id = '" + unseen["id"].(string) + "'",
	} {
		if tag, err := app.Exec(t.Context(), statement); err != nil || tag.RowsAffected() != 0 {
			t.Errorf("%s: %d rows, %v", name, tag.RowsAffected(), err)
		}
	}
	// A part that is written past the API counts as a change of its plan.
	_, before := caller.get("/v1/plans/" + open["id"].(string)).etag(http.StatusOK)
	if _, err := app.Exec(t.Context(), "INSERT INTO plan_goals (plan_id, position, goal, own_words) VALUES ($1, 3, 'x', true)", open["id"]); err != nil {
		t.Fatal(err)
	}
	if _, after := caller.get("/v1/plans/" + open["id"].(string)).etag(http.StatusOK); after == before {
		t.Error("a new goal leaves the plan's version as it was")
	}
	nobody, seen := s.app(""), s.app(testSubject, "north")
	for _, table := range []string{"plans", "plan_goals", "plan_needs", "plan_actions", "plan_links"} {
		var none, some int
		if err := nobody.QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&none); err != nil || none != 0 {
			t.Errorf("nobody sees %d %s (%v)", none, table, err)
		}
		if err := seen.QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&some); err != nil || some == 0 {
			t.Errorf("their service sees %d %s (%v)", some, table, err)
		}
		if all := s.count("SELECT count(*) FROM " + table); all <= int64(some) {
			t.Errorf("the hidden person's %s are seen: %d of %d", table, some, all)
		}
	}
}
