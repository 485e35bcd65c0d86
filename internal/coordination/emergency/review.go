package emergency

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/page"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

// Use is one use of emergency access, as its reviewers see it.
type Use struct {
	ID          uuid.UUID  `json:"id" format:"uuid"`
	PersonID    uuid.UUID  `json:"personId" format:"uuid"`
	Service     string     `json:"service"`
	GrantedTo   string     `json:"grantedTo" doc:"Who asked, as the identity provider names them."`
	Reason      string     `json:"reason"`
	GrantedAt   time.Time  `json:"grantedAt"`
	Until       time.Time  `json:"until"`
	ReviewDueOn string     `json:"reviewDueOn" format:"date" db:"review_due"`
	Overdue     bool       `json:"overdue" db:"-" doc:"It should have been reviewed and is not."`
	Outcome     *string    `json:"outcome,omitempty" enum:"Justified,NotJustified"`
	ReviewedBy  *string    `json:"reviewedBy,omitempty"`
	ReviewedAt  *time.Time `json:"reviewedAt,omitempty"`
}

// seen says whether the review is overdue on a day.
func (u Use) seen(today time.Time) Use {
	u.Overdue = u.Outcome == nil && u.ReviewDueOn < today.Format(time.DateOnly)
	return u
}

type listInput struct {
	page.Input
	State string `query:"state" enum:"Waiting,Overdue,Reviewed" doc:"Waiting: not reviewed yet, overdue ones included."`
}

type listOutput struct {
	Body struct {
		Items []Use  `json:"items" nullable:"false"`
		Next  string `json:"next,omitempty" doc:"Send it as cursor to go on."`
	}
}

func list(ctx context.Context, tx *store.Tx, in *listInput) (*listOutput, error) {
	position, limit, err := in.Start()
	if err != nil {
		return nil, err
	}
	today := london.Today(time.Now())
	rows, err := store.Rows[Use](ctx, tx, listSQL, pgx.NamedArgs{
		"state": in.State, "today": today, "at": position.At, "after": position.ID, "limit": limit,
	})
	if err != nil {
		return nil, fmt.Errorf("listing uses of emergency access: %w", err)
	}
	out := &listOutput{}
	out.Body.Items = []Use{}
	rows, out.Body.Next = page.Cut(in.Input, rows, func(u Use) page.Position { return page.Position{At: u.GrantedAt, ID: u.ID} })
	for _, u := range rows {
		tx.Touch(u.PersonID, u.ID)
		out.Body.Items = append(out.Body.Items, u.seen(today))
	}
	return out, nil
}

type reviewInput struct {
	rest.Idempotent
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		Outcome string `json:"outcome" enum:"Justified,NotJustified"`
	}
}

type useOutput struct{ Body Use }

func review(ctx context.Context, tx *store.Tx, in *reviewInput) (*useOutput, error) {
	tx.About(store.Concern{Resource: in.ID})
	args := pgx.NamedArgs{"id": in.ID, "outcome": in.Body.Outcome, "subject": tx.Caller.Subject}
	found, err := one(ctx, tx, args)
	if err != nil {
		return nil, err
	}
	tx.About(store.Concern{Person: found.PersonID, Resource: in.ID})
	if found.GrantedTo == tx.Caller.Subject {
		return nil, problem.New(problem.StateConflict, "Somebody else reviews what you did.")
	}
	changed, err := tx.Exec(ctx, reviewSQL, args)
	if err != nil {
		return nil, fmt.Errorf("reviewing emergency access: %w", err)
	}
	if changed.RowsAffected() == 0 {
		return nil, problem.New(problem.StateConflict, "It is reviewed already.")
	}
	if found, err = one(ctx, tx, args); err != nil {
		return nil, err
	}
	tx.Touch(found.PersonID, in.ID)
	return &useOutput{found.seen(london.Today(time.Now()))}, nil
}

func one(ctx context.Context, tx *store.Tx, args pgx.NamedArgs) (Use, error) {
	found, ok, err := store.One[Use](ctx, tx, byIDSQL, args)
	if err != nil {
		return Use{}, fmt.Errorf("reading a use of emergency access: %w", err)
	}
	if !ok {
		return Use{}, problem.New(problem.NotFound, "There is no such use of emergency access, or it is not yours to review.")
	}
	return found, nil
}
