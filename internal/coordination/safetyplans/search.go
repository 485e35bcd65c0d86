package safetyplans

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/nhsnumber"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/search.sql
	searchSQL string
	//go:embed sql/serves_crisis.sql
	servesCrisisSQL string
)

type crisisSearchInput struct {
	Body struct {
		NHSNumber string `json:"nhsNumber" maxLength:"12" example:"999 000 0018"`
		BirthDate string `json:"birthDate" format:"date" example:"1984-02-29"`
	}
}

type crisisSearchOutput struct {
	Body struct {
		Items []SafetyPlan `json:"items" nullable:"false" doc:"The version that counts; nothing when the person is not known or has no safety plan. Two when a second record with the same number and birth date waits for matching."`
	}
}

// search touches every person who was found, also without a plan: somebody looked for them.
func search(ctx context.Context, tx *store.Tx, in *crisisSearchInput) (*crisisSearchOutput, error) {
	number, err := nhsnumber.Parse(in.Body.NHSNumber)
	if err != nil {
		return nil, problem.InvalidField("body.nhsNumber", "%s", err)
	}
	if _, err := london.ParseDay(in.Body.BirthDate); err != nil {
		return nil, problem.InvalidField("body.birthDate", "give a day from 1900 on")
	}
	var crisis bool
	if err := tx.QueryRow(ctx, servesCrisisSQL, pgx.NamedArgs{"services": append([]uuid.UUID{}, tx.Services...)}).Scan(&crisis); err != nil {
		return nil, fmt.Errorf("looking for a crisis service: %w", err)
	}
	if !crisis {
		return nil, problem.New(problem.NotYourService, "Only those who act for a service with the function CrisisLink search in this way. If you support the person, read /v1/people/…/safety-plans.")
	}
	type found struct {
		PersonID                                                                              uuid.UUID
		ID                                                                                    *uuid.UUID
		Edition                                                                               *int32
		Service                                                                               *string
		WarningSigns, OwnCoping, PeopleWhoHelp, ServicesToCall, MeansSafety, ReasonsForLiving *string
		MadeWithPerson                                                                        *bool
		RecordedAt                                                                            *time.Time
	}
	rows, err := store.Rows[found](ctx, tx, searchSQL, pgx.NamedArgs{"nhs_number": number, "birth_date": in.Body.BirthDate})
	if err != nil {
		return nil, fmt.Errorf("searching safety plans: %w", err)
	}
	out := &crisisSearchOutput{}
	out.Body.Items = []SafetyPlan{}
	for _, f := range rows {
		if f.ID == nil {
			tx.Touch(f.PersonID, uuid.Nil)
			continue
		}
		tx.Touch(f.PersonID, *f.ID)
		out.Body.Items = append(out.Body.Items, row{
			ID: *f.ID, PersonID: f.PersonID, Service: *f.Service, Edition: *f.Edition, WarningSigns: f.WarningSigns, OwnCoping: f.OwnCoping,
			PeopleWhoHelp: f.PeopleWhoHelp, ServicesToCall: f.ServicesToCall, MeansSafety: f.MeansSafety, ReasonsForLiving: f.ReasonsForLiving,
			MadeWithPerson: *f.MadeWithPerson, Current: true, RecordedAt: *f.RecordedAt,
		}.plan())
	}
	return out, nil
}
