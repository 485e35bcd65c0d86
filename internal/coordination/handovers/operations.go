package handovers

import (
	"context"
	"fmt"
	"net/http"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/page"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/services"
	"github.com/cmhf/operator/internal/coordination/store"
)

const tag = "handovers"

var stateErrors = []int{http.StatusNotFound, http.StatusConflict}

// Register adds the subject's operations.
func Register(a *rest.API) {
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/episodes/{id}/handovers", Operation: access.OfferHandover, Tag: tag, Status: http.StatusCreated,
		Summary:     "Offer to hand a person over",
		Description: "To a service of the directory or to an organisation outside it. Your service stays responsible until the receiver accepts. Several may be offered at once: the first service that accepts becomes responsible, and the other offers end.",
		Errors:      stateErrors,
	}, offer)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/handovers/{id}", Operation: access.ReadHandover, Tag: tag,
		Summary: "Read a handover", Errors: []int{http.StatusNotFound},
	}, read)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/handovers", Operation: access.ListHandovers, Tag: tag,
		Summary: "List handovers to or from your services", Description: "Newest first. A partner-practitioner sees those to the organisation in the token's organisation claim.",
	}, list)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/handovers/{id}/acceptance", Operation: access.AcceptHandover, Tag: tag, Status: http.StatusCreated,
		Summary:     "Accept a handover",
		Description: "A service of the directory accepts for itself, sends no body, and becomes responsible in the same moment. A partner-practitioner gives their name. The sender may record the acceptance of an organisation outside the directory, with name, organisation, day and channel.",
		Errors:      stateErrors,
	}, accept)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/handovers/{id}/decline", Operation: access.DeclineHandover, Tag: tag, Status: http.StatusCreated,
		Summary:     "Decline a handover, naming another way",
		Description: "The sender stays responsible. A step-up in a crisis is not declined but passed on: see transfers.",
		Errors:      stateErrors,
	}, decline)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/handovers/{id}/withdrawal", Operation: access.WithdrawHandover, Tag: tag, Status: http.StatusCreated,
		Summary: "Withdraw a handover", Description: "By the sender, before it is answered.", Errors: stateErrors,
	}, withdraw)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/handovers/{id}/transfers", Operation: access.TransferHandover, Tag: tag, Status: http.StatusCreated,
		Summary:     "Pass a crisis step-up on to another receiver",
		Description: "Offers the person to a further receiver. When that one accepts, the first handover ends as declined with a live transfer; until then it stays open.",
		Errors:      stateErrors,
	}, transfer)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/handovers/{id}/arrival", Operation: access.RecordArrival, Tag: tag, Status: http.StatusCreated,
		Summary:     "Record that the person has arrived",
		Description: "The day of the first attended contact with the receiver. An accepted handover without it stays listed: accepted is not arrived.",
		Errors:      stateErrors,
	}, arrive)
}

type idInput struct {
	ID uuid.UUID `path:"id" format:"uuid"`
}

func read(ctx context.Context, tx *store.Tx, in *idInput) (*output, error) {
	return show(ctx, tx, in.ID)
}

type listInput struct {
	page.Input
	Direction   string `query:"direction" enum:"incoming,outgoing" default:"incoming" doc:"Those to your services or organisation, or those from your services."`
	Service     string `query:"service" maxLength:"63" doc:"Only those of this one of your services."`
	State       string `query:"state" enum:"Offered,Accepted,Declined,Withdrawn,Died" doc:"Only handovers in this state."`
	NotArrived  bool   `query:"notArrived" doc:"Only accepted ones whose person has not arrived and whose episode is open."`
	EscalatedTo string `query:"escalatedTo" enum:"ServiceLead,ICS" doc:"Only those without an answer that went on so far."`
}

type listOutput struct {
	Body struct {
		Items []Handover `json:"items" nullable:"false"`
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
	where := incomingSQL
	if in.Direction == "outgoing" {
		where = outgoingSQL
	}
	rows, err := store.Rows[row](ctx, tx, columnsSQL+where, pgx.NamedArgs{
		"services": own, "partner": in.Service == "", "state": in.State, "not_arrived": in.NotArrived, "escalated_to": in.EscalatedTo,
		"at": position.At, "after": position.ID, "limit": limit,
	})
	if err != nil {
		return nil, fmt.Errorf("listing handovers: %w", err)
	}
	out := &listOutput{}
	out.Body.Items = []Handover{}
	rows, out.Body.Next = page.Cut(in.Input, rows, func(r row) page.Position { return page.Position{At: r.OfferedAt, ID: r.ID} })
	for _, r := range rows {
		tx.Touch(r.PersonID, r.ID)
		out.Body.Items = append(out.Body.Items, r.handover())
	}
	return out, nil
}
