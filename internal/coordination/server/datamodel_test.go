package server_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

const modelPath = "../../../docs/api/data-model.md"

// pictures are the parts of the data model, each with the tables that it shows. Every table is in one.
var pictures = []struct{ title, tables string }{
	{"People", "people person_details contact_details residences registrations carers carer_contacts carer_confidences representatives capacity_assessments legal_duties person_alerts objections named_access earlier_versions"},
	{"From a request for help to the end of a spell", "referrals referral_outcomes referral_reaching_steps outcome_refusals episodes reaching_steps return_plans closures closure_refusals safety_checks stays_elsewhere"},
	{"Who is there, what is planned, what is done", "key_workers team_members coordination_levels handovers plans plan_goals plan_needs plan_actions plan_links action_progress action_progress_steps safety_plans contacts interventions intervention_themes"},
	{"How the person is, and what they need", "outcome_assessments outcome_scores alerts_for_staff health_check_elements needs assets asset_links work_statuses feedback feedback_authors"},
	{"Deadlines", "standards deadline_kinds deadlines staff_sightings"},
	{"One record for one person", "matching_queue people_merges deaths ended_by_death retractions legal_holds disposals record_tables"},
	{"Who may see, who has seen, who is told", "person_access emergency_accesses audit_events audit_batches changes change_feed fhir_intakes idempotency_keys writable_hours"},
	{"Figures", "dirty_people dirty_services spell_facts publications figures populations population_uploads series_uploads series_points"},
	{"The directory and the system itself", "services neighbourhoods organisations directory_commit schema_info synthetic_seed synthetic_seed_parts"},
}

// The pictures of docs/api/data-model.md are those of a migrated database.
func TestDocsDataModel(t *testing.T) {
	t.Parallel()
	owner := start(t).owner()
	query := func(sql string) []string {
		rows, err := owner.Query(t.Context(), sql)
		if err != nil {
			t.Fatal(err)
		}
		found, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	unplaced := map[string]bool{}
	for _, table := range query("SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'goose_db_version'") {
		unplaced[table] = true
	}
	// A row of a table refers to one of another: {from, to, by the columns, whether there is one row at most for each of to, whether there is always one to refer to}.
	links := query(`SELECT c.conrelid::regclass || ' ' || c.confrelid::regclass || ' ' || (
			SELECT string_agg(a.attname, '+' ORDER BY k.i) FROM unnest(c.conkey) WITH ORDINALITY k (n, i) JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.n
				AND (cardinality(c.conkey) = 1 OR a.attname <> 'person_id'))
			|| ' ' || EXISTS (SELECT FROM pg_index x WHERE x.indrelid = c.conrelid AND x.indisunique AND x.indpred IS NULL AND x.indkey::int2[] <@ c.conkey)
			|| ' ' || (SELECT bool_and(a.attnotnull) FROM pg_attribute a WHERE a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey))
		FROM pg_constraint c WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace ORDER BY 1`)
	var model strings.Builder
	for _, picture := range pictures {
		tables := strings.Fields(picture.tables)
		fmt.Fprintf(&model, "\n## %s\n\n```mermaid\nerDiagram\n", picture.title)
		linked := map[string]bool{}
		for _, link := range links {
			l := strings.Fields(link)
			if !slices.Contains(tables, l[0]) {
				continue
			}
			many := "o{"
			if l[3] == "true" {
				many = "o|"
			}
			one := "|o"
			if l[4] == "true" {
				one = "||"
			}
			fmt.Fprintf(&model, "    %s %s--%s %s : %q\n", l[1], one, many, l[0], l[2])
			linked[l[0]], linked[l[1]] = true, true
		}
		for _, table := range tables {
			if !unplaced[table] {
				t.Errorf("the picture %q shows the table %s, which there is not, or another picture shows it", picture.title, table)
			}
			delete(unplaced, table)
			if !linked[table] {
				fmt.Fprintf(&model, "    %s\n", table)
			}
		}
		model.WriteString("```\n")
	}
	if len(unplaced) > 0 {
		t.Errorf("no picture shows %v", slices.Sorted(maps.Keys(unplaced)))
	}
	raw, err := os.ReadFile(modelPath)
	if err != nil {
		t.Fatal(err)
	}
	const mark = "<!-- pictures: made from the database -->\n"
	head, _, found := strings.Cut(string(raw), mark)
	if !found {
		t.Fatal("docs/api/data-model.md lacks its mark")
	}
	page := head + mark + model.String()
	if *update {
		if err := os.WriteFile(modelPath, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if page != string(raw) {
		t.Errorf("docs/api/data-model.md is stale: %s", updateHint)
	}
}
