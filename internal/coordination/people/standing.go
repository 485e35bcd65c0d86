package people

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/lock.sql
	lockSQL string
	//go:embed sql/standing.sql
	standingSQL string
)

// Standing is what the caller's services are to a person at this moment.
type Standing struct {
	// ID is the canonical record's, which answers for the person. What is recorded of the person stands there.
	ID uuid.UUID
	// Merged are the records that it answers for.
	Merged []uuid.UUID
	// Version is that of the person's record.
	Version int64
	// Supports: one of the services has something open with the person. Without it a record is read and not written.
	Supports bool
	// Responsible: one of the services is responsible for an episode, or for a referral that waits.
	Responsible bool
	// Hidden: the location is sensitive, and the caller is shown neither address nor practice nor contact.
	Hidden bool
}

// Tag is the ETag of the person's record.
func (s Standing) Tag() rest.Tag { return rest.TagOf(s.Version) }

// StandingOf gives the caller's standing towards a person whom they may see, by the id of any of the person's records; anyone else is not found.
func StandingOf(ctx context.Context, tx *store.Tx, id uuid.UUID) (Standing, error) {
	found, ok, err := store.One[Standing](ctx, tx, standingSQL, pgx.NamedArgs{"id": id})
	if err != nil {
		return Standing{}, fmt.Errorf("reading a standing: %w", err)
	}
	if !ok {
		return Standing{}, NotFound()
	}
	return found, nil
}

// Claim prepares a change of a person's record or a part of it by a service that supports the person: it locks all records of the person,
// so that those who change them at once follow each other, and gives the standing that is current then.
func Claim(ctx context.Context, tx *store.Tx, id uuid.UUID) (Standing, error) {
	// The lock is a statement of its own: the next one sees what those had done who held it before.
	if _, err := tx.Exec(ctx, lockSQL, pgx.NamedArgs{"id": id}); err != nil {
		return Standing{}, fmt.Errorf("locking a person's record: %w", err)
	}
	standing, err := StandingOf(ctx, tx, id)
	if err != nil {
		return Standing{}, err
	}
	if !standing.Supports {
		return Standing{}, problem.New(problem.NotYourService, "Only a service that has something open with the person (a referral, an episode or a handover) may do this.")
	}
	return standing, nil
}

// ClaimVersion is Claim for a change of what the caller has read before.
func ClaimVersion(ctx context.Context, tx *store.Tx, id uuid.UUID, match rest.Match) (Standing, error) {
	standing, err := Claim(ctx, tx, id)
	if err != nil {
		return Standing{}, err
	}
	return standing, match.Check(standing.Version)
}

// LocationHidden is the refusal to change what the caller is not shown.
func LocationHidden() error {
	return problem.New(problem.LocationHidden, "The person's location is sensitive: only the responsible service sees and changes where they are and how they are reached.")
}
