package server_test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/measures"
)

// careHistory is what was recorded of 40 people (numbered by n) whom north supports, on @day of a month that is over; n 41 is a second record of the
// person 40, and what is of no account stands beside each: declined, in error, of another day.
const careHistory = `
	CREATE TABLE n AS SELECT row_number() OVER (ORDER BY id) AS n, id AS person, gen_random_uuid() AS episode FROM people;
	INSERT INTO episodes (id, person_id, responsible_service_id, opened_by, opened_at)
		SELECT episode, person, @north, 'test', @day::date - CASE WHEN n <= 20 THEN 500 ELSE 1 END FROM n WHERE n <= 40;
	UPDATE episodes e SET previous_episode_id = p.episode, safety_check_due_on = @day::date FROM n, n p WHERE n.episode = e.id AND n.n BETWEEN 21 AND 27 AND p.n = 1;
	UPDATE people SET merged_at = now(), merged_into = (SELECT person FROM n WHERE n = 40) WHERE id = (SELECT person FROM n WHERE n = 41);
	INSERT INTO key_workers (id, episode_id, person_id, service_id, subject, name, role, since, until, recorded_by, ended_by)
		SELECT gen_random_uuid(), episode, person, @north, 'worker-' || n % 3, 'A worker', 'Nurse', @day::date, until, 'test', CASE WHEN until IS NOT NULL THEN 'test' END
		FROM n, LATERAL (SELECT CASE WHEN n > 30 THEN @day::date + 1 END AS until) u WHERE n <= 35;
	INSERT INTO plans (id, person_id, episode_id, service_id, edition, kind, state, summary, review_on, in_force_from, agreement, capacity, why_not, settled_by, created_by, changed_by)
		SELECT gen_random_uuid(), person, episode, @north, edition, 'MentalHealth', CASE edition WHEN 1 THEN 'Superseded' ELSE 'InForce' END, 'Made up', @day::date + 300, @day::date,
			CASE WHEN n <= 15 THEN 'Person' ELSE 'NotAgreed' END, 'HasCapacity', 'Wants to think', 'test', 'test', 'test' FROM n, generate_series(1, 2) edition WHERE n <= 20;
	INSERT INTO handovers (id, person_id, episode_id, from_service_id, to_service_id, direction, urgency, reason, summary, state, offered_by, answer_due_on, outcome_by, outcome_at,
			accepted_as, accepted_on, decline_reason, alternative, arrived_on, arrived_by)
		SELECT gen_random_uuid(), person, episode, @north, @south, 'Up', 'Routine', 'x', 'x', state, 'test', @day::date, 'test', @day::date + time '12:00', 'Receiver', @day::date, 'x', 'x',
			CASE WHEN n <= 9 AND state = 'Accepted' THEN @day::date END, CASE WHEN n <= 9 AND state = 'Accepted' THEN 'test' END
		FROM n, unnest(ARRAY['Accepted', 'Declined']) state WHERE n <= 12 AND (state = 'Declined' OR n <= 10);
	INSERT INTO stays_elsewhere (id, episode_id, person_id, place, held_by_name, held_by_organisation, since, until, recorded_by, ended_by)
		SELECT gen_random_uuid(), episode, person, CASE WHEN n <= 16 THEN 'Hospital' ELSE 'Prison' END, 'x', 'x', @day::date - 30, @day::date, 'test', 'test' FROM n WHERE n <= 18;
	INSERT INTO contacts (id, person_id, episode_id, service_id, happened_at, medium, attendance, held_with, carer_involved, recorded_by)
		SELECT gen_random_uuid(), person, episode, @north, @day::date + day + time '10:00', 'FaceToFace', 'Attended', 'Person', n <= 7 AND day = 0, 'test'
		FROM n, unnest(ARRAY[0, 20]) day WHERE n <= 11;
	INSERT INTO contacts (id, person_id, episode_id, service_id, happened_at, medium, attendance, held_with, recorded_by, entered_in_error_at, entered_in_error_by, entered_in_error_why)
		SELECT gen_random_uuid(), person, episode, @north, @day::date + time '10:00', 'FaceToFace', CASE WHEN n = 12 THEN 'DidNotAttend' ELSE 'Attended' END, 'Person', 'test', 
			CASE WHEN n = 13 THEN now() END, CASE WHEN n = 13 THEN 'test' END, CASE WHEN n = 13 THEN 'Duplicate' END FROM n WHERE n IN (12, 13);
	INSERT INTO health_check_elements (id, person_id, episode_id, service_id, element, measured_on, audit_c, hba1c, systolic, diastolic, bmi, total_cholesterol, smoking, recorded_by)
		SELECT gen_random_uuid(), person, episode, @north, e, @day::date - CASE WHEN n = 8 AND e = 'Smoking' THEN 400 ELSE 40 END, CASE e WHEN 'Alcohol' THEN 3 END,
			CASE e WHEN 'Glucose' THEN 40 END, CASE e WHEN 'BloodPressure' THEN 120 END, CASE e WHEN 'BloodPressure' THEN 80 END, CASE e WHEN 'BodyMass' THEN 25 END,
			CASE e WHEN 'Lipids' THEN 5 END, CASE e WHEN 'Smoking' THEN 'Never' END, 'test'
		FROM n, unnest(ARRAY['Alcohol', 'Glucose', 'BloodPressure', 'BodyMass', 'Lipids', 'Smoking']) e WHERE n <= 8 OR (n = 9 AND e <> 'Lipids');
	INSERT INTO needs (id, person_id, service_id, area, description, identified_on, action, action_on, state, state_on, recorded_by)
		SELECT gen_random_uuid(), person, @north, 'Housing', 'x', @day::date, 'x', @day::date, state, @day::date, 'test'
		FROM n, unnest(ARRAY['NotMet', CASE WHEN n <= 5 THEN 'Met' WHEN n <= 8 THEN 'PartlyMet' END]) state WHERE state IS NOT NULL AND (n <= 14 OR n > 39);
	INSERT INTO assets (id, name, kind, tier, place, contact, recorded_by) VALUES ('00000000-0000-0000-0000-0000000000a5', 'Garden', 'Nature', 4, 'coast', 'x', 'test');
	INSERT INTO asset_links (id, person_id, asset_id, service_id, linked_on, first_attended_on, recorded_by)
		SELECT gen_random_uuid(), person, '00000000-0000-0000-0000-0000000000a5', @north, @day::date, CASE WHEN n <= 6 THEN @day::date + 3 END, 'test' FROM n WHERE n <= 13;
	INSERT INTO work_statuses (id, person_id, service_id, status, told_on, recorded_by)
		SELECT gen_random_uuid(), person, @north, CASE WHEN n <= 6 THEN 'Volunteering' WHEN n <= 17 THEN 'NotSeeking' ELSE 'NotStated' END, @day::date, 'test' FROM n WHERE n <= 19;
	INSERT INTO work_statuses (id, person_id, service_id, status, told_on, recorded_by)
		SELECT gen_random_uuid(), person, @north, 'Employed', @day::date - 9, 'test' FROM n WHERE n BETWEEN 7 AND 9;
	INSERT INTO interventions (id, person_id, episode_id, service_id, given_on, kind, theme, tier, recorded_by)
		SELECT gen_random_uuid(), person, episode, @north, @day::date, 'Psychosocial', theme, tier, 'test' FROM n, intervention_themes WHERE n <= 9 AND tier = 4;`

// endings are spells of ten more people that ended on the day, with pairs of scores: DIALOG from 3 on all items to $n, ReQoL-10 from 20.
const endings = `
	CREATE TABLE ended AS SELECT row_number() OVER (ORDER BY id) AS n, id AS person, gen_random_uuid() AS episode FROM people WHERE id NOT IN (SELECT person FROM n);
	INSERT INTO episodes (id, person_id, responsible_service_id, state, opened_by, opened_at, closed_at)
		SELECT episode, person, @north, 'Closed', 'test', @day::date - 200, @day::date + time '12:00' FROM ended;
	INSERT INTO closures (episode_id, reason, basis, closed_on, told_how, capacity, recorded_by)
		SELECT episode, 'PersonChose', 'Choice', @day::date, 'x', 'HasCapacity', 'test' FROM ended;
	INSERT INTO contacts (id, person_id, episode_id, service_id, happened_at, medium, attendance, held_with, recorded_by)
		SELECT gen_random_uuid(), person, episode, @north, @day::date - day + time '10:00', 'FaceToFace', 'Attended', 'Person', 'test'
		FROM ended, unnest(ARRAY[100, 50]) day WHERE n < 10 OR day = 50;
	INSERT INTO outcome_assessments (id, person_id, episode_id, service_id, tool, answered_on, recorded_by)
		SELECT gen_random_uuid(), person, episode, @north, tool, @day::date - days, 'test'
		FROM ended, unnest(ARRAY['DIALOG', 'ReQoL-10', 'GBO']) tool, unnest(ARRAY[90, 10]) days WHERE n <= 8 OR days = 90 OR n = 10;
	INSERT INTO outcome_scores (id, person_id, episode_id, service_id, tool, item, score, answered_on, assessment_id)
		SELECT gen_random_uuid(), a.person_id, a.episode_id, a.service_id, a.tool, i.item,
			CASE WHEN a.answered_on = @day::date - 90 THEN CASE a.tool WHEN 'DIALOG' THEN 3 WHEN 'ReQoL-10' THEN 20 ELSE 4 END
				ELSE CASE a.tool WHEN 'DIALOG' THEN CASE WHEN e.n <= 5 THEN 4 WHEN e.n = 6 AND i.item < 5 THEN 2 ELSE 3 END
					WHEN 'ReQoL-10' THEN CASE WHEN e.n <= 3 THEN 25 WHEN e.n <= 6 THEN 24 ELSE 15 END
					ELSE CASE WHEN e.n <= 4 THEN 7 WHEN e.n <= 6 THEN 6 ELSE 1 END END END, a.answered_on, a.id
		FROM outcome_assessments a JOIN ended e ON e.episode = a.episode_id, generate_series(0, 11) AS i (item)
		WHERE CASE a.tool WHEN 'DIALOG' THEN i.item > 0 WHEN 'ReQoL-10' THEN i.item = 0 ELSE i.item IN (1, 2) END;`

// asItStands writes history by statements, without the triggers of these tables, which keep the present.
func (s *system) asItStands(tables, history string, args pgx.NamedArgs) {
	s.t.Helper()
	for _, table := range strings.Fields(tables) {
		s.byOwner("ALTER TABLE " + table + " DISABLE TRIGGER USER")
	}
	for statement := range strings.SplitSeq(strings.TrimSuffix(strings.TrimSpace(history), ";"), ";\n") {
		s.byOwner(statement, args)
	}
}

// Everything that figures of care count, to the last person.
func TestMeasuresOfCare(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	month, within := settled(t)
	args := pgx.NamedArgs{"day": within, "north": north, "south": south}
	const tables = "episodes people key_workers plans handovers stays_elsewhere contacts health_check_elements needs assets asset_links work_statuses interventions closures outcome_assessments outcome_scores"
	s.population(41, 41, within)
	s.asItStands(tables, careHistory, args)
	s.population(10, 10, within)
	s.asItStands(tables, endings, args)
	s.catchUp(s.pool())

	rows, err := s.owner().Query(t.Context(), "SELECT measure, counted, units FROM measure_counts($1, $2) WHERE geography_kind = 'ICS' AND breakdown_kind = ''", month.From, month.To)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c struct {
		measure string
		of      [2]int64
	}, err error) {
		return c, row.Scan(&c.measure, &c.of[0], &c.of[1])
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][2]int64{}
	for _, c := range all {
		got[c.measure] = c.of
	}
	care := map[string][2]int64{
		"people-second-contact": {11, 11}, "key-worker-cover": {30, 40}, "plan-cover": {20, 40}, "plans-agreed": {15, 20}, "handovers-accepted": {10, 12}, "handovers-arrived": {9, 10},
		"re-entries": {7, 7}, "hospital-follow-up": {11, 16}, "carers-involved": {7, 11}, "health-check-complete": {7, 20}, "needs-met": {8, 15}, "asset-uptake": {6, 13}, "in-work": {6, 17},
		"outcomes-paired": {8, 9}, "dialog-improved": {5, 8}, "dialog-deteriorated": {1, 8}, "participation-improved": {5, 8}, "reqol-improved": {3, 8}, "reqol-deteriorated": {2, 8},
		"reqol-recovered": {3, 8}, "goals-improved": {4, 8}, "goals-deteriorated": {2, 8}, "people-supported-tier-4": {9, 9},
	}
	for name := range got {
		if _, expected := care[name]; !expected && !strings.HasPrefix(name, "national-") && !strings.HasPrefix(name, "person-") && name != "referrals-received" && name != "episodes-open" && name != "closures-with-support" {
			t.Errorf("%s is counted and has no test", name)
		}
	}
	for name := range got {
		if _, expected := care[name]; !expected {
			delete(got, name)
		}
	}
	if diff := cmp.Diff(care, got); diff != "" {
		t.Errorf("counted and all: %s", diff)
	}

	s.publish(s.publisher(), month, false, measures.Published)
	lead := s.as("digital-lead")
	for measure, want := range map[string]string{"key-worker-cover": "75", "plan-cover": "50", "people-per-key-worker": "10", "needs-met": "67", "re-entries": "5"} {
		if shown := lead.figures(measure, "period="+month.String()); shown["QOP"] != want {
			t.Errorf("%s: %v, want %s", measure, shown, want)
		}
	}
	figure := lead.get("/v1/measures/people-per-key-worker").want(http.StatusOK)["items"].([]any)[0].(object)
	if figure["denominator"] != nil {
		t.Errorf("how many key workers there are is shown: %v", figure)
	}
}

// The page names every measure.
func TestMeasuresPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/api/measures.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range measures.Measures() {
		if !strings.Contains(string(page), "`"+m.ID+"`") {
			t.Errorf("docs/api/measures.md does not name %s", m.ID)
		}
	}
}
