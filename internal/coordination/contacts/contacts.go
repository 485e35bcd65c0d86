// Package contacts is the subject of what people around a person do together with them: contacts (met, rang, tried) and the
// interventions given, tagged by what they are for. A contact stands in an episode, or in a referral when it came before acceptance.
//
// Missing an appointment has no consequence: nothing reads it as a reason for anything. What the national statistics count is not
// decided here; the national codes are given beside the product's own words.
package contacts

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

//go:embed sql/contact.sql
var contactSQL string

// Contact is a contact as callers see it.
type Contact struct {
	ID             uuid.UUID           `json:"id" format:"uuid"`
	PersonID       uuid.UUID           `json:"personId" format:"uuid"`
	EpisodeID      *uuid.UUID          `json:"episodeId,omitempty" format:"uuid"`
	ReferralID     *uuid.UUID          `json:"referralId,omitempty" format:"uuid" doc:"The referral, for a contact before its acceptance."`
	Service        string              `json:"service" doc:"The service that had the contact."`
	HappenedAt     time.Time           `json:"happenedAt"`
	Medium         string              `json:"medium" enum:"FaceToFace,Telephone,TalkType,Video,Email,Text,InstantMessage,Other"`
	MediumCode     string              `json:"mediumCode" doc:"The national code of the medium (consultation mechanism)." example:"01"`
	Attendance     string              `json:"attendance" enum:"Attended,DidNotAttend,CancelledByPerson,CancelledByService"`
	AttendanceCode string              `json:"attendanceCode" doc:"The national code of the attendance." example:"5"`
	ArrivedLate    bool                `json:"arrivedLate"`
	With           string              `json:"with" enum:"Person,Carer,Professional"`
	CarerInvolved  bool                `json:"carerInvolved"`
	Professional   *string             `json:"professional,omitempty"`
	Minutes        *int32              `json:"minutes,omitempty"`
	Assessment     bool                `json:"assessment"`
	AssessmentCode *string             `json:"assessmentCode,omitempty" doc:"SNOMED CT code of the assessment."`
	Summary        *string             `json:"summary,omitempty"`
	RecordedAt     time.Time           `json:"recordedAt"`
	EnteredInError *mistakes.ErrorMark `json:"enteredInError,omitempty"`
}

type contactOutput struct {
	rest.Tag
	Body Contact
}

type contactRow struct {
	ID, PersonID, ServiceID      uuid.UUID
	EpisodeID, ReferralID        *uuid.UUID
	Service, Medium, Attendance  string
	HeldWith                     string
	HappenedAt, RecordedAt       time.Time
	ArrivedLate, CarerInvolved   bool
	Assessment                   bool
	Professional, AssessmentCode *string
	Summary                      *string
	DurationMinutes              *int32
	Version                      int64
	mistakes.Columns
}

func (r contactRow) contact() Contact {
	return Contact{
		ID: r.ID, PersonID: r.PersonID, EpisodeID: r.EpisodeID, ReferralID: r.ReferralID, Service: r.Service, HappenedAt: r.HappenedAt,
		Medium: r.Medium, MediumCode: mediumCodes[r.Medium], Attendance: r.Attendance, AttendanceCode: attendanceCode(r.Attendance, r.ArrivedLate),
		ArrivedLate: r.ArrivedLate, With: r.HeldWith, CarerInvolved: r.CarerInvolved, Professional: r.Professional, Minutes: r.DurationMinutes,
		Assessment: r.Assessment, AssessmentCode: r.AssessmentCode, Summary: r.Summary, RecordedAt: r.RecordedAt, EnteredInError: r.Mark(),
	}
}

func (r contactRow) output() *contactOutput {
	return &contactOutput{rest.TagOf(r.Version), r.contact()}
}

// mediumCodes are the national codes of the consultation mechanism. The clock of the published statistics counts 01, 02, 04 and 11.
var mediumCodes = map[string]string{
	"FaceToFace": "01", "Telephone": "02", "TalkType": "04", "Email": "05", "Text": "09", "InstantMessage": "10", "Video": "11", "Other": "98",
}

// attendanceCode is the national code: the list holds being late as kinds of their own.
func attendanceCode(attendance string, late bool) string {
	switch {
	case attendance == attended && late:
		return "6"
	case attendance == attended:
		return "5"
	case attendance == didNotAttend && late: // came too late to be seen
		return "7"
	case attendance == didNotAttend:
		return "3"
	case attendance == cancelledByPerson:
		return "2"
	}
	return "4"
}

// visible reads a contact that the caller may see.
func visible(ctx context.Context, tx *store.Tx, id uuid.UUID) (contactRow, error) {
	tx.About(store.Concern{Resource: id})
	found, ok, err := store.One[contactRow](ctx, tx, contactSQL, pgx.NamedArgs{"id": id})
	if err != nil {
		return contactRow{}, fmt.Errorf("reading a contact: %w", err)
	}
	if !ok {
		return contactRow{}, problem.New(problem.NotFound, "There is no such contact, or none of your services may see it.")
	}
	tx.About(store.Concern{Person: found.PersonID, Resource: id})
	return found, nil
}

// optional is a text that may be left out.
func optional(s string) *string {
	if strings.TrimSpace(s) == "" {
		return nil
	}
	return &s
}
