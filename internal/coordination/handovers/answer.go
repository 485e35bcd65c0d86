package handovers

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/services"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/accept.sql
	acceptSQL string
	//go:embed sql/decline.sql
	declineSQL string
	//go:embed sql/withdraw.sql
	withdrawSQL string
	//go:embed sql/arrive.sql
	arriveSQL string
)

// AcceptedBy is who accepted for a receiver outside the directory, and how.
type AcceptedBy struct {
	Name         string `json:"name,omitempty" maxLength:"200" doc:"The person who accepted. Needed from a receiver outside the directory."`
	Organisation string `json:"organisation,omitempty" maxLength:"200" doc:"The organisation for which they accepted; left out, it is the one that was asked."`
	On           string `json:"on,omitempty" doc:"Day of the acceptance, when you record it on behalf of the receiver." example:"2026-01-20"`
	Channel      string `json:"channel,omitempty" enum:"InPerson,Phone,Email,Letter,System" doc:"How the acceptance was given, when you record it on behalf of the receiver."`
}

type acceptInput struct {
	rest.Idempotent
	ID   uuid.UUID   `path:"id" format:"uuid"`
	Body *AcceptedBy `required:"false"`
}

func accept(ctx context.Context, tx *store.Tx, in *acceptInput) (*output, error) {
	found, err := answerable(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	said := AcceptedBy{}
	if in.Body != nil {
		said = *in.Body
	}
	who := found.party(tx)
	switch {
	case found.ToServiceID != nil && !who.receives:
		return nil, problem.New(problem.NotYourService, "Only %s, to which the person is offered, can accept.", found.receiver())
	case found.ToServiceID != nil:
		said.Organisation, said.On, said.Channel = "", "", ""
	default:
		if said, err = accepted(said, found, who); err != nil {
			return nil, err
		}
	}
	_, err = tx.Exec(ctx, acceptSQL, pgx.NamedArgs{
		"id": in.ID, "name": optional(said.Name), "organisation": optional(said.Organisation), "on": optional(said.On), "channel": optional(said.Channel),
	})
	if err != nil {
		return nil, fmt.Errorf("accepting a handover: %w", err)
	}
	return show(ctx, tx, in.ID)
}

// accepted checks the acceptance of a receiver outside the directory: its own, or one that is recorded on its behalf.
func accepted(said AcceptedBy, found row, who party) (AcceptedBy, error) {
	if blank(said.Name) {
		return AcceptedBy{}, problem.InvalidField("body.name", "name the person who accepted")
	}
	if blank(said.Organisation) {
		said.Organisation = *found.Organisation
	}
	if who.receives {
		return said, nil // day and channel are those of this request
	}
	if !who.sends && !who.relieved {
		return AcceptedBy{}, problem.New(problem.NotYourService, "Only %s, or %s on its behalf, can record the acceptance.", found.receiver(), found.FromService)
	}
	on, err := london.ParseDay(said.On)
	if err != nil || on.After(london.Today(time.Now())) || on.Before(london.Today(found.OfferedAt)) {
		return AcceptedBy{}, problem.InvalidField("body.on", "give the day of the acceptance; it lies between the offer and today")
	}
	if said.Channel == "" {
		return AcceptedBy{}, problem.InvalidField("body.channel", "say by which channel the acceptance was given")
	}
	return said, nil
}

type declineInput struct {
	rest.Idempotent
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body Declined
}

func decline(ctx context.Context, tx *store.Tx, in *declineInput) (*output, error) {
	found, err := answerable(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	if who := found.party(tx); !who.receives && !(who.sends && found.ToServiceID == nil) {
		return nil, problem.New(problem.NotYourService, "Only %s, to which the person is offered, can decline.", found.receiver())
	}
	if found.Direction == directionUp && found.Urgency == urgencyCrisis {
		return nil, problem.New(problem.LiveTransferNeeded, "Pass the person on to another service (POST /v1/handovers/{id}/transfers); when it has accepted, this handover ends by itself.")
	}
	args := pgx.NamedArgs{"id": in.ID, "reason": in.Body.Reason, "alternative": in.Body.Alternative, "service": nil}
	switch name := in.Body.AlternativeService; {
	case name != nil:
		service, ok, err := services.ByName(ctx, tx, *name)
		if err != nil {
			return nil, err
		}
		if !ok || (found.ToServiceID != nil && service.ID == *found.ToServiceID) {
			return nil, problem.InvalidField("body.alternativeService", "name another service of the directory; see GET /v1/services")
		}
		args["service"] = service.ID
	case in.Body.Alternative == nil:
		return nil, problem.InvalidField("body.alternative", "name another way, or a service in alternativeService: nobody is sent back without one")
	}
	if _, err := tx.Exec(ctx, declineSQL, args); err != nil {
		return nil, fmt.Errorf("declining a handover: %w", err)
	}
	return show(ctx, tx, in.ID)
}

type withdrawInput struct {
	rest.Idempotent
	ID uuid.UUID `path:"id" format:"uuid"`
}

func withdraw(ctx context.Context, tx *store.Tx, in *withdrawInput) (*output, error) {
	found, err := answerable(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	if !found.party(tx).sends {
		return nil, problem.New(problem.NotYourService, "Only %s, which offers the person, can withdraw.", found.FromService)
	}
	if _, err := tx.Exec(ctx, withdrawSQL, pgx.NamedArgs{"id": in.ID}); err != nil {
		return nil, fmt.Errorf("withdrawing a handover: %w", err)
	}
	return show(ctx, tx, in.ID)
}

type arriveInput struct {
	rest.Idempotent
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		On string `json:"on" format:"date" doc:"Day of the first attended contact."`
	}
}

func arrive(ctx context.Context, tx *store.Tx, in *arriveInput) (*output, error) {
	found, _, err := locked(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	switch who := found.party(tx); {
	case !who.receives && !(who.sends && found.ToServiceID == nil):
		return nil, problem.New(problem.NotYourService, "Only %s, the receiver, says that the person has arrived.", found.receiver())
	case found.EnteredInError:
		return nil, problem.New(problem.StateConflict, "The handover's episode was entered in error: nobody arrives by it.")
	case found.State != stateAccepted:
		return nil, problem.New(problem.StateConflict, "The handover is %s: a person arrives after the receiver has accepted.", found.State)
	case found.ArrivedOn != nil:
		return nil, problem.New(problem.StateConflict, "The person's arrival is recorded already.")
	}
	on, err := london.ParseDay(in.Body.On)
	if err != nil || on.After(london.Today(time.Now())) || in.Body.On < *found.AcceptedOn {
		return nil, problem.InvalidField("body.on", "give a day between the acceptance and today")
	}
	if _, err := tx.Exec(ctx, arriveSQL, pgx.NamedArgs{"id": in.ID, "on": in.Body.On}); err != nil {
		return nil, fmt.Errorf("recording an arrival: %w", err)
	}
	return show(ctx, tx, in.ID)
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }
