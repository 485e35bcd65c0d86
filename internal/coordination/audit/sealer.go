package audit

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cmhf/operator/internal/coordination/store"
)

const (
	// sealEvery bounds how long a row is unprotected, and how many batches a busy trail makes in a year (3 million).
	sealEvery = 10 * time.Second
	// sealTimeout bounds one round; a writer that is still at it is waited for in the next.
	sealTimeout = time.Minute
	// writersEvery is how often the end of older writers is looked for.
	writersEvery = 50 * time.Millisecond
	// batchRows is how many rows a batch has at most.
	batchRows = 1000
)

// Sealer seals the trail. Each replica runs one; the database lets one at a time do the work.
//
// It goes on while the system is read-only: reads are audited then too, and a seal changes no record.
type Sealer struct {
	Pool    *pgxpool.Pool
	ODSCode string
	// Key signs the heads; without one they are written unsigned.
	Key ed25519.PrivateKey
	// Heads is where heads go, outside the database.
	Heads io.Writer
}

// Run seals until ctx ends.
func (s *Sealer) Run(ctx context.Context) {
	tick := time.NewTicker(sealEvery)
	defer tick.Stop()
	for {
		round, cancel := context.WithTimeout(ctx, sealTimeout)
		err := s.Round(round)
		cancel()
		if err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "the audit trail was not sealed; trying again", "error", store.Describe(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Round seals everything that was written before it began.
func (s *Sealer) Round(ctx context.Context) error {
	upto, err := s.horizon(ctx)
	if err != nil {
		return err
	}
	for {
		b, sealed, err := s.sealNext(ctx, upto)
		if err != nil || !sealed {
			return err
		}
		if err := WriteHead(s.Heads, HeadOf(s.ODSCode, b, s.Key)); err != nil {
			return err
		}
	}
}

// horizon gives the highest id below which no row can appear any more, having waited for who might still write one.
func (s *Sealer) horizon(ctx context.Context) (int64, error) {
	var last int64
	var writers []string
	if err := s.Pool.QueryRow(ctx, horizonSQL).Scan(&last, &writers); err != nil {
		return 0, fmt.Errorf("looking how far the audit trail goes: %w", err)
	}
	tick := time.NewTicker(writersEvery)
	defer tick.Stop()
	for remain := len(writers) > 0; remain; {
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("waiting for older writers of the audit trail: %w", ctx.Err())
		case <-tick.C:
		}
		if err := s.Pool.QueryRow(ctx, writersRemainSQL, writers).Scan(&remain); err != nil {
			return 0, fmt.Errorf("waiting for older writers of the audit trail: %w", err)
		}
	}
	return last, nil
}

// sealNext makes one batch of rows up to an id; false when there is none left or another replica is at work.
func (s *Sealer) sealNext(ctx context.Context, upto int64) (b Batch, sealed bool, err error) {
	err = pgx.BeginFunc(ctx, s.Pool, func(tx pgx.Tx) error {
		var alone bool
		if err := tx.QueryRow(ctx, sealingAloneSQL).Scan(&alone); err != nil {
			return fmt.Errorf("asking to seal alone: %w", err)
		}
		if !alone {
			return nil
		}
		// Read after the lock is held, so that the last batch of whoever held it before is seen.
		last, err := readLast(ctx, tx)
		if err != nil {
			return err
		}
		rows, err := readRows(ctx, tx, last.LastID, upto, batchRows)
		if err != nil || len(rows) == 0 {
			return err
		}
		b = Seal(last, rows, time.Now())
		if _, err := tx.Exec(ctx, insertBatchSQL, b.Number, b.Format, b.FirstID, b.LastID, b.RowCount, b.RowsHash[:], b.PreviousHash[:], b.Hash[:], b.SealedAt); err != nil {
			return fmt.Errorf("sealing audit batch %d: %w", b.Number, err)
		}
		sealed = true
		return nil
	})
	if err != nil {
		return Batch{}, false, err
	}
	return b, sealed, nil
}
