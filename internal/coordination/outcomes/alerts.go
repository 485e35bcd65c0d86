package outcomes

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/page"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/services"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/alerts.sql
	alertsSQL string
	//go:embed sql/alert_by_id.sql
	alertByIDSQL string
	//go:embed sql/acknowledge.sql
	acknowledgeSQL string
)

func registerAlerts(a *rest.API) {
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/outcome-alerts", Operation: access.ListOutcomeAlerts, Tag: tag,
		Summary:     "List the alerts of your services",
		Description: "Answers that suggest risk and that somebody must look at by the next working day, newest first. An alert follows the responsibility for the person and stays until it is acknowledged.",
	}, listAlerts)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/outcome-alerts/{id}/acknowledgement", Operation: access.AcknowledgeOutcomeAlert, Tag: tag, Status: http.StatusCreated,
		Summary: "Say what was done about an alert", Description: "Once; it then leaves the list of open alerts and stays readable.",
		Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, acknowledge)
}

// OutcomeAlert asks somebody to look at once whether a person is safe.
type OutcomeAlert struct {
	ID             uuid.UUID       `json:"id" format:"uuid"`
	PersonID       uuid.UUID       `json:"personId" format:"uuid"`
	EpisodeID      uuid.UUID       `json:"episodeId" format:"uuid"`
	AssessmentID   uuid.UUID       `json:"assessmentId" format:"uuid" doc:"The answers that suggest risk."`
	Service        string          `json:"service" doc:"The service that has to look."`
	Kind           string          `json:"kind" enum:"OutcomeSuggestsRisk"`
	KeyWorker      *AlertKeyWorker `json:"keyWorker,omitempty" doc:"Whom the alert is for first. Absent where nobody is named: then it is the whole service's."`
	RaisedAt       time.Time       `json:"raisedAt"`
	DueOn          string          `json:"dueOn" format:"date" doc:"The next working day in England."`
	Overdue        bool            `json:"overdue"`
	EnteredInError bool            `json:"enteredInError" doc:"The answers turned out to be entered in error."`
	AcknowledgedAt *time.Time      `json:"acknowledgedAt,omitempty"`
	AcknowledgedBy *string         `json:"acknowledgedBy,omitempty"`
	Response       *string         `json:"response,omitempty" enum:"SpokeWithPerson,SafetyPlanReviewed,PassedToCrisisService,ReviewedInTeam,NoRiskFound"`
}

// AlertKeyWorker is who is there for the person.
type AlertKeyWorker struct {
	Subject string `json:"subject" doc:"As the identity provider names them."`
	Name    string `json:"name"`
}

type alertRow struct {
	ID, PersonID, EpisodeID, AssessmentID uuid.UUID
	Service, Kind                         string
	KeyWorkerSubject, KeyWorkerName       *string
	RaisedAt                              time.Time
	DueOn                                 time.Time
	EnteredInError                        bool
	AcknowledgedAt                        *time.Time
	AcknowledgedBy, Response              *string
}

func (r alertRow) alert(today time.Time) OutcomeAlert {
	a := OutcomeAlert{
		ID: r.ID, PersonID: r.PersonID, EpisodeID: r.EpisodeID, AssessmentID: r.AssessmentID, Service: r.Service, Kind: r.Kind, RaisedAt: r.RaisedAt,
		DueOn: r.DueOn.Format(time.DateOnly), Overdue: r.AcknowledgedAt == nil && today.After(r.DueOn), EnteredInError: r.EnteredInError,
		AcknowledgedAt: r.AcknowledgedAt, AcknowledgedBy: r.AcknowledgedBy, Response: r.Response,
	}
	if r.KeyWorkerSubject != nil && r.KeyWorkerName != nil {
		a.KeyWorker = &AlertKeyWorker{Subject: *r.KeyWorkerSubject, Name: *r.KeyWorkerName}
	}
	return a
}

type alertsInput struct {
	page.Input
	Service string `query:"service" maxLength:"63" doc:"Only alerts of this one of your services."`
	State   string `query:"state" enum:"Open,Acknowledged" default:"Open"`
	Mine    bool   `query:"mine" doc:"Only alerts about people whose key worker you are."`
}

type alertsOutput struct {
	Body struct {
		Items []OutcomeAlert `json:"items" nullable:"false"`
		Next  string         `json:"next,omitempty" doc:"Send it as cursor to go on."`
	}
}

func listAlerts(ctx context.Context, tx *store.Tx, in *alertsInput) (*alertsOutput, error) {
	position, limit, err := in.Start()
	if err != nil {
		return nil, err
	}
	own, err := services.Own(ctx, tx, "query.service", in.Service)
	if err != nil {
		return nil, err
	}
	rows, err := store.Rows[alertRow](ctx, tx, alertsSQL, pgx.NamedArgs{
		"services": own, "open": in.State == "Open", "mine": in.Mine, "subject": tx.Caller.Subject, "at": position.At, "after": position.ID, "limit": limit,
	})
	if err != nil {
		return nil, fmt.Errorf("listing alerts: %w", err)
	}
	out := &alertsOutput{}
	out.Body.Items = []OutcomeAlert{}
	rows, out.Body.Next = page.Cut(in.Input, rows, func(r alertRow) page.Position { return page.Position{At: r.RaisedAt, ID: r.ID} })
	for _, r := range rows {
		tx.Touch(r.PersonID, r.ID)
		out.Body.Items = append(out.Body.Items, r.alert(london.Today(time.Now())))
	}
	return out, nil
}

type acknowledgeInput struct {
	rest.Idempotent
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		Response string `json:"response" enum:"SpokeWithPerson,SafetyPlanReviewed,PassedToCrisisService,ReviewedInTeam,NoRiskFound" doc:"What was done."`
	}
}

type alertOutput struct{ Body OutcomeAlert }

func acknowledge(ctx context.Context, tx *store.Tx, in *acknowledgeInput) (*alertOutput, error) {
	tx.About(store.Concern{Resource: in.ID})
	before, err := visibleAlert(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	tx.About(store.Concern{Person: before.PersonID, Resource: in.ID})
	done, err := tx.Exec(ctx, acknowledgeSQL, pgx.NamedArgs{"id": in.ID, "subject": tx.Caller.Subject, "response": in.Body.Response})
	if err != nil {
		return nil, fmt.Errorf("acknowledging an alert: %w", err)
	}
	if done.RowsAffected() == 0 {
		return nil, problem.New(problem.StateConflict, "The alert is acknowledged already.")
	}
	after, err := visibleAlert(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	tx.Touch(after.PersonID, in.ID)
	return &alertOutput{after.alert(london.Today(time.Now()))}, nil
}

func visibleAlert(ctx context.Context, tx *store.Tx, id uuid.UUID) (alertRow, error) {
	found, ok, err := store.One[alertRow](ctx, tx, alertByIDSQL, pgx.NamedArgs{"id": id})
	if err != nil {
		return alertRow{}, fmt.Errorf("reading an alert: %w", err)
	}
	if !ok {
		return alertRow{}, problem.New(problem.NotFound, "There is no such alert, or it is another service's.")
	}
	return found, nil
}
