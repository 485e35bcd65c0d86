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
	//go:embed sql/list_objections.sql
	listObjectionsSQL string
	//go:embed sql/find_objection.sql
	findObjectionSQL string
	//go:embed sql/insert_objection.sql
	insertObjectionSQL string
	//go:embed sql/withdraw_objection.sql
	withdrawObjectionSQL string
	//go:embed sql/organisation.sql
	organisationSQL string
)

// Objection is a person's objection to one organisation.
type Objection struct {
	ID           uuid.UUID  `json:"id" format:"uuid"`
	Organisation string     `json:"organisation" doc:"ODS code of the organisation."`
	Services     []string   `json:"services" nullable:"false" doc:"The services that the organisation leads now."`
	ObjectedOn   string     `json:"objectedOn" format:"date"`
	Reason       *string    `json:"reason,omitempty"`
	RecordedBy   string     `json:"recordedBy"`
	RecordedAt   time.Time  `json:"recordedAt"`
	WithdrawnBy  *string    `json:"withdrawnBy,omitempty" doc:"Who recorded that the person withdraws it."`
	WithdrawnAt  *time.Time `json:"withdrawnAt,omitempty"`
}

type objectionsOutput struct {
	rest.Tag
	Body struct {
		Items []Objection `json:"items" nullable:"false" doc:"Those in force first."`
	}
}

func listObjections(ctx context.Context, tx *store.Tx, in *idInput) (*objectionsOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	return objectionsOf(ctx, tx, in.ID, uuid.Nil)
}

func objectionsOf(ctx context.Context, tx *store.Tx, person, part uuid.UUID) (*objectionsOutput, error) {
	parts, standing, err := people.Parts[Objection](ctx, tx, listObjectionsSQL, person, part)
	if err != nil {
		return nil, err
	}
	out := &objectionsOutput{Tag: standing.Tag()}
	out.Body.Items = parts
	return out, nil
}

type recordObjectionInput struct {
	rest.Idempotent
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		Organisation string  `json:"organisation" pattern:"^[A-Z0-9]{3,8}$" doc:"ODS code of an organisation that leads a service of this ICS; see leadProvider in GET /v1/services." example:"RT1"`
		ObjectedOn   string  `json:"objectedOn" format:"date"`
		Reason       *string `json:"reason,omitempty" maxLength:"1000" pattern:"\\S" doc:"In the person's words, if they wish to give one. None is needed."`
	}
}

func recordObjection(ctx context.Context, tx *store.Tx, in *recordObjectionInput) (*objectionsOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	if on, err := london.ParseDay(in.Body.ObjectedOn); err != nil || on.After(london.Today(time.Now())) {
		return nil, problem.InvalidField("body.objectedOn", "give a day that is not in the future")
	}
	args := pgx.NamedArgs{"person": in.ID, "organisation": in.Body.Organisation, "on": in.Body.ObjectedOn, "reason": in.Body.Reason}
	if _, err := people.Claim(ctx, tx, in.ID); err != nil {
		return nil, err
	}
	var leads, objects bool
	if err := tx.QueryRow(ctx, organisationSQL, args).Scan(&leads, &objects); err != nil {
		return nil, fmt.Errorf("looking for an organisation: %w", err)
	}
	switch {
	case !leads: // a slip of the pen would protect nobody
		return nil, problem.InvalidField("body.organisation", "no service of the directory is led by an organisation of that code; see GET /v1/services")
	case objects:
		return nil, problem.New(problem.StateConflict, "The objection is recorded already.")
	}
	id, err := people.Add(ctx, tx, insertObjectionSQL, args)
	if err != nil {
		return nil, fmt.Errorf("recording an objection: %w", err)
	}
	return objectionsOf(ctx, tx, in.ID, id)
}

type withdrawObjectionInput struct {
	rest.Idempotent
	ID uuid.UUID `path:"id" format:"uuid"`
}

func withdrawObjection(ctx context.Context, tx *store.Tx, in *withdrawObjectionInput) (*objectionsOutput, error) {
	record, err := people.Finish(ctx, tx, findObjectionSQL, withdrawObjectionSQL, in.ID, "The objection is withdrawn already.")
	if err != nil {
		return nil, err
	}
	return objectionsOf(ctx, tx, record, in.ID)
}
