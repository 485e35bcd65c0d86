package server_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/outcomes/scores"
)

// changedSpells are spells of one person each, with a first and a latest score of one item in each tool. They end one a day, from @day on,
// in the order of the changes.
const changedSpells = `
	CREATE TABLE ended AS SELECT gen_random_uuid() AS episode, person, @day::date + (n - 1)::int AS day, (@changes::int[])[n] AS change
		FROM (SELECT row_number() OVER (ORDER BY id) AS n, id AS person FROM people) p;
	INSERT INTO episodes (id, person_id, responsible_service_id, state, opened_by, opened_at, closed_at)
		SELECT episode, person, @north, 'Closed', 'test', day - 200, day + time '12:00' FROM ended;
	INSERT INTO contacts (id, person_id, episode_id, service_id, happened_at, medium, attendance, held_with, recorded_by)
		SELECT gen_random_uuid(), person, episode, @north, day - before + time '10:00', 'FaceToFace', 'Attended', 'Person', 'test' FROM ended, unnest(ARRAY[100, 50]) before;
	INSERT INTO outcome_assessments (id, person_id, episode_id, service_id, tool, answered_on, recorded_by)
		SELECT gen_random_uuid(), person, episode, @north, tool, day - before, 'test' FROM ended, unnest(@tools::text[]) tool, unnest(ARRAY[90, 10]) before;
	INSERT INTO outcome_scores (id, person_id, episode_id, service_id, tool, item, score, answered_on, assessment_id)
		SELECT gen_random_uuid(), a.person_id, a.episode_id, a.service_id, a.tool, (@items::int[])[nth], score, a.answered_on, a.id
		FROM outcome_assessments a JOIN ended e ON e.episode = a.episode_id, LATERAL (SELECT array_position(@tools::text[], a.tool)) t (nth),
			LATERAL (SELECT (@baselines::int[])[nth] + CASE WHEN a.answered_on = e.day - 10 THEN e.change ELSE 0 END) s (score)
		WHERE (@baselines::int[])[nth] + e.change BETWEEN (@lowest::int[])[nth] AND (@highest::int[])[nth]`

// What is more than chance, and what is recovery, is the same to the one person who reads their answers and in the figures: the database
// counts as package scores judges, for every change around the thresholds.
func TestFiguresJudgeChangeAsScoresDo(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	_, within := settled(t)
	tools := []struct {
		tool                            scores.Tool
		measure                         string
		item, baseline, lowest, highest int
	}{{scores.DIALOG, "dialog", 1, 4, 1, 7}, {scores.ReQoL, "reqol", scores.Total, 22, 0, 40}, {scores.GBO, "goals", 1, 5, 0, 10}}
	if len(tools) != len(scores.Tools()) {
		t.Fatalf("of the tools %v some have no figures here", scores.Tools())
	}
	var changes []int
	for change := -8; change <= 8; change++ {
		changes = append(changes, change)
	}
	args := pgx.NamedArgs{"day": within, "north": north, "changes": changes}
	var names []string
	of := map[string][]int{}
	for _, x := range tools {
		names = append(names, string(x.tool))
		for name, value := range map[string]int{"items": x.item, "baselines": x.baseline, "lowest": x.lowest, "highest": x.highest} {
			of[name] = append(of[name], value)
		}
	}
	args["tools"] = names
	for name, values := range of {
		args[name] = values
	}
	s.population(len(changes), len(changes), within)
	s.asItStands("episodes contacts outcome_assessments outcome_scores", changedSpells, args)

	for n, change := range changes {
		want := map[string]bool{}
		for _, x := range tools {
			if scores.Check(x.tool, x.item, x.baseline+change) != nil {
				continue
			}
			want[x.measure+"-improved"] = scores.Classify(x.tool, change) == scores.Improvement
			want[x.measure+"-deteriorated"] = scores.Classify(x.tool, change) == scores.Deterioration
			if x.tool == scores.ReQoL {
				want["reqol-recovered"] = scores.Recovered(x.tool, x.baseline, x.baseline+change)
			}
		}
		rows, err := s.owner().Query(t.Context(), `SELECT measure, counted FROM care_units($1::date + $2::int, $1::date + $2::int)
			WHERE measure ~ '^(dialog|reqol|goals)-'`, within, n)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		var measure string
		var counted bool
		if _, err := pgx.ForEachRow(rows, []any{&measure, &counted}, func() error { got[measure] = counted; return nil }); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("a change by %d (-package scores +database):\n%s", change, diff)
		}
	}
}
