// Package deadlines escalates what is overdue (class B rules). Days are set, met and dropped by the triggers of the subjects they
// belong to, through set_deadline, meet_deadline and drop_deadlines in the database; here is only what time alone causes. Nothing is
// blocked by a breach: package worklists lists it.
package deadlines

import (
	"context"
	_ "embed"

	"github.com/jackc/pgx/v5/pgxpool"
)

//go:embed sql/escalate.sql
var escalateSQL string

// Escalate marks every overdue deadline for the service lead or the ICS and gives how many were marked anew. Replicas may run it at
// the same time.
func Escalate(ctx context.Context, pool *pgxpool.Pool) (marked int64, err error) {
	err = pool.QueryRow(ctx, escalateSQL).Scan(&marked)
	return marked, err
}
