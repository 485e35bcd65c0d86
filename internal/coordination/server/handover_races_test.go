package server_test

import (
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/cmhf/operator/internal/directory"
)

// atOnce does all at the same time and gives the statuses in the same order.
func atOnce(do ...func() answer) []int {
	statuses := make([]int, len(do))
	var group sync.WaitGroup
	for i := range do {
		group.Go(func() { statuses[i] = do[i]().status })
	}
	group.Wait()
	return statuses
}

// watch looks, for as long as work takes, whether every open episode has one responsible service in every snapshot.
func (s *system) watch(work func()) {
	s.t.Helper()
	done, broken, looks := make(chan struct{}), int64(0), 0
	owner := s.owner()
	var group sync.WaitGroup
	group.Go(func() {
		for {
			var n int64
			if err := owner.QueryRow(s.t.Context(), notOneResponsible).Scan(&n); err != nil {
				s.t.Error(err)
				return
			}
			broken, looks = broken+n, looks+1
			select {
			case <-done:
				return
			default:
			}
		}
	})
	work()
	close(done)
	group.Wait()
	if broken > 0 || looks < 2 {
		s.t.Errorf("an episode had not one responsible service %d times in %d looks", broken, looks)
	}
}

func TestTwoReceiversAcceptAtOnce(t *testing.T) {
	t.Parallel()
	s := startWithWest(t)
	north, south, west := s.as("practitioner", "north"), s.as("practitioner", "south"), s.as("practitioner", "west")
	s.watch(func() {
		for _, number := range []string{"9990000018", "9990000026", "9990000034", "9990000042", "9990000050"} {
			episode := north.accepted("north", person(number, "Example"))
			toSouth, toWest := north.offer(episode["id"], to("south", handover("Up", "Urgent"))), north.offer(episode["id"], to("west", handover("Up", "Urgent")))
			got := atOnce(
				func() answer { return south.post(toSouth+"/acceptance", nil) },
				func() answer { return west.post(toWest+"/acceptance", nil) },
				func() answer { return south.post(toSouth+"/acceptance", nil) },
			)
			if slices.Sort(got); !slices.Equal(got, []int{201, 409, 409}) {
				t.Errorf("acceptances at once: %v", got)
			}
			if n := s.count("SELECT count(*) FROM handovers h JOIN episodes e ON e.id = h.episode_id WHERE e.id = $1 AND h.state = 'Accepted' AND h.to_service_id = e.responsible_service_id", episode["id"]); n != 1 {
				t.Errorf("%d accepted handovers lead to the responsible service, want 1", n)
			}
			if n := s.count("SELECT count(*) FROM handovers WHERE episode_id = $1 AND state = 'Withdrawn'", episode["id"]); n != 1 {
				t.Errorf("%d offers ended with the other's acceptance, want 1", n)
			}
		}
	})
}

func TestAcceptAndWithdrawAtOnce(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	s.watch(func() {
		for _, number := range []string{"9990000018", "9990000026", "9990000034"} {
			h := north.offer(north.accepted("north", person(number, "Example"))["id"], to("south", handover("Up", "Routine")))
			got := atOnce(
				func() answer { return south.post(h+"/acceptance", nil) },
				func() answer { return north.post(h+"/withdrawal", nil) },
				func() answer { return south.post(h+"/decline", object{"reason": "x", "alternative": "x"}) },
			)
			if slices.Sort(got); !slices.Equal(got, []int{201, 409, 409}) {
				t.Errorf("answers at once: %v", got)
			}
		}
	})
}

// An offer and a closure at once: one of the two is refused, so that no offer of a closed episode waits for an answer.
func TestCloseWhileHandingOver(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	closure := object{"reason": "SupportElsewhere", "returnPlan": returnPlan(), "acceptance": acceptance()}
	for _, number := range []string{"9990000018", "9990000026", "9990000034", "9990000042"} {
		path := "/v1/episodes/" + north.accepted("north", person(number, "Example"))["id"].(string)
		got := atOnce(
			func() answer { return north.post(path+"/closure", closure) },
			func() answer { return north.post(path+"/handovers", to("south", handover("Down", "Routine"))) },
		)
		if slices.Sort(got); !slices.Equal(got, []int{201, 409}) {
			t.Errorf("a closure and an offer at once: %v", got)
		}
	}
	const lost = "SELECT count(*) FROM handovers h JOIN episodes e ON e.id = h.episode_id WHERE h.state = 'Offered' AND e.state = 'Closed'"
	if n := s.count(lost); n != 0 {
		t.Errorf("%d offers of closed episodes wait for an answer", n)
	}
	// While an offer waits, neither the API nor SQL closes; and a closed episode is not handed over.
	open := north.accepted("north", person("9990000050", "Example"))
	h := north.offer(open["id"], to("south", handover("Down", "Routine")))
	path := "/v1/episodes/" + open["id"].(string)
	north.post(path+"/closure", closure).refused(http.StatusConflict, "state-conflict")
	app := s.app("test-subject", "north")
	tx, err := app.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "INSERT INTO return_plans (episode_id, summary, how_to_return, valid_until, recorded_by) VALUES ($1, 'x', 'x', current_date, 'test-subject')", open["id"]); err != nil {
		t.Fatal(err)
	}
	_, err = tx.Exec(t.Context(), `INSERT INTO closures (episode_id, reason, basis, recorded_as, receiver_name, receiver_organisation, agreed_on, channel, recorded_by)
		VALUES ($1, 'SupportElsewhere', 'Acceptance', 'OnBehalf', 'x', 'x', current_date, 'Phone', 'test-subject')`, open["id"])
	if code(err) != "CM046" {
		t.Errorf("closed in SQL while an offer waits: %v", err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The receiver accepts while the sender closes: whoever comes first, the other is refused.
	if got := atOnce(
		func() answer { return south.post(h+"/acceptance", nil) },
		func() answer { return north.post(path+"/closure", closure) },
	); got[0] != 201 || (got[1] != 409 && got[1] != 403) {
		t.Errorf("an acceptance and a closure at once: %v", got)
	}
	south.post(path+"/closure", closure).want(http.StatusCreated)
	south.post(path+"/handovers", to("north", handover("Down", "Routine"))).refused(http.StatusConflict, "state-conflict")
	const insert = `INSERT INTO handovers (id, person_id, episode_id, to_service_id, direction, urgency, reason, summary)
		VALUES (gen_random_uuid(), $1, $2, $3, 'Up', 'Routine', 'x', 'x')`
	if _, err := s.app("test-subject", "south").Exec(t.Context(), insert, open["personId"], open["id"], directory.ServiceID("QOP", "north")); code(err) != "CM003" {
		t.Errorf("a closed episode handed over in SQL: %v", err)
	}
}

// A death ends every offer of the person's, also of episodes of other services; one that is answered at the same moment is answered once.
func TestDeathDuringAHandover(t *testing.T) {
	t.Parallel()
	s := startWithWest(t)
	north, south, west := s.as("practitioner", "north"), s.as("practitioner", "south"), s.as("practitioner", "west")
	death := object{"reason": "Died", "death": object{"on": day(0), "source": "GP"}}
	who := person("9990000018", "Example")
	own, others := north.accepted("north", who), west.accepted("west", who)
	first, second := north.offer(own["id"], to("south", handover("Up", "Routine"))), west.offer(others["id"], outside(handover("Down", "Routine")))
	north.post("/v1/episodes/"+own["id"].(string)+"/closure", death).want(http.StatusCreated)
	for c, h := range map[caller]string{south: first, west: second} {
		if read := c.get(h).want(http.StatusOK); read["state"] != "Died" {
			t.Errorf("after the death: %v", read)
		}
	}
	south.post(first+"/acceptance", nil).refused(http.StatusConflict, "state-conflict")
	west.post("/v1/episodes/"+others["id"].(string)+"/handovers", to("south", handover("Up", "Routine"))).refused(http.StatusConflict, "state-conflict") // the death has closed it
	const insert = `INSERT INTO handovers (id, person_id, episode_id, to_service_id, direction, urgency, reason, summary)
		VALUES (gen_random_uuid(), $1, $2, $3, 'Up', 'Routine', 'x', 'x')`
	if _, err := s.app("test-subject", "west").Exec(t.Context(), insert, others["personId"], others["id"], directory.ServiceID("QOP", "south")); code(err) != "CM003" {
		t.Errorf("a person who died handed over in SQL: %v", err)
	}
	s.watch(func() {
		for _, number := range []string{"9990000026", "9990000034", "9990000042"} {
			who := person(number, "Other")
			own, others := north.accepted("north", who), west.accepted("west", who)
			h := north.offer(own["id"], to("south", handover("Up", "Routine")))
			got := atOnce(
				func() answer { return south.post(h+"/acceptance", nil) },
				func() answer { return west.post("/v1/episodes/"+others["id"].(string)+"/closure", death) },
			)
			if (got[0] != 201 && got[0] != 409) || got[1] != 201 {
				t.Errorf("an acceptance and a death at once: %v", got)
			}
		}
	})
	if n := s.count("SELECT count(*) FROM handovers h JOIN people p ON p.id = h.person_id WHERE h.state = 'Offered' AND p.died_on IS NOT NULL"); n != 0 {
		t.Errorf("%d offers of people who died wait for an answer", n)
	}
}

// A receiver that supports the person already, in an episode of its own, cannot have a second one.
func TestReceiverSupportsThePersonAlready(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north, south := s.as("practitioner", "north"), s.as("practitioner", "south")
	who := person("9990000018", "Example")
	episode := north.accepted("north", who)
	h := north.offer(episode["id"], to("south", handover("Up", "Routine")))
	south.accepted("south", who)
	south.post(h+"/acceptance", nil).refused(http.StatusConflict, "state-conflict")
	north.post(h+"/withdrawal", nil).want(http.StatusCreated)
	north.post("/v1/episodes/"+episode["id"].(string)+"/handovers", to("south", handover("Up", "Routine"))).refused(http.StatusConflict, "state-conflict")
	// A referral and a handover that are accepted at once make one episode with the service.
	for _, number := range []string{"9990000026", "9990000034", "9990000042"} {
		who := person(number, "Other")
		h := north.offer(north.accepted("north", who)["id"], to("south", handover("Up", "Routine")))
		referral := south.refer("south", who)
		got := atOnce(
			func() answer { return south.post(h+"/acceptance", nil) },
			func() answer { return south.post("/v1/referrals/"+referral["id"].(string)+"/acceptance", nil) },
		)
		if got[1] != 201 || (got[0] != 201 && got[0] != 409) {
			t.Errorf("a referral and a handover accepted at once: %v", got)
		}
	}
	if n := s.count("SELECT count(*) FROM (SELECT 1 FROM episodes WHERE state = 'Open' GROUP BY person_id, responsible_service_id HAVING count(*) > 1) twice"); n != 0 {
		t.Errorf("%d people have two episodes with a service", n)
	}
}

func TestAppRoleCannotBreakHandoverRules(t *testing.T) {
	t.Parallel()
	s := startWithWest(t)
	asNorth, asWest := s.as("practitioner", "north"), s.as("practitioner", "west")
	episode := asNorth.accepted("north", person("9990000018", "Example"))
	hidden := asWest.accepted("west", person("9990000026", "Hidden"))
	path := asNorth.offer(episode["id"], to("south", handover("Up", "Routine")))
	id := path[len("/v1/handovers/"):]
	theirs := asWest.offer(hidden["id"], to("south", handover("Up", "Routine")))[len("/v1/handovers/"):]
	outer := asNorth.offer(episode["id"], outside(handover("Down", "Routine")))[len("/v1/handovers/"):]
	plain := asNorth.accepted("north", person("9990000034", "Third"))
	app := s.app("test-subject", "north")
	insert := "INSERT INTO handovers (id, person_id, episode_id, to_service_id, direction, urgency, reason, summary) VALUES (gen_random_uuid(), $1, $2, $3, 'Up', 'Routine', 'x', 'x')"
	for name, test := range map[string]struct {
		sql  string
		args []any
		want string
	}{
		"hand over another's person":    {insert, []any{hidden["personId"], hidden["id"], north}, "CM040"},
		"to a closing service":          {insert, []any{episode["personId"], episode["id"], east}, "CM001"},
		"to oneself":                    {insert, []any{episode["personId"], episode["id"], north}, "CM041"},
		"twice to one service":          {insert, []any{episode["personId"], episode["id"], south}, "23505"},
		"to nobody":                     {insert, []any{episode["personId"], episode["id"], nil}, "23514"},
		"another person's episode":      {insert, []any{episode["personId"], plain["id"], south}, "23503"},
		"choose the sender":             {"INSERT INTO handovers (id, from_service_id) VALUES (gen_random_uuid(), $1)", []any{south}, "42501"},
		"start accepted":                {"INSERT INTO handovers (id, state) VALUES (gen_random_uuid(), 'Accepted')", nil, "42501"},
		"accept for the receiver":       {"UPDATE handovers SET state = 'Accepted' WHERE id = $1", []any{id}, "CM040"},
		"decline for the receiver":      {"UPDATE handovers SET state = 'Declined', decline_reason = 'x', alternative = 'x' WHERE id = $1", []any{id}, "CM040"},
		"accept outside without a name": {"UPDATE handovers SET state = 'Accepted', accepted_on = current_date WHERE id = $1", []any{outer}, "23514"},
		"accept outside tomorrow": {"UPDATE handovers SET state = 'Accepted', accepted_name = 'x', accepted_organisation = 'x', accepted_channel = 'Phone', accepted_on = current_date + 1 WHERE id = $1",
			[]any{outer}, "CM040"},
		"decline outside without another way": {"UPDATE handovers SET state = 'Declined', decline_reason = 'x' WHERE id = $1", []any{outer}, "23514"},
		"end as died without a death":         {"UPDATE handovers SET state = 'Died' WHERE id = $1", []any{id}, "CM040"},
		"arrive before the acceptance":        {"UPDATE handovers SET arrived_on = current_date WHERE id = $1", []any{outer}, "23514"},
		"rewrite the offer":                   {"UPDATE handovers SET summary = 'x' WHERE id = $1", []any{id}, "42501"},
		"send the offer elsewhere":            {"UPDATE handovers SET to_service_id = $2 WHERE id = $1", []any{id, west}, "42501"},
		"take back the escalation":            {"UPDATE handovers SET escalated_to = NULL", nil, "42501"},
		"delete a handover":                   {"DELETE FROM handovers", nil, "42501"},
		"grant oneself access":                {"UPDATE person_access SET until = NULL", nil, "42501"},
		"pass on what is no crisis":           {"INSERT INTO handovers (id, person_id, episode_id, to_service_id, direction, urgency, reason, summary, transfer_of) VALUES (gen_random_uuid(), $1, $2, $3, 'Up', 'Crisis', 'x', 'x', $4)", []any{episode["personId"], episode["id"], west, id}, "CM040"},
		"relieve of nothing":                  {"INSERT INTO handovers (id, person_id, episode_id, to_service_id, direction, urgency, reason, summary, transfer_of) VALUES (gen_random_uuid(), $1, $2, $3, 'Up', 'Crisis', 'x', 'x', $1)", []any{episode["personId"], episode["id"], west}, "CM040"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := app.Exec(t.Context(), test.sql, test.args...); code(err) != test.want {
				t.Fatalf("got %v, want code %s", err, test.want)
			}
		})
	}
	if tag, err := app.Exec(t.Context(), "UPDATE handovers SET state = 'Withdrawn' WHERE id = $1", theirs); err != nil || tag.RowsAffected() != 0 {
		t.Errorf("withdrew another's offer: %v, %v", tag, err)
	}
	// Not even the owner moves an episode without a handover that was accepted.
	if _, err := s.owner().Exec(t.Context(), "UPDATE episodes SET responsible_service_id = $2 WHERE id = $1", episode["id"], south); code(err) != "CM040" {
		t.Errorf("the owner moves an episode: %v", err)
	}
	if _, err := s.owner().Exec(t.Context(), "INSERT INTO person_access (person_id, service_id, why, source_id) VALUES ($1, $2, 'Episode', $3)", episode["personId"], south, episode["id"]); code(err) != "23505" {
		t.Errorf("two services responsible: %v", err)
	}
	if n := s.count("SELECT count(*) FROM handovers WHERE state <> 'Offered'"); n != 0 {
		t.Errorf("%d handovers changed", n)
	}
}
