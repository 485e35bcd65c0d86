// Package needs is the subject of what a person needs outside health care: money, housing, benefits, work, relationships, safety. A need
// is identified, something is done about it, and it is met, partly met or not met, each with its day.
//
// It holds one need as it stands; figures over many people are not here.
package needs

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
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/insert.sql
	insertSQL string
	//go:embed sql/by_id.sql
	byIDSQL string
	//go:embed sql/list.sql
	listSQL string
	//go:embed sql/update.sql
	updateSQL string
)

const tag = "needs"

// Register adds the subject's operations.
func Register(a *rest.API) {
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/people/{id}/needs", Operation: access.RecordNeed, Tag: tag, Status: http.StatusCreated,
		Summary:     "Record a need outside health care",
		Description: "By a service that has an open episode or referral with the person; with what is done about it, if that is known already.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict},
	}, record)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/people/{id}/needs", Operation: access.ListNeeds, Tag: tag,
		Summary: "List a person's needs outside health care", Description: "Newest first, those marked as entered in error included.",
		Errors: []int{http.StatusNotFound},
	}, list)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/needs/{id}", Operation: access.ReadNeed, Tag: tag,
		Summary: "Read a need", Errors: []int{http.StatusNotFound},
	}, read)
	rest.Handle(a, rest.Route{
		Method: http.MethodPut, Path: "/v1/needs/{id}", Operation: access.UpdateNeed, Tag: tag,
		Summary:     "Say what is done about a need, and whether it is met",
		Description: "By any service that supports the person at present: people are helped by several. Whoever says that a need is met or not says what was done.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusPreconditionRequired},
	}, update)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/needs/{id}/entered-in-error", Operation: access.RetractNeed, Tag: tag, Status: http.StatusOK,
		Summary: "Mark a need as entered in error", Description: "It no longer counts and stays readable.",
		Errors: []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusPreconditionRequired},
	}, retract)
}

// Need is a need as callers see it.
type Need struct {
	ID             uuid.UUID `json:"id" format:"uuid"`
	PersonID       uuid.UUID `json:"personId" format:"uuid"`
	Service        string    `json:"service" doc:"The service that recorded it."`
	Area           string    `json:"area" enum:"Money,Debt,Benefits,Housing,Work,Education,Relationships,Caring,PhysicalSafety,Isolation,Legal,Other"`
	Description    string    `json:"description"`
	IdentifiedOn   string    `json:"identifiedOn" format:"date"`
	Action         *string   `json:"action,omitempty"`
	ActionOn       *string   `json:"actionOn,omitempty" format:"date"`
	State          string    `json:"state" enum:"Identified,Acting,Met,PartlyMet,NotMet"`
	StateOn        string    `json:"stateOn" format:"date" doc:"Since when it is so."`
	EnteredInError bool      `json:"enteredInError"`
	RecordedAt     time.Time `json:"recordedAt"`
	Version        int64     `json:"version" doc:"For If-Match, as W/\"version\"."`
}

// NeedProgress is what is done about a need and what came of it.
type NeedProgress struct {
	Action   string `json:"action,omitempty" maxLength:"2000" doc:"What is done, and by whom."`
	ActionOn string `json:"actionOn,omitempty" format:"date" doc:"Since when; today when left out."`
	State    string `json:"state,omitempty" enum:"Identified,Acting,Met,PartlyMet,NotMet" doc:"Acting when there is an action, otherwise Identified, unless you say that it is met, partly met or not met."`
	StateOn  string `json:"stateOn,omitempty" format:"date" doc:"Since when it is so; today when left out."`
}

type recordInput struct {
	rest.Idempotent
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		Service      string `json:"service,omitempty" maxLength:"63" doc:"The one of your services that records it; needed when several support the person."`
		Area         string `json:"area" enum:"Money,Debt,Benefits,Housing,Work,Education,Relationships,Caring,PhysicalSafety,Isolation,Legal,Other"`
		Description  string `json:"description" minLength:"1" maxLength:"2000" pattern:"\\S" doc:"In the person's words where possible."`
		IdentifiedOn string `json:"identifiedOn" format:"date"`
		NeedProgress
	}
}

type needOutput struct {
	rest.Tag
	Body Need
}

func record(ctx context.Context, tx *store.Tx, in *recordInput) (*needOutput, error) {
	today := london.Today(time.Now())
	identified, err := london.ParseDay(in.Body.IdentifiedOn)
	if err != nil || identified.After(today) {
		return nil, problem.InvalidField("body.identifiedOn", "give a day that is not in the future")
	}
	progress, err := in.Body.check(identified, today)
	if err != nil {
		return nil, err
	}
	if in.Body.StateOn == "" && progress.State == identifiedState {
		progress.StateOn = in.Body.IdentifiedOn
	}
	service, err := people.SupportedBy(ctx, tx, in.ID, "body.service", in.Body.Service)
	if err != nil {
		return nil, err
	}
	if err := service.Lived(identified); err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("making a need's id: %w", err)
	}
	args := progress.args()
	args["id"], args["person"], args["episode"], args["service"] = id, service.Record, service.Episode, service.ID
	args["area"], args["description"], args["identified_on"], args["subject"] = in.Body.Area, in.Body.Description, in.Body.IdentifiedOn, tx.Caller.Subject
	if _, err := tx.Exec(ctx, insertSQL, args); err != nil {
		return nil, fmt.Errorf("recording a need: %w", err)
	}
	tx.Touch(service.Record, id)
	return written(ctx, tx, id)
}

type idInput struct {
	ID uuid.UUID `path:"id" format:"uuid"`
}

func read(ctx context.Context, tx *store.Tx, in *idInput) (*needOutput, error) {
	found, err := visible(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	tx.Touch(found.PersonID, in.ID)
	return &needOutput{rest.TagOf(found.Version), found}, nil
}

func visible(ctx context.Context, tx *store.Tx, id uuid.UUID) (Need, error) {
	tx.About(store.Concern{Resource: id})
	found, ok, err := store.One[Need](ctx, tx, byIDSQL, pgx.NamedArgs{"id": id})
	if err != nil {
		return Need{}, fmt.Errorf("reading a need: %w", err)
	}
	if !ok {
		return Need{}, problem.New(problem.NotFound, "There is no such need, or none of your services may see it.")
	}
	tx.About(store.Concern{Person: found.PersonID, Resource: id})
	return found, nil
}

func written(ctx context.Context, tx *store.Tx, id uuid.UUID) (*needOutput, error) {
	found, err := visible(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	return &needOutput{rest.TagOf(found.Version), found}, nil
}

type listInput struct {
	page.Input
	ID uuid.UUID `path:"id" format:"uuid"`
}

type listOutput struct {
	Body struct {
		Items []Need `json:"items" nullable:"false"`
		Next  string `json:"next,omitempty" doc:"Send it as cursor to go on."`
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
	rows, err := store.Rows[Need](ctx, tx, listSQL, pgx.NamedArgs{"person": in.ID, "at": position.At, "after": position.ID, "limit": limit})
	if err != nil {
		return nil, fmt.Errorf("listing needs: %w", err)
	}
	out := &listOutput{}
	out.Body.Items, out.Body.Next = page.Cut(in.Input, rows, func(n Need) page.Position { return page.Position{At: n.RecordedAt, ID: n.ID} })
	touched(tx, in.ID, out.Body.Items)
	return out, nil
}

func retract(ctx context.Context, tx *store.Tx, in *inerror.Input) (*needOutput, error) {
	if _, err := inerror.Mark(ctx, tx, inerror.Needs, "need", in); err != nil {
		return nil, err
	}
	return written(ctx, tx, in.ID)
}

// touched notes each record of a list for the audit trail: who has read one that turns out to be in error must be found. A list without any
// is a look at the person.
func touched(tx *store.Tx, person uuid.UUID, shown []Need) {
	if len(shown) == 0 {
		tx.Touch(person, uuid.Nil)
	}
	for _, n := range shown {
		tx.Touch(n.PersonID, n.ID)
	}
}
