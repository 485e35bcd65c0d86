package protection

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
	//go:embed sql/list_alerts.sql
	listAlertsSQL string
	//go:embed sql/insert_alert.sql
	insertAlertSQL string
	//go:embed sql/find_alert.sql
	findAlertSQL string
	//go:embed sql/alert.sql
	alertSQL string
	//go:embed sql/end_alert.sql
	endAlertSQL string
	//go:embed sql/location_alert.sql
	locationAlertSQL string
)

// AlertDetails is what an alert says.
type AlertDetails struct {
	Kind         string   `json:"kind" enum:"Safeguarding,SafeToContact,LocationSensitive"`
	Detail       string   `json:"detail" minLength:"1" maxLength:"2000" pattern:"\\S" doc:"Why, and what to heed. Everyone who may see the person reads it: no address belongs here."`
	SafeChannels []string `json:"safeChannels,omitempty" nullable:"false" uniqueItems:"true" enum:"Phone,Text,Email,Letter,InPerson" doc:"With SafeToContact: the only ways that are safe. None when left out."`
	ReviewOn     *string  `json:"reviewOn,omitempty" format:"date" doc:"When to look at it again. It does not end by itself."`
}

// PersonAlert is something that everyone who meets the person must know.
type PersonAlert struct {
	ID uuid.UUID `json:"id" format:"uuid"`
	AlertDetails
	RecordedBy string     `json:"recordedBy"`
	RecordedAt time.Time  `json:"recordedAt"`
	EndReason  *string    `json:"endReason,omitempty"`
	EndedBy    *string    `json:"endedBy,omitempty"`
	EndedAt    *time.Time `json:"endedAt,omitempty"`
}

type alertsOutput struct {
	rest.Tag
	Body struct {
		Items []PersonAlert `json:"items" nullable:"false"`
	}
}

func listAlerts(ctx context.Context, tx *store.Tx, in *idInput) (*alertsOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	return alertsOf(ctx, tx, in.ID, uuid.Nil)
}

func alertsOf(ctx context.Context, tx *store.Tx, person, part uuid.UUID) (*alertsOutput, error) {
	parts, standing, err := people.Parts[PersonAlert](ctx, tx, listAlertsSQL, person, part)
	if err != nil {
		return nil, err
	}
	out := &alertsOutput{Tag: standing.Tag()}
	out.Body.Items = parts
	return out, nil
}

type raiseAlertInput struct {
	rest.Idempotent
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body AlertDetails
}

func raiseAlert(ctx context.Context, tx *store.Tx, in *raiseAlertInput) (*alertsOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	if len(in.Body.SafeChannels) > 0 && in.Body.Kind != "SafeToContact" {
		return nil, problem.InvalidField("body.safeChannels", "leave them out unless kind is SafeToContact")
	}
	if in.Body.ReviewOn != nil {
		if review, err := london.ParseDay(*in.Body.ReviewOn); err != nil || review.Before(london.Today(time.Now())) {
			return nil, problem.InvalidField("body.reviewOn", "give a day that is not in the past")
		}
	}
	if _, err := people.Claim(ctx, tx, in.ID); err != nil {
		return nil, err
	}
	// Whoever raises it without being responsible hides the location from themselves: that protects the person and is allowed.
	if in.Body.Kind == "LocationSensitive" {
		var raised bool
		if err := tx.QueryRow(ctx, locationAlertSQL, pgx.NamedArgs{"person": in.ID}).Scan(&raised); err != nil {
			return nil, fmt.Errorf("looking for an alert: %w", err)
		}
		if raised {
			return nil, problem.New(problem.StateConflict, "The person's location is sensitive already.")
		}
	}
	id, err := people.Add(ctx, tx, insertAlertSQL, pgx.NamedArgs{
		"person": in.ID, "kind": in.Body.Kind, "detail": in.Body.Detail, "safe_channels": in.Body.SafeChannels, "review_on": in.Body.ReviewOn,
	})
	if err != nil {
		return nil, fmt.Errorf("raising an alert: %w", err)
	}
	return alertsOf(ctx, tx, in.ID, id)
}

type endAlertInput struct {
	rest.Idempotent
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"1000" pattern:"\\S" doc:"Why it holds no longer."`
	}
}

func endAlert(ctx context.Context, tx *store.Tx, in *endAlertInput) (*alertsOutput, error) {
	person, err := people.OfPart(ctx, tx, findAlertSQL, in.ID)
	if err != nil {
		return nil, err
	}
	standing, err := people.Claim(ctx, tx, person)
	if err != nil {
		return nil, err
	}
	alert, _, err := store.One[struct {
		Kind  string
		Ended bool
	}](ctx, tx, alertSQL, pgx.NamedArgs{"id": in.ID})
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading an alert: %w", err)
	case alert.Ended:
		return nil, problem.New(problem.StateConflict, "The alert has ended already.")
	case alert.Kind == "LocationSensitive" && !standing.Responsible:
		return nil, notResponsible()
	}
	if _, err := tx.Exec(ctx, endAlertSQL, pgx.NamedArgs{"id": in.ID, "reason": in.Body.Reason, "subject": tx.Caller.Subject}); err != nil {
		return nil, fmt.Errorf("ending an alert: %w", err)
	}
	return alertsOf(ctx, tx, person, in.ID)
}
