// Package healthchecks is the subject of the yearly physical health check for people with severe mental illness: its six core elements
// with their days and values, what was declined, and what is missing or due.
//
// Values are held in one unit each, and refused when no person can have them. Who is to have the check, and figures over many people,
// are not here.
package healthchecks

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/inerror"
	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/page"
	"github.com/cmhf/operator/internal/coordination/people"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/list.sql
	listSQL string
	//go:embed sql/by_ids.sql
	byIDsSQL string
	//go:embed sql/done.sql
	doneSQL string
)

const tag = "health checks"

// Register adds the subject's operations.
func Register(a *rest.API) {
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/people/{id}/health-checks", Operation: access.RecordHealthCheck, Tag: tag, Status: http.StatusCreated,
		Summary:     "Record elements of a physical health check",
		Description: "As many of the six core elements as were measured on the day, and those that were offered and declined.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict},
	}, record)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/people/{id}/health-checks", Operation: access.ListHealthChecks, Tag: tag,
		Summary: "List the elements recorded for a person", Description: "Newest first, those marked as entered in error included.",
		Errors: []int{http.StatusNotFound},
	}, list)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/people/{id}/health-checks/status", Operation: access.ReadHealthCheckStatus, Tag: tag,
		Summary:     "Read what is missing or due in a person's physical health check",
		Description: "The check is complete when all six elements were measured within twelve months. What was declined is offered again after twelve months.",
		Errors:      []int{http.StatusNotFound},
	}, status)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/health-check-elements/{id}/entered-in-error", Operation: access.RetractHealthCheck, Tag: tag, Status: http.StatusOK,
		Summary: "Mark an element as entered in error", Description: "It no longer counts and stays readable.",
		Errors: []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusPreconditionRequired},
	}, retract)
}

// HealthCheckElement is one element as callers see it: with the values of its kind, or declined.
type HealthCheckElement struct {
	ID         uuid.UUID `json:"id" format:"uuid"`
	PersonID   uuid.UUID `json:"personId" format:"uuid"`
	Service    string    `json:"service"`
	Element    string    `json:"element" enum:"Alcohol,Glucose,BloodPressure,BodyMass,Lipids,Smoking"`
	MeasuredOn string    `json:"measuredOn" format:"date" doc:"For what was declined, the day on which it was offered."`
	Declined   bool      `json:"declined"`

	AuditC           *int     `json:"auditC,omitempty"`
	HbA1c            *int     `json:"hba1c,omitempty" db:"hba1c" doc:"mmol/mol"`
	Glucose          *float64 `json:"glucose,omitempty" doc:"mmol/L"`
	Systolic         *int     `json:"systolic,omitempty" doc:"mmHg"`
	Diastolic        *int     `json:"diastolic,omitempty" doc:"mmHg"`
	WeightKg         *float64 `json:"weightKg,omitempty"`
	BMI              *float64 `json:"bmi,omitempty" db:"bmi" doc:"kg/m²"`
	TotalCholesterol *float64 `json:"totalCholesterol,omitempty" doc:"mmol/L"`
	HDL              *float64 `json:"hdl,omitempty" db:"hdl" doc:"mmol/L"`
	Smoking          *string  `json:"smoking,omitempty" enum:"Never,Former,Current"`

	EnteredInError bool      `json:"enteredInError"`
	RecordedAt     time.Time `json:"recordedAt"`
	Version        int64     `json:"version" doc:"For If-Match, as W/\"version\"."`
}

type idInput struct {
	ID uuid.UUID `path:"id" format:"uuid"`
}

type listInput struct {
	page.Input
	ID uuid.UUID `path:"id" format:"uuid"`
}

type listOutput struct {
	Body struct {
		Items []HealthCheckElement `json:"items" nullable:"false"`
		Next  string               `json:"next,omitempty" doc:"Send it as cursor to go on."`
	}
}

func list(ctx context.Context, tx *store.Tx, in *listInput) (*listOutput, error) {
	position, limit, err := in.Start()
	if err != nil {
		return nil, err
	}
	tx.About(store.Concern{Person: in.ID})
	if _, err := people.Visible(ctx, tx, in.ID); err != nil {
		return nil, err
	}
	rows, err := store.Rows[HealthCheckElement](ctx, tx, listSQL, pgx.NamedArgs{"person": in.ID, "at": position.At, "after": position.ID, "limit": limit})
	if err != nil {
		return nil, fmt.Errorf("listing health check elements: %w", err)
	}
	out := &listOutput{}
	out.Body.Items, out.Body.Next = page.Cut(in.Input, rows, func(r HealthCheckElement) page.Position { return page.Position{At: r.RecordedAt, ID: r.ID} })
	touched(tx, in.ID, out.Body.Items)
	return out, nil
}

// HealthCheckStatus is how a person's check stands today.
type HealthCheckStatus struct {
	PersonID uuid.UUID                  `json:"personId" format:"uuid"`
	AsOf     string                     `json:"asOf" format:"date"`
	Complete bool                       `json:"complete" doc:"All six were measured within twelve months."`
	Lacking  []Element                  `json:"lacking" nullable:"false" enum:"Alcohol,Glucose,BloodPressure,BodyMass,Lipids,Smoking" doc:"What keeps it from being complete."`
	Elements []HealthCheckElementStatus `json:"elements" nullable:"false"`
}

// HealthCheckElementStatus is how one element stands.
type HealthCheckElementStatus struct {
	Element    string `json:"element" enum:"Alcohol,Glucose,BloodPressure,BodyMass,Lipids,Smoking"`
	State      string `json:"state" enum:"Current,Due,Declined,Missing"`
	MeasuredOn string `json:"measuredOn,omitempty" format:"date"`
	DeclinedOn string `json:"declinedOn,omitempty" format:"date"`
	NextOn     string `json:"nextOn,omitempty" format:"date" doc:"When it is due, or to be offered, again. Absent when that is now."`
}

type statusOutput struct{ Body HealthCheckStatus }

func status(ctx context.Context, tx *store.Tx, in *idInput) (*statusOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	person, err := people.Visible(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	done, err := store.Rows[Done](ctx, tx, doneSQL, pgx.NamedArgs{"person": in.ID})
	if err != nil {
		return nil, fmt.Errorf("reading health check elements: %w", err)
	}
	today := london.Today(time.Now())
	elements, complete := Assess(done, today)
	out := &statusOutput{HealthCheckStatus{PersonID: person.ID, AsOf: today.Format(time.DateOnly), Complete: complete, Lacking: Lacking(elements)}}
	for _, e := range elements {
		out.Body.Elements = append(out.Body.Elements, HealthCheckElementStatus{
			Element: string(e.Element), State: string(e.State), MeasuredOn: day(e.MeasuredOn), DeclinedOn: day(e.DeclinedOn), NextOn: day(e.NextOn),
		})
	}
	person.Touch(tx)
	return out, nil
}

func day(at *time.Time) string {
	if at == nil {
		return ""
	}
	return at.Format(time.DateOnly)
}

type recordedOutput struct {
	rest.Tag
	Body HealthCheckElement
}

func retract(ctx context.Context, tx *store.Tx, in *inerror.Input) (*recordedOutput, error) {
	if _, err := inerror.Mark(ctx, tx, inerror.HealthChecks, "element of a health check", in); err != nil {
		return nil, err
	}
	found, err := written(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	return &recordedOutput{rest.TagOf(found[0].Version), found[0]}, nil
}

// written reads what was just written, in the order of the ids.
func written(ctx context.Context, tx *store.Tx, ids ...uuid.UUID) ([]HealthCheckElement, error) {
	found, err := store.Rows[HealthCheckElement](ctx, tx, byIDsSQL, pgx.NamedArgs{"ids": ids})
	if err != nil || len(found) != len(ids) {
		return nil, fmt.Errorf("reading health check elements that were just written (%d of %d): %w", len(found), len(ids), err)
	}
	return found, nil
}

// touched notes each record of a list for the audit trail: who has read one that turns out to be in error must be found. A list without any
// is a look at the person.
func touched(tx *store.Tx, person uuid.UUID, shown []HealthCheckElement) {
	if len(shown) == 0 {
		tx.Touch(person, uuid.Nil)
	}
	for _, r := range shown {
		tx.Touch(r.PersonID, r.ID)
	}
}
