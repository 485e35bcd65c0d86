// Package audit seals the audit trail and verifies it (care rule 11).
//
// Requests write the trail's rows in their own transactions (package store). A worker seals committed rows afterwards in batches that are
// linked by their hashes (Sealer) and writes the head of each batch outside the database, where a log collector keeps it. Verification
// recomputes the hashes and finds rows that were edited, removed or added, and, given the heads, a trail that was cut or made anew.
// Rows after the last batch are not protected yet; that is some seconds' worth.
//
// The hashing and the checks are pure (Encode, Seal, Verification); reading and writing are in rows.go and sealer.go. Who may read the
// trail, and a person's access log, are not here.
package audit

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

var (
	//go:embed sql/horizon.sql
	horizonSQL string
	//go:embed sql/writers_remain.sql
	writersRemainSQL string
	//go:embed sql/sealing_alone.sql
	sealingAloneSQL string
	//go:embed sql/last_batch.sql
	lastBatchSQL string
	//go:embed sql/batches.sql
	batchesSQL string
	//go:embed sql/insert_batch.sql
	insertBatchSQL string
	//go:embed sql/rows.sql
	rowsSQL string
	//go:embed sql/unsealed.sql
	unsealedSQL string
)

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func readRows(ctx context.Context, q querier, after, upto, limit int64) ([]Row, error) {
	rows, err := q.Query(ctx, rowsSQL, after, upto, limit)
	if err != nil {
		return nil, fmt.Errorf("reading the audit trail: %w", err)
	}
	read, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Row])
	if err != nil {
		return nil, fmt.Errorf("reading the audit trail: %w", err)
	}
	return read, nil
}

func scanBatch(row pgx.CollectableRow) (Batch, error) {
	var b Batch
	var rowsHash, previousHash, hash []byte
	if err := row.Scan(&b.Number, &b.Format, &b.FirstID, &b.LastID, &b.RowCount, &rowsHash, &previousHash, &hash, &b.SealedAt); err != nil {
		return Batch{}, err
	}
	for to, from := range map[*Hash][]byte{&b.RowsHash: rowsHash, &b.PreviousHash: previousHash, &b.Hash: hash} {
		copy(to[:], from) // the column holds 32 bytes by its constraint; anything else differs from what it should be
	}
	return b, nil
}

func readBatches(ctx context.Context, q querier, from, limit int64) ([]Batch, error) {
	rows, err := q.Query(ctx, batchesSQL, from, limit)
	if err != nil {
		return nil, fmt.Errorf("reading audit batches: %w", err)
	}
	batches, err := pgx.CollectRows(rows, scanBatch)
	if err != nil {
		return nil, fmt.Errorf("reading audit batches: %w", err)
	}
	return batches, nil
}

// readLast gives the newest batch, and the zero batch when nothing has been sealed yet.
func readLast(ctx context.Context, q querier) (Batch, error) {
	rows, err := q.Query(ctx, lastBatchSQL)
	if err != nil {
		return Batch{}, fmt.Errorf("reading the last audit batch: %w", err)
	}
	last, err := pgx.CollectExactlyOneRow(rows, scanBatch)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return Batch{}, fmt.Errorf("reading the last audit batch: %w", err)
	}
	return last, nil
}

// everyRow reads a whole stretch however many rows stand in it, also more than were sealed.
const everyRow = 1 << 30

// verify checks up to limit batches, beginning with the number from, and tells whether there are more. The batch before the first is
// believed as it stands.
func verify(ctx context.Context, q querier, v *Verification, from, limit int64) (more bool, err error) {
	if from > 1 && v.Last.Number == 0 {
		before, err := readBatches(ctx, q, from-1, 1)
		if err != nil {
			return false, err
		}
		if len(before) == 1 {
			v.Last = before[0]
		}
	}
	batches, err := readBatches(ctx, q, from, limit+1)
	if err != nil {
		return false, err
	}
	if more = int64(len(batches)) > limit; more {
		batches = batches[:limit]
	}
	for _, b := range batches {
		rows, err := readRows(ctx, q, v.After(), b.LastID, everyRow)
		if err != nil {
			return false, err
		}
		v.Check(b, rows)
	}
	return more, nil
}
