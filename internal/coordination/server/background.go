package server

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/cmhf/operator/internal/coordination/audit"
	"github.com/cmhf/operator/internal/coordination/changes"
	"github.com/cmhf/operator/internal/coordination/deadlines"
	"github.com/cmhf/operator/internal/coordination/handovers"
	"github.com/cmhf/operator/internal/coordination/schema"
	"github.com/cmhf/operator/internal/coordination/store"
)

const (
	// hour is how often hourly work is done. What is overdue is so by the day, so the first hour of one is soon enough; and the removal of
	// idempotency keys counts the hours in which records could be changed.
	hour = time.Hour
	// askAgain is how long background work waits for its database.
	askAgain = 2 * time.Second
)

// work is what goes on behind requests. Every replica has it, and the database lets one at a time do each part. None of it is done in a
// database that holds another system's records, or whose schema is not there yet.
type work struct {
	config Config
	db     *store.Store
	sealer *audit.Sealer
}

// newSealer writes heads to standard output, which has nothing else, whatever the level of the log on standard error.
func newSealer(c Config) (*audit.Sealer, error) {
	sealer := &audit.Sealer{ODSCode: c.ODSCode, Heads: os.Stdout}
	if c.AuditKeyFile == "" {
		return sealer, nil
	}
	var err error
	if sealer.Key, err = audit.ReadKey(c.AuditKeyFile); err != nil {
		return nil, fmt.Errorf("CMHF_AUDIT_KEY_FILE: %w", err)
	}
	return sealer, nil
}

// start begins all of it; it goes on until ctx ends. Sealing the audit trail and numbering the change feed change no record, and go on while
// the system is read-only. The rest does not: a write that got no answer before, say, is repeated afterwards, and must find its key.
func (w work) start(ctx context.Context) {
	w.sealer.Pool = w.db.Pool()
	go w.whenOwn(ctx, w.sealer.Run)
	go w.whenOwn(ctx, func(ctx context.Context) { changes.Sequence(ctx, w.db.Pool()) })
	if w.config.ReadOnly {
		return
	}
	for what, do := range map[string]func(context.Context) (int64, error){
		"removing old idempotency keys": func(ctx context.Context) (int64, error) { return 0, w.db.ExpireKeys(ctx) },
		"escalating overdue deadlines":  func(ctx context.Context) (int64, error) { return deadlines.Escalate(ctx, w.db.Pool()) },
		"escalating overdue handovers":  func(ctx context.Context) (int64, error) { return handovers.Escalate(ctx, w.db.Pool()) },
	} {
		go hourly(ctx, w.own, what, do)
	}
	go w.keepFigures(ctx)
}

// own gives an error unless the database holds this system's records.
func (w work) own(ctx context.Context) error {
	_, err := schema.Serves(ctx, w.db.Pool(), w.config.holder())
	return err
}

func (w work) whenOwn(ctx context.Context, run func(context.Context)) {
	if await(ctx, w.own) {
		run(ctx)
	}
}

// await asks until the database is the system's own; false means that ctx ended before.
func await(ctx context.Context, own func(context.Context) error) bool {
	for {
		err := own(ctx)
		if err == nil {
			return true
		}
		slog.DebugContext(ctx, "background work waits for the database", "error", store.Describe(err))
		select {
		case <-ctx.Done():
			return false
		case <-time.After(askAgain):
		}
	}
}

// hourly does something at the start and every hour, also after a failure, until ctx ends. what names it in the log.
func hourly(ctx context.Context, own func(context.Context) error, what string, do func(context.Context) (int64, error)) {
	for await(ctx, own) {
		count, err := do(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			slog.Warn("hourly work was not done; trying again later", "what", what, "error", store.Describe(err))
		case count > 0:
			slog.Info("hourly work is done", "what", what, "count", count)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(hour):
		}
	}
}
