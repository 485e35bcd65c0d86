// Package inerror marks records as entered in error: once, by the service that recorded them, at the version that the caller has read,
// and never undone. The record stays readable, so that who has acted on it can learn that it was wrong.
//
// It works on tables with the columns id, person_id, service_id, version, entered_in_error_at and entered_in_error_by; the subjects that
// own them offer the operation. What follows from the mark, such as scores that no longer count, is the tables' own.
package inerror

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

// Table is one with the columns that this package needs.
type Table string

// The tables.
const (
	Assessments  Table = "outcome_assessments"
	HealthChecks Table = "health_check_elements"
	Needs        Table = "needs"
	AssetLinks   Table = "asset_links"
	WorkStatuses Table = "work_statuses"
)

// Input is that of an operation which marks one record.
type Input struct {
	rest.Match
	ID uuid.UUID `path:"id" format:"uuid"`
}

// Mark marks a record and gives its person. what names the kind of record in problems.
func Mark(ctx context.Context, tx *store.Tx, table Table, what string, in *Input) (person uuid.UUID, err error) {
	type row struct {
		PersonID, ServiceID uuid.UUID
		Version             int64
		Marked              bool
	}
	tx.About(store.Concern{Resource: in.ID})
	found, ok, err := store.One[row](ctx, tx, fmt.Sprintf("SELECT person_id, service_id, version, entered_in_error_at IS NOT NULL AS marked FROM %s WHERE id = @id", table), pgx.NamedArgs{"id": in.ID})
	switch {
	case err != nil:
		return uuid.Nil, fmt.Errorf("reading a record of %s: %w", table, err)
	case !ok:
		return uuid.Nil, problem.New(problem.NotFound, "There is no such %s, or none of your services may see it.", what)
	}
	tx.About(store.Concern{Person: found.PersonID, Resource: in.ID})
	if !tx.Serves(found.ServiceID) {
		return uuid.Nil, problem.New(problem.NotYourService, "Only the service that recorded the %s marks it as entered in error.", what)
	}
	if err := in.Check(found.Version); err != nil {
		return uuid.Nil, err
	}
	if found.Marked {
		return uuid.Nil, problem.New(problem.StateConflict, "The %s is marked as entered in error already.", what)
	}
	err = Changed(tx.QueryRow(ctx, fmt.Sprintf("UPDATE %s SET entered_in_error_by = @subject WHERE id = @id AND version = @version RETURNING version", table),
		pgx.NamedArgs{"id": in.ID, "version": found.Version, "subject": tx.Caller.Subject}))
	if err != nil {
		return uuid.Nil, fmt.Errorf("marking a record of %s: %w", table, err)
	}
	tx.Touch(found.PersonID, in.ID)
	return found.PersonID, nil
}

// Changed reads the answer of an UPDATE … WHERE version = … RETURNING version. No row means that somebody was faster.
func Changed(row pgx.Row) error {
	var version int64
	err := row.Scan(&version)
	if errors.Is(err, pgx.ErrNoRows) {
		return problem.New(problem.PreconditionFailed, "The record changed while this request ran: read it again.")
	}
	return err
}
