package capacity

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/store"
)

// Kinds of decisions that a recorded lack of capacity binds: to end support or not to begin it, and to agree to a plan.
const (
	AboutClosure  = "Closure"
	AboutCarePlan = "CarePlan"
)

// AssessedAsLacking tells whether the latest assessment of the person's capacity for a kind of decision found that they lack it. Capacity is
// assumed where nothing was assessed. The database asks the same when a choice is recorded.
func AssessedAsLacking(ctx context.Context, tx *store.Tx, person uuid.UUID, about string) (lacking bool, err error) {
	if err := tx.QueryRow(ctx, "SELECT lacks_capacity(@person, @about)", pgx.NamedArgs{"person": person, "about": about}).Scan(&lacking); err != nil {
		return false, fmt.Errorf("looking for the latest assessment of capacity: %w", err)
	}
	return lacking, nil
}
