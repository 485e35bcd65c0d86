package people

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/store"
)

//go:embed sql/supporting_services.sql
var supportingServicesSQL string

// Supporter is the caller's service for which something about a person is recorded, with its open episode with the person if it has one.
type Supporter struct {
	ID   uuid.UUID
	Name string
	// Record is the one of the person's records in which the service supports them, and in which what it records stands.
	Record  uuid.UUID
	Episode *uuid.UUID
	// DiedOn is the day of the person's death, if there is one.
	DiedOn *time.Time
}

// Lived refuses a day after the person's death.
func (s Supporter) Lived(on time.Time) error {
	if s.DiedOn != nil && on.After(*s.DiedOn) {
		return problem.New(problem.PersonDied, "The day is after the person's death.")
	}
	return nil
}

// Supporters gives those of the caller's services that support the person at present, by an open episode or referral: at least one, or
// the problem not-your-service, or person-died. To see a person does not suffice to record about them.
func Supporters(ctx context.Context, tx *store.Tx, person uuid.UUID) ([]Supporter, error) {
	all, err := store.Rows[Supporter](ctx, tx, supportingServicesSQL, pgx.NamedArgs{"person": person, "services": tx.Services})
	if err != nil {
		return nil, fmt.Errorf("looking for the caller's services that support a person: %w", err)
	}
	if len(all) > 0 {
		return all, nil
	}
	seen, err := Visible(ctx, tx, person)
	switch {
	case err != nil:
		return nil, err
	case seen.Death != nil: // which has ended what the services had open
		return nil, problem.New(problem.PersonDied, "The person has died, and nobody supports them any more.")
	}
	return nil, problem.New(problem.NotYourService, "Only a service that has an open episode or referral with the person records this.")
}

// SupportedBy finds the one of the supporters for which the caller records. at is where the request names it; the name may be left out
// when there is only one.
func SupportedBy(ctx context.Context, tx *store.Tx, person uuid.UUID, at, name string) (Supporter, error) {
	tx.About(store.Concern{Person: person})
	all, err := Supporters(ctx, tx, person)
	if err != nil {
		return Supporter{}, err
	}
	i := slices.IndexFunc(all, func(s Supporter) bool { return name == "" || s.Name == name })
	switch {
	case i < 0:
		return Supporter{}, problem.InvalidField(at, "name one of your own services that supports the person")
	case name == "" && len(all) > 1:
		return Supporter{}, problem.InvalidField(at, "several of your services support the person: say for which one you record")
	}
	return all[i], nil
}
