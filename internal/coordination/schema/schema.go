// Package schema holds the database schema of the coordination API as embedded, forward-only migrations, and applies them.
//
// Migrate runs as the owner role under an advisory lock, so several pods may start it at once, and stamps the database with the system
// whose records it holds: another's is refused. It expects the roles and the
// database to exist (the engine makes them) and grants the app role exactly what the API uses. The rules that hold at
// every instant live here, as constraints and definer triggers; the API repeats them to give a better answer.
package schema

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var files embed.FS

// lockTimeout bounds how long a migration waits for a table while others queue behind it: well below the five seconds that a request
// waits at most (see store), and above the second after which the database lets a vacuum go for it. The migration then lets go of all it
// has and begins again, as it does when it and a request wait for each other.
const lockTimeout = "2s"

// migrateWithin is for how long a migration begins again while the tables are in use; then the pod restarts and goes on.
const migrateWithin = 5 * time.Minute

// Migrate brings the database of the connection to this program's version. connection is a URL or empty for the PG*
// variables. It succeeds without a change when the schema is newer and says that this program may work with it.
func Migrate(ctx context.Context, connection string, settings Settings) error {
	config, err := pgxpool.ParseConfig(connection)
	if err != nil {
		return fmt.Errorf("reading the database settings: %w", err)
	}
	config.ConnConfig.RuntimeParams["lock_timeout"] = lockTimeout
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("opening the database: %w", err)
	}
	defer pool.Close()
	db := stdlib.OpenDBFromPool(pool)
	defer db.Close()
	if err := connect(ctx, db); err != nil {
		return fmt.Errorf("connecting to the database as its owner (PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD, PGSSLMODE): %w", err)
	}
	if err := settings.Holder.prepare(ctx, pool, settings.ExpectData); err != nil {
		return err
	}
	provider, err := newProvider(db)
	if err != nil {
		return err
	}
	current, target, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("reading the schema version: %w", err)
	}
	if current > target {
		return newer(ctx, pool, current, target)
	}
	start := time.Now()
	applied, err := up(ctx, provider)
	if err != nil {
		return fmt.Errorf("migrating the schema from version %d to %d: %w", current, target, err)
	}
	if err := settings.Holder.stamp(ctx, pool); err != nil {
		return err
	}
	slog.Info("schema is current", "version", target, "applied", applied, "duration", time.Since(start).String())
	return nil
}

// up applies what is not yet there, each migration in a transaction of its own, and gives how many it applied. Programs of an earlier
// version may be at work meanwhile: one that meets them in a deadlock, or would have to wait for them for long, is undone and begins again
// after a moment, in which they get on.
func up(ctx context.Context, provider *goose.Provider) (applied int, err error) {
	return backoff.Retry(ctx, func() (int, error) {
		results, err := provider.Up(ctx)
		var partial *goose.PartialError
		if errors.As(err, &partial) {
			results = partial.Applied
		}
		for _, r := range results {
			slog.Info("migration applied", "version", r.Source.Version, "duration", r.Duration.String())
		}
		applied += len(results)
		var answer *pgconn.PgError
		switch {
		case err == nil:
			return applied, nil
		case errors.As(err, &answer) && (answer.Code == deadlockDetected || answer.Code == lockNotAvailable):
			slog.Info("a migration meets requests that are under way, and begins again", "error", err.Error())
			return applied, err
		}
		return applied, backoff.Permanent(err)
	}, backoff.WithBackOff(&backoff.ExponentialBackOff{InitialInterval: 200 * time.Millisecond, RandomizationFactor: 0.5, Multiplier: 1.5, MaxInterval: 5 * time.Second}),
		backoff.WithMaxElapsedTime(migrateWithin))
}

// SQLSTATEs of a transaction that others are in the way of.
const (
	deadlockDetected = "40P01"
	lockNotAvailable = "55P03"
)

// reachWithin is how long a database that does not answer yet is waited for: the name of one that has just become ready may
// lead to it a moment later only.
const reachWithin = time.Minute

// connect waits for the database to answer. What it answers counts at once, a refused password above all, unless it says
// that it is still starting.
func connect(ctx context.Context, db *sql.DB) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := db.PingContext(ctx)
		var answer *pgconn.PgError
		if errors.As(err, &answer) && answer.Code != cannotConnectNow {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(backoff.NewConstantBackOff(300*time.Millisecond)), backoff.WithMaxElapsedTime(reachWithin))
	return err
}

// cannotConnectNow is the SQLSTATE of a server that starts or stops.
const cannotConnectNow = "57P03"

func newProvider(db *sql.DB) (*goose.Provider, error) {
	migrations, err := fs.Sub(files, "migrations")
	if err != nil {
		return nil, fmt.Errorf("opening the embedded migrations: %w", err)
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300)) // every second, for five minutes
	if err != nil {
		return nil, fmt.Errorf("making the migration lock: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations, goose.WithSessionLocker(locker), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, fmt.Errorf("reading the embedded migrations: %w", err)
	}
	return provider, nil
}

func newer(ctx context.Context, q Querier, current, target int64) error {
	var compatibleFrom int64
	if err := q.QueryRow(ctx, "SELECT compatible_from FROM schema_info").Scan(&compatibleFrom); err != nil {
		return fmt.Errorf("reading the schema's compatibility: %w", err)
	}
	if compatibleFrom > target {
		return fmt.Errorf("the database has schema version %d, which needs a program with version %d or later; this one has %d: run a newer release", current, compatibleFrom, target)
	}
	slog.Info("schema is newer and compatible", "version", current, "program", target)
	return nil
}

// Querier is a connection, a pool or a transaction.
type Querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// ErrNotMigrated says that the database has no schema that this program can work with.
var ErrNotMigrated = errors.New("the database schema is missing or too old: run `coordination-api migrate` as the owner role")

// Version reads the schema's version and returns ErrNotMigrated when this program cannot serve on it.
func Version(ctx context.Context, q Querier) (int64, error) {
	var present bool
	if err := q.QueryRow(ctx, "SELECT to_regclass('schema_info') IS NOT NULL").Scan(&present); err != nil {
		return 0, fmt.Errorf("looking for the schema: %w", err)
	}
	if !present {
		return 0, ErrNotMigrated
	}
	var version, compatibleFrom int64
	const query = "SELECT (SELECT max(version_id) FROM goose_db_version WHERE is_applied), compatible_from FROM schema_info"
	if err := q.QueryRow(ctx, query).Scan(&version, &compatibleFrom); err != nil {
		return 0, fmt.Errorf("reading the schema version: %w", err)
	}
	if version < latest() || compatibleFrom > latest() {
		return version, ErrNotMigrated
	}
	return version, nil
}

// latest is the version of the newest embedded migration.
func latest() int64 {
	entries, err := files.ReadDir("migrations")
	if err != nil {
		panic(fmt.Sprintf("embedded migrations cannot be listed: %v", err)) // embedded at build time
	}
	version, err := goose.NumericComponent(entries[len(entries)-1].Name())
	if err != nil {
		panic(fmt.Sprintf("embedded migration has no version: %v", err))
	}
	return version
}
