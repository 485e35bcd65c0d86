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
		Service     string          `json:"service,omitempty" maxLength:"63" doc:"Name of the service to which the person is referred; see GET /v1/services. Without it the ICS's default receiving service gets the referral: for people without an address, unregistered, or out of the area." example:"north-cornwall"`
		FromService string          `json:"fromService,omitempty" maxLength:"63" doc:"One of your own services that sends the person on. It stays responsible until the other accepts."`
		Route       string          `json:"route" enum:"Self,Carer,GP,VCSE,SocialCare,Crisis,Inpatient,Online,WalkIn" doc:"By which door the person came. Every door is open."`
		Reason      string          `json:"reason" minLength:"1" maxLength:"4000" pattern:"\\S" doc:"Why the person seeks help, in the referrer's or the person's words."`
		ReceivedOn  string          `json:"receivedOn" format:"date"`
		// CorrectionOf links what was put right to what was wrong.
		CorrectionOf *uuid.UUID `json:"correctionOf,omitempty" format:"uuid" doc:"A referral that was entered in error, most often for the wrong person, and that this one puts right."`
	}
}

func create(ctx context.Context, tx *store.Tx, in *createInput) (*referralOutput, error) {
	received, err := in.received()
	if err != nil {
		return nil, err
	}
	to, err := receiver(ctx, tx, in.Body.Service)
	if err != nil {
		return nil, err
	}
	return in.record(ctx, tx, received, to)
}

func (in *createInput) received() (time.Time, error) {
	day, err := london.ParseDay(in.Body.ReceivedOn)
	if err != nil || day.After(london.Today(time.Now())) {
		return time.Time{}, problem.InvalidField("body.receivedOn", "give a day that is not in the future")
	}
	return day, nil
}

// record writes the referral to a service that takes it.
func (in *createInput) record(ctx context.Context, tx *store.Tx, received time.Time, to services.Named) (*referralOutput, error) {
	body, responsible := in.Body, to
	if body.FromService != "" {
		var err error
		if responsible, err = sender(ctx, tx, body.FromService); err != nil {
			return nil, err
		}
	}
	person, birth, err := people.Named(ctx, tx, in.Body.Person, in.Body.PersonID, "say who is referred, by person or personId")
	if err != nil {
		return nil, err
	}
	made := newReferral{
		person: person, service: to.ID, responsible: responsible.ID, route: body.Route, reason: body.Reason, receivedOn: body.ReceivedOn,
		correctionOf: body.CorrectionOf,
	}
	id, err := made.insert(ctx, tx)
	if err != nil {
		return nil, err
	}
	// Written from the request, not read back: the sender may be none of those who can see the referral.
	out := &referralOutput{rest.TagOf(1), Referral{
		ID: id, PersonID: person, Service: to.Name, ResponsibleService: responsible.Name, Route: body.Route, Reason: body.Reason,
		ReceivedOn: body.ReceivedOn, State: stateOpen, RecordedAt: time.Now().UTC().Truncate(time.Microsecond), CorrectionOf: body.CorrectionOf,
	}}
	fitting, found, err := services.Fitting(ctx, tx, to.ID, responsible.ID, london.Age(birth, received))
	if err != nil || !found {
		return out, err
	}
	out.Body.RedirectedTo, err = made.sendOn(ctx, tx, id, fitting)
	return out, err
}

// Received is a referral as another surface of the API takes it in. Either Person or PersonID says who is referred; without a service
// the default receiving service gets it.
type Received struct {
	Person                    *people.Details
	PersonID                  *uuid.UUID
	Service                   *services.Named
	Route, Reason, ReceivedOn string
}

// Receive records a referral as POST /v1/referrals does, and gives the service that has it too. The caller has checked what the OpenAPI
// document checks there: lengths and words.
func Receive(ctx context.Context, tx *store.Tx, r Received) (Referral, services.Named, error) {
	in := &createInput{}
	in.Body.Person, in.Body.PersonID, in.Body.Route, in.Body.Reason, in.Body.ReceivedOn = r.Person, r.PersonID, r.Route, r.Reason, r.ReceivedOn
	received, err := in.received()
	if err != nil {
		return Referral{}, services.Named{}, err
	}
	var to services.Named
	if r.Service == nil {
		to, err = receiver(ctx, tx, "")
	} else {
		to, err = taking(*r.Service)
	}
	if err != nil {
		return Referral{}, services.Named{}, err
	}
	out, err := in.record(ctx, tx, received, to)
	if err != nil {
		return Referral{}, services.Named{}, err
	}
	return out.Body, to, nil
}

// newReferral is what is written of a referral.
type newReferral struct {
	person, service, responsible uuid.UUID
	route, reason, receivedOn    string
	// redirectedFrom is the referral from which the person is sent on.
	redirectedFrom *uuid.UUID
	// correctionOf is the referral entered in error that this one puts right.
	correctionOf *uuid.UUID
}

func (r newReferral) insert(ctx context.Context, tx *store.Tx) (uuid.UUID, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.Nil, fmt.Errorf("making a referral's id: %w", err)
	}
	if r.redirectedFrom == nil {
		tx.About(store.Concern{Person: r.person, Resource: id})
	}
	_, err = tx.Exec(ctx, insertSQL, pgx.NamedArgs{
		"id": id, "person": r.person, "service": r.service, "responsible": r.responsible, "route": r.route, "reason": r.reason,
		"received_on": r.receivedOn, "redirected_from": r.redirectedFrom, "correction_of": r.correctionOf, "subject": tx.Caller.Subject,
	})
	if err != nil {
		return uuid.Nil, fmt.Errorf("recording a referral: %w", err)
	}
	tx.Touch(r.person, id)
	return id, nil
}

// sendOn refers the person on from this referral, whose id is given. What they said when they came goes with them, so that nobody has
// to tell it again.
func (r newReferral) sendOn(ctx context.Context, tx *store.Tx, id uuid.UUID, to services.Named) (*SentOn, error) {
	r.redirectedFrom, r.correctionOf, r.service, r.receivedOn = &id, nil, to.ID, london.Today(time.Now()).Format(time.DateOnly)
	next, err := r.insert(ctx, tx)
	if err != nil {
		return nil, err
	}
	return &SentOn{ReferralID: next, Service: to.Name, State: stateOpen}, nil
}

// receiver is the service that was named, or the ICS's default receiving service.
func receiver(ctx context.Context, tx *store.Tx, name string) (services.Named, error) {
	if name != "" {
		return target(ctx, tx, name)
	}
	service, found, err := services.Default(ctx, tx)
	if err == nil && !found {
		err = problem.InvalidField("body.service", "name a service: this ICS has no default receiving service; see GET /v1/services")
	}
	return service, err
}

func target(ctx context.Context, tx *store.Tx, name string) (services.Named, error) {
	service, found, err := services.ByName(ctx, tx, name)
	switch {
	case err != nil:
		return services.Named{}, err
	case !found:
		return services.Named{}, problem.InvalidField("body.service", "the directory has no service of that name; see GET /v1/services")
	}
	return taking(service)
}

// taking refuses a service that takes nobody new.
func taking(service services.Named) (services.Named, error) {
	if service.State == directory.StateClosing {
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
