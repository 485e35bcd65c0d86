package safetyplans

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/mistakes"
	"github.com/cmhf/operator/internal/coordination/page"
	"github.com/cmhf/operator/internal/coordination/people"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/of_person.sql
	ofPersonSQL string
	//go:embed sql/insert.sql
	insertSQL string
	//go:embed sql/service_that_sees.sql
	serviceThatSeesSQL string
	//go:embed sql/lock.sql
	lockSQL string
	//go:embed sql/mark.sql
	markSQL string
)

const tag = "safety plans"

// Register adds the subject's operations.
func Register(a *rest.API) {
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/people/{id}/safety-plans", Operation: access.SaveSafetyPlan, Tag: tag, Status: http.StatusCreated,
		Summary:     "Save a person's safety plan",
		Description: "It counts at once and waits for no agreement and no episode. Whoever may see the person may save it. The version before is kept.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict},
	}, save)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/people/{id}/safety-plans", Operation: access.ListSafetyPlans, Tag: tag,
		Summary:     "Read a person's safety plan and its earlier versions",
		Description: "The version that counts comes first; limit=1 gives that one alone. Those entered in error are not in the list.",
		Errors:      []int{http.StatusNotFound},
	}, ofPerson)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/safety-plans/{id}", Operation: access.ReadSafetyPlan, Tag: tag,
		Summary: "Read one version of a safety plan", Errors: []int{http.StatusNotFound},
	}, read)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/safety-plans/{id}/entered-in-error", Operation: access.MarkSafetyPlan, Tag: tag,
		Summary:     "Mark a version of a safety plan as entered in error",
		Description: mistakes.Description + " The version before it counts again. Whoever may see the person may mark it: in a crisis a wrong plan does harm.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusPreconditionRequired},
	}, mark)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/safety-plans/search", Operation: access.SearchSafetyPlans, Tag: tag,
		Summary:     "Find a person's safety plan in a crisis",
		Description: "For callers who act for a service with the function CrisisLink: by NHS number and birth date, both exact, whether or not your services may see the person otherwise, and without an emergency grant. Nothing but the safety plan is shown. The search stands in the person's access log.",
	}, search)
}

type saveInput struct {
	rest.Idempotent
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body SafetyPlanContent
}

func save(ctx context.Context, tx *store.Tx, in *saveInput) (*output, error) {
	tx.About(store.Concern{Person: in.ID})
	person, err := people.Visible(ctx, tx, in.ID)
	switch {
	case err != nil:
		return nil, err
	case !in.Body.says():
		return nil, problem.InvalidField("body", "fill in at least one part")
	case person.Death != nil:
		return nil, problem.New(problem.PersonDied, "The person's death is recorded.")
	}
	type seeing struct{ ServiceID uuid.UUID }
	by, ok, err := store.One[seeing](ctx, tx, serviceThatSeesSQL, pgx.NamedArgs{"person": person.ID, "services": tx.Services})
	if err != nil {
		return nil, fmt.Errorf("looking for the service that sees a person: %w", err)
	}
	if !ok {
		return nil, problem.New(problem.NotYourService, "None of your services supports the person.")
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("making a safety plan's id: %w", err)
	}
	c := in.Body
	_, err = tx.Exec(ctx, insertSQL, pgx.NamedArgs{
		"id": id, "person": person.ID, "service": by.ServiceID, "warning_signs": optional(c.WarningSigns), "own_coping": optional(c.OwnCoping),
		"people_who_help": optional(c.PeopleWhoHelp), "services_to_call": optional(c.ServicesToCall), "means_safety": optional(c.MeansSafety),
		"reasons_for_living": optional(c.ReasonsForLiving), "made_with_person": c.MadeWithPerson, "subject": tx.Caller.Subject,
	})
	if err != nil {
		return nil, fmt.Errorf("saving a safety plan: %w", err)
	}
	return answer(ctx, tx, id)
}

type idInput struct {
	ID uuid.UUID `path:"id" format:"uuid"`
}

func read(ctx context.Context, tx *store.Tx, in *idInput) (*output, error) {
	return answer(ctx, tx, in.ID)
}

type ofPersonInput struct {
	page.Input
	ID uuid.UUID `path:"id" format:"uuid"`
}

type safetyPlansOutput struct {
	Body struct {
		Items []SafetyPlan `json:"items" nullable:"false"`
		Next  string       `json:"next,omitempty" doc:"Send it as cursor to go on."`
	}
}

func ofPerson(ctx context.Context, tx *store.Tx, in *ofPersonInput) (*safetyPlansOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	position, limit, err := in.Start()
	if err != nil {
		return nil, err
	}
	if _, err := people.Visible(ctx, tx, in.ID); err != nil {
		return nil, err
	}
	rows, err := store.Rows[row](ctx, tx, ofPersonSQL, pgx.NamedArgs{"person": in.ID, "at": position.At, "after": position.ID, "limit": limit})
	if err != nil {
		return nil, fmt.Errorf("listing safety plans: %w", err)
	}
	out := &safetyPlansOutput{}
	out.Body.Items = []SafetyPlan{}
	rows, out.Body.Next = page.Cut(in.Input, rows, func(r row) page.Position { return page.Position{At: r.RecordedAt, ID: r.ID} })
	for _, r := range rows {
		tx.Touch(r.PersonID, r.ID)
		out.Body.Items = append(out.Body.Items, r.plan())
	}
	if len(rows) == 0 {
		tx.Touch(in.ID, uuid.Nil) // that there is none is told about the person too
	}
	return out, nil
}

func mark(ctx context.Context, tx *store.Tx, in *mistakes.Input) (*output, error) {
	if _, err := visible(ctx, tx, in.ID); err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, lockSQL, pgx.NamedArgs{"id": in.ID}); err != nil {
		return nil, fmt.Errorf("locking a safety plan: %w", err)
	}
	plan, err := visible(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	if err := in.Check(plan.Version); err != nil {
		return nil, err
	}
	if plan.Mark() != nil {
		return nil, problem.New(problem.StateConflict, "The safety plan is marked already.")
	}
	if _, err := tx.Exec(ctx, markSQL, pgx.NamedArgs{"id": in.ID, "why": in.Body.Why, "subject": tx.Caller.Subject}); err != nil {
		return nil, fmt.Errorf("marking a safety plan: %w", err)
	}
	return answer(ctx, tx, in.ID)
}
