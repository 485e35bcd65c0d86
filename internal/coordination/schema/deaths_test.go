package schema_test

import (
	"os"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/cmhf/operator/internal/testkit/postgres"
)

// Deaths that an earlier release recorded can be reversed too, and end what that release had left open with other services.
func TestDeathsOfAnEarlierRelease(t *testing.T) {
	t.Parallel()
	database := empty.New(t)
	pool, err := pgxpool.New(t.Context(), database.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	db := stdlib.OpenDBFromPool(pool)
	t.Cleanup(func() { db.Close() })
	migrations, err := goose.NewProvider(goose.DialectPostgres, db, os.DirFS("migrations"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := migrations.UpTo(t.Context(), 9); err != nil {
		t.Fatal(err)
	}
	owner := postgres.Connect(t, database.OwnerURL)
	if _, err := owner.Exec(t.Context(), `
		INSERT INTO services (id, name, display_name, state, place, neighbourhoods, lead_provider_ods_code, lead_provider_name, functions, entry_routes, digest)
		SELECT gen_random_uuid(), name, name, 'Open', 'x', '{}', 'x', 'x', '{}', '{}', '' FROM unnest('{north,south}'::text[]) name;
		INSERT INTO people (id, nhs_number, family_name, given_name, birth_date) VALUES (gen_random_uuid(), '9990000018', 'x', 'x', '1984-02-29');
		INSERT INTO referrals (id, person_id, service_id, responsible_service_id, route, reason, received_on, recorded_by)
		SELECT gen_random_uuid(), p.id, s.id, s.id, 'Self', 'x', current_date, 'x' FROM people p, services s, generate_series(1, 2);
		BEGIN;
		INSERT INTO episodes (id, person_id, responsible_service_id, opened_by) SELECT gen_random_uuid(), p.id, s.id, 'x' FROM people p, services s;
		UPDATE referrals r SET state = 'Accepted', episode_id = e.id, outcome_by = 'x', outcome_at = now() FROM episodes e
		WHERE e.responsible_service_id = r.service_id AND r.id = (SELECT id FROM referrals o WHERE o.service_id = r.service_id ORDER BY id LIMIT 1);
		COMMIT;
		INSERT INTO closures (episode_id, reason, basis, died_on, death_source, recorded_by)
		SELECT e.id, 'Died', 'Death', current_date - 1, 'GP', 'who-closed' FROM episodes e JOIN services s ON s.id = e.responsible_service_id WHERE s.name = 'north'`); err != nil {
		t.Fatal(err)
	}
	count := func(query string) (n int) {
		t.Helper()
		if err := owner.QueryRow(t.Context(), query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	const open = "SELECT (SELECT count(*) FROM episodes WHERE state = 'Open') + (SELECT count(*) FROM referrals WHERE state = 'Open')"
	if n := count(open); n != 1 {
		t.Fatalf("%d are open before, want the other service's episode", n)
	}
	if _, err := migrations.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := count(open); n != 0 {
		t.Errorf("%d are open after the migration", n)
	}
	if n := count("SELECT count(*) FROM deaths WHERE recorded_by = 'who-closed' AND ended_at IS NULL"); n != 1 {
		t.Errorf("%d deaths are on record", n)
	}
	if _, err := owner.Exec(t.Context(), "UPDATE deaths SET ended_as = 'Reversed', ended_by = 'x', reversal_reason = 'WrongPerson'"); err != nil {
		t.Fatal(err)
	}
	if n := count(open); n != 4 {
		t.Errorf("%d are open after the reversal, want two episodes and two referrals", n)
	}
}
