package schema_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/schema"
	"github.com/cmhf/operator/internal/testkit/postgres"
)

// A migration that finds a table held for long lets those behind it through, again and again, and gets through itself when it is free.
func TestMigrationLetsOthersThrough(t *testing.T) {
	t.Parallel()
	const released, held = 8, 6 * time.Second
	database := empty.New(t)
	if err := schema.MigrateTo(t.Context(), database.OwnerURL, released); err != nil {
		t.Fatal(err)
	}
	holder, other := postgres.Connect(t, database.AppURL), postgres.Connect(t, database.AppURL)
	reading, err := holder.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const look = "SELECT count(*) FROM people"
	if _, err := reading.Exec(t.Context(), look); err != nil {
		t.Fatal(err)
	}
	migrated := make(chan error, 1)
	go func() { migrated <- schema.Migrate(context.WithoutCancel(t.Context()), database.OwnerURL, ours) }()

	// Requests wait for at most as long as the API lets them (see store).
	behind := 0
	for begin := time.Now(); time.Since(begin) < held; {
		err := pgx.BeginFunc(t.Context(), other, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), "SET LOCAL lock_timeout = '5s'"); err != nil {
				return err
			}
			asked := time.Now()
			_, err := tx.Exec(t.Context(), look)
			if time.Since(asked) > time.Second {
				behind++
			}
			return err
		})
		if err != nil {
			t.Fatalf("a request behind the migration: %v", err)
		}
	}
	if behind == 0 {
		t.Error("no request was ever behind the migration: nothing was tried")
	}
	select {
	case err := <-migrated:
		t.Fatalf("the migration ended while a table that it changes was held: %v", err)
	default:
	}
	if err := reading.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-migrated; err != nil {
		t.Errorf("the migration failed: %v", err)
	}
}
