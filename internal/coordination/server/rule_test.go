package server_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
)

// Words and days that the rule does not know are refused by the rule, and so are on record like any other refusal.
func TestEveryRefusedClosureIsOnRecord(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("service-lead", "north")
	episode := north.accepted("north", person("9990000018", "Example"))
	path := "/v1/episodes/" + episode["id"].(string) + "/closure"
	with := func(o object, name string, value any) object { o[name] = value; return o }
	elsewhere := func(plan, acceptance object) object {
		return object{"reason": "SupportElsewhere", "returnPlan": plan, "acceptance": acceptance}
	}
	for name, test := range map[string]struct {
		body object
		want string
	}{
		"long reason":             {object{"reason": strings.Repeat("Did not attend. ", 10), "returnPlan": returnPlan()}, "reason"},
		"unknown recorder":        {elsewhere(returnPlan(), with(acceptance(), "recordedBy", "Somebody")), "acceptance"},
		"unknown channel":         {elsewhere(returnPlan(), with(acceptance(), "channel", "Pigeon")), "acceptance"},
		"no day of acceptance":    {elsewhere(returnPlan(), with(acceptance(), "on", "2026-02-30")), "acceptance"},
		"acceptance in year 0":    {elsewhere(returnPlan(), with(acceptance(), "on", "0000-01-01")), "acceptance"},
		"acceptance tomorrow":     {elsewhere(returnPlan(), with(acceptance(), "on", day(1))), "acceptance"},
		"no day of the plan":      {elsewhere(with(returnPlan(), "validUntil", "soon"), acceptance()), "return-plan"},
		"plan for ever":           {elsewhere(with(returnPlan(), "validUntil", "9999-12-31"), acceptance()), "return-plan"},
		"unknown capacity":        {object{"reason": "PersonChose", "returnPlan": returnPlan(), "choice": with(choice(), "capacity", "Perhaps")}, "capacity"},
		"unknown capacity beside": {with(elsewhere(returnPlan(), acceptance()), "choice", with(choice(), "capacity", "Perhaps")), "capacity"},
		"unknown source of death": {object{"reason": "Died", "death": object{"on": day(0), "source": "Rumour"}}, "death"},
		"death in year 0":         {object{"reason": "Died", "death": object{"on": "0000-01-01", "source": "GP"}}, "death"},
	} {
		t.Run(name, func(t *testing.T) {
			id := uuid.NewString()
			body := north.do(http.MethodPost, path, test.body, "X-Request-ID", id).refused(http.StatusUnprocessableEntity, "closure-incomplete")
			if !slices.Equal(missing(body), []string{test.want}) {
				t.Errorf("missing %v, want %s", missing(body), test.want)
			}
			if n := s.count("SELECT count(*) FROM audit_events WHERE request_id = $1 AND outcome = 'Refused' AND person_id = $2", id, episode["personId"]); n != 1 {
				t.Errorf("%d rows in the audit trail", n)
			}
		})
	}
	if n := s.count("SELECT count(*) FROM closure_refusals"); n != 12 {
		t.Errorf("%d refusal events, want 12", n)
	}
	// What is no matter of the rule is refused by the document, and audited too.
	for name, body := range map[string]any{
		"unknown field": object{"reason": "Died", "note": "x"}, "wrong type": object{"reason": 1}, "no JSON": "{", "nothing": "",
	} {
		id := uuid.NewString()
		if a := north.do(http.MethodPost, path, body, "X-Request-ID", id); a.status != http.StatusUnprocessableEntity && a.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
		if n := s.count("SELECT count(*) FROM audit_events WHERE request_id = $1 AND outcome = 'Refused' AND person_id = $2", id, episode["personId"]); n != 1 {
			t.Errorf("%s: %d rows in the audit trail", name, n)
		}
	}
}

func TestConcurrentClosuresAndDuties(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	episode := north.accepted("north", person("9990000018", "Example"))
	statuses := func(do func(i int) answer) []int {
		var group sync.WaitGroup
		got := make([]int, 4)
		for i := range got {
			group.Go(func() { got[i] = do(i).status })
		}
		group.Wait()
		slices.Sort(got)
		return got
	}
	duties := "/v1/people/" + episode["personId"].(string) + "/legal-duties"
	both := []string{"Section117Aftercare", "CommunityTreatmentOrder"}
	if got := statuses(func(i int) answer {
		return north.do(http.MethodPut, duties, object{"open": []string{both[i%2], both[(i+1)%2]}})
	}); !slices.Equal(got, []int{200, 200, 200, 200}) {
		t.Errorf("four at once who state the duties: %v", got)
	}
	if n := s.count("SELECT count(*) FROM legal_duties WHERE ended_at IS NULL"); n != 2 {
		t.Errorf("%d duties are open, want 2", n)
	}
	// Somebody states a duty while somebody else has stated it and not yet committed.
	first, err := s.app("test-subject", "north").Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer first.Rollback(t.Context()) //nolint:errcheck // after a commit there is nothing to roll back
	if _, err := first.Exec(t.Context(), "INSERT INTO legal_duties (id, person_id, kind, recorded_by) VALUES (gen_random_uuid(), $1, 'ConditionalDischarge', 'test-subject')", episode["personId"]); err != nil {
		t.Fatal(err)
	}
	second := make(chan answer)
	go func() {
		second <- north.do(http.MethodPut, duties, object{"open": append(both, "ConditionalDischarge")})
	}()
	eventually(t, "the second to wait for the first", func() bool {
		return s.count("SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()") == 1
	})
	if err := first.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a := <-second; a.status != http.StatusOK {
		t.Errorf("the second: %d %s", a.status, a.raw)
	}
	path := "/v1/episodes/" + episode["id"].(string) + "/closure"
	body := object{"reason": "SupportElsewhere", "returnPlan": returnPlan(), "acceptance": acceptance()}
	if got := statuses(func(int) answer { return north.post(path, body) }); !slices.Equal(got, []int{201, 409, 409, 409}) {
		t.Errorf("four at once who close: %v", got)
	}
}

// Under an open legal duty only acceptance closes, however the person was tried to be reached.
func TestNotEngagingUnderALegalDuty(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	lead := s.as("service-lead", "north")
	episode := lead.accepted("north", person("9990000018", "Example"))
	path := "/v1/episodes/" + episode["id"].(string)
	for _, step := range []object{
		{"kind": "Attempt", "channel": "Phone", "on": day(0)}, {"kind": "Attempt", "channel": "Letter", "on": day(0)},
		{"kind": "GPContacted", "on": day(0)}, {"kind": "RiskReview", "on": day(0)},
	} {
		lead.post(path+"/reaching-steps", step).want(http.StatusCreated)
	}
	body := lead.post(path+"/reaching-steps", object{"kind": "RiskReview", "on": day(-1)}).refused(http.StatusUnprocessableEntity, "invalid-request")
	if location := body["errors"].([]any)[0].(object)["location"]; location != "body.on" {
		t.Errorf("a step before the episode: %v", body)
	}
	closure := object{"reason": "NotEngaging", "returnPlan": returnPlan(), "holder": object{"name": "Dr Example", "organisation": "Example Surgery", "agreedOn": day(-1)}}
	if got := missing(lead.post(path+"/closure", closure).refused(http.StatusUnprocessableEntity, "closure-incomplete")); !slices.Equal(got, []string{"named-holder"}) {
		t.Errorf("a holder who agreed before the episode: %v", got)
	}
	closure["holder"].(object)["agreedOn"] = day(0)
	duties := "/v1/people/" + episode["personId"].(string) + "/legal-duties"
	lead.do(http.MethodPut, duties, object{"open": []string{"Section117Aftercare"}}).want(http.StatusOK)
	if got := missing(lead.post(path+"/closure", closure).refused(http.StatusUnprocessableEntity, "closure-incomplete")); !slices.Equal(got, []string{"acceptance"}) {
		t.Errorf("under a legal duty: %v", got)
	}
	app := s.app("test-subject", "north")
	const plan = "INSERT INTO return_plans (episode_id, summary, how_to_return, valid_until, recorded_by) VALUES ($1, 'x', 'x', $2::date, 'test-subject')"
	const insert = `INSERT INTO closures (episode_id, reason, basis, receiver_name, receiver_organisation, agreed_on, signed_off_by, recorded_by)
		VALUES ($1, 'NotEngaging', 'Holder', 'x', 'x', $2::date, 'x', 'test-subject')`
	if _, err := app.Exec(t.Context(), plan, episode["id"], day(3*366)); code(err) != "23514" {
		t.Errorf("a plan that ends in more than three years: %v", err)
	}
	if _, err := app.Exec(t.Context(), plan, episode["id"], day(300)); err != nil {
		t.Fatal(err)
	}
	if _, err := app.Exec(t.Context(), insert, episode["id"], day(0)); code(err) != "CM004" {
		t.Errorf("under a legal duty, in SQL: %v", err)
	}
	lead.do(http.MethodPut, duties, object{"open": []string{}}).want(http.StatusOK)
	if _, err := app.Exec(t.Context(), insert, episode["id"], day(-1)); code(err) != "CM004" {
		t.Errorf("a holder who agreed before the episode, in SQL: %v", err)
	}
	if _, err := app.Exec(t.Context(), insert, episode["id"], day(1)); code(err) != "23514" {
		t.Errorf("a holder who agrees tomorrow, in SQL: %v", err)
	}
	if _, err := app.Exec(t.Context(), insert, episode["id"], day(0)); err != nil {
		t.Error(err)
	}
	if n := s.count("SELECT count(*) FROM closures WHERE closed_on = $1::date", day(0)); n != 1 {
		t.Error("the day of closure is not today")
	}
}

// To see a person does not suffice to change the duties towards them.
func TestOnlyASupportingServiceStatesDuties(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	who := person("9990000018", "Example")
	episode := north.accepted("north", who)
	south.refer("south", who)
	duties := "/v1/people/" + episode["personId"].(string) + "/legal-duties"
	north.do(http.MethodPut, duties, object{"open": []string{"Section117Aftercare"}}).want(http.StatusOK)
	south.do(http.MethodPut, duties, object{"open": []string{}}).refused(http.StatusForbidden, "not-your-service")
	app := s.app("test-subject", "south")
	tag, err := app.Exec(t.Context(), "UPDATE legal_duties SET ended_by = 'test-subject', ended_at = now()")
	if err != nil || tag.RowsAffected() != 0 {
		t.Errorf("in SQL: %v, %v", tag, err)
	}
	const insert = "INSERT INTO legal_duties (id, person_id, kind, recorded_by) VALUES (gen_random_uuid(), $1, 'ConditionalDischarge', 'test-subject')"
	if _, err := app.Exec(t.Context(), insert, episode["personId"]); code(err) != "42501" {
		t.Errorf("in SQL: %v", err)
	}
	north.post("/v1/episodes/"+episode["id"].(string)+"/closure", object{"reason": "SupportElsewhere", "returnPlan": returnPlan(), "acceptance": acceptance()}).want(http.StatusCreated)
	north.do(http.MethodPut, duties, object{"open": []string{}}).refused(http.StatusForbidden, "not-your-service")
}

func TestPeopleWhoDiedAreNotSupportedNow(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	who := person("9990000018", "Example")
	episode := north.accepted("north", who)
	south.accepted("south", who)
	supported := fmt.Sprintf("SELECT open_episodes FROM at_a_glance('%s', '%[1]s')", day(0))
	if n := s.count(supported); n != 1 {
		t.Fatalf("%d people are supported, want 1", n)
	}
	north.post("/v1/episodes/"+episode["id"].(string)+"/closure", object{"reason": "Died", "death": object{"on": day(0), "source": "GP"}}).want(http.StatusCreated)
	if n := s.count(supported); n != 0 {
		t.Errorf("%d people are supported, want none: south has not yet closed its episode", n)
	}
}
