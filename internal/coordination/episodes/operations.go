package episodes

import (
	"context"
	"fmt"
	"net/http"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/page"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/services"
	"github.com/cmhf/operator/internal/coordination/store"
)

const tag = "episodes"

// Register adds the subject's operations.
func Register(a *rest.API) {
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/episodes/{id}", Operation: access.ReadEpisode, Tag: tag,
		Summary: "Read an episode", Description: "With its return plan, which stays readable after the closure.", Errors: []int{http.StatusNotFound},
	}, read)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/episodes", Operation: access.ListEpisodes, Tag: tag,
		Summary: "List your services' episodes", Description: "Newest first.",
	}, list)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/episodes/{id}/reaching-steps", Operation: access.RecordReaching, Tag: tag, Status: http.StatusCreated,
		Summary:     "Record a step to reach a person who does not answer",
		Description: "Attempts by two or more channels, contact with a carer or the GP, and a risk review in the team come before an episode may close as NotEngaging.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict},
	}, recordReaching)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/episodes/{id}/closure", Operation: access.CloseEpisode, Tag: tag, Status: http.StatusCreated,
		Summary:     "Close an episode",
		Description: "Nobody is discharged to no support: a closure has a return plan, a permitted reason, and either the acceptance of a receiver or the person's own choice; while a legal duty is open, acceptance alone. Anything else is answered with the problem closure-incomplete, which names all that is missing, and the refusal is on record.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict},
	}, closeEpisode)
}

type idInput struct {
	ID uuid.UUID `path:"id" format:"uuid"`
}

func read(ctx context.Context, tx *store.Tx, in *idInput) (*Output, error) {
	out, err := Read(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	tx.Touch(out.Body.PersonID, in.ID)
	return out, nil
}

type listInput struct {
	Service string `query:"service" maxLength:"63" doc:"Only episodes of this one of your services."`
	State   string `query:"state" enum:"Open,Closed" doc:"Only episodes in this state."`
	Cursor  string `query:"cursor" maxLength:"64" doc:"next of an earlier answer."`
	Limit   int32  `query:"limit" minimum:"1" maximum:"100" default:"25"`
}

type listOutput struct {
	Body struct {
		Items []Episode `json:"items" nullable:"false"`
		Next  string    `json:"next,omitempty" doc:"Send it as cursor to go on."`
	}
}

func list(ctx context.Context, tx *store.Tx, in *listInput) (*listOutput, error) {
	position, err := page.Decode(in.Cursor)
	if err != nil {
		return nil, problem.InvalidField("query.cursor", "%s", err)
	}
	own, err := services.Own(ctx, tx, "query.service", in.Service)
	if err != nil {
		return nil, err
	}
	states := []string{"Open", "Closed"}
	if in.State != "" {
		states = []string{in.State}
	}
	rows, err := store.Rows[row](ctx, tx, listSQL, pgx.NamedArgs{
		"services": own, "states": states, "at": position.At, "after": position.ID, "limit": in.Limit + 1,
	})
	if err != nil {
		return nil, fmt.Errorf("listing episodes: %w", err)
	}
	out := &listOutput{}
	out.Body.Items = []Episode{}
	if len(rows) > int(in.Limit) {
		rows = rows[:in.Limit]
		last := rows[len(rows)-1]
		out.Body.Next = page.Encode(page.Position{At: last.OpenedAt, ID: last.ID})
	}
	for _, r := range rows {
		tx.Touch(r.PersonID, r.ID)
		out.Body.Items = append(out.Body.Items, r.episode())
	}
	return out, nil
}
