package referrals

import (
	"context"
	"fmt"
	"net/http"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/episodes"
	"github.com/cmhf/operator/internal/coordination/page"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/services"
	"github.com/cmhf/operator/internal/coordination/store"
)

const tag = "referrals"

// Register adds the subject's operations.
func Register(a *rest.API) {
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/referrals", Operation: access.CreateReferral, Tag: tag, Status: http.StatusCreated,
		Summary:     "Refer a person to a service",
		Description: "By any route, the person's own request included. The person's record is found or made.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict},
	}, create)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/referrals/{id}", Operation: access.ReadReferral, Tag: tag,
		Summary: "Read a referral", Errors: []int{http.StatusNotFound},
	}, read)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/referrals", Operation: access.ListReferrals, Tag: tag,
		Summary: "List referrals to your services", Description: "Newest first.",
	}, list)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/referrals/{id}/acceptance", Operation: access.AcceptReferral, Tag: tag, Status: http.StatusCreated,
		Summary:     "Accept a referral",
		Description: "Opens an episode of care, and your service becomes responsible in the same moment. When your service has an open episode with the person already, the referral is accepted into it.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict},
	}, accept)
}

type idInput struct {
	ID uuid.UUID `path:"id" format:"uuid"`
}

func read(ctx context.Context, tx *store.Tx, in *idInput) (*referralOutput, error) {
	tx.About(store.Concern{Resource: in.ID})
	found, err := visible(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	tx.Touch(found.PersonID, in.ID)
	return &referralOutput{found.Referral}, nil
}

type listInput struct {
	Service string `query:"service" maxLength:"63" doc:"Only referrals to this one of your services."`
	State   string `query:"state" enum:"Open,Accepted,Died" doc:"Only referrals in this state."`
	Cursor  string `query:"cursor" maxLength:"64" doc:"next of an earlier answer."`
	Limit   int32  `query:"limit" minimum:"1" maximum:"100" default:"25"`
}

type listOutput struct {
	Body struct {
		Items []Referral `json:"items" nullable:"false"`
		Next  string     `json:"next,omitempty" doc:"Send it as cursor to go on."`
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
	states := []string{"Open", "Accepted", "Died"}
	if in.State != "" {
		states = []string{in.State}
	}
	rows, err := store.Rows[row](ctx, tx, listSQL, pgx.NamedArgs{
		"services": own, "states": states, "at": position.At, "after": position.ID, "limit": in.Limit + 1,
	})
	if err != nil {
		return nil, fmt.Errorf("listing referrals: %w", err)
	}
	out := &listOutput{}
	out.Body.Items = []Referral{}
	if len(rows) > int(in.Limit) {
		rows = rows[:in.Limit]
		last := rows[len(rows)-1]
		out.Body.Next = page.Encode(page.Position{At: last.RecordedAt, ID: last.ID})
	}
	for _, r := range rows {
		tx.Touch(r.PersonID, r.ID)
		out.Body.Items = append(out.Body.Items, r.Referral)
	}
	return out, nil
}

type acceptInput struct {
	rest.Idempotent
	ID uuid.UUID `path:"id" format:"uuid"`
}

func accept(ctx context.Context, tx *store.Tx, in *acceptInput) (*episodes.Output, error) {
	tx.About(store.Concern{Resource: in.ID})
	found, err := visible(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	if !tx.Serves(found.ServiceID) {
		return nil, problem.New(problem.NotYourService, "Only %s, to which the person is referred, can accept.", found.Service)
	}
	var state string
	if err := tx.QueryRow(ctx, lockSQL, pgx.NamedArgs{"id": in.ID}).Scan(&state); err != nil {
		return nil, fmt.Errorf("locking a referral: %w", err)
	}
	if state != "Open" {
		return nil, problem.New(problem.StateConflict, "The referral is %s already.", state)
	}
	episode, err := episodes.OpenFor(ctx, tx, found.PersonID, found.ServiceID)
	if err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, acceptSQL, pgx.NamedArgs{"id": in.ID, "episode": episode, "subject": tx.Caller.Subject}); err != nil {
		return nil, fmt.Errorf("accepting a referral: %w", err)
	}
	tx.Touch(found.PersonID, in.ID)
	return episodes.Read(ctx, tx, episode)
}
