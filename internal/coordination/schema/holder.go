package schema

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Holder says whose records a database holds. It stands in the database itself, because only there can two systems meet.
type Holder struct {
	ODSCode   string
	Synthetic bool
}

func (h Holder) data() string {
	if h.Synthetic {
		return "Synthetic"
	}
	return "Live"
}

// ErrAnotherHolder says that the database holds another system's records, or records of the other kind.
var ErrAnotherHolder = errors.New("the database holds records that are not this system's")

// errDataExpected says that the records are gone from where they were.
var errDataExpected = errors.New("this system's database had data, as the ConfigMap database-record says, and this one has no schema: nothing was made in it, " +
	"because a schema in an empty database would hide that the records are missing; bring the database back, or restore a backup. To begin with an empty one on purpose " +
	"delete the ConfigMap database-record, then the Job of the migration: it is made again")

// check reads what the database says of its holder. One that says nothing yet, or that has no schema, is anybody's.
func (h Holder) check(ctx context.Context, q Querier) error {
	var says bool
	const column = "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('schema_info') AND attname = 'ods_code' AND NOT attisdropped)"
	if err := q.QueryRow(ctx, column).Scan(&says); err != nil {
		return fmt.Errorf("looking for whose records the database holds: %w", err)
	}
	if !says {
		return nil
	}
	var odsCode, data string
	if err := q.QueryRow(ctx, "SELECT coalesce(ods_code, ''), coalesce(data, '') FROM schema_info").Scan(&odsCode, &data); err != nil {
		return fmt.Errorf("reading whose records the database holds: %w", err)
	}
	if odsCode == "" || odsCode == h.ODSCode && data == h.data() {
		return nil
	}
	return fmt.Errorf("%w: it holds %s data of %s, and this is %s with %s data; nothing was changed in it. Records of two systems, invented and real people, never mix: "+
		"give this system a database of its own", ErrAnotherHolder, data, odsCode, h.ODSCode, h.data())
}

// prepare refuses, before anything is written, a database that is another's and an empty one where data are expected.
func (h Holder) prepare(ctx context.Context, q Querier, expectData bool) error {
	if err := h.check(ctx, q); err != nil {
		return err
	}
	var present bool
	if err := q.QueryRow(ctx, "SELECT to_regclass('schema_info') IS NOT NULL").Scan(&present); err != nil {
		return fmt.Errorf("looking for the schema: %w", err)
	}
	if !present && expectData {
		return errDataExpected
	}
	return nil
}

// stamp writes the holder where nobody stands yet. Of two systems that come at once one is refused here.
func (h Holder) stamp(ctx context.Context, pool *pgxpool.Pool) error {
	written, err := pool.Exec(ctx, "UPDATE schema_info SET ods_code = $1, data = $2 WHERE ods_code IS NULL", h.ODSCode, h.data())
	if err != nil {
		return fmt.Errorf("writing whose records the database holds: %w", err)
	}
	if written.RowsAffected() > 0 {
		slog.Info("the database is this system's from now on", "ods_code", h.ODSCode, "data", h.data())
	}
	return h.check(ctx, pool)
}

// Serves returns the schema's version, and an error when a program of this holder can't serve on the database: ErrNotMigrated or
// ErrAnotherHolder where that is the reason.
func Serves(ctx context.Context, q Querier, holder Holder) (int64, error) {
	version, err := Version(ctx, q)
	if err != nil {
		return version, err
	}
	return version, holder.check(ctx, q)
}
