package server_test

import (
	"testing"

	"github.com/google/uuid"
)

const (
	insertOutcome  = "INSERT INTO referral_outcomes (referral_id, recorded_by, kind, "
	insertReferral = "INSERT INTO referrals (id, person_id, service_id, responsible_service_id, redirected_from, route, reason, received_on, recorded_by) VALUES (gen_random_uuid(), $1, $2, $3, $4, 'Self', 'x', current_date, 'test-subject')"
	insertStep     = "INSERT INTO referral_reaching_steps (id, referral_id, recorded_by, kind, channel, happened_on, next_on) VALUES (gen_random_uuid(), $1, 'test-subject', "
)

// Rules 2 and 3 hold in the database too, for whatever the app role may send.
func TestAppRoleCannotEndAReferralAgainstTheRules(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	asNorth := s.as("practitioner", "north")
	r := asNorth.referredBy("GP", "north", person("9990000018", "Example"))
	other := asNorth.refer("north", person("9990000026", "Other"))
	hidden := s.as("practitioner", "south").refer("south", person("9990000034", "Hidden"))
	ended := asNorth.refer("north", person("9990000042", "Fourth"))
	asNorth.end(ended["id"], object{"kind": "PersonChose", "choice": choice()}).want(201)
	sent := asNorth.refer("north", person("9990000050", "Fifth"))
	asNorth.end(sent["id"], object{"kind": "Redirected", "service": "south"}).want(201)
	id := []any{r["id"]}
	app := s.app("test-subject", "north")
	const end = "UPDATE referrals SET outcome_by = 'test-subject', outcome_at = now(), state = "
	const partyColumns = "party_name, party_organisation, party_on, party_channel) VALUES ($1, 'test-subject', "
	for name, test := range map[string]struct {
		sql  string
		args []any
		want string
	}{
		"reject":                           {insertOutcome + "told_how, capacity) VALUES ($1, 'test-subject', 'Rejected', 'x', 'HasCapacity')", id, "23514"},
		"not attending":                    {insertOutcome + "told_how, capacity) VALUES ($1, 'test-subject', 'DidNotAttend', 'x', 'HasCapacity')", id, "23514"},
		"choice without telling":           {insertOutcome + "capacity) VALUES ($1, 'test-subject', 'PersonChose', 'HasCapacity')", id, "23514"},
		"choice, capacity not considered":  {insertOutcome + "told_how) VALUES ($1, 'test-subject', 'PersonChose', 'x')", id, "23514"},
		"choice without capacity":          {insertOutcome + "told_how, capacity) VALUES ($1, 'test-subject', 'PersonChose', 'x', 'LacksCapacity')", id, "23514"},
		"taken back by nobody":             {insertOutcome + "duplicate_of) VALUES ($1, 'test-subject', 'Withdrawn', NULL)", id, "23514"},
		"sent on to nobody":                {insertOutcome + "duplicate_of) VALUES ($1, 'test-subject', 'Redirected', NULL)", id, "23514"},
		"moved to nobody":                  {insertOutcome + "duplicate_of) VALUES ($1, 'test-subject', 'MovedAway', NULL)", id, "23514"},
		"accepted by a blank name":         {insertOutcome + partyColumns + "'MovedAway', ' ', 'x', current_date, 'Phone')", id, "23514"},
		"accepted tomorrow":                {insertOutcome + partyColumns + "'MovedAway', 'x', 'x', current_date + 1, 'Phone')", id, "23514"},
		"accepted by pigeon":               {insertOutcome + partyColumns + "'MovedAway', 'x', 'x', current_date, 'Pigeon')", id, "23514"},
		"duplicate of itself":              {insertOutcome + "duplicate_of) VALUES ($1, 'test-subject', 'Duplicate', $1)", id, "23514"},
		"duplicate of another person's":    {insertOutcome + "duplicate_of) VALUES ($1, 'test-subject', 'Duplicate', $2)", []any{r["id"], other["id"]}, "CM030"},
		"duplicate of nothing":             {insertOutcome + "duplicate_of) VALUES ($1, 'test-subject', 'Duplicate', NULL)", id, "CM030"},
		"death without a source":           {insertOutcome + "died_on) VALUES ($1, 'test-subject', 'Died', current_date)", id, "23514"},
		"death tomorrow":                   {insertOutcome + "died_on, death_source) VALUES ($1, 'test-subject', 'Died', current_date + 1, 'GP')", id, "23514"},
		"in another's name":                {insertOutcome + "told_how, capacity) VALUES ($1, 'somebody', 'PersonChose', 'x', 'HasCapacity')", id, "42501"},
		"another service's referral":       {insertOutcome + "told_how, capacity) VALUES ($1, 'test-subject', 'PersonChose', 'x', 'HasCapacity')", []any{hidden["id"]}, "42501"},
		"twice":                            {insertOutcome + "told_how, capacity) VALUES ($1, 'test-subject', 'PersonChose', 'x', 'HasCapacity')", []any{ended["id"]}, "CM002"},
		"while the other may accept":       {insertOutcome + "told_how, capacity) VALUES ($1, 'test-subject', 'PersonChose', 'x', 'HasCapacity')", []any{sent["id"]}, "CM002"},
		"choose the day":                   {"INSERT INTO referral_outcomes (decided_on) VALUES ('2000-01-01')", nil, "42501"},
		"by hand":                          {end + "'Withdrawn' WHERE id = $1", id, "CM002"},
		"as sent on, by hand":              {end + "'Redirected' WHERE id = $1", id, "CM002"},
		"as sent on, not yet accepted":     {end + "'Redirected' WHERE id = $1", []any{sent["id"]}, "CM002"},
		"open it again":                    {end + "'Open' WHERE id = $1", []any{ended["id"]}, "CM002"},
		"change an outcome":                {"UPDATE referral_outcomes SET told_how = 'y'", nil, "42501"},
		"delete an outcome":                {"DELETE FROM referral_outcomes", nil, "42501"},
		"read what was refused":            {"SELECT count(*) FROM outcome_refusals", nil, "42501"},
		"refuse for another service":       {"INSERT INTO outcome_refusals (service_id, missing) VALUES ($1, 'kind')", []any{south}, "42501"},
		"send on and be rid of it":         {insertReferral, []any{r["personId"], south, south, r["id"]}, "CM002"},
		"send somebody else on":            {insertReferral, []any{other["personId"], south, north, r["id"]}, "CM002"},
		"send on to the same service":      {insertReferral, []any{r["personId"], north, north, r["id"]}, "CM002"},
		"send on from nothing":             {insertReferral, []any{r["personId"], south, north, uuid.NewString()}, "CM002"},
		"send on from another's referral":  {insertReferral, []any{r["personId"], north, south, hidden["id"]}, "CM002"},
		"send on what has ended":           {insertReferral, []any{ended["personId"], south, north, ended["id"]}, "CM002"},
		"send on to two at once":           {insertReferral, []any{sent["personId"], south, north, sent["id"]}, "23505"},
		"send on to a closing service":     {insertReferral, []any{r["personId"], east, north, r["id"]}, "CM001"},
		"move who is sent on":              {"UPDATE referrals SET redirected_from = NULL WHERE id = $1", []any{sent["id"]}, "42501"},
		"try without a next date":          {insertStep + "'Attempt', 'Phone', current_date, NULL)", id, "23514"},
		"try again in a year":              {insertStep + "'Attempt', 'Phone', current_date, current_date + 365)", id, "23514"},
		"try again yesterday":              {insertStep + "'Attempt', 'Phone', current_date, current_date - 1)", id, "23514"},
		"reached and yet a next date":      {insertStep + "'Reached', 'Phone', current_date, current_date + 1)", id, "23514"},
		"try tomorrow":                     {insertStep + "'Attempt', 'Phone', current_date + 1, current_date + 2)", id, "23514"},
		"try by no means":                  {insertStep + "'Attempt', NULL, current_date, current_date + 2)", id, "23514"},
		"try who is another service's":     {insertStep + "'Attempt', 'Phone', current_date, current_date + 2)", []any{hidden["id"]}, "42501"},
		"try where the referral has ended": {insertStep + "'Attempt', 'Phone', current_date, current_date + 2)", []any{ended["id"]}, "42501"},
		"put the next date off":            {"UPDATE referrals SET reaching_next_on = current_date + 80 WHERE id = $1", id, "42501"},
		"change a step":                    {"UPDATE referral_reaching_steps SET happened_on = current_date", nil, "42501"},
		"delete a step":                    {"DELETE FROM referral_reaching_steps", nil, "42501"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := app.Exec(t.Context(), test.sql, test.args...); code(err) != test.want {
				t.Errorf("got %v, want code %s", err, test.want)
			}
		})
	}
	if n := s.count("SELECT count(*) FROM referrals WHERE state <> 'Open'"); n != 1 {
		t.Errorf("%d referrals have ended, want 1", n)
	}
}

// What belongs to a referral is seen by whom the referral is seen, and by nobody who does not say who asks.
func TestPartsOfAReferralAreSeenWithIt(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	r := north.refer("north", person("9990000018", "Example"))
	north.post("/v1/referrals/"+r["id"].(string)+"/reaching-steps", object{"kind": "RiskReview", "on": day(0), "nextOn": day(1)}).want(201)
	north.end(r["id"], object{"kind": "MovedAway", "acceptance": party()}).want(201)
	for who, want := range map[string]int{"north": 1, "south": 0, "": 0} {
		app := s.app("")
		if who != "" {
			app = s.app("test-subject", who)
		}
		for _, query := range []string{
			"SELECT count(*) FROM referral_outcomes", "SELECT count(*) FROM referral_reaching_steps", "SELECT count(*) FROM deadlines WHERE kind = 'FirstContact'",
		} {
			var n int
			if err := app.QueryRow(t.Context(), query).Scan(&n); err != nil || n != want {
				t.Errorf("%q, %s: %d rows, %v; want %d", who, query, n, err, want)
			}
		}
		var n int
		if err := app.QueryRow(t.Context(), "SELECT count(*) FROM lock_referral($1)", r["id"]).Scan(&n); err != nil || n != want {
			t.Errorf("%q locks %d referrals, %v; want %d", who, n, err, want)
		}
	}
}
