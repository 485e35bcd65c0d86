// Package referrals is the subject of people being sent, or coming, to a service: receiving a referral by any route, accepting it,
// which opens an episode, sending the person on, reaching who does not answer, and every other outcome (rules 2 and 3).
//
// A referral is never simply rejected. Deadlines of referrals and who may see whom are kept by the database's triggers; episodes and
// handovers between them belong to other packages.
package referrals

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/select.sql
	selectSQL string
	//go:embed sql/list.sql
	listSQL string
	//go:embed sql/insert.sql
	insertSQL string
	//go:embed sql/accept.sql
	acceptSQL string
	//go:embed sql/lock.sql
	lockSQL string
)

// Referral is a referral as callers see it.
type Referral struct {
	ID                 uuid.UUID              `json:"id" format:"uuid"`
	PersonID           uuid.UUID              `json:"personId" format:"uuid"`
	Service            string                 `json:"service" doc:"The service the person is referred to."`
	ResponsibleService string                 `json:"responsibleService" doc:"The service that is responsible for the person's referral now: the sender until acceptance, where a service sent the person on."`
	Route              string                 `json:"route"`
	Reason             string                 `json:"reason"`
	ReceivedOn         string                 `json:"receivedOn" format:"date"`
	State              string                 `json:"state" enum:"Open,Reaching,Accepted,Redirected,PersonChose,Withdrawn,Duplicate,Died,MovedAway,EnteredInError" doc:"Open and Reaching referrals wait. Reaching: the person does not answer and is tried again on reachingNextOn. The others are outcomes."`
	RecordedAt         time.Time              `json:"recordedAt"`
	EpisodeID          *uuid.UUID             `json:"episodeId,omitempty" format:"uuid"`
	OutcomeAt          *time.Time             `json:"outcomeAt,omitempty"`
	RedirectedTo       *SentOn                `json:"redirectedTo,omitempty" db:"-" doc:"Where the person is sent on to. This referral ends as Redirected when that service accepts; until then responsibleService stays responsible."`
	RedirectedFrom     *uuid.UUID             `json:"redirectedFrom,omitempty" format:"uuid" doc:"The referral from which the person was sent on to this service."`
	CorrectionOf       *uuid.UUID             `json:"correctionOf,omitempty" format:"uuid" doc:"The referral entered in error that this one puts right."`
	ReachingNextOn     *string                `json:"reachingNextOn,omitempty" format:"date" doc:"The day on which the person is tried again."`
	Outcome            *ReferralEnd           `json:"outcome,omitempty" db:"-" doc:"What is recorded of an outcome other than acceptance."`
	ReachingSteps      []ReferralReachingStep `json:"reachingSteps,omitempty" db:"-" doc:"What was done to reach a person who does not answer; not in lists."`
	ReachingLacks      []string               `json:"reachingLacks,omitempty" db:"-" enum:"reaching-attempts,carer-or-gp-contact,risk-review" doc:"What is still to be done to reach the person; not in lists."`
}

// SentOn is the referral to the service that a person is sent on to.
type SentOn struct {
	ReferralID uuid.UUID `json:"referralId" format:"uuid"`
	Service    string    `json:"service"`
	State      string    `json:"state" enum:"Open,Accepted,Redirected"`
}

// ReferralEnd is what is recorded of an outcome.
type ReferralEnd struct {
	Name         *string    `json:"name,omitempty" doc:"Who accepted the person, or took the referral back."`
	Organisation *string    `json:"organisation,omitempty"`
	On           *string    `json:"on,omitempty" format:"date"`
	Channel      *string    `json:"channel,omitempty"`
	ToldHow      *string    `json:"toldHow,omitempty" doc:"How the person was told what their choice means."`
	DuplicateOf  *uuid.UUID `json:"duplicateOf,omitempty" format:"uuid" doc:"The referral that goes on."`
}

type row struct {
	Referral
	ServiceID, ResponsibleServiceID uuid.UUID
	Version                         int64
	SentID                          *uuid.UUID
	SentService, SentState          *string
	PartyName, PartyOrganisation    *string
	PartyOn, PartyChannel           *string
	ToldHow                         *string
	DuplicateOf                     *uuid.UUID
}

func (r row) referral() Referral {
	shown := r.Referral
	if r.SentID != nil {
		shown.RedirectedTo = &SentOn{ReferralID: *r.SentID, Service: *r.SentService, State: *r.SentState}
	}
	if r.PartyName != nil || r.ToldHow != nil || r.DuplicateOf != nil {
		shown.Outcome = &ReferralEnd{r.PartyName, r.PartyOrganisation, r.PartyOn, r.PartyChannel, r.ToldHow, r.DuplicateOf}
	}
	return shown
}

// waits tells whether the referral has no outcome yet.
func (r row) waits() bool { return r.State == stateOpen || r.State == stateReaching }

// sentOn tells whether the person is sent on to a service that has not answered.
func (r row) sentOn() bool { return r.waits() && r.SentState != nil && *r.SentState == stateOpen }

// States that are no outcomes.
const (
	stateOpen     = "Open"
	stateReaching = "Reaching"
)

type referralOutput struct {
	rest.Tag
	Body Referral
}

func visible(ctx context.Context, tx *store.Tx, id uuid.UUID) (row, error) {
	found, ok, err := store.One[row](ctx, tx, selectSQL+"WHERE r.id = @id", pgx.NamedArgs{"id": id})
	if err != nil {
		return row{}, fmt.Errorf("reading a referral: %w", err)
	}
	if !ok {
		return row{}, problem.New(problem.NotFound, "There is no such referral, or none of your services may see it.")
	}
	tx.About(store.Concern{Person: found.PersonID, Resource: id, Service: found.party(tx)})
	return found, nil
}

// party is the caller's service among the two of the referral; the zero id when none is.
func (r row) party(tx *store.Tx) uuid.UUID {
	for _, service := range []uuid.UUID{r.ServiceID, r.ResponsibleServiceID} {
		if tx.Serves(service) {
			return service
		}
	}
	return uuid.Nil
}

// show reads a referral whole.
func show(ctx context.Context, tx *store.Tx, id uuid.UUID) (*referralOutput, error) {
	found, err := visible(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	out := &referralOutput{Tag: rest.TagOf(found.Version), Body: found.referral()}
	if out.Body.ReachingSteps, err = reachingSteps(ctx, tx, id); err != nil {
		return nil, err
	}
	if found.State == stateReaching {
		out.Body.ReachingLacks = reachingLacks(out.Body.ReachingSteps)
	}
	tx.Touch(found.PersonID, id)
	return out, nil
}

// own reads a referral that one of the caller's services receives or is responsible for, and keeps others from changing it until the
// transaction ends. Where the caller says which version they have read, it must be the present one.
func own(ctx context.Context, tx *store.Tx, id uuid.UUID, match *rest.Match) (row, error) {
	found, err := visible(ctx, tx, id)
	switch {
	case err != nil:
		return row{}, err
	case found.party(tx) == uuid.Nil:
		return row{}, problem.New(problem.NotYourService, "Only %s, to which the person is referred, or the responsible service may do this.", found.Service)
	}
	var state string
	var version int64
	if err := tx.QueryRow(ctx, lockSQL, pgx.NamedArgs{"id": id}).Scan(&state, &version); err != nil {
		return row{}, fmt.Errorf("locking a referral: %w", err)
	}
	if match != nil {
		if err := match.Check(version); err != nil {
			return row{}, err
		}
	}
	if version != found.Version { // it changed before the lock was there
		if found, err = visible(ctx, tx, id); err != nil {
			return row{}, err
		}
	}
	if !found.waits() {
		return row{}, problem.New(problem.StateConflict, "The referral is %s already.", found.State)
	}
	return found, nil
}

// notSentOn refuses what would end the referral while another service may accept the person at any moment.
func (r row) notSentOn() error {
	if r.sentOn() {
		return problem.New(problem.StateConflict, "The person is sent on to %s, which has not answered. Take that referral back first (Withdrawn, see redirectedTo), or let the service answer.", *r.SentService)
	}
	return nil
}
