package retention

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/page"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

// Disposal is the end of a record, asked for or confirmed.
type Disposal struct {
	ID          uuid.UUID   `json:"id" format:"uuid"`
	PersonID    uuid.UUID   `json:"personId" format:"uuid" doc:"The person's id, which leads nowhere once the disposal is confirmed."`
	RecordIDs   []uuid.UUID `json:"recordIds" nullable:"false" format:"uuid" doc:"All records of the person, those included that were merged."`
	DueOn       string      `json:"dueOn" format:"date"`
	RequestedBy string      `json:"requestedBy"`
	RequestedAt time.Time   `json:"requestedAt"`
	ConfirmedBy *string     `json:"confirmedBy,omitempty"`
	ConfirmedAt *time.Time  `json:"confirmedAt,omitempty"`
}

type disposalOutput struct{ Body Disposal }

type requestInput struct {
	rest.Idempotent
	ID uuid.UUID `path:"id" format:"uuid"`
}

func request(ctx context.Context, tx *store.Tx, in *requestInput) (*disposalOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("making a disposal's id: %w", err)
	}
	if _, err := tx.Exec(ctx, requestSQL, pgx.NamedArgs{"id": id, "person": in.ID, "subject": tx.Caller.Subject}); err != nil {
		return nil, fmt.Errorf("asking for a disposal: %w", err)
	}
	return one(ctx, tx, id)
}

func confirm(ctx context.Context, tx *store.Tx, in *requestInput) (*disposalOutput, error) {
	tx.About(store.Concern{Resource: in.ID})
	found, err := one(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	tx.About(store.Concern{Person: found.Body.PersonID, Resource: in.ID})
	if found.Body.ConfirmedAt != nil {
		return nil, problem.New(problem.StateConflict, "The disposal is confirmed already.")
	}
	done, err := tx.Exec(ctx, confirmSQL, pgx.NamedArgs{"id": in.ID, "subject": tx.Caller.Subject})
	if err != nil {
		return nil, fmt.Errorf("confirming a disposal: %w", err)
	}
	if done.RowsAffected() == 0 { // another officer was faster
		return nil, problem.New(problem.StateConflict, "The disposal was confirmed while this request ran.")
	}
	return one(ctx, tx, in.ID)
}

func one(ctx context.Context, tx *store.Tx, id uuid.UUID) (*disposalOutput, error) {
	found, ok, err := store.One[Disposal](ctx, tx, byIDSQL, pgx.NamedArgs{"id": id})
	if err != nil {
		return nil, fmt.Errorf("reading a disposal: %w", err)
	}
	if !ok {
		return nil, problem.New(problem.NotFound, "There is no such disposal.")
	}
	tx.Touch(found.PersonID, id)
	return &disposalOutput{found}, nil
}

type pageInput struct{ page.Input }

type listOutput struct {
	Body struct {
		Items []Disposal `json:"items" nullable:"false"`
		Next  string     `json:"next,omitempty" doc:"Send it as cursor to go on."`
	}
}

func list(ctx context.Context, tx *store.Tx, in *pageInput) (*listOutput, error) {
	position, limit, err := in.Start()
	if err != nil {
		return nil, err
	}
	rows, err := store.Rows[Disposal](ctx, tx, listSQL, pgx.NamedArgs{"at": position.At, "after": position.ID, "limit": limit})
	if err != nil {
		return nil, fmt.Errorf("listing disposals: %w", err)
	}
	out := &listOutput{}
	out.Body.Items = []Disposal{}
	rows, out.Body.Next = page.Cut(in.Input, rows, func(d Disposal) page.Position { return page.Position{At: d.RequestedAt, ID: d.ID} })
	for _, d := range rows {
		tx.Touch(d.PersonID, d.ID)
		out.Body.Items = append(out.Body.Items, d)
	}
	return out, nil
}

// Due is a person whose time is over.
type Due struct {
	PersonID uuid.UUID `json:"personId" format:"uuid"`
	DueOn    string    `json:"dueOn" format:"date"`
	Basis    string    `json:"basis" enum:"LastTreatment,Death"`
}

type dueOutput struct {
	Body struct {
		Items []Due  `json:"items" nullable:"false"`
		Next  string `json:"next,omitempty" doc:"Send it as cursor to go on."`
	}
}

func listDue(ctx context.Context, tx *store.Tx, in *pageInput) (*dueOutput, error) {
	position, limit, err := in.Start()
	if err != nil {
		return nil, err
	}
	type row struct {
		Due
		CreatedAt time.Time
	}
	rows, err := store.Rows[row](ctx, tx, dueSQL, pgx.NamedArgs{"at": position.At, "after": position.ID, "limit": limit})
	if err != nil {
		return nil, fmt.Errorf("listing records whose time is over: %w", err)
	}
	out := &dueOutput{}
	out.Body.Items = []Due{}
	rows, out.Body.Next = page.Cut(in.Input, rows, func(r row) page.Position { return page.Position{At: r.CreatedAt, ID: r.PersonID} })
	for _, r := range rows {
		tx.Touch(r.PersonID, uuid.Nil)
		out.Body.Items = append(out.Body.Items, r.Due)
	}
	return out, nil
}
