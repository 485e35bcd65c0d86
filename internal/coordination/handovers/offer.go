package handovers

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/episodes"
	"github.com/cmhf/operator/internal/coordination/people"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/services"
	"github.com/cmhf/operator/internal/coordination/store"
	"github.com/cmhf/operator/internal/directory"
)

var (
	//go:embed sql/offered_already.sql
	offeredAlreadySQL string
	//go:embed sql/offer.sql
	offerSQL string
)

// HandedTo is who is asked to take over: a service of the directory, or an organisation outside it.
type HandedTo struct {
	ToService    string `json:"toService,omitempty" maxLength:"63" doc:"A service of the directory; see GET /v1/services." example:"south"`
	Organisation string `json:"organisation,omitempty" maxLength:"200" doc:"An organisation outside the directory."`
	ODSCode      string `json:"odsCode,omitempty" pattern:"^[A-Z0-9]{3,10}$" doc:"The organisation's ODS code: its partner-practitioners then see the handover and can accept it." example:"A81001"`
}

type offerInput struct {
	rest.Idempotent
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		HandedTo
		Direction string `json:"direction" enum:"Up,Down,Sideways" doc:"To more intensive support, to less, or to support of the same kind."`
		Urgency   string `json:"urgency" enum:"Routine,Urgent,Crisis" doc:"How soon an answer is due: within five days, by the next day, or today."`
		Reason    string `json:"reason" minLength:"1" maxLength:"4000" pattern:"\\S" doc:"Why the person moves."`
		Summary   string `json:"summary" minLength:"1" maxLength:"8000" pattern:"\\S" doc:"What the receiver needs to know, so that the person does not have to tell the story again."`
	}
}

func offer(ctx context.Context, tx *store.Tx, in *offerInput) (*output, error) {
	episode, err := episodes.Hold(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	body := in.Body
	return place(ctx, tx, episode.PersonID, in.ID, episode.ServiceID, body.HandedTo, pgx.NamedArgs{
		"direction": body.Direction, "urgency": body.Urgency, "reason": body.Reason, "summary": body.Summary, "transfer_of": nil,
	})
}

type transferInput struct {
	rest.Idempotent
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		HandedTo
		Reason  string `json:"reason" minLength:"1" maxLength:"4000" pattern:"\\S" doc:"Why the person is passed on."`
		Summary string `json:"summary,omitempty" maxLength:"8000" doc:"What the further receiver needs to know; left out, it is what the sender wrote."`
	}
}

func transfer(ctx context.Context, tx *store.Tx, in *transferInput) (*output, error) {
	found, err := answerable(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	if who := found.party(tx); !who.receives && !who.sends {
		return nil, problem.New(problem.NotYourService, "Only %s, which is asked to take over, and %s can pass the person on.", found.receiver(), found.FromService)
	}
	if found.Direction != directionUp || found.Urgency != urgencyCrisis {
		return nil, problem.New(problem.StateConflict, "Only a step-up in a crisis is passed on; decline this one and name another way.")
	}
	if found.ToService != nil && in.Body.ToService == *found.ToService {
		return nil, problem.InvalidField("body.toService", "name another service")
	}
	summary := in.Body.Summary
	if summary == "" {
		summary = found.Summary
	}
	return place(ctx, tx, found.PersonID, found.EpisodeID, found.FromServiceID, in.Body.HandedTo, pgx.NamedArgs{
		"direction": found.Direction, "urgency": found.Urgency, "reason": in.Body.Reason, "summary": summary, "transfer_of": in.ID,
	})
}

// place records an offer. The episode is locked.
func place(ctx context.Context, tx *store.Tx, person, episode, sender uuid.UUID, to HandedTo, args pgx.NamedArgs) (*output, error) {
	record, err := people.Visible(ctx, tx, person)
	if err != nil {
		return nil, err
	}
	if record.Death != nil {
		return nil, problem.New(problem.PersonDied, "The person's death is recorded.")
	}
	args["person"], args["episode"] = person, episode
	args["service"], args["organisation"], args["ods_code"] = nil, optional(to.Organisation), optional(to.ODSCode)
	switch {
	case (to.ToService == "") == (to.Organisation == ""):
		return nil, problem.InvalidField("body.toService", "name either a service of the directory or an organisation outside it")
	case to.ToService == "":
	case to.ODSCode != "":
		return nil, problem.InvalidField("body.odsCode", "leave it out when toService is given")
	default:
		service, err := receivingService(ctx, tx, to.ToService, sender)
		if err != nil {
			return nil, err
		}
		args["service"] = service
	}
	var offered bool
	if err := tx.QueryRow(ctx, offeredAlreadySQL, args).Scan(&offered); err != nil {
		return nil, fmt.Errorf("looking for an open offer: %w", err)
	}
	if offered {
		return nil, problem.New(problem.StateConflict, "The person is offered to this receiver already, and it has not answered yet.")
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("making a handover's id: %w", err)
	}
	args["id"] = id
	if _, err := tx.Exec(ctx, offerSQL, args); err != nil {
		return nil, fmt.Errorf("recording a handover: %w", err)
	}
	return show(ctx, tx, id)
}

func receivingService(ctx context.Context, tx *store.Tx, name string, sender uuid.UUID) (uuid.UUID, error) {
	service, found, err := services.ByName(ctx, tx, name)
	switch {
	case err != nil:
		return uuid.Nil, err
	case !found:
		return uuid.Nil, problem.InvalidField("body.toService", "the directory has no service of that name; see GET /v1/services")
	case service.ID == sender:
		return uuid.Nil, problem.InvalidField("body.toService", "this service is responsible already; name another")
	case service.State == directory.StateClosing:
		return uuid.Nil, problem.New(problem.ServiceClosing, "The service %s is closing and takes nobody new.", service.Name)
	}
	return service.ID, nil
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
