package carers

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/people"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/list_confidences.sql
	listConfidencesSQL string
	//go:embed sql/find_confidence.sql
	findConfidenceSQL string
	//go:embed sql/around.sql
	aroundSQL string
	//go:embed sql/insert_confidence.sql
	insertConfidenceSQL string
	//go:embed sql/retract_confidence.sql
	retractConfidenceSQL string
)

// Confidence is something that a carer said in confidence.
type Confidence struct {
	ID             uuid.UUID `json:"id" format:"uuid"`
	CarerID        uuid.UUID `json:"carerId" format:"uuid"`
	CarerName      string    `json:"carerName"`
	SaidOn         string    `json:"saidOn" format:"date"`
	Said           string    `json:"said"`
	Sharing        string    `json:"sharing" enum:"NotWithThePerson,MayBeShared"`
	EnteredInError bool      `json:"enteredInError"`
	RecordedBy     string    `json:"recordedBy"`
	RecordedAt     time.Time `json:"recordedAt"`
}

type confidencesOutput struct {
	Body struct {
		Items []Confidence `json:"items" nullable:"false" doc:"Newest first, what was entered in error included."`
	}
}

func listConfidences(ctx context.Context, tx *store.Tx, in *idInput) (*confidencesOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	return confidencesOf(ctx, tx, in.ID, uuid.Nil)
}

func confidencesOf(ctx context.Context, tx *store.Tx, person, part uuid.UUID) (*confidencesOutput, error) {
	said, standing, err := people.Parts[Confidence](ctx, tx, listConfidencesSQL, person, part)
	if err != nil {
		return nil, err
	}
	if !standing.Supports {
		return nil, problem.New(problem.NotYourService, "Only a service that has something open with the person reads what carers said in confidence.")
	}
	out := &confidencesOutput{}
	out.Body.Items = said
	return out, nil
}

type recordConfidenceInput struct {
	rest.Idempotent
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		CarerID uuid.UUID `json:"carerId" format:"uuid" doc:"One of the people around the person; see GET /v1/people/{id}/carers."`
		SaidOn  string    `json:"saidOn" format:"date"`
		Said    string    `json:"said" minLength:"1" maxLength:"4000" pattern:"\\S"`
		Sharing string    `json:"sharing,omitempty" enum:"NotWithThePerson,MayBeShared" default:"NotWithThePerson" doc:"Whether the carer agrees that the person is told."`
	}
}

func recordConfidence(ctx context.Context, tx *store.Tx, in *recordConfidenceInput) (*confidencesOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	if said, err := london.ParseDay(in.Body.SaidOn); err != nil || said.After(london.Today(time.Now())) {
		return nil, problem.InvalidField("body.saidOn", "give a day that is not in the future")
	}
	if _, err := people.Claim(ctx, tx, in.ID); err != nil {
		return nil, err
	}
	// It stands in the same record as the carer.
	carer, around, err := store.One[struct{ PersonID uuid.UUID }](ctx, tx, aroundSQL, pgx.NamedArgs{"id": in.Body.CarerID, "person": in.ID})
	if err != nil {
		return nil, fmt.Errorf("looking for a carer: %w", err)
	}
	if !around {
		return nil, problem.InvalidField("body.carerId", "name one of the people around this person")
	}
	id, err := people.Add(ctx, tx, insertConfidenceSQL, pgx.NamedArgs{
		"person": carer.PersonID, "carer": in.Body.CarerID, "said_on": in.Body.SaidOn, "said": in.Body.Said, "sharing": in.Body.Sharing,
	})
	if err != nil {
		return nil, fmt.Errorf("recording what a carer said: %w", err)
	}
	return confidencesOf(ctx, tx, carer.PersonID, id)
}

type retractConfidenceInput struct {
	rest.Idempotent
	ID uuid.UUID `path:"id" format:"uuid"`
}

func retractConfidence(ctx context.Context, tx *store.Tx, in *retractConfidenceInput) (*confidencesOutput, error) {
	record, err := people.Finish(ctx, tx, findConfidenceSQL, retractConfidenceSQL, in.ID, "It is marked as entered in error already.")
	if err != nil {
		return nil, err
	}
	return confidencesOf(ctx, tx, record, in.ID)
}
