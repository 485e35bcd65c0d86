package plans

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/mistakes"
	"github.com/cmhf/operator/internal/coordination/people/capacity"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/agree.sql
	agreeSQL string
	//go:embed sql/mark.sql
	markSQL string
)

type agreeInput struct {
	rest.Idempotent
	rest.Match
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body PlanAgreement
}

// agree puts a draft in force; the version that was in force is superseded in the same moment.
func agree(ctx context.Context, tx *store.Tx, in *agreeInput) (*Output, error) {
	p, err := ownDraft(ctx, tx, in.ID, in.Match)
	if err != nil {
		return nil, err
	}
	begins, err := london.ParseDay(p.EpisodeBeginsOn)
	if err != nil {
		return nil, fmt.Errorf("reading the first day of an episode: %w", err)
	}
	lacking, err := capacity.AssessedAsLacking(ctx, tx, p.PersonID, capacity.AboutCarePlan)
	if err != nil {
		return nil, err
	}
	a := in.Body
	v := judge(a, facts{today: london.Today(time.Now()), begins: begins, goals: p.Goals, reviewOn: p.ReviewOn, assessedAsLacking: lacking})
	if len(v.missing) > 0 {
		refused := problem.New(problem.PlanIncomplete, "The plan stays a draft: it lacks the parts that missing names.")
		refused.Missing, refused.Errors = v.missing, v.fields
		return nil, refused
	}
	args := pgx.NamedArgs{
		"id": in.ID, "agreement": a.By, "on": a.On, "capacity": a.Capacity, "subject": tx.Caller.Subject,
		"why_not": nil, "best_interests": nil, "representative": nil,
	}
	// What does not belong to the ground is not kept.
	switch a.By {
	case notAgreed:
		args["why_not"] = a.WhyNot
	case bestInterests:
		args["best_interests"] = a.BestInterests
	case byAttorney:
		args["representative"] = a.Representative
	case withAdvocate:
		args["best_interests"], args["representative"] = a.BestInterests, a.Representative
	}
	if _, err := tx.Exec(ctx, agreeSQL, args); err != nil {
		return nil, fmt.Errorf("putting a plan in force: %w", err)
	}
	return answer(ctx, tx, in.ID)
}

// mark needs no open episode: a mistake is put right whenever it is found.
func mark(ctx context.Context, tx *store.Tx, in *mistakes.Input) (*Output, error) {
	p, err := locked(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	if !tx.Serves(p.ResponsibleServiceID) {
		return nil, problem.New(problem.NotYourService, "%s is responsible for this episode and keeps its plan.", p.Responsible)
	}
	if err := in.Check(p.Version); err != nil {
		return nil, err
	}
	if p.State == stateEnteredInError {
		return nil, problem.New(problem.StateConflict, "The plan is marked already.")
	}
	if _, err := tx.Exec(ctx, markSQL, pgx.NamedArgs{"id": in.ID, "why": in.Body.Why, "subject": tx.Caller.Subject}); err != nil {
		return nil, fmt.Errorf("marking a plan: %w", err)
	}
	return answer(ctx, tx, in.ID)
}
