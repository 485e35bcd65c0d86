package server_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
)

func draft() object {
	return object{
		"kind": "MentalHealth", "summary": "Made-up summary", "reviewOn": day(180),
		"goals":   []object{{"goal": "Sleep through a night", "ownWords": true}, {"goal": "Attend the group"}},
		"needs":   []object{{"domain": "Housing", "need": "A dry flat"}, {"domain": "Money", "need": "Advice on debt"}},
		"actions": []object{{"what": "Ring the council", "who": "Sam Example", "by": day(14), "domain": "Housing"}},
		"links":   []object{{"kind": "CareAct", "heldBy": "Example Council"}},
	}
}

func agreement() object { return object{"by": "Person", "on": day(0), "capacity": "HasCapacity"} }

// drafted is a draft in an episode, and its ETag.
func (c caller) drafted(episode object, body object) (plan object, path, etag string) {
	c.s.t.Helper()
	plan, etag = c.post("/v1/episodes/"+episode["id"].(string)+"/plans", body).etag(http.StatusCreated)
	return plan, "/v1/plans/" + plan["id"].(string), etag
}

// agreed is a plan in force.
func (c caller) agreed(episode object) (plan object, path, etag string) {
	c.s.t.Helper()
	_, path, etag = c.drafted(episode, draft())
	plan, etag = c.post(path+"/agreement", agreement(), "If-Match", etag).etag(http.StatusOK)
	return plan, path, etag
}

func TestPlanFromDraftToNextVersion(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	episode := north.supported("9990000018")
	plan, path, etag := north.drafted(episode, object{"summary": "First thoughts"})
	if plan["state"] != "Draft" || plan["edition"] != 1.0 || plan["kind"] != "MentalHealth" || plan["agreedOn"] != nil || plan["personId"] != episode["personId"] {
		t.Fatalf("draft: %v", plan)
	}
	north.do(http.MethodPut, path, draft()).refused(http.StatusPreconditionRequired, "precondition-required")
	north.do(http.MethodPut, path, draft(), "If-Match", `W/"99"`).refused(http.StatusPreconditionFailed, "precondition-failed")
	plan, next := north.do(http.MethodPut, path, draft(), "If-Match", etag).etag(http.StatusOK)
	if goals := plan["goals"].([]any); len(goals) != 2 || goals[0].(object)["goal"] != "Sleep through a night" || goals[0].(object)["ownWords"] != true {
		t.Fatalf("changed draft: %v", plan)
	}
	if action := plan["actions"].([]any)[0].(object); action["who"] != "Sam Example" || action["by"] != day(14) || action["domain"] != "Housing" {
		t.Errorf("action: %v", action)
	}
	north.do(http.MethodPut, path, draft(), "If-Match", etag).refused(http.StatusPreconditionFailed, "precondition-failed")
	first, etag := north.post(path+"/agreement", agreement(), "If-Match", next).etag(http.StatusOK)
	if first["state"] != "InForce" || first["agreedOn"] != day(0) || first["inForceFrom"] != day(0) || first["kindCode"] != "10" {
		t.Fatalf("agreed: %v", first)
	}
	second, next := north.post(path+"/new-version", nil, "If-Match", etag).etag(http.StatusCreated)
	if second["state"] != "Draft" || second["edition"] != 2.0 || second["previousId"] != first["id"] || second["reviewOn"] != nil || len(second["needs"].([]any)) != 2 || len(second["links"].([]any)) != 1 {
		t.Fatalf("new version: %v", second)
	}
	if still := north.get(path).want(http.StatusOK); still["state"] != "InForce" {
		t.Errorf("a draft takes the place of the plan in force: %v", still)
	}
	following := "/v1/plans/" + second["id"].(string)
	body := with(draft(), "goals", []object{{"goal": "Work in a garden", "ownWords": true}})
	_, next = north.do(http.MethodPut, following, body, "If-Match", next).etag(http.StatusOK)
	north.post(following+"/agreement", agreement(), "If-Match", next).want(http.StatusOK)
	if before := north.get(path).want(http.StatusOK); before["state"] != "Superseded" || len(before["goals"].([]any)) != 2 {
		t.Errorf("the version before: %v", before)
	}
	list := items(north.get("/v1/episodes/" + episode["id"].(string) + "/plans").want(http.StatusOK))
	if len(list) != 2 || list[0].(object)["id"] != second["id"] || list[0].(object)["state"] != "InForce" || list[0].(object)["goals"] != nil {
		t.Errorf("versions: %v", list)
	}
	if n := s.count("SELECT count(DISTINCT operation) FROM audit_events WHERE person_id = $1 AND operation LIKE '%Plan%'", episode["personId"]); n != 6 {
		t.Errorf("%d kinds of use are in the person's access log, want 6", n)
	}
}

func TestPlanIncomplete(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	for name, test := range map[string]struct {
		draft, agreement object
		missing          []string
	}{
		"no goal":                   {with(draft(), "goals", nil), agreement(), []string{"goal"}},
		"goals of others only":      {with(draft(), "goals", []object{{"goal": "Engage with services"}}), agreement(), []string{"goal"}},
		"no review date":            {with(draft(), "reviewOn", nil), agreement(), []string{"review-date"}},
		"review in two years":       {with(draft(), "reviewOn", day(731)), agreement(), []string{"review-date"}},
		"review was yesterday":      {with(draft(), "reviewOn", day(-1)), with(agreement(), "on", day(-5)), []string{"review-date"}},
		"agreed tomorrow":           {draft(), with(agreement(), "on", day(1)), []string{"agreement"}},
		"agreed before the start":   {draft(), with(agreement(), "on", day(-11)), []string{"agreement"}},
		"not agreed, no reason":     {draft(), with(agreement(), "by", "NotAgreed"), []string{"why-not"}},
		"agreed without capacity":   {draft(), with(agreement(), "capacity", "LacksCapacity"), []string{"capacity"}},
		"best interests, unsaid":    {draft(), object{"by": "BestInterests", "on": day(0), "capacity": "LacksCapacity"}, []string{"best-interests"}},
		"decided over the person":   {draft(), object{"by": "BestInterests", "on": day(0), "capacity": "HasCapacity", "bestInterests": "x"}, []string{"capacity"}},
		"attorney without a name":   {draft(), object{"by": "Attorney", "on": day(0), "capacity": "LacksCapacity"}, []string{"representative"}},
		"advocate alone":            {draft(), object{"by": "Advocate", "on": day(0), "capacity": "LacksCapacity", "representative": "x"}, []string{"best-interests"}},
		"nothing that is asked for": {object{}, object{"by": "Advocate", "on": day(1), "capacity": "HasCapacity"}, []string{"goal", "agreement", "review-date", "capacity", "best-interests", "representative"}},
	} {
		t.Run(name, func(t *testing.T) {
			number := "9990000018"
			episode := north.accepted("north", with(person(number, "Example"), "familyName", strings.ReplaceAll(name, " ", "")+"x"))
			if test.agreement["on"] == day(-5) {
				episode = north.supported("9990000026")
			}
			_, path, etag := north.drafted(episode, test.draft)
			body := north.post(path+"/agreement", test.agreement, "If-Match", etag).refused(http.StatusUnprocessableEntity, "plan-incomplete")
			if !slices.Equal(missing(body), test.missing) || len(body["errors"].([]any)) != len(test.missing) {
				t.Errorf("missing %v, want %v: %v", missing(body), test.missing, body["errors"])
			}
			if after, same := north.get(path).etag(http.StatusOK); after["state"] != "Draft" || after["agreement"] != nil || same != etag {
				t.Errorf("after the refusal: %v", after)
			}
		})
	}
}

// Every ground on which a plan may rest besides the person's own agreement.
func TestPlanWithoutTheirAgreement(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	for number, test := range map[string]struct {
		body   object
		agreed any
	}{
		"9990000018": {object{"by": "NotAgreed", "on": day(0), "capacity": "HasCapacity", "whyNot": "Wants no plan", "bestInterests": "stray"}, nil},
		"9990000026": {object{"by": "BestInterests", "on": day(0), "capacity": "LacksCapacity", "bestInterests": "Family was asked"}, day(0)},
		"9990000034": {object{"by": "Attorney", "on": day(0), "capacity": "LacksCapacity", "representative": "Pat Example"}, day(0)},
		"9990000042": {object{"by": "Advocate", "on": day(0), "capacity": "LacksCapacity", "representative": "Pat Example", "bestInterests": "Family was asked"}, day(0)},
	} {
		_, path, etag := north.drafted(north.supported(number), draft())
		plan := north.post(path+"/agreement", test.body, "If-Match", etag).want(http.StatusOK)
		if plan["state"] != "InForce" || plan["agreement"] != test.body["by"] || plan["agreedOn"] != test.agreed || plan["inForceFrom"] != day(0) {
			t.Errorf("%s: %v", test.body["by"], plan)
		}
		if test.body["by"] == "NotAgreed" && (plan["whyNot"] != "Wants no plan" || plan["bestInterests"] != nil) {
			t.Errorf("NotAgreed: %v", plan)
		}
	}
}

// A settled plan is not changed through the API, by whatever operation.
func TestSettledPlanStays(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	episode := north.supported("9990000018")
	plan, path, etag := north.agreed(episode)
	north.do(http.MethodPut, path, with(draft(), "summary", "Changed"), "If-Match", etag).refused(http.StatusConflict, "state-conflict")
	north.post(path+"/agreement", with(agreement(), "on", day(-1)), "If-Match", etag).refused(http.StatusConflict, "state-conflict")
	north.post("/v1/episodes/"+episode["id"].(string)+"/plans", draft()).refused(http.StatusConflict, "state-conflict")
	if after, same := north.get(path).etag(http.StatusOK); same != etag || after["summary"] != plan["summary"] {
		t.Errorf("changed: %v", after)
	}
}

// There is one draft and one plan in force, also when several people draft or agree at once.
func TestOnePlan(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	episode := north.supported("9990000018")
	plans := "/v1/episodes/" + episode["id"].(string) + "/plans"
	var group sync.WaitGroup
	statuses := make([]int, 4)
	for i := range statuses {
		group.Go(func() { statuses[i] = north.post(plans, draft()).status })
	}
	group.Wait()
	slices.Sort(statuses)
	if !slices.Equal(statuses, []int{201, 409, 409, 409}) {
		t.Errorf("four at once who draft: %v", statuses)
	}
	id := items(north.get(plans).want(http.StatusOK))[0].(object)["id"].(string)
	_, etag := north.get("/v1/plans/" + id).etag(http.StatusOK)
	for i := range statuses {
		group.Go(func() { statuses[i] = north.post("/v1/plans/"+id+"/agreement", agreement(), "If-Match", etag).status })
	}
	group.Wait()
	slices.Sort(statuses)
	if statuses[0] != http.StatusOK || statuses[1] < http.StatusConflict || statuses[3] > http.StatusPreconditionFailed {
		t.Errorf("four at once who agree: %v", statuses)
	}
	_, etag = north.get("/v1/plans/" + id).etag(http.StatusOK)
	for i := range statuses {
		group.Go(func() { statuses[i] = north.post("/v1/plans/"+id+"/new-version", nil, "If-Match", etag).status })
	}
	group.Wait()
	slices.Sort(statuses)
	if !slices.Equal(statuses, []int{201, 409, 409, 409}) {
		t.Errorf("four at once who make a new version: %v", statuses)
	}
	if n := s.count("SELECT count(*) FROM plans"); n != 2 {
		t.Errorf("%d versions, want 2", n)
	}
}

// A plan that was a mistake leaves the list; the version before it can be followed.
func TestPlanEnteredInError(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	episode := north.supported("9990000018")
	_, path, etag := north.agreed(episode)
	second, next := north.post(path+"/new-version", nil, "If-Match", etag).etag(http.StatusCreated)
	following := "/v1/plans/" + second["id"].(string)
	_, next = north.do(http.MethodPut, following, draft(), "If-Match", next).etag(http.StatusOK)
	_, next = north.post(following+"/agreement", agreement(), "If-Match", next).etag(http.StatusOK)
	why := object{"why": "WrongDetails"}
	north.post(following+"/entered-in-error", why).refused(http.StatusPreconditionRequired, "precondition-required")
	marked, next := north.post(following+"/entered-in-error", why, "If-Match", next).etag(http.StatusOK)
	if marked["state"] != "EnteredInError" || marked["enteredInError"].(object)["why"] != "WrongDetails" || len(marked["goals"].([]any)) != 2 {
		t.Errorf("marked: %v", marked)
	}
	north.post(following+"/entered-in-error", why, "If-Match", next).refused(http.StatusConflict, "state-conflict")
	north.post(following+"/new-version", nil, "If-Match", next).refused(http.StatusConflict, "state-conflict")
	north.post(following+"/agreement", agreement(), "If-Match", next).refused(http.StatusConflict, "state-conflict")
	if list := items(north.get("/v1/episodes/" + episode["id"].(string) + "/plans").want(http.StatusOK)); len(list) != 1 || list[0].(object)["state"] != "Superseded" {
		t.Errorf("the list after the mistake: %v", list)
	}
	if list := items(north.get("/v1/plans").want(http.StatusOK)); len(list) != 0 {
		t.Errorf("in force after the mistake: %v", list)
	}
	_, etag = north.get(path).etag(http.StatusOK)
	if third := north.post(path+"/new-version", nil, "If-Match", etag).want(http.StatusCreated); third["edition"] != 3.0 {
		t.Errorf("after the mistake: %v", third)
	}
}

// The list of reviews goes from the most overdue on, for the responsible service's open episodes only.
func TestPlansByReview(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	want := []string{}
	for i, number := range []string{"9990000018", "9990000026", "9990000034", "9990000042"} {
		episode := north.supported(number)
		_, path, etag := north.drafted(episode, with(draft(), "reviewOn", day(10+i)))
		plan := north.post(path+"/agreement", agreement(), "If-Match", etag).want(http.StatusOK)
		if i == 3 {
			north.post("/v1/episodes/"+episode["id"].(string)+"/closure", object{"reason": "SupportElsewhere", "returnPlan": returnPlan(), "acceptance": acceptance()}).want(http.StatusCreated)
			continue
		}
		want = append(want, plan["id"].(string))
	}
	north.drafted(north.supported("9990000050"), draft())
	got := []string{}
	for next := ""; ; {
		list := north.get("/v1/plans?limit=2&service=north&cursor=" + next).want(http.StatusOK)
		for _, item := range items(list) {
			got = append(got, item.(object)["id"].(string))
		}
		if next, _ = list["next"].(string); next == "" {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("by review: %v, want %v", got, want)
	}
	for before, n := range map[string]int{day(10): 0, day(11): 1, day(12): 2, day(400): 3} {
		if list := items(north.get("/v1/plans?reviewDueBefore=" + before).want(http.StatusOK)); len(list) != n {
			t.Errorf("due before %s: %v, want %d", before, list, n)
		}
	}
	if list := items(south.get("/v1/plans").want(http.StatusOK)); len(list) != 0 {
		t.Errorf("south sees %v", list)
	}
	south.get("/v1/plans?service=north").refused(http.StatusUnprocessableEntity, "invalid-request")
	north.get("/v1/plans?reviewDueBefore=soon").refused(http.StatusUnprocessableEntity, "invalid-request")
	north.get("/v1/plans?reviewDueBefore=0000-01-01").refused(http.StatusUnprocessableEntity, "invalid-request")
}

func TestPlansOfOthers(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	episode := north.supported("9990000018")
	_, path, etag := north.agreed(episode)
	plans := "/v1/episodes/" + episode["id"].(string) + "/plans"
	everything := func(want func(answer)) {
		want(south.post(plans, draft()))
		want(south.do(http.MethodPut, path, draft(), "If-Match", etag))
		want(south.post(path+"/agreement", agreement(), "If-Match", etag))
		want(south.post(path+"/new-version", nil, "If-Match", etag))
		want(south.post(path+"/entered-in-error", object{"why": "Duplicate"}, "If-Match", etag))
	}
	everything(func(a answer) { a.t.Helper(); a.refused(http.StatusNotFound, "not-found") })
	south.get(path).refused(http.StatusNotFound, "not-found")
	south.get(plans).refused(http.StatusNotFound, "not-found")
	if n := s.count("SELECT count(*) FROM audit_events WHERE outcome = 'Refused' AND person_id = $1", episode["personId"]); n != 7 {
		t.Errorf("%d attempts are in the person's access log, want 7", n)
	}
	// Once the person is referred to south too, it reads the one plan; north keeps it.
	north.post("/v1/referrals", with(with(referral("south", nil), "person", nil), "personId", episode["personId"])).want(http.StatusCreated)
	south.get(path).want(http.StatusOK)
	if list := items(south.get(plans).want(http.StatusOK)); len(list) != 1 {
		t.Errorf("south sees %v", list)
	}
	everything(func(a answer) { a.t.Helper(); a.refused(http.StatusForbidden, "not-your-service") })
	// A closed episode and a death end planning.
	north.post("/v1/episodes/"+episode["id"].(string)+"/closure", object{"reason": "Died", "death": object{"on": day(0), "source": "GP"}}).want(http.StatusCreated)
	north.post(path+"/new-version", nil, "If-Match", etag).refused(http.StatusConflict, "person-died")
	north.post(plans, draft()).refused(http.StatusConflict, "person-died")
	north.post(path+"/entered-in-error", object{"why": "Duplicate"}, "If-Match", etag).want(http.StatusOK)
	other := north.supported("9990000026")
	_, draftPath, draftTag := north.drafted(other, draft())
	north.post("/v1/episodes/"+other["id"].(string)+"/closure", object{"reason": "SupportElsewhere", "returnPlan": returnPlan(), "acceptance": acceptance()}).want(http.StatusCreated)
	north.post(draftPath+"/agreement", agreement(), "If-Match", draftTag).refused(http.StatusConflict, "state-conflict")
	north.post("/v1/episodes/"+other["id"].(string)+"/plans", draft()).refused(http.StatusConflict, "state-conflict")
}

func TestPlanBadInput(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	episode := north.supported("9990000018")
	const secret = "9434765919"
	many := func(n int, part object) []object { return slices.Repeat([]object{part}, n) }
	goal, action := object{"goal": "x", "ownWords": true}, object{"what": "x", "who": "x", "by": day(1)}
	for name, test := range map[string]struct {
		field    string
		value    any
		location string
	}{
		"unknown kind":        {"kind", secret, "body.kind"},
		"a crisis plan":       {"kind", "Crisis", "body.kind"},
		"long summary":        {"summary", strings.Repeat("x", 4001), "body.summary"},
		"no day of review":    {"reviewOn", "2027-02-30", "body.reviewOn"},
		"review in year 0":    {"reviewOn", "0000-01-01", "body.reviewOn"},
		"too many goals":      {"goals", many(21, goal), "body.goals"},
		"blank goal":          {"goals", many(1, with(goal, "goal", " ")), "body.goals[0].goal"},
		"goal that is none":   {"goals", many(1, with(goal, "goal", nil)), "body.goals[0]"},
		"goals that are one":  {"goals", goal, "body.goals"},
		"goals that are null": {"goals", []any{nil}, "body.goals[0]"},
		"unknown domain":      {"needs", many(1, object{"domain": secret, "need": "x"}), "body.needs[0].domain"},
		"nobody does it":      {"actions", many(1, with(action, "who", nil)), "body.actions[0]"},
		"by no day":           {"actions", many(1, with(action, "by", nil)), "body.actions[0]"},
		"by year 0":           {"actions", many(1, with(action, "by", "0000-01-01")), "body.actions[0].by"},
		"unknown link":        {"links", many(1, object{"kind": secret, "heldBy": "x"}), "body.links[0].kind"},
		"agreed in a draft":   {"agreement", "Person", "body.agreement"},
		"in force in a draft": {"state", "InForce", "body.state"},
		"unknown field":       {secret, "x", "body.…"},
		"unknown in a part":   {"goals", many(1, with(goal, secret, "x")), "body.goals[0].…"},
	} {
		t.Run(name, func(t *testing.T) {
			a := north.post("/v1/episodes/"+episode["id"].(string)+"/plans", with(draft(), test.field, test.value))
			if body := a.refused(http.StatusUnprocessableEntity, "invalid-request"); at(body) != test.location || strings.Contains(a.raw, secret) {
				t.Errorf("errors at %v, want %s: %s", at(body), test.location, a.raw)
			}
		})
	}
	if n := s.count("SELECT count(*) FROM plans"); n != 0 {
		t.Errorf("refused requests left %d plans", n)
	}
	_, path, etag := north.drafted(episode, draft())
	for field, value := range map[string]any{"by": secret, "capacity": "Perhaps", "on": "soon", "whyNot": strings.Repeat("x", 1001), "bestInterests": strings.Repeat("x", 4001), "representative": strings.Repeat("x", 201)} {
		a := north.post(path+"/agreement", with(agreement(), field, value), "If-Match", etag)
		if body := a.refused(http.StatusUnprocessableEntity, "invalid-request"); at(body) != "body."+field || strings.Contains(a.raw, secret) {
			t.Errorf("%s: errors at %v: %s", field, at(body), a.raw)
		}
	}
	for _, id := range []string{uuid.NewString(), secret} {
		if a := north.get("/v1/plans/" + id); a.status != http.StatusNotFound && a.status != http.StatusUnprocessableEntity || strings.Contains(a.raw, secret) {
			t.Errorf("%d %s", a.status, a.raw)
		}
	}
}
