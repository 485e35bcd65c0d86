package episodes

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/store"
)

// Held is an open episode of the caller's that nobody else changes until the transaction ends.
type Held struct {
	ID, PersonID, ServiceID uuid.UUID
	Service                 string
	OpenedAt                time.Time
	Version                 int64
	KeyWorker               *KeyWorker
	Elsewhere               *Stay
}

// Hold reads and locks an open episode that one of the caller's services is responsible for. The version is the present one, for If-Match.
func Hold(ctx context.Context, tx *store.Tx, id uuid.UUID) (Held, error) {
	found, err := ownOpen(ctx, tx, id)
	if err != nil {
		return Held{}, err
	}
	shown := found.episode()
	return Held{
		ID: id, PersonID: found.PersonID, ServiceID: found.ResponsibleServiceID, Service: found.ResponsibleService, OpenedAt: found.OpenedAt,
		Version: found.Version, KeyWorker: shown.KeyWorker, Elsewhere: shown.Elsewhere,
	}, nil
}

// ownOpen reads an open episode that one of the caller's services is responsible for, and keeps others from changing it
// until the transaction ends.
func ownOpen(ctx context.Context, tx *store.Tx, id uuid.UUID) (row, error) {
	tx.About(store.Concern{Resource: id})
	var state *string // none when another service is responsible
	if err := tx.QueryRow(ctx, lockSQL, pgx.NamedArgs{"id": id}).Scan(&state); err != nil {
		return row{}, fmt.Errorf("locking an episode: %w", err)
	}
	// Read after the lock: while this waited, the episode may have changed, and may have moved to another service.
	found, err := visible(ctx, tx, id)
	switch {
	case err != nil:
		return row{}, err
	case !tx.Serves(found.ResponsibleServiceID):
		return row{}, problem.New(problem.NotYourService, "%s is responsible for this episode.", found.ResponsibleService)
	case state == nil || *state != "Open":
		return row{}, problem.New(problem.StateConflict, "The episode is closed already.")
	}
	return found, nil
}
