package people

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/store"
)

// Parts gives the parts of one kind in all records of a person whom the caller may see, with the caller's standing, and notes the look, or
// the change of a part, for the audit trail. query lists them by @person.
func Parts[T any](ctx context.Context, tx *store.Tx, query string, person, part uuid.UUID) ([]T, Standing, error) {
	standing, err := StandingOf(ctx, tx, person)
	if err != nil {
		return nil, Standing{}, err
	}
	parts, err := store.Rows[T](ctx, tx, query, pgx.NamedArgs{"person": person})
	if err != nil {
		return nil, Standing{}, fmt.Errorf("listing parts of a record: %w", err)
	}
	tx.Touch(person, part)
	// What each record says is in the answer: who has read it is on its own trail, too, if the records are taken apart.
	for _, record := range append(standing.Merged, standing.ID) {
		if record != person {
			tx.Touch(record, uuid.Nil)
		}
	}
	return parts, standing, nil
}

// Add records a new part of a record and gives its id, which the statement has as @id, and the caller as @subject.
func Add(ctx context.Context, tx *store.Tx, insert string, args pgx.NamedArgs) (uuid.UUID, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.Nil, fmt.Errorf("making the id of a part of a record: %w", err)
	}
	args["id"], args["subject"] = id, tx.Caller.Subject
	if _, err := tx.Exec(ctx, insert, args); err != nil {
		return uuid.Nil, fmt.Errorf("recording a part of a record: %w", err)
	}
	return id, nil
}

// OfPart gives the record of a part that the caller may see; query finds person_id by id.
func OfPart(ctx context.Context, tx *store.Tx, query string, part uuid.UUID) (uuid.UUID, error) {
	tx.About(store.Concern{Resource: part})
	found, ok, err := store.One[struct{ PersonID uuid.UUID }](ctx, tx, query, pgx.NamedArgs{"id": part})
	if err != nil {
		return uuid.Nil, fmt.Errorf("looking for a part of a record: %w", err)
	}
	if !ok {
		return uuid.Nil, problem.New(problem.NotFound, "There is no such record, or none of your services may see it.")
	}
	tx.About(store.Concern{Person: found.PersonID, Resource: part})
	return found.PersonID, nil
}

// Finish makes the one change that some parts allow for: to be withdrawn, or marked as entered in error. find gives the record and update
// changes the part if that was not done; already is the answer when it was.
func Finish(ctx context.Context, tx *store.Tx, find, update string, part uuid.UUID, already string) (record uuid.UUID, err error) {
	record, err = OfPart(ctx, tx, find, part)
	if err != nil {
		return uuid.Nil, err
	}
	if _, err := Claim(ctx, tx, record); err != nil {
		return uuid.Nil, err
	}
	done, err := tx.Exec(ctx, update, pgx.NamedArgs{"id": part, "subject": tx.Caller.Subject})
	if err != nil {
		return uuid.Nil, fmt.Errorf("finishing a part of a record: %w", err)
	}
	if done.RowsAffected() == 0 {
		return uuid.Nil, problem.New(problem.StateConflict, "%s", already)
	}
	return record, nil
}

// CheckEnd refuses a last day, which stands in the body as to, that is before the first one.
func CheckEnd(to *string, from time.Time) error {
	if to == nil {
		return nil
	}
	if last, err := london.ParseDay(*to); err != nil || last.Before(from) {
		return problem.InvalidField("body.to", "give a day that is not before the first one")
	}
	return nil
}
