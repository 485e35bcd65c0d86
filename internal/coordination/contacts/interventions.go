package contacts

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/mistakes"
	"github.com/cmhf/operator/internal/coordination/page"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/intervention.sql
	interventionSQL string
	//go:embed sql/interventions_of_episode.sql
	interventionsOfEpisodeSQL string
	//go:embed sql/insert_intervention.sql
	insertInterventionSQL string
	//go:embed sql/lock_intervention.sql
	lockInterventionSQL string
	//go:embed sql/contact_in_episode.sql
	contactInEpisodeSQL string
	//go:embed sql/mark_intervention.sql
	markInterventionSQL string
)

func registerInterventions(a *rest.API) {
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/episodes/{id}/interventions", Operation: access.RecordIntervention, Tag: tag, Status: http.StatusCreated,
		Summary: "Record an intervention", Description: "What was given or done, tagged by what it is for. " + writtenUp, Errors: recordErrors,
	}, recordIntervention)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/episodes/{id}/interventions", Operation: access.ListInterventions, Tag: tag,
		Summary: "List the interventions of an episode", Description: listedThus, Errors: []int{http.StatusNotFound},
	}, listInterventions)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/interventions/{id}", Operation: access.ReadIntervention, Tag: tag,
		Summary: "Read an intervention", Errors: []int{http.StatusNotFound},
	}, readIntervention)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/interventions/{id}/entered-in-error", Operation: access.MarkIntervention, Tag: tag,
		Summary: "Mark an intervention as entered in error", Description: mistakes.Description, Errors: markErrors,
	}, markIntervention)
}

// Intervention is an intervention as callers see it.
type Intervention struct {
	ID             uuid.UUID           `json:"id" format:"uuid"`
	PersonID       uuid.UUID           `json:"personId" format:"uuid"`
	EpisodeID      uuid.UUID           `json:"episodeId" format:"uuid"`
	ContactID      *uuid.UUID          `json:"contactId,omitempty" format:"uuid"`
	Service        string              `json:"service" doc:"The service that gave it."`
	GivenOn        string              `json:"givenOn" format:"date"`
	Kind           string              `json:"kind" enum:"Psychological,Psychosocial,MedicationOrPhysical,Other,Consultation,Signposting,Discussion"`
	SnomedCode     *string             `json:"snomedCode,omitempty"`
	Theme          string              `json:"theme"`
	Tier           int16               `json:"tier" minimum:"1" maximum:"6" doc:"Tier of the Healthy Minds framework that the theme belongs to; 1 is the bottom."`
	Note           *string             `json:"note,omitempty"`
	NationalClock  bool                `json:"nationalClock" doc:"Whether it is of the kinds that stop the clock of the published four-week statistics: coded, and no mere consultation, signposting or discussion."`
	RecordedAt     time.Time           `json:"recordedAt"`
	EnteredInError *mistakes.ErrorMark `json:"enteredInError,omitempty"`
}

type interventionOutput struct {
	rest.Tag
	Body Intervention
}

type interventionRow struct {
	ID, PersonID, EpisodeID, ServiceID uuid.UUID
	ContactID                          *uuid.UUID
	Service, GivenOn, Kind, Theme      string
	SnomedCode, Note                   *string
	Tier                               int16
	RecordedAt                         time.Time
	Version                            int64
	mistakes.Columns
}

func (r interventionRow) intervention() Intervention {
	return Intervention{
		ID: r.ID, PersonID: r.PersonID, EpisodeID: r.EpisodeID, ContactID: r.ContactID, Service: r.Service, GivenOn: r.GivenOn, Kind: r.Kind,
		SnomedCode: r.SnomedCode, Theme: r.Theme, Tier: r.Tier, Note: r.Note, NationalClock: r.SnomedCode != nil && !slices.Contains(withoutClock, r.Kind),
		RecordedAt: r.RecordedAt, EnteredInError: r.Mark(),
	}
}

func (r interventionRow) output() *interventionOutput {
	return &interventionOutput{rest.TagOf(r.Version), r.intervention()}
}

// withoutClock are the kinds that the clock of the published statistics leaves out.
var withoutClock = []string{"Consultation", "Signposting", "Discussion"}

type recordInterventionInput struct {
	rest.Idempotent
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		GivenOn    string     `json:"givenOn" format:"date" doc:"Not in the future."`
		Kind       string     `json:"kind" enum:"Psychological,Psychosocial,MedicationOrPhysical,Other,Consultation,Signposting,Discussion"`
		Theme      string     `json:"theme" enum:"FinancialInclusion,Housing,ActiveCitizenship,EquityAndDiversity,StigmaAndInclusion,AccessToMainstream,Employment,HealthAtWork,SelfCare,PeerSupport,SocialConnection,SocialPrescribing,CommunityAssets,Resilience,HolisticHealth,Recovery,SocialInclusion,PhysicalHealth,DistressResponse,SelfHarmSupport,SuicidePrevention" doc:"What it is for. Each theme belongs to a tier of the Healthy Minds framework."`
		SnomedCode string     `json:"snomedCode,omitempty" maxLength:"18" doc:"SNOMED CT code of what was done." example:"1853461000000105"`
		ContactID  *uuid.UUID `json:"contactId,omitempty" format:"uuid" doc:"The attended contact of this episode at which it was given, on the same day."`
		Note       string     `json:"note,omitempty" maxLength:"1000"`
	}
}

func recordIntervention(ctx context.Context, tx *store.Tx, in *recordInterventionInput) (*interventionOutput, error) {
	where, err := placeOf(ctx, tx, episodeSQL, in.ID, "episode")
	if err != nil {
		return nil, err
	}
	body := in.Body
	day, err := london.ParseDay(body.GivenOn)
	if err != nil || day.After(london.Today(time.Now())) {
		return nil, problem.InvalidField("body.givenOn", "give a day that is not in the future")
	}
	if body.SnomedCode != "" && !snomedConcept(body.SnomedCode) {
		return nil, problem.InvalidField("body.snomedCode", "give the SNOMED CT code of a concept; its check digit is wrong or it is no concept")
	}
	service, err := where.own(tx)
	if err != nil {
		return nil, err
	}
	if err := where.takesDay("body.givenOn", day); err != nil {
		return nil, err
	}
	if body.ContactID != nil {
		if err := givenAt(ctx, tx, in.ID, *body.ContactID, day); err != nil {
			return nil, err
		}
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("making an intervention's id: %w", err)
	}
	_, err = tx.Exec(ctx, insertInterventionSQL, pgx.NamedArgs{
		"id": id, "episode": in.ID, "service": service, "contact": body.ContactID, "given_on": body.GivenOn, "kind": body.Kind,
		"snomed_code": optional(body.SnomedCode), "theme": body.Theme, "note": optional(body.Note), "subject": tx.Caller.Subject,
	})
	if err != nil {
		return nil, fmt.Errorf("recording an intervention: %w", err)
	}
	row, err := visibleIntervention(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	tx.Touch(row.PersonID, id)
	return row.output(), nil
}

// givenAt refuses a contact at which nothing can have been given. What other people's contacts look like is not told.
func givenAt(ctx context.Context, tx *store.Tx, episode, contact uuid.UUID, day time.Time) error {
	const at = "body.contactId"
	row, ok, err := store.One[contactRow](ctx, tx, contactSQL, pgx.NamedArgs{"id": contact})
	if err != nil {
		return fmt.Errorf("reading the contact of an intervention: %w", err)
	}
	var here bool
	if ok {
		err := tx.QueryRow(ctx, contactInEpisodeSQL, pgx.NamedArgs{"id": contact, "episode": episode}).Scan(&here)
		if err != nil {
			return fmt.Errorf("looking up the episode of a contact: %w", err)
		}
	}
	switch {
	case !here:
		return problem.InvalidField(at, "name a contact of this episode")
	case row.Mark() != nil:
		return problem.InvalidField(at, "the contact was entered in error")
	case row.Attendance != attended:
		return problem.InvalidField(at, "nothing is given at a contact that was not attended")
	case !london.Today(row.HappenedAt).Equal(day):
		return problem.InvalidField(at, "the contact was on another day")
	}
	return nil
}

func visibleIntervention(ctx context.Context, tx *store.Tx, id uuid.UUID) (interventionRow, error) {
	tx.About(store.Concern{Resource: id})
	row, ok, err := store.One[interventionRow](ctx, tx, interventionSQL, pgx.NamedArgs{"id": id})
	if err != nil {
		return interventionRow{}, fmt.Errorf("reading an intervention: %w", err)
	}
	if !ok {
		return interventionRow{}, problem.New(problem.NotFound, "There is no such intervention, or none of your services may see it.")
	}
	tx.About(store.Concern{Person: row.PersonID, Resource: id})
	return row, nil
}

func readIntervention(ctx context.Context, tx *store.Tx, in *idInput) (*interventionOutput, error) {
	row, err := visibleIntervention(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	tx.Touch(row.PersonID, in.ID)
	return row.output(), nil
}

type interventionsOutput struct {
	Body struct {
		Items []Intervention `json:"items" nullable:"false"`
		Next  string         `json:"next,omitempty" doc:"Send it as cursor to go on."`
	}
}

func listInterventions(ctx context.Context, tx *store.Tx, in *listInput) (*interventionsOutput, error) {
	position, limit, err := in.Start()
	if err != nil {
		return nil, err
	}
	where, err := placeOf(ctx, tx, episodeSQL, in.ID, "episode")
	if err != nil {
		return nil, err
	}
	rows, err := store.Rows[interventionRow](ctx, tx, interventionsOfEpisodeSQL, pgx.NamedArgs{
		"id": in.ID, "on": position.At.Format(time.DateOnly), "after": position.ID, "limit": limit,
	})
	if err != nil {
		return nil, fmt.Errorf("listing interventions: %w", err)
	}
	out := &interventionsOutput{}
	out.Body.Items = []Intervention{}
	rows, out.Body.Next = page.Cut(in.Input, rows, func(r interventionRow) page.Position {
		day, _ := london.ParseDay(r.GivenOn) // a day of the database
		return page.Position{At: day, ID: r.ID}
	})
	for _, r := range rows {
		tx.Touch(r.PersonID, r.ID)
		out.Body.Items = append(out.Body.Items, r.intervention())
	}
	if len(rows) == 0 {
		tx.Touch(where.person, in.ID) // that there is none is told about the person too
	}
	return out, nil
}

func markIntervention(ctx context.Context, tx *store.Tx, in *mistakes.Input) (*interventionOutput, error) {
	row, err := visibleIntervention(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	if !tx.Serves(row.ServiceID) {
		return nil, problem.New(problem.NotYourService, "Only %s, which recorded the intervention, marks it.", row.Service)
	}
	if row, err = locked[interventionRow](ctx, tx, lockInterventionSQL, interventionSQL, in.ID); err != nil {
		return nil, err
	}
	if err := in.Check(row.Version); err != nil {
		return nil, err
	}
	if row.Mark() != nil {
		return nil, problem.New(problem.StateConflict, "The intervention is marked already.")
	}
	if _, err := tx.Exec(ctx, markInterventionSQL, pgx.NamedArgs{"id": in.ID, "why": in.Body.Why, "subject": tx.Caller.Subject}); err != nil {
		return nil, fmt.Errorf("marking an intervention: %w", err)
	}
	if row, err = visibleIntervention(ctx, tx, in.ID); err != nil {
		return nil, err
	}
	tx.Touch(row.PersonID, in.ID)
	return row.output(), nil
}
