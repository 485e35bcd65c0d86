// Package plans is the subject of the one plan of an episode (rule 7): what the person wants in their own words, their needs, who does
// what by when, and when it is looked at again. A version is drafted, put in force with the person's agreement or the recorded reason
// why it lacks that, and changes from then on only by a next version.
//
// What helps in a crisis is not here: a safety plan stands alone (package safetyplans).
package plans

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/mistakes"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

//go:embed sql/by_id.sql
var byIDSQL string

// States of a plan's version.
const (
	stateDraft          = "Draft"
	stateInForce        = "InForce"
	stateSuperseded     = "Superseded"
	stateEnteredInError = "EnteredInError"
)

// PlanVersion is a plan's version as lists show it, without its content.
type PlanVersion struct {
	ID             uuid.UUID           `json:"id" format:"uuid"`
	PersonID       uuid.UUID           `json:"personId" format:"uuid"`
	EpisodeID      uuid.UUID           `json:"episodeId" format:"uuid"`
	Service        string              `json:"service" doc:"The service that made this version."`
	Edition        int32               `json:"edition" doc:"Number of the version within the episode."`
	Kind           string              `json:"kind" enum:"MentalHealth,UrgentOrEmergency,PositiveBehaviourSupport,Transition"`
	KindCode       string              `json:"kindCode" doc:"The national code of the kind (care plan type)." example:"10"`
	State          string              `json:"state" enum:"Draft,InForce,Superseded,EnteredInError"`
	InForceFrom    *string             `json:"inForceFrom,omitempty" format:"date"`
	AgreedOn       *string             `json:"agreedOn,omitempty" format:"date" doc:"Absent when the plan is in force without the person's agreement."`
	Agreement      *string             `json:"agreement,omitempty" enum:"Person,NotAgreed,BestInterests,Attorney,Advocate"`
	ReviewOn       *string             `json:"reviewOn,omitempty" format:"date"`
	CreatedAt      time.Time           `json:"createdAt"`
	EnteredInError *mistakes.ErrorMark `json:"enteredInError,omitempty"`
}

// Plan is a plan's version with its content.
type Plan struct {
	PlanVersion
	PreviousID     *uuid.UUID   `json:"previousId,omitempty" format:"uuid" doc:"The version that this one follows."`
	Summary        *string      `json:"summary,omitempty"`
	Goals          []PlanGoal   `json:"goals" nullable:"false"`
	Needs          []PlanNeed   `json:"needs" nullable:"false"`
	Actions        []PlanAction `json:"actions" nullable:"false"`
	Links          []PlanLink   `json:"links" nullable:"false"`
	Capacity       *string      `json:"capacity,omitempty" enum:"HasCapacity,LacksCapacity"`
	WhyNot         *string      `json:"whyNot,omitempty" doc:"Why the person has not agreed."`
	BestInterests  *string      `json:"bestInterests,omitempty" doc:"The record of the decision in the person's best interests."`
	Representative *string      `json:"representative,omitempty" doc:"The attorney or the advocate."`
}

// PlanGoal is something the person wants.
type PlanGoal struct {
	ID       uuid.UUID `json:"id" format:"uuid"`
	Goal     string    `json:"goal"`
	OwnWords bool      `json:"ownWords" doc:"These are the person's own words."`
}

// PlanNeed is something the person needs in a part of their life.
type PlanNeed struct {
	ID     uuid.UUID `json:"id" format:"uuid"`
	Domain string    `json:"domain"`
	Need   string    `json:"need"`
}

// PlanAction is what somebody does by a day.
type PlanAction struct {
	ID     uuid.UUID `json:"id" format:"uuid"`
	What   string    `json:"what"`
	Who    string    `json:"who"`
	By     string    `json:"by" format:"date"`
	Domain *string   `json:"domain,omitempty"`
}

// PlanLink names a plan that somebody keeps for the person under a duty of their own.
type PlanLink struct {
	ID        uuid.UUID `json:"id" format:"uuid"`
	Kind      string    `json:"kind"`
	HeldBy    string    `json:"heldBy"`
	Reference *string   `json:"reference,omitempty"`
}

// Output is an answer with one plan.
type Output struct {
	rest.Tag
	Body Plan
}

type listedRow struct {
	ID, PersonID, EpisodeID, ServiceID uuid.UUID
	Service, Kind, State               string
	Edition                            int32
	InForceFrom, AgreedOn              *string
	Agreement, ReviewOn                *string
	CreatedAt                          time.Time
	Version                            int64
	ResponsibleServiceID               uuid.UUID
	Responsible                        string
	mistakes.Columns
}

// kindCodes are the national codes of the care plan type.
var kindCodes = map[string]string{"MentalHealth": "10", "UrgentOrEmergency": "11", "PositiveBehaviourSupport": "13", "Transition": "14"}

func (r listedRow) listed() PlanVersion {
	return PlanVersion{
		ID: r.ID, PersonID: r.PersonID, EpisodeID: r.EpisodeID, Service: r.Service, Edition: r.Edition, Kind: r.Kind, KindCode: kindCodes[r.Kind], State: r.State,
		InForceFrom: r.InForceFrom, AgreedOn: r.AgreedOn, Agreement: r.Agreement, ReviewOn: r.ReviewOn, CreatedAt: r.CreatedAt, EnteredInError: r.Mark(),
	}
}

type row struct {
	listedRow
	PreviousID            *uuid.UUID
	Summary, Capacity     *string
	WhyNot, BestInterests *string
	Representative        *string
	Goals                 []PlanGoal
	Needs                 []PlanNeed
	Actions               []PlanAction
	Links                 []PlanLink
	EpisodeClosedAt       *time.Time
	EpisodeBeginsOn       string
	DiedOn                *string
}

func (r row) output() *Output {
	return &Output{rest.TagOf(r.Version), Plan{
		PlanVersion: r.listed(), PreviousID: r.PreviousID, Summary: r.Summary, Goals: r.Goals, Needs: r.Needs, Actions: r.Actions, Links: r.Links,
		Capacity: r.Capacity, WhyNot: r.WhyNot, BestInterests: r.BestInterests, Representative: r.Representative,
	}}
}

// visible reads a plan that the caller may see.
func visible(ctx context.Context, tx *store.Tx, id uuid.UUID) (row, error) {
	tx.About(store.Concern{Resource: id})
	found, ok, err := store.One[row](ctx, tx, byIDSQL, pgx.NamedArgs{"id": id})
	if err != nil {
		return row{}, fmt.Errorf("reading a plan: %w", err)
	}
	if !ok {
		return row{}, problem.New(problem.NotFound, "There is no such plan, or none of your services may see it.")
	}
	tx.About(store.Concern{Person: found.PersonID, Resource: id})
	return found, nil
}

// answer reads a plan that was written in this transaction.
func answer(ctx context.Context, tx *store.Tx, id uuid.UUID) (*Output, error) {
	found, err := visible(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	tx.Touch(found.PersonID, id)
	return found.output(), nil
}

// optional is a text that may be left out.
func optional(s string) *string {
	if blank(s) {
		return nil
	}
	return &s
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }
