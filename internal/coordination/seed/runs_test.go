package seed_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cmhf/operator/internal/coordination/seed"
	"github.com/cmhf/operator/internal/testkit/postgres"
)

// A digest of what was made; identifiers that the database itself draws are left out.
const digest = `SELECT md5(string_agg(line, E'\n' ORDER BY line)) FROM (
	SELECT p::text AS line FROM (SELECT id, nhs_number, family_name, given_name, birth_date, died_on FROM people) p
	UNION ALL SELECT r::text FROM (SELECT id, person_id, service_id, state, received_on, recorded_at, outcome_at FROM referrals) r
	UNION ALL SELECT c::text FROM (SELECT id, episode_id, happened_at, attendance FROM contacts) c
	UNION ALL SELECT s::text FROM (SELECT id, item, score FROM outcome_scores) s
	UNION ALL SELECT a::text FROM (SELECT person_id, service_id, source_id, why, since, until FROM person_access WHERE why <> 'Episode') a
	UNION ALL SELECT c::text FROM (SELECT episode_id, reason, closed_on FROM closures) c) lines`

func TestSameSeedSamePeople(t *testing.T) {
	t.Parallel()
	read := func(people int, dice uint64) (sum string) {
		database := committed.New(t)
		if err := seed.Run(t.Context(), options(database.OwnerURL, people, dice)); err != nil {
			t.Fatal(err)
		}
		if err := postgres.Connect(t, database.OwnerURL).QueryRow(t.Context(), digest).Scan(&sum); err != nil {
			t.Fatal(err)
		}
		return sum
	}
	first, second, other := read(60, 3), read(60, 3), read(60, 4)
	if first != second || first == "" {
		t.Error("the same seed has made other people")
	}
	if first == other {
		t.Error("another seed has made the same people")
	}
}

func TestSecondRunChangesNothing(t *testing.T) {
	t.Parallel()
	database := seeded.New(t)
	owner := postgres.Connect(t, database.OwnerURL)
	var before, after string
	if err := owner.QueryRow(t.Context(), digest).Scan(&before); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	o := options(database.OwnerURL, 900, 8)
	o.Progress = &said
	if err := seed.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if err := owner.QueryRow(t.Context(), digest).Scan(&after); err != nil {
		t.Fatal(err)
	}
	if before != after || !strings.Contains(said.String(), "seeded already: 400 people with --seed 7") {
		t.Errorf("changed %v, said %q", before != after, said.String())
	}
}

// A run that was stopped goes on, and ends with the same people.
func TestInterruptedRunGoesOn(t *testing.T) {
	t.Parallel()
	whole, broken := committed.New(t), committed.New(t)
	if err := seed.Run(t.Context(), options(whole.OwnerURL, 40, 5)); err != nil {
		t.Fatal(err)
	}
	owner := postgres.Connect(t, broken.OwnerURL)
	// A day in the middle is refused, as a crash would end it.
	if _, err := owner.Exec(t.Context(), "ALTER TABLE referrals ADD CONSTRAINT crash CHECK (received_on < '2025-01-01')"); err != nil {
		t.Fatal(err)
	}
	if err := seed.Run(t.Context(), options(broken.OwnerURL, 40, 5)); err == nil {
		t.Fatal("the run was not interrupted")
	}
	if _, err := owner.Exec(t.Context(), "ALTER TABLE referrals DROP CONSTRAINT crash"); err != nil {
		t.Fatal(err)
	}
	if n := number(t, owner, "SELECT count(*) FROM referrals"); n == 0 {
		t.Fatal("nothing was written before the interruption")
	}
	if err := seed.Run(t.Context(), options(broken.OwnerURL, 41, 5)); err == nil || !strings.Contains(err.Error(), "40 people with --seed 5") {
		t.Errorf("another run in between: %v", err)
	}
	later := options(broken.OwnerURL, 40, 5)
	later.Today = today.AddDate(0, 0, 30) // the day of the first run counts
	if err := seed.Run(t.Context(), later); err != nil {
		t.Fatal(err)
	}
	var one, two string
	if err := errors.Join(postgres.Connect(t, whole.OwnerURL).QueryRow(t.Context(), digest).Scan(&one), owner.QueryRow(t.Context(), digest).Scan(&two)); err != nil || one != two {
		t.Errorf("the people differ (%v)", err)
	}
}
