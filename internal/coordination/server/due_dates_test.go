package server_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/cmhf/operator/internal/directory"
)

// lists holds each worklist of a service, read and counted, against what is wanted.
func (c caller) lists(t *testing.T, service string, want map[string][]any) {
	t.Helper()
	counts := c.counts()
	for kind, ids := range want {
		if got := c.listed(kind); !slices.Equal(got, ids) {
			t.Errorf("%s, %s: %v, want %v", service, kind, got, ids)
		}
		if got, counted := counts[service+" "+kind]; !counted || got != float64(len(ids)) {
			t.Errorf("%s, %s: counted %v (%v), want %d", service, kind, got, counted, len(ids))
		}
	}
}

// due are the open deadlines of something, by kind, with their day and service.
func (s *system) due(subject any) map[string]string {
	s.t.Helper()
	rows, err := s.owner().Query(s.t.Context(), `SELECT kind, due_on::text || ' ' || s.name FROM deadlines d JOIN services s ON s.id = d.service_id
		WHERE subject_id = $1 AND met_at IS NULL AND dropped_at IS NULL`, subject)
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	due := map[string]string{}
	for rows.Next() {
		var kind, what string
		if err := rows.Scan(&kind, &what); err != nil {
			s.t.Fatal(err)
		}
		due[kind] = what
	}
	return due
}

// A key worker, the answer to a handover, the safety check and the review of a plan are due within days, listed for those who see to them,
// overdue when the day has passed, and done.
func TestWhatIsDueInAnEpisode(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south, lead := s.as("practitioner", "north"), s.as("practitioner", "south"), s.as("service-lead", "north")
	closed := north.closed("north", person("9990000018", "Example"), 30)
	back := north.post("/v1/re-entries", object{"personId": closed["personId"], "service": "north", "reason": "x", "receivedOn": day(0)}).want(http.StatusCreated)
	id := back["episodeId"].(string)
	plan, _, _ := north.agreed(object{"id": id})
	h := north.offer(id, to("south", handover("Up", "Urgent")))
	offered := any(h[len("/v1/handovers/"):])
	if got := s.due(id); got["KeyWorker"] != day(14)+" north" || got["SafetyCheck"] != day(7)+" north" {
		t.Errorf("due in the episode: %v", got)
	}
	if got := s.due(offered); got["HandoverUrgent"] != day(1)+" south" {
		t.Errorf("due of the handover: %v", got)
	}
	if got := s.due(plan["id"]); got["PlanReview"] != day(180)+" north" {
		t.Errorf("due of the plan: %v", got)
	}
	north.lists(t, "north", map[string][]any{"no-key-worker": {id}, "safety-checks-due": {id}, "plan-reviews-due": {}, "handovers-unanswered": {}, "overdue": {}})
	south.lists(t, "south", map[string][]any{"no-key-worker": {}, "safety-checks-due": {}, "handovers-unanswered": {offered}, "handovers-not-arrived": {}})

	// The days pass.
	for _, sql := range []string{
		"UPDATE episodes SET key_worker_due_on = $1::date, safety_check_due_on = $1::date WHERE state = 'Open'", "UPDATE deadlines SET due_on = $1::date WHERE dropped_at IS NULL AND kind <> 'FirstContact'",
		"ALTER TABLE plans DISABLE TRIGGER plan_changed", "UPDATE plans SET in_force_from = $1::date - 1, review_on = $1::date", "ALTER TABLE plans ENABLE TRIGGER plan_changed",
	} {
		args := []any{day(-1)}
		if sql[:5] == "ALTER" {
			args = nil
		}
		s.byOwner(sql, args...)
	}
	s.byOwner("SELECT escalate_deadlines()")
	north.lists(t, "north", map[string][]any{"no-key-worker": {id}, "safety-checks-due": {id}, "plan-reviews-due": {plan["id"]}})
	late := map[any]any{}
	for _, item := range items(lead.get("/v1/worklists/overdue").want(http.StatusOK)) {
		late[item.(object)["due"]] = item.(object)["escalatedTo"]
	}
	for _, kind := range []string{"KeyWorker", "SafetyCheck", "PlanReview"} {
		if late[kind] != "ServiceLead" {
			t.Errorf("overdue, %s: %v", kind, late)
		}
	}
	if item := items(south.get("/v1/worklists/overdue").want(http.StatusOK))[0].(object); item["due"] != "HandoverUrgent" || item["subject"] != "Handover" || item["id"] != offered {
		t.Errorf("overdue at the receiver: %v", item)
	}

	// What the receiver takes over, it has to see to.
	south.post(h+"/acceptance", nil).want(http.StatusCreated)
	if got := s.due(id); got["KeyWorker"] != day(14)+" south" || got["SafetyCheck"] != day(-1)+" south" {
		t.Errorf("after the acceptance: %v", got)
	}
	if got := s.due(plan["id"]); got["PlanReview"] != day(-1)+" south" {
		t.Errorf("the plan after the acceptance: %v", got)
	}
	if got := s.due(offered); len(got) != 0 {
		t.Errorf("the handover after the acceptance: %v", got)
	}
	north.lists(t, "north", map[string][]any{"no-key-worker": {}, "safety-checks-due": {}, "plan-reviews-due": {}, "handovers-not-arrived": {}, "overdue": {}})
	south.lists(t, "south", map[string][]any{"no-key-worker": {id}, "safety-checks-due": {id}, "plan-reviews-due": {plan["id"]}, "handovers-not-arrived": {offered}, "handovers-unanswered": {}})
	south.put(id, "/key-worker", keyWorker("kim")).want(http.StatusOK)
	south.post("/v1/episodes/"+id+"/safety-check", object{"risk": "x", "medicines": "x", "address": "x", "safeguarding": "x", "checkedOn": day(0)}).want(http.StatusCreated)
	if got := s.due(id); len(got) != 0 {
		t.Errorf("after the key worker and the check: %v", got)
	}
	south.lists(t, "south", map[string][]any{"no-key-worker": {}, "safety-checks-due": {}})
	south.post("/v1/episodes/"+id+"/closure", object{"reason": "SupportElsewhere", "returnPlan": returnPlan(), "acceptance": acceptance()}).want(http.StatusCreated)
	if n := s.count("SELECT count(*) FROM deadlines WHERE met_at IS NULL AND dropped_at IS NULL"); n != 0 {
		t.Errorf("%d things are due after the closure", n)
	}
	south.lists(t, "south", map[string][]any{"plan-reviews-due": {}, "handovers-not-arrived": {}, "overdue": {}})
}

// The next version of a plan is its review; an offer that is withdrawn, or ended by a death, is due no more, even when the death was none.
func TestWhatEndsADeadline(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, lead := s.as("practitioner", "north"), s.as("service-lead", "north")
	episode := north.accepted("north", person("9990000018", "Example"))
	first, path, etag := north.agreed(episode)
	next, etag := north.post(path+"/new-version", nil, "If-Match", etag).etag(http.StatusCreated)
	_, etag = north.do(http.MethodPut, "/v1/plans/"+next["id"].(string), draft(), "If-Match", etag).etag(http.StatusOK)
	north.post("/v1/plans/"+next["id"].(string)+"/agreement", agreement(), "If-Match", etag).want(http.StatusOK)
	if a, b := s.due(first["id"]), s.due(next["id"]); len(a) != 0 || b["PlanReview"] != day(180)+" north" {
		t.Errorf("reviewed: %v, %v", a, b)
	}
	withdrawn := north.offer(episode["id"], to("south", handover("Up", "Routine")))
	north.post(withdrawn+"/withdrawal", nil).want(http.StatusCreated)
	open := north.offer(episode["id"], to("south", handover("Up", "Routine")))
	id := episode["personId"].(string)
	north.putDeath(id, object{"on": day(0), "source": "GP"}).want(http.StatusOK)
	if n := s.count("SELECT count(*) FROM deadlines WHERE met_at IS NULL AND dropped_at IS NULL"); n != 0 {
		t.Errorf("%d things are due after the death", n)
	}
	lead.reverseDeath(id, "PersonIsAlive").want(http.StatusOK)
	if got := s.due(episode["id"]); got["KeyWorker"] == "" {
		t.Errorf("after the reversal: %v", got)
	}
	if got := s.due(next["id"]); got["PlanReview"] == "" {
		t.Errorf("the plan after the reversal: %v", got)
	}
	for _, h := range []string{withdrawn, open} {
		if got := s.due(h[len("/v1/handovers/"):]); len(got) != 0 {
			t.Errorf("an offer that ended: %v", got)
		}
	}
}

// The ICS and its services set the days themselves.
func TestDaysOfTheService(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	d := testDirectory(2)
	for i := range d.Services {
		if d.Services[i].Name == "north" {
			for id, days := range map[string]int32{"KeyWorkerDays": 3, "HandoverAnswerDays": 4, "ReentryCheckDays": 2} {
				d.Services[i].Standards = append(d.Services[i].Standards, directory.Standard{ID: id, Value: days, Source: "Test Trust"})
			}
		}
	}
	s.putDirectory(d).want(http.StatusOK)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	closed := north.closed("north", person("9990000018", "Example"), 30)
	back := north.post("/v1/re-entries", object{"personId": closed["personId"], "service": "north", "reason": "x", "receivedOn": day(0)}).want(http.StatusCreated)
	episode := north.get("/v1/episodes/" + back["episodeId"].(string)).want(http.StatusOK)
	if episode["keyWorkerDueOn"] != day(3) || episode["safetyCheckDueOn"] != day(2) {
		t.Errorf("due: %v", episode)
	}
	h := north.offer(episode["id"], to("south", handover("Up", "Routine")))
	if got := north.get(h).want(http.StatusOK)["answerDueOn"]; got != day(4) {
		t.Errorf("the answer is due on %v", got)
	}
	if got := south.accepted("south", person("9990000026", "Example"))["keyWorkerDueOn"]; got != day(14) {
		t.Errorf("a service without days of its own: %v", got)
	}
}

// Emergency access that nobody has reviewed is on the list of the service's leads, and of nobody else.
func TestEmergencyReviewsList(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	s.as("practitioner", "north").accepted("north", person("9990000018", "Example"))
	s.as("practitioner", "south").post("/v1/people/emergency-access", emergency("9990000018", "1984-02-29")).want(http.StatusCreated)
	lead := s.other("service-lead", "south")
	if got := lead.listed("emergency-reviews"); len(got) != 1 {
		t.Errorf("the lead's: %v", got)
	}
	for _, c := range []caller{s.as("practitioner", "south"), s.as("service-lead", "north")} {
		if got := c.listed("emergency-reviews"); len(got) != 0 {
			t.Errorf("another's: %v", got)
		}
	}
}

// Nobody puts a deadline off, and the lists show whom the caller may see.
func TestDueListsAreTheServicesOwn(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	north.accepted("north", person("9990000018", "Example"))
	south.lists(t, "south", map[string][]any{"no-key-worker": {}})
	app := s.app("test-subject", "north")
	for name, sql := range map[string]string{
		"put it off":      "UPDATE deadlines SET due_on = current_date + 99",
		"remove it":       "DELETE FROM deadlines",
		"set by function": "SELECT set_deadline(person_id, service_id, kind, subject_id, due_on + 99) FROM deadlines",
		"drop it":         "SELECT drop_deadlines(subject_id) FROM deadlines",
		"move it":         "SELECT move_deadlines(subject_id, service_id) FROM deadlines",
	} {
		if _, err := app.Exec(t.Context(), sql); code(err) != "42501" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if item := items(north.get("/v1/worklists/no-key-worker").want(http.StatusOK))[0].(object); item["due"] != "KeyWorker" || item["dueOn"] != day(14) || item["subject"] != "Episode" {
		t.Errorf("no key worker: %v", item)
	}
}
