package living

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/people"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/list_registrations.sql
	listRegistrationsSQL string
	//go:embed sql/insert_registration.sql
	insertRegistrationSQL string
	//go:embed sql/registration_overlaps.sql
	registrationOverlapsSQL string
	//go:embed sql/end_registration.sql
	endRegistrationSQL string
	//go:embed sql/find_registration.sql
	findRegistrationSQL string
	//go:embed sql/read_registration.sql
	readRegistrationSQL string
	//go:embed sql/change_registration.sql
	changeRegistrationSQL string
)

var registrations = ledger{"registration", registrationOverlapsSQL, endRegistrationSQL, findRegistrationSQL, readRegistrationSQL, changeRegistrationSQL}

// noPractice are the national codes for no practice or an unknown one.
var noPractice = map[string]bool{"V81997": true, "V81998": true, "V81999": true}

// Registration is a practice with which a person is, or was, registered.
type Registration struct {
	Practice string `json:"practice" pattern:"^[A-Z][0-9]{5}$" doc:"ODS code of the general practice. Someone without one has no registration; the codes V81997 to V81999 are refused." example:"A81001"`
	Entry
}

type registrationsOutput struct {
	rest.Tag
	Body struct {
		Hidden bool           `json:"hidden" doc:"The location is sensitive and none of your services is responsible: nothing is shown, whether there is something or not."`
		Items  []Registration `json:"items" nullable:"false" doc:"Newest first, history and what was entered in error included."`
	}
}

func listRegistrations(ctx context.Context, tx *store.Tx, in *idInput) (*registrationsOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	return registrationsOf(ctx, tx, in.ID, uuid.Nil)
}

func registrationsOf(ctx context.Context, tx *store.Tx, person, part uuid.UUID) (*registrationsOutput, error) {
	parts, standing, err := people.Parts[Registration](ctx, tx, listRegistrationsSQL, person, part)
	if err != nil {
		return nil, err
	}
	out := &registrationsOutput{Tag: standing.Tag()}
	out.Body.Hidden, out.Body.Items = standing.Hidden, parts
	return out, nil
}

type addRegistrationInput struct {
	rest.Idempotent
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		Practice string `json:"practice" pattern:"^[A-Z][0-9]{5}$" doc:"ODS code of the general practice." example:"A81001"`
		Span
		EndsEarlier bool `json:"endsEarlier,omitempty" doc:"The registration that is in force ends on the day before."`
	}
}

func addRegistration(ctx context.Context, tx *store.Tx, in *addRegistrationInput) (*registrationsOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	if noPractice[in.Body.Practice] {
		return nil, problem.InvalidField("body.practice", "someone without a practice has no registration: end the present one instead")
	}
	record, err := registrations.open(ctx, tx, in.ID, in.Body.Span, in.Body.EndsEarlier)
	if err != nil {
		return nil, err
	}
	id, err := people.Add(ctx, tx, insertRegistrationSQL, pgx.NamedArgs{
		"person": record, "practice": in.Body.Practice, "from": in.Body.From, "to": in.Body.To,
	})
	if err != nil {
		return nil, fmt.Errorf("recording a registration: %w", err)
	}
	return registrationsOf(ctx, tx, record, id)
}

func changeRegistration(ctx context.Context, tx *store.Tx, in *changeSpanInput) (*registrationsOutput, error) {
	person, err := registrations.alter(ctx, tx, in)
	if err != nil {
		return nil, err
	}
	return registrationsOf(ctx, tx, person, in.ID)
}
