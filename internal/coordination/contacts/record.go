package contacts

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/episode.sql
	episodeSQL string
	//go:embed sql/referral.sql
	referralSQL string
	//go:embed sql/insert_contact.sql
	insertContactSQL string
)

// ContactInput is a contact as it is written.
type ContactInput struct {
	HappenedAt     time.Time `json:"happenedAt" doc:"When it happened, or was to happen. Not in the future."`
	Medium         string    `json:"medium" enum:"FaceToFace,Telephone,TalkType,Video,Email,Text,InstantMessage,Other"`
	Attendance     string    `json:"attendance" enum:"Attended,DidNotAttend,CancelledByPerson,CancelledByService" doc:"Missing a contact has no consequence for the person."`
	ArrivedLate    bool      `json:"arrivedLate,omitempty" doc:"With Attended: came late and was seen. With DidNotAttend: came too late to be seen."`
	With           string    `json:"with" enum:"Person,Carer,Professional" doc:"With whom the contact was held, or was to be."`
	CarerInvolved  bool      `json:"carerInvolved,omitempty" doc:"A carer took part. Always so when the contact was held with a carer."`
	Professional   string    `json:"professional,omitempty" maxLength:"200" doc:"Who of the service had the contact, when it was not you."`
	Minutes        *int32    `json:"minutes,omitempty" minimum:"1" maximum:"1440" doc:"How long it took."`
	Assessment     bool      `json:"assessment,omitempty" doc:"It was, or was part of, a meaningful assessment with the person."`
	AssessmentCode string    `json:"assessmentCode,omitempty" maxLength:"18" doc:"SNOMED CT code of the assessment." example:"1853441000000109"`
	Summary        string    `json:"summary,omitempty" maxLength:"4000"`
}

type recordContactInput struct {
	rest.Idempotent
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body ContactInput
}

func recordInEpisode(ctx context.Context, tx *store.Tx, in *recordContactInput) (*contactOutput, error) {
	where, err := placeOf(ctx, tx, episodeSQL, in.ID, "episode")
	if err != nil {
		return nil, err
	}
	return record(ctx, tx, in, where, pgx.NamedArgs{"episode": in.ID, "referral": nil})
}

func recordInReferral(ctx context.Context, tx *store.Tx, in *recordContactInput) (*contactOutput, error) {
	where, err := placeOf(ctx, tx, referralSQL, in.ID, "referral")
	if err != nil {
		return nil, err
	}
	return record(ctx, tx, in, where, pgx.NamedArgs{"episode": nil, "referral": in.ID})
}

func record(ctx context.Context, tx *store.Tx, in *recordContactInput, where found, args pgx.NamedArgs) (*contactOutput, error) {
	body := in.Body
	if body.Attendance == attended && body.With == withCarer {
		body.CarerInvolved = true
	}
	if err := body.check(time.Now()); err != nil {
		return nil, err
	}
	service, err := where.own(tx)
	if err != nil {
		return nil, err
	}
	if err := where.takes("body.happenedAt", body.HappenedAt); err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("making a contact's id: %w", err)
	}
	for name, value := range (pgx.NamedArgs{
		"id": id, "service": service, "happened_at": body.HappenedAt, "medium": body.Medium, "attendance": body.Attendance, "arrived_late": body.ArrivedLate,
		"held_with": body.With, "carer_involved": body.CarerInvolved, "professional": optional(body.Professional), "minutes": body.Minutes,
		"assessment": body.Assessment, "assessment_code": optional(body.AssessmentCode), "summary": optional(body.Summary), "subject": tx.Caller.Subject,
	}) {
		args[name] = value
	}
	if _, err := tx.Exec(ctx, insertContactSQL, args); err != nil {
		return nil, fmt.Errorf("recording a contact: %w", err)
	}
	row, err := visible(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	tx.Touch(row.PersonID, id)
	return row.output(), nil
}

// found is a place with those who may record there.
type found struct {
	place
	person      uuid.UUID
	services    []uuid.UUID
	responsible string
}

// own gives the service of the caller that supports the person here.
func (f found) own(tx *store.Tx) (uuid.UUID, error) {
	if i := slices.IndexFunc(f.services, tx.Serves); i >= 0 {
		return f.services[i], nil
	}
	return uuid.Nil, problem.New(problem.NotYourService, "%s is responsible for this %s.", f.responsible, f.noun)
}

func placeOf(ctx context.Context, tx *store.Tx, query string, id uuid.UUID, noun string) (found, error) {
	tx.About(store.Concern{Resource: id})
	type row struct {
		PersonID    uuid.UUID
		Services    []uuid.UUID
		Responsible string
		BeginsOn    string
		EndedAt     *time.Time
		DiedOn      *string
	}
	r, ok, err := store.One[row](ctx, tx, query, pgx.NamedArgs{"id": id})
	if err != nil {
		return found{}, fmt.Errorf("looking up an %s: %w", noun, err)
	}
	if !ok {
		return found{}, problem.New(problem.NotFound, "There is no such %s, or none of your services may see it.", noun)
	}
	tx.About(store.Concern{Person: r.PersonID, Resource: id})
	f := found{place: place{noun: noun, ended: r.EndedAt}, person: r.PersonID, services: r.Services, responsible: r.Responsible}
	if f.begins, err = london.ParseDay(r.BeginsOn); err != nil {
		return found{}, fmt.Errorf("reading the first day of an %s: %w", noun, err)
	}
	if r.DiedOn != nil {
		died, err := london.ParseDay(*r.DiedOn)
		if err != nil {
			return found{}, fmt.Errorf("reading a day of death: %w", err)
		}
		f.died = &died
	}
	return f, nil
}
