package referrals

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/people"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/services"
	"github.com/cmhf/operator/internal/coordination/store"
	"github.com/cmhf/operator/internal/directory"
)

type createInput struct {
	rest.Idempotent
	Body struct {
		Person      *people.Details `json:"person,omitempty" doc:"The person, when you have no id. The answer is the same whether the person was known or not."`
		PersonID    *uuid.UUID      `json:"personId,omitempty" format:"uuid" doc:"The person's id, when one of your services can see the record."`
		Service     string          `json:"service" minLength:"1" maxLength:"63" doc:"Name of the service to which the person is referred; see GET /v1/services." example:"north-cornwall"`
		FromService string          `json:"fromService,omitempty" maxLength:"63" doc:"One of your own services that sends the person on. It stays responsible until the other accepts."`
		Route       string          `json:"route" enum:"Self,Carer,GP,VCSE,SocialCare,Crisis,Inpatient,Online,WalkIn" doc:"By which door the person came. Every door is open."`
		Reason      string          `json:"reason" minLength:"1" maxLength:"4000" pattern:"\\S" doc:"Why the person seeks help, in the referrer's or the person's words."`
		ReceivedOn  string          `json:"receivedOn" format:"date"`
	}
}

type referralOutput struct{ Body Referral }

func create(ctx context.Context, tx *store.Tx, in *createInput) (*referralOutput, error) {
	body := in.Body
	if received, err := london.ParseDay(body.ReceivedOn); err != nil || received.After(london.Today(time.Now())) {
		return nil, problem.InvalidField("body.receivedOn", "give a day that is not in the future")
	}
	to, err := target(ctx, tx, body.Service)
	if err != nil {
		return nil, err
	}
	responsible := to
	if body.FromService != "" {
		if responsible, err = sender(ctx, tx, body.FromService); err != nil {
			return nil, err
		}
	}
	person, err := who(ctx, tx, in)
	if err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("making a referral's id: %w", err)
	}
	tx.About(store.Concern{Person: person, Resource: id})
	_, err = tx.Exec(ctx, insertSQL, pgx.NamedArgs{
		"id": id, "person": person, "service": to.ID, "responsible": responsible.ID, "route": body.Route, "reason": body.Reason,
		"received_on": body.ReceivedOn, "subject": tx.Caller.Subject,
	})
	if err != nil {
		return nil, fmt.Errorf("recording a referral: %w", err)
	}
	tx.Touch(person, id)
	// Written from the request, not read back: the sender may be none of those who can see the referral.
	return &referralOutput{Referral{
		ID: id, PersonID: person, Service: to.Name, ResponsibleService: responsible.Name, Route: body.Route, Reason: body.Reason,
		ReceivedOn: body.ReceivedOn, State: "Open", RecordedAt: time.Now().UTC().Truncate(time.Microsecond),
	}}, nil
}

func who(ctx context.Context, tx *store.Tx, in *createInput) (uuid.UUID, error) {
	switch {
	case in.Body.Person != nil && in.Body.PersonID != nil:
		return uuid.Nil, problem.InvalidField("body.personId", "give either person or personId")
	case in.Body.Person != nil:
		return people.FindOrCreate(ctx, tx, "body.person", *in.Body.Person)
	case in.Body.PersonID == nil:
		return uuid.Nil, problem.InvalidField("body.person", "say who is referred, by person or personId")
	}
	tx.About(store.Concern{Person: *in.Body.PersonID})
	person, err := people.Visible(ctx, tx, *in.Body.PersonID)
	if err != nil {
		return uuid.Nil, err
	}
	if person.Death != nil {
		return uuid.Nil, problem.New(problem.PersonDied, "The person's death is recorded.")
	}
	return person.ID, nil
}

func target(ctx context.Context, tx *store.Tx, name string) (services.Named, error) {
	service, found, err := services.ByName(ctx, tx, name)
	switch {
	case err != nil:
		return services.Named{}, err
	case !found:
		return services.Named{}, problem.InvalidField("body.service", "the directory has no service of that name; see GET /v1/services")
	case service.State == directory.StateClosing:
		return services.Named{}, problem.New(problem.ServiceClosing, "The service %s is closing and takes no new referrals.", service.Name)
	}
	return service, nil
}

func sender(ctx context.Context, tx *store.Tx, name string) (services.Named, error) {
	service, found, err := services.ByName(ctx, tx, name)
	if err != nil {
		return services.Named{}, err
	}
	if !found || !tx.Serves(service.ID) {
		return services.Named{}, problem.InvalidField("body.fromService", "name one of your own services")
	}
	return service, nil
}
