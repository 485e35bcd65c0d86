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
		Description: "By any route, the person's own request included. The person's record is found or made. Without a service, the ICS's default receiving service gets the referral. Someone whose age the service is not for is taken and sent on at once; redirectedTo says where.",
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
		Description: "Opens an episode of care, and your service becomes responsible in the same moment. When your service has an open episode with the person already, the referral is accepted into it. If-Match may be left out: a referral is accepted once.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed},
	}, accept)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/referrals/{id}/outcome", Operation: access.RecordOutcome, Tag: tag, Status: http.StatusCreated,
		Summary:     "Record another outcome than acceptance",
		Description: "A referral is never simply rejected: the person is sent on to a service of the ICS or to an organisation outside that has accepted, or chose otherwise, or the referral was taken back, came twice, or the person died or moved away to a named receiver. Anything else is answered with the problem outcome-incomplete, which names all that is missing, and the refusal is on record. A person who does not attend or cannot be reached stays on the list (reaching-steps).",
		Errors:      []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusPreconditionRequired},
	}, recordOutcome)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/referrals/{id}/reaching-steps", Operation: access.RecordReferralReaching, Tag: tag, Status: http.StatusCreated,
		Summary:     "Record a step to reach a person who does not answer",
		Description: "Makes the referral Reaching, and says when the person is tried next. Attempts by two or more channels, contact with a carer or the GP, and a risk review in the team belong to it. It ends with Reached, never with the referral.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict},
	}, recordReaching)
}

type idInput struct {
	ID uuid.UUID `path:"id" format:"uuid"`
}

func read(ctx context.Context, tx *store.Tx, in *idInput) (*referralOutput, error) {
	tx.About(store.Concern{Resource: in.ID})
	return show(ctx, tx, in.ID)
}

type listInput struct {
	page.Input
	Service string `query:"service" maxLength:"63" doc:"Only referrals to this one of your services."`
	State   string `query:"state" enum:"Open,Reaching,Accepted,Redirected,PersonChose,Withdrawn,Duplicate,Died,MovedAway" doc:"Only referrals in this state."`
}

var states = []string{stateOpen, stateReaching, "Accepted", kindRedirected, kindPersonChose, kindWithdrawn, kindDuplicate, kindDied, kindMovedAway}

type listOutput struct {
	Body struct {
		Items []Referral `json:"items" nullable:"false"`
		Next  string     `json:"next,omitempty" doc:"Send it as cursor to go on."`
	}
}

func list(ctx context.Context, tx *store.Tx, in *listInput) (*listOutput, error) {
	position, limit, err := in.Start()
	if err != nil {
		return nil, err
	}
	own, err := services.Own(ctx, tx, "query.service", in.Service)
	if err != nil {
		return nil, err
	}
	wanted := states
	if in.State != "" {
		wanted = []string{in.State}
	}
	rows, err := store.Rows[row](ctx, tx, selectSQL+listSQL, pgx.NamedArgs{
		"services": own, "states": wanted, "at": position.At, "after": position.ID, "limit": limit,
	})
	if err != nil {
		return nil, fmt.Errorf("listing referrals: %w", err)
	}
	out := &listOutput{}
	out.Body.Items = []Referral{}
	rows, out.Body.Next = page.Cut(in.Input, rows, func(r row) page.Position { return page.Position{At: r.RecordedAt, ID: r.ID} })
	for _, r := range rows {
		tx.Touch(r.PersonID, r.ID)
		out.Body.Items = append(out.Body.Items, r.referral())
	}
	return out, nil
}

type acceptInput struct {
	rest.Idempotent
	rest.Match
	ID uuid.UUID `path:"id" format:"uuid"`
}

func accept(ctx context.Context, tx *store.Tx, in *acceptInput) (*episodes.Output, error) {
	tx.About(store.Concern{Resource: in.ID})
	match := &in.Match
	if in.IfMatch == "" { // acceptance overwrites nothing: it needs the open state, whatever else has changed
		match = nil
	}
	found, err := visible(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	if !tx.Serves(found.ServiceID) {
		return nil, problem.New(problem.NotYourService, "Only %s, to which the person is referred, can accept.", found.Service)
	}
	if found, err = own(ctx, tx, in.ID, match); err != nil {
		return nil, err
	}
	if err := found.notSentOn(); err != nil {
		return nil, err
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
