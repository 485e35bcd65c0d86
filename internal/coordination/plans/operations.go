package plans

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/mistakes"
	"github.com/cmhf/operator/internal/coordination/page"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/services"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/of_episode.sql
	ofEpisodeSQL string
	//go:embed sql/due.sql
	dueSQL string
)

const tag = "plans"

// Register adds the subject's operations.
func Register(a *rest.API) {
	changeErrors := []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusPreconditionRequired}
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/episodes/{id}/plans", Operation: access.CreatePlan, Tag: tag, Status: http.StatusCreated,
		Summary:     "Draft the plan of an episode",
		Description: "By the responsible service. There is one plan: while a version is in force, its new version is drafted instead, and there is one draft at a time.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict},
	}, create)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/episodes/{id}/plans", Operation: access.ListEpisodePlans, Tag: tag,
		Summary: "List the versions of an episode's plan", Description: "Newest first, without their content and without those entered in error.",
		Errors: []int{http.StatusNotFound},
	}, ofEpisode)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/plans", Operation: access.ListPlans, Tag: tag,
		Summary:     "List the plans in force of your services' open episodes",
		Description: "By their day of review, the most overdue first. Nothing is blocked when a review is late: it stays in this list until a new version is in force.",
	}, due)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/plans/{id}", Operation: access.ReadPlan, Tag: tag,
		Summary: "Read a version of a plan", Errors: []int{http.StatusNotFound},
	}, read)
	rest.Handle(a, rest.Route{
		Method: http.MethodPut, Path: "/v1/plans/{id}", Operation: access.ChangePlan, Tag: tag,
		Summary: "Change a draft", Description: "The content replaces the one before.", Errors: changeErrors,
	}, change)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/plans/{id}/agreement", Operation: access.AgreePlan, Tag: tag,
		Summary:     "Put a draft in force",
		Description: "With the person's agreement, or the recorded reason why they don't agree; where capacity is lacking, with a record of best interests, an attorney or an advocate. The plan has at least one goal in the person's own words and a day of review within a year. Anything else is answered with the problem plan-incomplete, which names all that is missing. The version that was in force is superseded in the same moment.",
		Errors:      changeErrors,
	}, agree)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/plans/{id}/new-version", Operation: access.RenewPlan, Tag: tag, Status: http.StatusCreated,
		Summary:     "Draft the next version of a plan",
		Description: "A copy of the version in force without its day of review; that one stays in force until the draft is. When no version is in force because the last was a mistake, a superseded one can be followed.",
		Errors:      changeErrors,
	}, renew)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/plans/{id}/entered-in-error", Operation: access.MarkPlan, Tag: tag,
		Summary: "Mark a version of a plan as entered in error", Description: mistakes.Description, Errors: changeErrors,
	}, mark)
}

type idInput struct {
	ID uuid.UUID `path:"id" format:"uuid"`
}

func read(ctx context.Context, tx *store.Tx, in *idInput) (*Output, error) {
	return answer(ctx, tx, in.ID)
}

type plansOutput struct {
	Body struct {
		Items []PlanVersion `json:"items" nullable:"false"`
		Next  string        `json:"next,omitempty" doc:"Send it as cursor to go on."`
	}
}

func (o *plansOutput) take(tx *store.Tx, rows []listedRow) {
	o.Body.Items = []PlanVersion{}
	for _, r := range rows {
		tx.Touch(r.PersonID, r.ID)
		o.Body.Items = append(o.Body.Items, r.listed())
	}
}

type ofEpisodeInput struct {
	page.Input
	ID uuid.UUID `path:"id" format:"uuid"`
}

func ofEpisode(ctx context.Context, tx *store.Tx, in *ofEpisodeInput) (*plansOutput, error) {
	position, limit, err := in.Start()
	if err != nil {
		return nil, err
	}
	e, err := visibleEpisode(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	rows, err := store.Rows[listedRow](ctx, tx, ofEpisodeSQL, pgx.NamedArgs{"id": in.ID, "at": position.At, "after": position.ID, "limit": limit})
	if err != nil {
		return nil, fmt.Errorf("listing the versions of a plan: %w", err)
	}
	out := &plansOutput{}
	rows, out.Body.Next = page.Cut(in.Input, rows, func(r listedRow) page.Position { return page.Position{At: r.CreatedAt, ID: r.ID} })
	out.take(tx, rows)
	if len(rows) == 0 {
		tx.Touch(e.PersonID, in.ID) // that there is none is told about the person too
	}
	return out, nil
}

type dueInput struct {
	page.Input
	Service         string `query:"service" maxLength:"63" doc:"Only plans of this one of your services."`
	ReviewDueBefore string `query:"reviewDueBefore" format:"date" doc:"Only plans of which the review is due before this day."`
}

func due(ctx context.Context, tx *store.Tx, in *dueInput) (*plansOutput, error) {
	position, limit, err := in.Start()
	if err != nil {
		return nil, err
	}
	if in.Cursor == "" { // this list goes forward in time
		position = page.Position{At: time.Unix(0, 0).UTC()}
	}
	if in.ReviewDueBefore == "" {
		in.ReviewDueBefore = "infinity"
	} else if _, err := london.ParseDay(in.ReviewDueBefore); err != nil {
		return nil, problem.InvalidField("query.reviewDueBefore", "give a day from 1900 on")
	}
	own, err := services.Own(ctx, tx, "query.service", in.Service)
	if err != nil {
		return nil, err
	}
	rows, err := store.Rows[listedRow](ctx, tx, dueSQL, pgx.NamedArgs{
		"services": own, "before": in.ReviewDueBefore, "on": position.At.Format(time.DateOnly), "after": position.ID, "limit": limit,
	})
	if err != nil {
		return nil, fmt.Errorf("listing plans by their review: %w", err)
	}
	out := &plansOutput{}
	rows, out.Body.Next = page.Cut(in.Input, rows, func(r listedRow) page.Position {
		day, _ := london.ParseDay(*r.ReviewOn) // a day of the database, which every plan in force has
		return page.Position{At: day, ID: r.ID}
	})
	out.take(tx, rows)
	return out, nil
}
