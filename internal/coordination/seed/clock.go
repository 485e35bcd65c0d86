package seed

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// The clock: where a trigger takes the time from now(), it takes it from seeded_moment() first. A seed installs that in the database that it
// fills and takes it away at its end, so that no other database ever has it.
var (
	//go:embed sql/install_clock.sql
	installClockSQL string
	//go:embed sql/remove_clock.sql
	removeClockSQL string
)

// ErrAtWork refuses a second seed beside one that is at work: whichever ended first would take the other's clock away.
var ErrAtWork = errors.New("a seed is at work in this database already: wait until it has ended")

// lock keeps other seeds away for as long as the connection lives.
func lock(ctx context.Context, conn *pgx.Conn) error {
	var free bool
	if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock(hashtext('cmhf.seed'))").Scan(&free); err != nil {
		return fmt.Errorf("keeping other seeds away: %w", err)
	}
	if !free {
		return ErrAtWork
	}
	return nil
}

// waitForTables bounds how long a change of a table's default waits for readers, and holds up those behind it.
const waitForTables = "SET LOCAL lock_timeout = '10s'"

func installClock(ctx context.Context, conn *pgx.Conn) error {
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return execute(ctx, tx, waitForTables, installClockSQL) })
	if err != nil {
		return fmt.Errorf("installing the seed's clock: %w", err)
	}
	return nil
}

// removeClock takes the clock away; without one it changes nothing. further is done in the same transaction.
func removeClock(ctx context.Context, conn *pgx.Conn, further ...string) error {
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		return execute(ctx, tx, append([]string{waitForTables, removeClockSQL}, further...)...)
	})
	if err != nil {
		return fmt.Errorf("taking the seed's clock away: %w", err)
	}
	return nil
}

func execute(ctx context.Context, tx pgx.Tx, statements ...string) error {
	for _, statement := range statements {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
