package changes

import (
	"context"
	_ "embed"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/number.sql
	numberSQL string
	//go:embed sql/trim.sql
	trimSQL string
)

const (
	// numberEvery is how late an event may appear in the feed.
	numberEvery = 500 * time.Millisecond
	// numberAtOnce bounds one transaction of the sequencer.
	numberAtOnce = 5000
	trimEvery    = time.Hour
	// retryAfter is how long a database that does not answer is left alone.
	retryAfter = 5 * time.Second
	// Kept is for how long events are kept: a system that was away for longer reads its lists anew.
	Kept = 90 * 24 * time.Hour
)

// Sequence numbers committed events and removes old ones until ctx ends. Each replica runs it; the database lets one at a time do the work.
func Sequence(ctx context.Context, pool *pgxpool.Pool) {
	tick := time.NewTicker(numberEvery)
	defer tick.Stop()
	trim := time.NewTicker(trimEvery)
	defer trim.Stop()
	for {
		err := Number(ctx, pool)
		select {
		case <-trim.C:
			if err == nil {
				_, err = pool.Exec(ctx, trimSQL, Kept)
			}
		default:
		}
		tick.Reset(numberEvery)
		if err != nil && ctx.Err() == nil {
			tick.Reset(retryAfter)
			slog.WarnContext(ctx, "the change feed was not brought up to date; trying again", "error", store.Describe(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Number numbers every event that is committed, unless another replica is at it.
func Number(ctx context.Context, pool *pgxpool.Pool) error {
	for {
		var counted int
		if err := pool.QueryRow(ctx, numberSQL, numberAtOnce).Scan(&counted); err != nil {
			return fmt.Errorf("numbering the change feed: %w", err)
		}
		if counted < numberAtOnce {
			return nil
		}
	}
}
