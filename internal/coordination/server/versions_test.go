package server_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/changes"
	"github.com/cmhf/operator/internal/testkit/postgres"
)

// A plan's version grows once for each statement that writes or strikes parts, however many parts there are.
func TestPlanPartsRaiseItsVersionOnce(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	north := s.as("practitioner", "north")
	plan, _, _ := north.drafted(north.supported("9990000018"), draft())
	app := s.app(testSubject, "north")
	version := func() int64 { t.Helper(); return s.count("SELECT version FROM plans WHERE id = $1", plan["id"]) }
	before := version()
	for i, statement := range []string{
		"INSERT INTO plan_goals (plan_id, position, goal, own_words) SELECT $1, n, 'Made-up goal', true FROM generate_series(11, 15) n",
		"DELETE FROM plan_goals WHERE plan_id = $1",
	} {
		if _, err := app.Exec(t.Context(), statement, plan["id"]); err != nil {
			t.Fatal(err)
		}
		if got, want := version(), before+int64(i)+1; got != want {
			t.Errorf("%s: version %d, want %d", statement, got, want)
		}
	}
}

// The sequencer asks several times a second: while nothing waits, it writes nothing and takes no number of a transaction.
func TestSequencerIsQuietWhileNothingWaits(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	writes := func() (wrote bool) {
		t.Helper()
		err := pgx.BeginFunc(t.Context(), postgres.Connect(t, s.database.AppURL), func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), "SELECT number_changes(10)"); err != nil {
				return err
			}
			return tx.QueryRow(t.Context(), "SELECT pg_current_xact_id_if_assigned() IS NOT NULL").Scan(&wrote)
		})
		if err != nil {
			t.Fatal(err)
		}
		return wrote
	}
	s.as("practitioner", "north").refer("north", person("9990000018", "Example"))
	if !writes() {
		t.Error("what waits was not numbered")
	}
	if err := changes.Number(t.Context(), s.pool()); err != nil {
		t.Fatal(err)
	}
	if writes() {
		t.Error("it writes though nothing waits")
	}
}
