package server

import (
	"context"
	"log/slog"
	"time"

	"github.com/cmhf/operator/internal/coordination/facts"
	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/measures"
	"github.com/cmhf/operator/internal/coordination/store"
)

const (
	// catchUpEvery is how often the waits of people whose records changed are measured again.
	catchUpEvery = 30 * time.Second
	// publishEvery is how often it is looked whether a month can be published.
	publishEvery = time.Hour
)

// keepFigures measures waits, publishes months that are over, and once a night measures everyone anew.
func (w work) keepFigures(ctx context.Context) {
	pool := w.db.Pool()
	publisher := measures.Publisher{Pool: pool, ODSCode: w.config.ODSCode, Synthetic: w.config.Synthetic}
	var published time.Time
	rebuilt := london.Today(time.Now()) // the night after the start is the first
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(catchUpEvery):
		}
		if err := w.own(ctx); err != nil {
			continue // the database is away, being migrated or another's, and readiness says so
		}
		now := time.Now()
		_, err := facts.CatchUp(ctx, pool)
		if today := london.Today(now); err == nil && today.After(rebuilt) {
			var changed int64
			if changed, err = facts.Rebuild(ctx, pool); err == nil {
				rebuilt = today
				if changed > 0 {
					slog.Warn("the nightly comparison has found waits that were not as the records say, and has put them right: a change was not noticed when it was recorded", "rows_changed", changed)
				}
			}
		}
		if err == nil && now.Sub(published) >= publishEvery {
			if err = publisher.PublishDue(ctx, now); err == nil {
				published = now
			}
		}
		if err != nil {
			slog.Warn("figures are behind; trying again", "error", store.Describe(err))
		}
	}
}
