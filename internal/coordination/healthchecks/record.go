package healthchecks

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/people"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

//go:embed sql/insert.sql
var insertSQL string

// HealthCheck is what was measured and declined on one day. Ranges hold every value that has been seen in a living person: what is outside is a
// slip of the pen or of the unit.
type HealthCheck struct {
	MeasuredOn    string              `json:"measuredOn" format:"date"`
	Service       string              `json:"service,omitempty" maxLength:"63" doc:"The one of your services that records it; needed when several support the person."`
	Alcohol       *AlcoholInput       `json:"alcohol,omitempty"`
	Glucose       *GlucoseInput       `json:"glucose,omitempty" doc:"HbA1c, or blood glucose."`
	BloodPressure *BloodPressureInput `json:"bloodPressure,omitempty"`
	BodyMass      *BodyMassInput      `json:"bodyMass,omitempty" doc:"Body mass index, weight, or both."`
	Lipids        *LipidsInput        `json:"lipids,omitempty"`
	Smoking       *SmokingInput       `json:"smoking,omitempty"`
	Declined      []string            `json:"declined,omitempty" nullable:"false" maxItems:"6" uniqueItems:"true" enum:"Alcohol,Glucose,BloodPressure,BodyMass,Lipids,Smoking" doc:"Elements that were offered and that the person did not want."`
}

// AlcoholInput is how much a person drinks.
type AlcoholInput struct {
	AuditC int `json:"auditC" minimum:"0" maximum:"12" doc:"Score of AUDIT-C."`
}

// GlucoseInput is sugar in the blood.
type GlucoseInput struct {
	HbA1c   *int     `json:"hba1c,omitempty" minimum:"10" maximum:"200" doc:"mmol/mol, not per cent."`
	Glucose *float64 `json:"glucose,omitempty" minimum:"0.5" maximum:"60" doc:"mmol/L"`
}

// BloodPressureInput is in mmHg.
type BloodPressureInput struct {
	Systolic  int `json:"systolic" minimum:"50" maximum:"300" doc:"mmHg"`
	Diastolic int `json:"diastolic" minimum:"20" maximum:"200" doc:"mmHg"`
}

// BodyMassInput is the index, the weight or both.
type BodyMassInput struct {
	BMI      *float64 `json:"bmi,omitempty" minimum:"8" maximum:"120" doc:"kg/m²"`
	WeightKg *float64 `json:"weightKg,omitempty" minimum:"20" maximum:"400"`
}

// LipidsInput is fat in the blood.
type LipidsInput struct {
	TotalCholesterol float64  `json:"totalCholesterol" minimum:"0.5" maximum:"30" doc:"mmol/L"`
	HDL              *float64 `json:"hdl,omitempty" minimum:"0.1" maximum:"10" doc:"mmol/L"`
}

// SmokingInput is whether a person smokes.
type SmokingInput struct {
	Status string `json:"status" enum:"Never,Former,Current"`
}

type recordInput struct {
	rest.Idempotent
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body HealthCheck
}

type recordOutput struct {
	Body struct {
		Items []HealthCheckElement `json:"items" nullable:"false"`
	}
}

// parts are the elements of a check, one by one.
func (c HealthCheck) parts() []HealthCheckElement {
	var parts []HealthCheckElement
	if c.Alcohol != nil {
		parts = append(parts, HealthCheckElement{Element: string(Alcohol), AuditC: &c.Alcohol.AuditC})
	}
	if c.Glucose != nil {
		parts = append(parts, HealthCheckElement{Element: string(Glucose), HbA1c: c.Glucose.HbA1c, Glucose: c.Glucose.Glucose})
	}
	if c.BloodPressure != nil {
		parts = append(parts, HealthCheckElement{Element: string(BloodPressure), Systolic: &c.BloodPressure.Systolic, Diastolic: &c.BloodPressure.Diastolic})
	}
	if c.BodyMass != nil {
		parts = append(parts, HealthCheckElement{Element: string(BodyMass), BMI: c.BodyMass.BMI, WeightKg: c.BodyMass.WeightKg})
	}
	if c.Lipids != nil {
		parts = append(parts, HealthCheckElement{Element: string(Lipids), TotalCholesterol: &c.Lipids.TotalCholesterol, HDL: c.Lipids.HDL})
	}
	if c.Smoking != nil {
		parts = append(parts, HealthCheckElement{Element: string(Smoking), Smoking: &c.Smoking.Status})
	}
	for _, element := range c.Declined {
		parts = append(parts, HealthCheckElement{Element: element, Declined: true})
	}
	return parts
}

func (c HealthCheck) check(parts []HealthCheckElement) error {
	for i, element := range c.Declined {
		if slices.ContainsFunc(parts, func(p HealthCheckElement) bool { return p.Element == element && !p.Declined }) {
			return problem.InvalidField(fmt.Sprintf("body.declined[%d]", i), "the element was measured: leave it out here")
		}
	}
	switch {
	case len(parts) == 0:
		return problem.InvalidField("body", "give at least one element that was measured or declined")
	case c.Glucose != nil && c.Glucose.HbA1c == nil && c.Glucose.Glucose == nil:
		return problem.InvalidField("body.glucose", "give hba1c or glucose")
	case c.BodyMass != nil && c.BodyMass.BMI == nil && c.BodyMass.WeightKg == nil:
		return problem.InvalidField("body.bodyMass", "give bmi or weightKg")
	case c.BloodPressure != nil && c.BloodPressure.Diastolic >= c.BloodPressure.Systolic:
		return problem.InvalidField("body.bloodPressure.diastolic", "it is below systolic")
	case c.Lipids != nil && c.Lipids.HDL != nil && *c.Lipids.HDL > c.Lipids.TotalCholesterol:
		return problem.InvalidField("body.lipids.hdl", "it is a part of totalCholesterol and can't be above it")
	}
	return nil
}

func record(ctx context.Context, tx *store.Tx, in *recordInput) (*recordOutput, error) {
	parts := in.Body.parts()
	if err := in.Body.check(parts); err != nil {
		return nil, err
	}
	on, err := london.ParseDay(in.Body.MeasuredOn)
	if err != nil || on.After(london.Today(time.Now())) {
		return nil, problem.InvalidField("body.measuredOn", "give a day that is not in the future")
	}
	service, err := people.SupportedBy(ctx, tx, in.ID, "body.service", in.Body.Service)
	if err != nil {
		return nil, err
	}
	if err := service.Lived(on); err != nil {
		return nil, err
	}
	ids := make([]uuid.UUID, len(parts))
	for i := range parts {
		if ids[i], err = uuid.NewV7(); err != nil {
			return nil, fmt.Errorf("making an element's id: %w", err)
		}
		parts[i].ID = ids[i]
		tx.Touch(service.Record, ids[i])
	}
	_, err = tx.Exec(ctx, insertSQL, pgx.NamedArgs{
		"person": service.Record, "episode": service.Episode, "service": service.ID, "on": in.Body.MeasuredOn, "parts": parts, "subject": tx.Caller.Subject,
	})
	if err != nil {
		return nil, fmt.Errorf("recording the elements of a health check: %w", err)
	}
	out := &recordOutput{}
	if out.Body.Items, err = written(ctx, tx, ids...); err != nil {
		return nil, err
	}
	return out, nil
}
