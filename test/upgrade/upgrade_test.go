// Package upgrade takes a tenant's API from the newest release to this tree as a rollout does: the program of that release, built from
// the history, serves while this tree's program migrates the database under it, serves on beside the new one, and is stopped then.
//
// That every earlier schema is migrated with what it holds is shown in package schema.
package upgrade

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/testkit/postgres"
)

// released is the newest tree that was released: the last one before the migrations 00009 and later, which no tenant has had yet. With
// the next release it becomes that one.
const released = "7008e456bea29e30617f963af376cf0abc8320be"

var empty postgres.Template

func TestMain(m *testing.M) { os.Exit(postgres.Run(m)) }

// No request of the released program fails while its database is migrated under it, nor afterwards. What was answered is all there, and
// the new program serves it and goes on with it.
func TestUpgradeUnderLoad(t *testing.T) {
	t.Parallel()
	before, now := buildReleased(t), buildPresent(t)
	tenant := newTenant(t, empty.New(t))

	tenant.migrate(t, before)
	was := tenant.version(t)
	old := tenant.serve(t, before)
	tenant.awaitDirectory(t)

	done := &record{}
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() { work(t, stop, tenant.caller(t, old.public), done) })
	}
	done.awaitMore(t, "at first", 10)
	began := time.Now()
	tenant.migrate(t, now)
	t.Logf("migrated in %s, %d people came through meanwhile", time.Since(began).Round(time.Millisecond), done.since(began))
	if is := tenant.version(t); is <= was {
		t.Fatalf("the schema had version %d before, and has %d now: nothing was tried", was, is)
	}
	done.awaitMore(t, "on the new schema", 10)

	fresh := tenant.serve(t, now)
	caller := tenant.caller(t, fresh.public)
	var beside sync.WaitGroup
	beside.Go(func() { work(t, stop, caller, done) })
	done.awaitMore(t, "beside the new program", 10)
	close(stop)
	clients.Wait()
	beside.Wait()
	old.stop(t)
	t.Logf("%d people came through, %d requests were answered", len(done.all()), done.requests.Load())

	tenant.lost(t, done.all())
	for _, c := range done.all() {
		c.check(t, caller)
	}
	goesOn(t, caller, done.all())
	tenant.counted(t)
}

// lost looks for what was answered and is not there, or was done and not answered.
func (n *tenant) lost(t *testing.T, answered []course) {
	t.Helper()
	owner := postgres.Connect(t, n.database.OwnerURL)
	rows, err := owner.Query(t.Context(), `SELECT r.id::text, r.person_id::text, e.id::text, e.state = 'Closed' FROM referrals r JOIN episodes e ON e.id = r.episode_id
		WHERE (SELECT count(*) FROM audit_events a WHERE a.person_id = r.person_id AND a.outcome = 'Done'
			AND a.operation IN ('createReferral', 'acceptReferral', 'readReferral', 'readPerson', 'readEpisode', 'closeEpisode')) = CASE e.state WHEN 'Closed' THEN 6 ELSE 5 END`)
	if err != nil {
		t.Fatal(err)
	}
	there := map[course]bool{}
	var c course
	if _, err := pgx.ForEachRow(rows, []any{&c.referral, &c.person, &c.episode, &c.closed}, func() error { there[c] = true; return nil }); err != nil {
		t.Fatal(err)
	}
	for _, c := range answered {
		if c.at = (time.Time{}); !there[c] {
			t.Errorf("%+v was answered, and is not there with its audit trail", c)
		}
		delete(there, c)
	}
	for c := range there {
		t.Errorf("%+v is there, and was not answered", c)
	}
	var people, referrals, episodes int
	const counts = "SELECT (SELECT count(*) FROM people), (SELECT count(*) FROM referrals), (SELECT count(*) FROM episodes)"
	if err := owner.QueryRow(t.Context(), counts).Scan(&people, &referrals, &episodes); err != nil {
		t.Fatal(err)
	}
	if n := len(answered); people != n || referrals != n || episodes != n {
		t.Errorf("%d people, %d referrals and %d episodes; %d of each were answered", people, referrals, episodes, n)
	}
}

// counted waits until the worker has measured the waits of everyone whom either program referred.
func (n *tenant) counted(t *testing.T) {
	t.Helper()
	owner := postgres.Connect(t, n.database.OwnerURL)
	eventually(t, "the waits of everyone to be measured", func() bool {
		var without int
		err := owner.QueryRow(t.Context(), "SELECT count(*) FROM referrals r WHERE NOT EXISTS (SELECT FROM spell_facts f WHERE f.referral_id = r.id)").Scan(&without)
		return err == nil && without == 0
	})
}

func (n *tenant) version(t *testing.T) int64 {
	t.Helper()
	var version int64
	if err := postgres.Connect(t, n.database.OwnerURL).QueryRow(t.Context(), "SELECT max(version_id) FROM goose_db_version").Scan(&version); err != nil {
		t.Fatal(err)
	}
	return version
}

func (n *tenant) awaitDirectory(t *testing.T) {
	t.Helper()
	owner := postgres.Connect(t, n.database.OwnerURL)
	eventually(t, "the directory to be committed", func() bool {
		var services int
		return owner.QueryRow(t.Context(), "SELECT count(*) FROM services").Scan(&services) == nil && services > 0
	})
}

// patience is for a machine that does much else at the same time.
const patience = 3 * time.Minute

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited %s in vain for %s", patience, what)
		case <-tick.C:
		}
	}
}
