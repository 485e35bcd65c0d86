// Package handovers is the subject of how a person moves: up to more intensive support, down, or sideways (rule 5). One in five people is lost
// in such moves, so the sender stays responsible until the receiver accepts, an acceptance within the directory makes the receiver
// responsible in the same moment, who declines names another way, and accepted is not arrived: a handover stays listed until the first
// attended contact.
//
// A receiver outside the directory accepts for itself, as a partner-practitioner of the organisation, or the sender records its acceptance.
// The episode stays with the sender then, whose closure may rest on the acceptance (package episodes).
package handovers

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/columns.sql
	columnsSQL string
	//go:embed sql/by_id.sql
	byIDSQL string
	//go:embed sql/incoming.sql
	incomingSQL string
	//go:embed sql/outgoing.sql
	outgoingSQL string
	//go:embed sql/person.sql
	personSQL string
	//go:embed sql/lock.sql
	lockSQL string
	//go:embed sql/escalate.sql
	escalateSQL string
)

// Words of a handover; the database's lists are the same.
const (
	stateOffered  = "Offered"
	stateAccepted = "Accepted"
	directionUp   = "Up"
	urgencyCrisis = "Crisis"
)

// Handover is a handover as callers see it.
type Handover struct {
	ID             uuid.UUID   `json:"id" format:"uuid"`
	PersonID       uuid.UUID   `json:"personId" format:"uuid"`
	EpisodeID      uuid.UUID   `json:"episodeId" format:"uuid"`
	FromService    string      `json:"fromService" doc:"The sender. It is responsible until the receiver accepts, and where the receiver is outside the directory until the episode closes."`
	ToService      *string     `json:"toService,omitempty" doc:"The receiving service of the directory."`
	Organisation   *string     `json:"organisation,omitempty" doc:"The receiving organisation outside the directory." db:"to_organisation"`
	ODSCode        *string     `json:"odsCode,omitempty" db:"to_ods_code"`
	Direction      string      `json:"direction" enum:"Up,Down,Sideways"`
	Urgency        string      `json:"urgency" enum:"Routine,Urgent,Crisis"`
	Reason         string      `json:"reason"`
	Summary        string      `json:"summary"`
	TransferOf     *uuid.UUID  `json:"transferOf,omitempty" format:"uuid" doc:"The crisis step-up that ends when this one is accepted."`
	State          string      `json:"state" enum:"Offered,Accepted,Declined,Withdrawn,Died"`
	OfferedAt      time.Time   `json:"offeredAt"`
	AnswerDueOn    string      `json:"answerDueOn" format:"date"`
	EscalatedTo    *string     `json:"escalatedTo,omitempty" enum:"ServiceLead,ICS" doc:"To whom an offer without an answer went on."`
	OutcomeAt      *time.Time  `json:"outcomeAt,omitempty"`
	Acceptance     *Takeover   `json:"acceptance,omitempty" db:"-"`
	Decline        *Declined   `json:"decline,omitempty" db:"-"`
	ArrivedOn      *string     `json:"arrivedOn,omitempty" format:"date" doc:"Day of the first attended contact after the acceptance."`
	EnteredInError bool        `json:"enteredInError" doc:"The episode was entered in error, and the handover with it: nobody arrives by it."`
	Person         *HandedOver `json:"person,omitempty" doc:"Who it is about; not in lists." db:"-"`
}

// Takeover is how a receiver took over.
type Takeover struct {
	RecordedAs   string  `json:"recordedAs" enum:"Receiver,OnBehalf"`
	Name         *string `json:"name,omitempty"`
	Organisation *string `json:"organisation,omitempty"`
	On           string  `json:"on" format:"date"`
	Channel      *string `json:"channel,omitempty"`
}

// Declined is why a receiver did not take over, and what else there is.
type Declined struct {
	Reason             string  `json:"reason" minLength:"1" maxLength:"2000" pattern:"\\S"`
	AlternativeService *string `json:"alternativeService,omitempty" maxLength:"63" doc:"A service of the directory that is another way."`
	Alternative        *string `json:"alternative,omitempty" minLength:"1" maxLength:"1000" pattern:"\\S" doc:"Another way outside the directory, or what is to be done."`
}

// HandedOver is as much as a receiver needs to know whom it is asked to support.
type HandedOver struct {
	FamilyName string  `json:"familyName"`
	GivenName  string  `json:"givenName"`
	BirthDate  string  `json:"birthDate" format:"date"`
	NHSNumber  *string `json:"nhsNumber,omitempty" db:"nhs_number"`
}

type output struct {
	rest.Tag
	Body Handover
}

type row struct {
	Handover
	FromServiceID        uuid.UUID
	ToServiceID          *uuid.UUID
	RelievesServiceID    *uuid.UUID
	Version              int64
	AcceptedAs           *string
	AcceptedName         *string
	AcceptedOrganisation *string
	AcceptedOn           *string
	AcceptedChannel      *string
	DeclineReason        *string
	AlternativeService   *string
	Alternative          *string
}

func (r row) handover() Handover {
	h := r.Handover
	if r.State == stateAccepted {
		h.Acceptance = &Takeover{RecordedAs: *r.AcceptedAs, Name: r.AcceptedName, Organisation: r.AcceptedOrganisation, On: *r.AcceptedOn, Channel: r.AcceptedChannel}
	}
	if r.DeclineReason != nil {
		h.Decline = &Declined{Reason: *r.DeclineReason, AlternativeService: r.AlternativeService, Alternative: r.Alternative}
	}
	return h
}

// receiver is the receiver's name.
func (r row) receiver() string {
	if r.ToService != nil {
		return *r.ToService
	}
	return *r.Organisation
}

// party is what the caller is to a handover.
type party struct {
	// receives: the caller's service, or a partner's practitioner's organisation, is asked to take over.
	receives bool
	sends    bool
	// relieved: the caller's service passes a crisis step-up on by this handover.
	relieved bool
}

func (r row) party(tx *store.Tx) party {
	return party{
		receives: (r.ToServiceID != nil && tx.Serves(*r.ToServiceID)) ||
			(tx.Caller.Has(access.PartnerPractitioner) && r.ODSCode != nil && *r.ODSCode == tx.Caller.Organisation),
		sends:    tx.Serves(r.FromServiceID),
		relieved: r.RelievesServiceID != nil && tx.Serves(*r.RelievesServiceID),
	}
}

func visible(ctx context.Context, tx *store.Tx, id uuid.UUID) (row, error) {
	tx.About(store.Concern{Resource: id})
	found, ok, err := store.One[row](ctx, tx, columnsSQL+byIDSQL, pgx.NamedArgs{"id": id})
	if err != nil {
		return row{}, fmt.Errorf("reading a handover: %w", err)
	}
	if !ok {
		return row{}, problem.New(problem.NotFound, "There is no such handover, or you may not see it.")
	}
	tx.About(store.Concern{Person: found.PersonID, Resource: id})
	return found, nil
}

// answerable reads a handover that waits for its answer and keeps others from answering it, or changing its episode, until the transaction ends.
func answerable(ctx context.Context, tx *store.Tx, id uuid.UUID) (row, error) {
	found, party, err := locked(ctx, tx, id)
	switch {
	case err != nil:
		return row{}, err
	case !party:
		return row{}, problem.New(problem.NotYourService, "Only %s and %s may change this handover.", found.FromService, found.receiver())
	case found.State != stateOffered:
		return row{}, problem.New(problem.StateConflict, "The handover is %s already.", found.State)
	}
	return found, nil
}

// locked reads a handover as it is once nobody else changes it or its episode. Who is no party to it locks nothing.
func locked(ctx context.Context, tx *store.Tx, id uuid.UUID) (found row, party bool, err error) {
	tx.About(store.Concern{Resource: id})
	var state *string
	if err := tx.QueryRow(ctx, lockSQL, pgx.NamedArgs{"id": id}).Scan(&state); err != nil {
		return row{}, false, fmt.Errorf("locking a handover: %w", err)
	}
	found, err = visible(ctx, tx, id)
	return found, state != nil, err
}

// show gives a handover with the person it is about.
func show(ctx context.Context, tx *store.Tx, id uuid.UUID) (*output, error) {
	found, err := visible(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	out := &output{rest.TagOf(found.Version), found.handover()}
	person, ok, err := store.One[HandedOver](ctx, tx, personSQL, pgx.NamedArgs{"id": id})
	if err != nil {
		return nil, fmt.Errorf("reading whom a handover is about: %w", err)
	}
	if ok {
		out.Body.Person = &person
	}
	tx.Touch(found.PersonID, id)
	return out, nil
}

// Escalate sends offers without an answer on, from the receiving service's lead to the ICS.
func Escalate(ctx context.Context, pool *pgxpool.Pool) (escalated int64, err error) {
	err = pool.QueryRow(ctx, escalateSQL).Scan(&escalated)
	return escalated, err
}
