package store

import (
	"context"
	_ "embed"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/problem"
)

//go:embed sql/audit.sql
var auditSQL string

//go:embed sql/closure_refusal.sql
var closureRefusalSQL string

//go:embed sql/outcome_refusal.sql
var outcomeRefusalSQL string

// refusalSQL records what a refused closure or outcome lacked, so that services learn from it.
var refusalSQL = map[problem.Slug]string{problem.ClosureIncomplete: closureRefusalSQL, problem.OutcomeIncomplete: outcomeRefusalSQL}

// touched lists the people and records that an operation returned or changed, in step.
type touched struct {
	people    []*uuid.UUID
	resources []*uuid.UUID
}

// Touch notes that a person's record is part of the answer or was changed. resource is the record's own id where the
// operation is about a part of the person's record, and the zero id otherwise.
func (t *Tx) Touch(person, resource uuid.UUID) {
	t.touched.people = append(t.touched.people, &person)
	t.touched.resources = append(t.touched.resources, idOrNil(resource))
}

// Concern says what an operation is about, for the audit trail of a refusal. Ids that the caller only asked for count
// too, so that attempts to read hidden records can be found.
type Concern struct {
	Person, Resource uuid.UUID
	// Service is the caller's that wanted the closure or outcome which was refused.
	Service uuid.UUID
}

// About notes the concern as far as it is known.
func (t *Tx) About(concern Concern) { t.concern = concern }

// queueDone adds one row per person touched; an operation that touched nobody (a search without a result) leaves one row.
func (t *Tx) queueDone(batch *pgx.Batch) {
	if !access.For(t.operation).Personal {
		return
	}
	if len(t.touched.people) == 0 {
		t.touched = touched{people: []*uuid.UUID{nil}, resources: []*uuid.UUID{nil}}
	}
	t.queueAudit(batch, "Done", nil, t.touched)
}

func (t *Tx) queueAudit(batch *pgx.Batch, outcome string, slug *problem.Slug, what touched) {
	batch.Queue(auditSQL, pgx.NamedArgs{
		"request_id": t.Caller.RequestID, "subject": t.Caller.Subject, "client": t.Caller.Client, "role": t.Caller.Role,
		"services": nonNil(t.Services), "purpose": t.Caller.Purpose, "operation": t.operation,
		"outcome": outcome, "problem": slug, "people": what.people, "resources": what.resources,
	})
}

// Refuse audits a refusal in a transaction of its own, so that it stays although the work was rolled back.
func (s *Store) Refuse(ctx context.Context, operation access.Operation, caller access.Caller, refused *problem.Problem, concern Concern) error {
	tx, err := s.begin(ctx, operation, caller)
	if err != nil {
		return classify(err)
	}
	defer tx.release(ctx)
	slug := refused.Slug()
	last := &pgx.Batch{}
	tx.queueAudit(last, "Refused", &slug, touched{people: []*uuid.UUID{idOrNil(concern.Person)}, resources: []*uuid.UUID{idOrNil(concern.Resource)}})
	if query, ok := refusalSQL[slug]; ok {
		last.Queue(query, pgx.NamedArgs{"service": concern.Service, "missing": refused.Missing})
	}
	if err := tx.commit(ctx, last); err != nil {
		return classify(err)
	}
	return nil
}

func idOrNil(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}
