package matching

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

// Merge says that one record answers for another, or did.
type Merge struct {
	MergedID    uuid.UUID `json:"mergedId" format:"uuid" doc:"The record that leads to the other."`
	CanonicalID uuid.UUID `json:"canonicalId" format:"uuid" doc:"The record that answers for both."`
	State       string    `json:"state" enum:"Merged,Unmerged"`
}

type mergeOutput struct{ Body Merge }

type mergeInput struct {
	rest.Idempotent
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		Into uuid.UUID `json:"into" format:"uuid" doc:"The record that answers for both from now on."`
	}
}

func merge(ctx context.Context, tx *store.Tx, in *mergeInput) (*mergeOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("making a merge's id: %w", err)
	}
	args := pgx.NamedArgs{"id": id, "merged": in.ID, "canonical": in.Body.Into, "subject": tx.Caller.Subject}
	if _, err := tx.Exec(ctx, mergeSQL, args); err != nil {
		return nil, fmt.Errorf("merging records: %w", err)
	}
	tx.Touch(in.ID, uuid.Nil)
	tx.Touch(in.Body.Into, uuid.Nil)
	return &mergeOutput{Merge{MergedID: in.ID, CanonicalID: in.Body.Into, State: "Merged"}}, nil
}

type unmergeInput struct {
	rest.Idempotent
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		Reason string `json:"reason" enum:"DifferentPeople,MergedInError"`
	}
}

func unmerge(ctx context.Context, tx *store.Tx, in *unmergeInput) (*mergeOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	type inForce struct{ CanonicalID uuid.UUID }
	args := pgx.NamedArgs{"merged": in.ID, "reason": in.Body.Reason, "subject": tx.Caller.Subject}
	found, ok, err := store.One[inForce](ctx, tx, mergedFromSQL, args)
	if err != nil {
		return nil, fmt.Errorf("reading a merge: %w", err)
	}
	if !ok {
		return nil, problem.New(problem.NotFound, "No such record is merged into another.")
	}
	if _, err := tx.Exec(ctx, unmergeSQL, args); err != nil {
		return nil, fmt.Errorf("taking records apart: %w", err)
	}
	tx.Touch(in.ID, uuid.Nil)
	tx.Touch(found.CanonicalID, uuid.Nil)
	return &mergeOutput{Merge{MergedID: in.ID, CanonicalID: found.CanonicalID, State: "Unmerged"}}, nil
}
