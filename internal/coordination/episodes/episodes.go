// Package episodes is the subject of the time in which a service supports a person: opened by accepting a referral, and
// closed only with a return plan and support that someone has taken over, or by the person's own choice (rule 4). A person who is in
// prison, in hospital or abroad keeps the episode. Who is there for the person is in package coordination, how they move to another
// service in handovers, how they come back in reentry.
package episodes

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
	//go:embed sql/find_open.sql
	findOpenSQL string
	//go:embed sql/insert.sql
	insertSQL string
	//go:embed sql/select.sql
	selectSQL string
	//go:embed sql/lock.sql
	lockSQL string
	//go:embed sql/list.sql
	listSQL string
)

// Episode is an episode as callers see it.
type Episode struct {
	ID                 uuid.UUID      `json:"id" format:"uuid"`
	PersonID           uuid.UUID      `json:"personId" format:"uuid"`
	ResponsibleService string         `json:"responsibleService"`
	State              string         `json:"state" enum:"Open,Elsewhere,Closed,EnteredInError" doc:"Elsewhere: the person is in prison, in hospital or abroad; the episode goes on."`
	Elsewhere          *Stay          `json:"elsewhere,omitempty" doc:"Where the person is for now, and who holds them there."`
	KeyWorker          *KeyWorker     `json:"keyWorker,omitempty"`
	KeyWorkerDueOn     *string        `json:"keyWorkerDueOn,omitempty" format:"date" doc:"Until when a key worker is to be named; only while there is none."`
	PreviousEpisodeID  *uuid.UUID     `json:"previousEpisodeId,omitempty" format:"uuid" doc:"The episode after which the person came back."`
	SafetyCheckDueOn   *string        `json:"safetyCheckDueOn,omitempty" format:"date" doc:"Until when the safety check of a person who came back is to be done."`
	OpenedAt           time.Time      `json:"openedAt"`
	ClosedAt           *time.Time     `json:"closedAt,omitempty"`
	Closure            *Closed        `json:"closure,omitempty"`
	ReturnPlan         *ReturnPlan    `json:"returnPlan,omitempty" doc:"How the person comes back; it stays readable after the closure."`
	ReachingSteps      []ReachingStep `json:"reachingSteps,omitempty" doc:"What was done to reach a person who does not answer; not in lists."`
}

// Closed is how an episode ended.
type Closed struct {
	Reason       string  `json:"reason"`
	Basis        string  `json:"basis" enum:"Acceptance,Choice,Holder,Death"`
	On           string  `json:"on" format:"date"`
	Receiver     *string `json:"receiver,omitempty"`
	Organisation *string `json:"organisation,omitempty"`
	AgreedOn     *string `json:"agreedOn,omitempty" format:"date"`
	Channel      *string `json:"channel,omitempty"`
	// HandoverID is where a receiver outside the directory accepted.
	HandoverID          *uuid.UUID `json:"handoverId,omitempty" format:"uuid" doc:"The handover in which the receiver accepted."`
	NationalClosureCode string     `json:"nationalClosureCode" doc:"The national code (MHSDS) with which the closure is exported." example:"08"`
}

// KeyWorker is the named person who is there for somebody.
type KeyWorker struct {
	Subject string `json:"subject" doc:"As the identity provider names them."`
	Name    string `json:"name"`
	Role    string `json:"role"`
	Since   string `json:"since" format:"date"`
}

// ReturnPlan says how a person comes back without starting again.
type ReturnPlan struct {
	Summary     string `json:"summary" doc:"What helps, early signs, and what was agreed."`
	HowToReturn string `json:"howToReturn" doc:"Whom the person or anyone near them contacts."`
	ValidUntil  string `json:"validUntil" format:"date"`
}

// Output is an answer with one episode.
type Output struct {
	rest.Tag
	Body Episode
}

type row struct {
	ID                        uuid.UUID
	PersonID                  uuid.UUID
	ResponsibleServiceID      uuid.UUID
	ResponsibleService, State string
	OpenedAt                  time.Time
	ClosedAt                  *time.Time
	Reason, Basis, ClosedOn   *string
	ReceiverName              *string
	ReceiverOrganisation      *string
	AgreedOn, Channel         *string
	Summary, HowToReturn      *string
	ValidUntil                *string
	HandoverID                *uuid.UUID
	Version                   int64
	PreviousEpisodeID         *uuid.UUID
	SafetyCheckDueOn          *string
	KeyWorkerDueOn            *string
	KeyWorkerSubject          *string
	KeyWorkerName             *string
	KeyWorkerRole             *string
	KeyWorkerSince            *string
	Place                     *string
	HeldByName                *string
	HeldByOrganisation        *string
	ElsewhereSince            *string
	ExpectedReturn            *string
}

func (r row) episode() Episode {
	e := Episode{
		ID: r.ID, PersonID: r.PersonID, ResponsibleService: r.ResponsibleService, State: r.State, OpenedAt: r.OpenedAt, ClosedAt: r.ClosedAt,
		PreviousEpisodeID: r.PreviousEpisodeID, SafetyCheckDueOn: r.SafetyCheckDueOn, KeyWorkerDueOn: r.KeyWorkerDueOn,
	}
	if r.KeyWorkerSubject != nil {
		e.KeyWorker = &KeyWorker{Subject: *r.KeyWorkerSubject, Name: *r.KeyWorkerName, Role: *r.KeyWorkerRole, Since: *r.KeyWorkerSince}
	}
	if r.Place != nil {
		e.Elsewhere = &Stay{Place: *r.Place, HeldBy: *r.HeldByName, Organisation: *r.HeldByOrganisation, Since: *r.ElsewhereSince, ExpectedReturn: r.ExpectedReturn}
	}
	if r.Reason != nil {
		e.Closure = &Closed{
			Reason: *r.Reason, Basis: *r.Basis, On: *r.ClosedOn, Receiver: r.ReceiverName, Organisation: r.ReceiverOrganisation, AgreedOn: r.AgreedOn,
			Channel: r.Channel, HandoverID: r.HandoverID, NationalClosureCode: NationalClosureCode(*r.Reason),
		}
	}
	if r.Summary != nil {
		e.ReturnPlan = &ReturnPlan{Summary: *r.Summary, HowToReturn: *r.HowToReturn, ValidUntil: *r.ValidUntil}
	}
	return e
}

func visible(ctx context.Context, tx *store.Tx, id uuid.UUID) (row, error) {
	tx.About(store.Concern{Resource: id})
	found, ok, err := store.One[row](ctx, tx, selectSQL+"WHERE e.id = @id", pgx.NamedArgs{"id": id})
	if err != nil {
		return row{}, fmt.Errorf("reading an episode: %w", err)
	}
	if !ok {
		return row{}, problem.New(problem.NotFound, "There is no such episode, or none of your services may see it.")
	}
	tx.About(store.Concern{Person: found.PersonID, Resource: id, Service: found.ResponsibleServiceID})
	return found, nil
}

// Read gives an episode that the caller may see.
func Read(ctx context.Context, tx *store.Tx, id uuid.UUID) (*Output, error) {
	found, err := visible(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	out := &Output{rest.TagOf(found.Version), found.episode()}
	if out.Body.ReachingSteps, err = reachingSteps(ctx, tx, id); err != nil {
		return nil, err
	}
	return out, nil
}

// OpenFor gives the person's open episode with the service, opening one if there is none. The transaction must go on to
// accept a referral into it: an episode without one cannot be committed.
func OpenFor(ctx context.Context, tx *store.Tx, person, service uuid.UUID) (uuid.UUID, error) {
	type existing struct{ ID uuid.UUID }
	args := pgx.NamedArgs{"person": person, "service": service, "subject": tx.Caller.Subject}
	open, found, err := store.One[existing](ctx, tx, findOpenSQL, args)
	if err != nil {
		return uuid.Nil, fmt.Errorf("looking for an open episode: %w", err)
	}
	if found {
		return open.ID, nil
	}
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.Nil, fmt.Errorf("making an episode's id: %w", err)
	}
	args["id"] = id
	if _, err := tx.Exec(ctx, insertSQL, args); err != nil {
		return uuid.Nil, fmt.Errorf("opening an episode: %w", err)
	}
	return id, nil
}
