package schema_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/schema"
	"github.com/cmhf/operator/internal/testkit/postgres"
)

// activity is what programs of a schema version and later do, in the words of the first of them: statements that were right once stay
// right, because replicas of an earlier release serve on while a newer one has migrated the database (expand, then contract).
type activity struct {
	since int64
	sql   string
	// counts what stays of it, as the owner; empty when nothing does.
	counts string
}

// Parameters: @n makes each round's rows its own, @person, @referral, @episode, @closed and @key are ids.
var activities = []activity{
	{since: 1, sql: `SELECT commit_directory(@directory::jsonb, 'digest ' || @n, '{"north": "n", "south": "s"}')`, counts: "SELECT count(*) FROM services"},
	{since: 2, sql: `SELECT find_or_create_person(@person, NULL, 'NotKnownYet', 'Family' || @n, 'Given', '1984-02-29')`, counts: "SELECT count(*) FROM people"},
	{since: 3, sql: `INSERT INTO referrals (id, person_id, service_id, responsible_service_id, route, reason, received_on, recorded_by)
		VALUES (@referral, @person, @north, @north, 'Self', 'Made up', current_date, caller_subject())`, counts: "SELECT count(*) FROM referrals WHERE state <> 'Died'"},
	{since: 3, sql: `SELECT r.id, r.state, p.family_name FROM referrals r JOIN people p ON p.id = r.person_id WHERE r.id = @referral FOR UPDATE OF r`},
	{since: 3, sql: `INSERT INTO episodes (id, person_id, responsible_service_id, opened_by) VALUES (@episode, @person, @north, caller_subject())`, counts: "SELECT count(*) FROM episodes"},
	{since: 3, sql: `UPDATE referrals SET state = 'Accepted', episode_id = @episode, responsible_service_id = service_id, outcome_by = caller_subject(), outcome_at = now()
		WHERE id = @referral`, counts: "SELECT count(*) FROM referrals WHERE state = 'Accepted' AND episode_id IS NOT NULL"},
	{since: 3, sql: `INSERT INTO legal_duties (id, person_id, kind, recorded_by) VALUES (@key, @person, 'Section117Aftercare', caller_subject())`, counts: "SELECT count(*) FROM legal_duties"},
	{since: 3, sql: `UPDATE legal_duties SET ended_by = caller_subject(), ended_at = now() WHERE id = @key`, counts: "SELECT count(*) FROM legal_duties WHERE ended_at IS NOT NULL"},
	{since: 4, sql: `INSERT INTO reaching_steps (id, episode_id, kind, channel, happened_on, recorded_by) VALUES (@key, @episode, 'Attempt', 'Phone', current_date, caller_subject())`,
		counts: "SELECT count(*) FROM reaching_steps"},
	{since: 4, sql: `INSERT INTO return_plans (episode_id, summary, how_to_return, valid_until, recorded_by) VALUES (@episode, 'x', 'x', current_date + 365, caller_subject())`,
		counts: "SELECT count(*) FROM return_plans"},
	{since: 4, sql: `INSERT INTO closures (episode_id, reason, basis, recorded_as, receiver_name, receiver_organisation, agreed_on, channel, recorded_by)
		SELECT @episode, 'SupportElsewhere', 'Acceptance', 'OnBehalf', 'x', 'x', current_date, 'Phone', caller_subject()`, counts: "SELECT count(*) FROM closures JOIN episodes e ON e.id = episode_id WHERE e.state = 'Closed'"},
	{since: 5, sql: `INSERT INTO audit_events (request_id, subject, client, role, services, purpose, operation, outcome, problem, person_id, resource_id)
		VALUES ('r', caller_subject(), 'c', 'practitioner', '{}', 'direct-care', 'readPerson', 'Done', NULL, @person, @referral)`, counts: "SELECT count(*) FROM audit_events"},
	{since: 5, sql: `INSERT INTO closure_refusals (service_id, missing) VALUES (@north, 'reason')`, counts: "SELECT count(*) FROM closure_refusals"},
	{since: 5, sql: `INSERT INTO idempotency_keys AS held (subject, operation, key, request_hash) VALUES (caller_subject(), 'createReferral', @n, '\x00')
		ON CONFLICT (subject, operation, key) DO UPDATE SET request_hash = held.request_hash WHERE false RETURNING true`, counts: "SELECT count(*) FROM idempotency_keys"},
	{since: 5, sql: `SELECT id, at, operation FROM person_access_log(@person, NULL, 10)`},
	{since: 6, sql: `SELECT people_referred, waiting, open_episodes, supported_closures FROM at_a_glance(current_date, current_date)`},
}

const (
	north = "7c2b9a4e-6f0c-4b27-9d3b-6b3a2b1f0c11"
	south = "7c2b9a4e-6f0c-4b27-9d3b-6b3a2b1f0c12"
)

// live does everything that a program of the version does once, as the app role, in one transaction.
func live(t *testing.T, database *postgres.Database, version int64, round int) error {
	t.Helper()
	service := `{"id": "%s", "name": "%s", "displayName": "x", "state": "Open", "place": "x", "neighbourhoods": [], "functions": [], "entryRoutes": [], "leadProvider": {"odsCode": "RT1", "name": "x"}}`
	args := pgx.NamedArgs{
		"n": fmt.Sprint(round), "north": north, "person": uuid.NewString(), "referral": uuid.NewString(), "episode": uuid.NewString(), "key": uuid.NewString(),
		"directory": fmt.Sprintf(`{"revision": %d, "neighbourhoods": [], "services": [`+service+","+service+"]}", round, north, "north", south, "south"),
	}
	conn, err := pgx.Connect(t.Context(), database.AppURL)
	if err != nil {
		return err
	}
	defer conn.Close(t.Context())
	return pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
		const who = "SELECT set_config('TimeZone', 'Europe/London', true), set_config('cmhf.subject', 'test-subject', true), set_config('cmhf.services', $1, true), set_config('cmhf.admitted_person', '', true)"
		if _, err := tx.Exec(t.Context(), who, north); err != nil {
			return err
		}
		for _, a := range activities {
			if a.since > version {
				continue
			}
			if _, err := tx.Exec(t.Context(), a.sql, args); err != nil {
				return fmt.Errorf("%s: %w", a.sql, err)
			}
		}
		return nil
	})
}

func number(ctx context.Context, conn *pgx.Conn, query string) (n int64, err error) {
	err = conn.QueryRow(ctx, query).Scan(&n)
	return n, err
}

// From every version that ever was the newest one, with records in the database, the migration to the present one keeps every record,
// leaves no constraint unchecked, and lets the programs of that version work on unless it says that they can't.
func TestUpgradeFromEveryVersion(t *testing.T) {
	t.Parallel()
	versions, err := schema.Versions()
	if err != nil {
		t.Fatal(err)
	}
	newest := versions[len(versions)-1]
	for _, version := range versions[:len(versions)-1] {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			database := empty.New(t)
			if err := schema.MigrateTo(t.Context(), database.OwnerURL, version); err != nil {
				t.Fatal(err)
			}
			for round := range 3 {
				if err := live(t, database, version, round+1); err != nil {
					t.Fatal(err)
				}
			}
			owner := postgres.Connect(t, database.OwnerURL)
			before := map[string]int64{}
			for _, a := range activities {
				if a.counts == "" || a.since > version {
					continue
				}
				if before[a.counts], err = number(t.Context(), owner, a.counts); err != nil || before[a.counts] < 2 {
					t.Fatalf("%s: %d rows, %v", a.counts, before[a.counts], err)
				}
			}
			if err := schema.Migrate(t.Context(), database.OwnerURL, ours); err != nil {
				t.Fatal(err)
			}
			if at, err := schema.Serves(t.Context(), owner, ours.Holder); err != nil || at != newest {
				t.Errorf("after the migration: version %d, %v", at, err)
			}
			for query, n := range before {
				if after, err := number(t.Context(), owner, query); err != nil || after != n {
					t.Errorf("%s: %d after the migration, %d before (%v)", query, after, n, err)
				}
			}
			if n, err := number(t.Context(), owner, "SELECT count(*) FROM pg_constraint WHERE NOT convalidated"); err != nil || n != 0 {
				t.Errorf("%d constraints are not checked for the rows that were there (%v)", n, err)
			}
			sameAsFresh(t, owner)

			compatible, err := number(t.Context(), owner, "SELECT compatible_from FROM schema_info")
			if err != nil {
				t.Fatal(err)
			}
			if err := live(t, database, version, 4); version >= compatible && err != nil {
				t.Errorf("a program of version %d fails on version %d, which says that it works with those from %d on: %v", version, newest, compatible, err)
			}
		})
	}
}

// sameAsFresh compares what the database is with what it would be if it had been made now.
func sameAsFresh(t *testing.T, upgraded *pgx.Conn) {
	t.Helper()
	const query = `SELECT format('%s.%s %s %s %s', table_name, column_name, data_type, is_nullable, column_default) FROM information_schema.columns WHERE table_schema = 'public'
		UNION ALL SELECT format('%s %s', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
		UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
		UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
		UNION ALL SELECT format('%s %s %s %s %s', tablename, policyname, cmd, qual, with_check) FROM pg_policies
		UNION ALL SELECT format('%s %s %s', oid::regprocedure, prosecdef, md5(prosrc)) FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1`
	read := func(conn *pgx.Conn) []string {
		rows, err := conn.Query(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		return lines
	}
	has := map[string]bool{}
	for _, line := range read(upgraded) {
		has[line] = true
	}
	fresh := read(postgres.Connect(t, migrated.New(t).OwnerURL))
	for _, line := range fresh {
		if !has[line] {
			t.Errorf("missing after the upgrade: %s", line)
		}
		delete(has, line)
	}
	for line := range has {
		t.Errorf("left from before: %s", line)
	}
}
