package seed_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/cmhf/operator/internal/coordination/seed"
	"github.com/cmhf/operator/internal/directory"
	"github.com/cmhf/operator/internal/testkit/postgres"
)

// underWay is a database in which a seed is at work: it has begun, and its clock is there.
func underWay(t *testing.T) (*postgres.Database, *pgx.Conn) {
	t.Helper()
	database := committed.New(t)
	owner := postgres.Connect(t, database.OwnerURL)
	if _, err := owner.Exec(t.Context(), "INSERT INTO synthetic_seed (seed, people, as_of, people_in_a_part) VALUES (1, 10, current_date, 10)"); err != nil {
		t.Fatal(err)
	}
	if err := seed.InstallClock(t.Context(), owner); err != nil {
		t.Fatal(err)
	}
	return database, owner
}

// The clock of the seed is nobody else's, not the app role's above all.
func TestNobodyElseSetsTheClock(t *testing.T) {
	t.Parallel()
	const setting, ask = "SELECT set_config('cmhf.seeded_moment', '2024-01-01T12:00:00Z', false)", "SELECT seeded_moment() IS NULL"
	database, owner := underWay(t)
	app := postgres.Connect(t, database.AppURL)
	for who, c := range map[string]struct {
		conn *pgx.Conn
		null bool
	}{"the app role": {app, true}, "the owner": {owner, false}} {
		if _, err := c.conn.Exec(t.Context(), setting); err != nil {
			t.Fatal(err)
		}
		var null bool
		if err := c.conn.QueryRow(t.Context(), ask).Scan(&null); err != nil || null != c.null {
			t.Errorf("%s during a seed: null is %v, wanted %v (%v)", who, null, c.null, err)
		}
	}
	// And what the app writes with the setting has the time of the writing.
	service := directory.ServiceID("QOP", "coast-core")
	if _, err := app.Exec(t.Context(), fmt.Sprintf(`SELECT set_config('cmhf.subject', 'someone', false), set_config('cmhf.services', '%s', false)`, service)); err != nil {
		t.Fatal(err)
	}
	if _, err := app.Exec(t.Context(), "SELECT find_or_create_person('00000000-0000-4000-8000-000000000001', '9990000018', NULL, 'ZZ Clock', 'ZZ', '1990-01-01')"); err != nil {
		t.Fatal(err)
	}
	_, err := app.Exec(t.Context(), fmt.Sprintf(`WITH p AS (SELECT find_or_create_person('00000000-0000-4000-8000-000000000001', '9990000018', NULL, 'ZZ Clock', 'ZZ', '1990-01-01') AS id)
		INSERT INTO referrals (id, person_id, service_id, responsible_service_id, route, reason, received_on, recorded_by)
		SELECT '00000000-0000-7000-8000-000000000002', id, '%[1]s', '%[1]s', 'Self', 'A test.', current_date, 'someone' FROM p`, service))
	if err != nil {
		t.Fatal(err)
	}
	if n := number(t, app, "SELECT count(*) FROM person_access WHERE since > now() - interval '1 hour'"); n != 1 {
		t.Errorf("the access of the app's referral does not begin now: %v", n)
	}
	for _, sql := range []string{"SELECT * FROM synthetic_seed", "INSERT INTO synthetic_seed (seed, people, as_of, people_in_a_part) VALUES (1, 1, current_date, 1)", "SELECT * FROM synthetic_seed_parts",
		"UPDATE schema_info SET data = 'Synthetic'", "SET SESSION AUTHORIZATION cmhf_owner", "SET ROLE cmhf_owner"} {
		var pg *pgconn.PgError
		if _, err := app.Exec(t.Context(), sql); !errors.As(err, &pg) || pg.Code != "42501" {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

// definitions is a digest of everything that the clock changes while it is there.
const definitions = `SELECT md5(string_agg(line, E'\n' ORDER BY line)) FROM (
	SELECT pg_get_functiondef(oid) || coalesce(proacl::text, '') AS line FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'
	UNION ALL SELECT format('%s %s %s', adrelid::regclass, adnum, pg_get_expr(adbin, adrelid)) FROM pg_attrdef) d`

// No database has the clock unless a seed is at work in it: it never was there, it was taken away, and one that was left by a run that was
// killed goes with the next run, even one that does nothing.
func TestClockIsTakenAway(t *testing.T) {
	t.Parallel()
	read := func(conn *pgx.Conn) (digest string) {
		t.Helper()
		if err := conn.QueryRow(t.Context(), definitions).Scan(&digest); err != nil {
			t.Fatal(err)
		}
		return digest
	}
	fresh := read(postgres.Connect(t, migrated.New(t).OwnerURL))
	if read(postgres.Connect(t, seeded.New(t).OwnerURL)) != fresh {
		t.Error("after a seed the database is not as it was")
	}
	database, owner := underWay(t)
	if read(owner) == fresh {
		t.Error("the digest tells no clock")
	}
	if err := seed.Run(t.Context(), options(database.OwnerURL, 50, 1)); err == nil || !strings.Contains(err.Error(), "10 people with --seed 1") {
		t.Errorf("another run in between: %v", err)
	}
	if read(owner) != fresh {
		t.Error("what a killed run has left is there after the next")
	}
	failing := committed.New(t)
	broken := postgres.Connect(t, failing.OwnerURL)
	if _, err := broken.Exec(t.Context(), "ALTER TABLE referrals ADD CONSTRAINT crash CHECK (received_on < '2024-01-01')"); err != nil {
		t.Fatal(err)
	}
	if err := seed.Run(t.Context(), options(failing.OwnerURL, 10, 1)); err == nil {
		t.Fatal("the run did not fail")
	}
	if read(broken) != fresh {
		t.Error("after a failure the database is not as it was")
	}
}

// A live database gets no clock, and neither does one in which no seed is under way.
func TestClockIsRefused(t *testing.T) {
	t.Parallel()
	for what, url := range map[string]string{"a live database": live.New(t).OwnerURL, "before a seed": committed.New(t).OwnerURL, "after a seed": seeded.New(t).OwnerURL} {
		conn := postgres.Connect(t, url)
		if err := seed.InstallClock(t.Context(), conn); err == nil || !strings.Contains(err.Error(), "only while a seed is under way") {
			t.Errorf("%s: %v", what, err)
		}
		if n := number(t, conn, "SELECT count(*) FROM pg_proc WHERE prosrc LIKE '%seeded_moment%' OR proname = 'seeded_moment'"); n != 0 {
			t.Errorf("%s: %v functions know of the clock", what, n)
		}
	}
}

// Two seeds at once would take each other's clock away.
func TestOneSeedAtATime(t *testing.T) {
	t.Parallel()
	database, owner := underWay(t)
	if _, err := owner.Exec(t.Context(), "SELECT pg_advisory_lock(hashtext('cmhf.seed'))"); err != nil {
		t.Fatal(err)
	}
	if err := seed.Run(t.Context(), options(database.OwnerURL, 10, 1)); !errors.Is(err, seed.ErrAtWork) {
		t.Errorf("a second seed: %v", err)
	}
	if n := number(t, owner, "SELECT count(*) FROM pg_proc WHERE proname = 'seeded_moment'"); n != 1 {
		t.Error("the second seed has taken the clock of the first")
	}
}

// A trigger that a later migration writes with now() alone, where the clock does not reach, would put the past into the present.
func TestTriggersTakeTheSeedsTime(t *testing.T) {
	t.Parallel()
	_, owner := underWay(t)
	rows, err := owner.Query(t.Context(), `SELECT DISTINCT p.proname FROM pg_proc p JOIN pg_trigger g ON g.tgfoid = p.oid
		WHERE p.pronamespace = 'public'::regnamespace AND regexp_replace(p.prosrc, 'coalesce\(seeded_moment\(\), (now|clock_timestamp)\(\)\)', '', 'g') ~ '\m(now|clock_timestamp)\(\)'`)
	if err != nil {
		t.Fatal(err)
	}
	others, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(others) > 0 {
		t.Errorf("these triggers take the time from now() alone: %v (%v)", others, err)
	}
}
