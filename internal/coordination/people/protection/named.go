package protection

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/people"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/read_named.sql
	readNamedSQL string
	//go:embed sql/end_named.sql
	endNamedSQL string
	//go:embed sql/insert_named.sql
	insertNamedSQL string
)

// NamedAccess is who alone may see a person's record.
type NamedAccess struct {
	Limited  bool       `json:"limited" doc:"Whether the record is limited to named people now."`
	Subjects []string   `json:"subjects,omitempty" nullable:"false" doc:"Who, as the identity provider names them (the sub claim)."`
	Reason   *string    `json:"reason,omitempty"`
	SetBy    *string    `json:"setBy,omitempty"`
	SetAt    *time.Time `json:"setAt,omitempty"`
}

type namedOutput struct {
	rest.Tag
	Body NamedAccess
}

func readNamed(ctx context.Context, tx *store.Tx, in *idInput) (*namedOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	return namedFor(ctx, tx, in.ID)
}

func namedFor(ctx context.Context, tx *store.Tx, person uuid.UUID) (*namedOutput, error) {
	lists, standing, err := people.Parts[NamedAccess](ctx, tx, readNamedSQL, person, uuid.Nil)
	if err != nil {
		return nil, err
	}
	out := &namedOutput{Tag: standing.Tag()}
	if len(lists) > 0 {
		out.Body = lists[0]
	}
	return out, nil
}

type setNamedInput struct {
	rest.Match
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		Subjects []string `json:"subjects" nullable:"false" minItems:"1" maxItems:"50" uniqueItems:"true" doc:"Who may see the record, as the identity provider names them (the sub claim), yourself among them. Name two or more: when nobody of the list is left, nobody sees the record."`
		Reason   string   `json:"reason" minLength:"1" maxLength:"1000" pattern:"\\S" doc:"Why; those on the list read it."`
	}
}

func setNamed(ctx context.Context, tx *store.Tx, in *setNamedInput) (*namedOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	for i, subject := range in.Body.Subjects {
		if subject == "" || len(subject) > 255 {
			return nil, problem.InvalidField(fmt.Sprintf("body.subjects[%d]", i), "give 1 to 255 characters")
		}
	}
	if !slices.Contains(in.Body.Subjects, tx.Caller.Subject) {
		return nil, problem.InvalidField("body.subjects", "stand on the list yourself: someone of the responsible service must see the record and be able to change the list")
	}
	standing, err := people.ClaimVersion(ctx, tx, in.ID, in.Match)
	if err != nil {
		return nil, err
	}
	if !standing.Responsible {
		return nil, notResponsible()
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("making a list's id: %w", err)
	}
	args := pgx.NamedArgs{"id": id, "person": in.ID, "subjects": in.Body.Subjects, "reason": in.Body.Reason, "subject": tx.Caller.Subject}
	for _, statement := range []string{endNamedSQL, insertNamedSQL} {
		if _, err := tx.Exec(ctx, statement, args); err != nil {
			return nil, fmt.Errorf("setting who may see a person: %w", err)
		}
	}
	return namedFor(ctx, tx, in.ID)
}

type endNamedInput struct {
	rest.Idempotent
	ID uuid.UUID `path:"id" format:"uuid"`
}

func endNamed(ctx context.Context, tx *store.Tx, in *endNamedInput) (*namedOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	standing, err := people.Claim(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	if !standing.Responsible {
		return nil, notResponsible()
	}
	done, err := tx.Exec(ctx, endNamedSQL, pgx.NamedArgs{"person": in.ID, "subject": tx.Caller.Subject})
	if err != nil {
		return nil, fmt.Errorf("opening a limited record: %w", err)
	}
	if done.RowsAffected() == 0 {
		return nil, problem.New(problem.StateConflict, "The record is not limited to named people.")
	}
	return namedFor(ctx, tx, in.ID)
}
