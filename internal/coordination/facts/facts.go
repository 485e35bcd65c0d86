// Package facts keeps one row for each wait of each person (spell_facts), from which figures are counted. Triggers put the people of every change
// into a queue, or the service whose people it concerns; CatchUp takes them out in batches, has package clocks measure their waits, and stores what
// changed. Rebuild does the same for everyone: by night, to find what the queue has missed, which must be nothing. What a day changes by itself it
// puts into the queue first.
//
// It reads what is recorded through definer functions that give ids, days and codes, and no names. One transaction at a time does the work, however
// many replicas run it: an older view of a person must not be stored after a newer one.
package facts

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

var (
	//go:embed sql/queue_services.sql
	queueServicesSQL string
	//go:embed sql/queue_residences.sql
	queueResidencesSQL string
	//go:embed sql/take.sql
	takeSQL string
	//go:embed sql/after.sql
	afterSQL string
	//go:embed sql/people.sql
	peopleSQL string
	//go:embed sql/events.sql
	eventsSQL string
	//go:embed sql/store.sql
	storeSQL string
	//go:embed sql/lock.sql
	lockSQL string
)

// batch is how many changes, or people, are looked at in one transaction.
const batch = 1000

// CatchUp measures the people of all changes that are in the queue, and gives the number of rows that changed. People who are in the queue
// again by then are not counted, here and in Rebuild.
func CatchUp(ctx context.Context, pool *pgxpool.Pool) (changed int64, err error) {
	if _, err := pool.Exec(ctx, queueServicesSQL); err != nil {
		return 0, fmt.Errorf("queueing the people of services that changed: %w", err)
	}
	for {
		taken, rows, err := once(ctx, pool, func(tx pgx.Tx) ([]uuid.UUID, error) {
			return ids(ctx, tx, takeSQL, pgx.NamedArgs{"limit": batch})
		})
		if err != nil {
			return changed, fmt.Errorf("measuring the waits of people whose records changed: %w", err)
		}
		changed += rows
		if len(taken) == 0 {
			return changed, nil
		}
	}
}

// Rebuild measures everyone, and gives the number of rows that were not as they should be.
func Rebuild(ctx context.Context, pool *pgxpool.Pool) (changed int64, err error) {
	if _, err := pool.Exec(ctx, queueResidencesSQL); err != nil {
		return 0, fmt.Errorf("queueing the people whose residence has ended: %w", err)
	}
	if _, err := CatchUp(ctx, pool); err != nil {
		return 0, err
	}
	for after := uuid.Nil; ; {
		taken, rows, err := once(ctx, pool, func(tx pgx.Tx) ([]uuid.UUID, error) {
			return ids(ctx, tx, afterSQL, pgx.NamedArgs{"after": after, "limit": batch})
		})
		if err != nil {
			return changed, fmt.Errorf("measuring everyone's waits: %w", err)
		}
		changed += rows
		if len(taken) == 0 {
			return changed, nil
		}
		after = taken[len(taken)-1]
	}
}

// once measures the people that choose gives, in one transaction.
func once(ctx context.Context, pool *pgxpool.Pool, choose func(pgx.Tx) ([]uuid.UUID, error)) (people []uuid.UUID, changed int64, err error) {
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockSQL); err != nil {
			return err
		}
		if people, err = choose(tx); err != nil || len(people) == 0 {
			return err
		}
		changed, err = measure(ctx, tx, people)
		return err
	})
	return people, changed, err
}

func ids(ctx context.Context, tx pgx.Tx, query string, args pgx.NamedArgs) ([]uuid.UUID, error) {
	rows, err := tx.Query(ctx, query, args)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

func measure(ctx context.Context, tx pgx.Tx, ids []uuid.UUID) (changed int64, err error) {
	args := pgx.NamedArgs{"people": ids}
	rows, err := tx.Query(ctx, peopleSQL, args)
	if err != nil {
		return 0, err
	}
	people, err := pgx.CollectRows(rows, pgx.RowToStructByName[person])
	if err != nil {
		return 0, err
	}
	rows, err = tx.Query(ctx, eventsSQL, args)
	if err != nil {
		return 0, err
	}
	events := map[uuid.UUID][]event{}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[event])
	if err != nil {
		return 0, err
	}
	for _, e := range all {
		events[e.PersonID] = append(events[e.PersonID], e)
	}
	found := []fact{}
	for _, p := range people {
		found = append(found, p.facts(events[p.PersonID])...)
	}
	args["facts"] = found
	err = tx.QueryRow(ctx, storeSQL, args).Scan(&changed)
	return changed, err
}
