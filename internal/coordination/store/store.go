// Package store runs the API's work in database transactions, as the app role: each begins by saying who asks (which
// decides what row-level security shows) and ends with the audit trail of what was touched, committed before the reply.
//
// It also keeps the answers given under idempotency keys and turns database errors into problems without their values.
// It holds no query about care: those live beside the subject they belong to.
package store

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sys/unix"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/problem"
)

//go:embed sql/begin.sql
var beginSQL string

// Store is the API's database.
type Store struct {
	pool *pgxpool.Pool
}

// Open prepares a pool; connection is a URL or empty for the PG* variables. It does not connect, so the API can start
// before its database.
func Open(ctx context.Context, connection string) (*Store, error) {
	return OpenTraced(ctx, connection, nil)
}

// OpenTraced is Open with a tracer of what is sent to the database.
func OpenTraced(ctx context.Context, connection string, tracer pgx.QueryTracer) (*Store, error) {
	config, err := pgxpool.ParseConfig(connection)
	if err != nil {
		return nil, fmt.Errorf("reading the database settings (PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD, PGSSLMODE): %w", err)
	}
	config.ConnConfig.Tracer = tracer
	config.ConnConfig.RuntimeParams["application_name"] = "coordination-api"
	config.ConnConfig.RuntimeParams["jit"] = "off"                                        // compiling what row-level security adds to a query takes many times as long as the query
	config.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite // after a failover, look for the new primary
	config.BeforeConnect = trustAnew(connection)
	config.ConnConfig.ConnectTimeout = silence
	config.ConnConfig.DialFunc = dialer.DialContext
	config.MaxConns = int32(max(8, 4*runtime.GOMAXPROCS(0)))
	config.MaxConnIdleTime = 5 * time.Minute
	config.MaxConnLifetimeJitter = 5 * time.Minute
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	return &Store{pool: pool}, nil
}

// silence is how long a server may leave what was sent to it without any sign before the connection counts as dead. A pod or node that
// is gone says nothing, and the kernel would go on trying for a quarter of an hour while a new primary is there.
const silence = 5 * time.Second

var dialer = &net.Dialer{
	Timeout:         silence,
	KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: silence, Interval: 2 * time.Second, Count: 2},
	Control: func(network, _ string, connection syscall.RawConn) error {
		if !strings.HasPrefix(network, "tcp") {
			return nil
		}
		var problem error
		err := connection.Control(func(descriptor uintptr) {
			problem = unix.SetsockoptInt(int(descriptor), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(silence.Milliseconds()))
		})
		return errors.Join(err, problem)
	},
}

// trustAnew reads the certificate of the server's authority (PGSSLROOTCERT) for each connection: it is renewed in its file while the
// API runs, and one that was read at the start would be trusted until it expires and nothing after that.
func trustAnew(connection string) func(context.Context, *pgx.ConnConfig) error {
	return func(_ context.Context, c *pgx.ConnConfig) error {
		if c.TLSConfig == nil {
			return nil
		}
		fresh, err := pgx.ParseConfig(connection)
		if err != nil {
			return fmt.Errorf("reading the certificate of the database's authority: %w", err)
		}
		c.TLSConfig, c.Fallbacks = fresh.TLSConfig, fresh.Fallbacks
		return nil
	}
}

// Pool is for what has no caller: readiness, the directory, metrics.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }

// Close waits for running work and closes the connections.
func (s *Store) Close() { s.pool.Close() }

// Tx is one caller's transaction for one operation.
type Tx struct {
	pgx.Tx
	conn   *pgxpool.Conn
	Caller access.Caller
	// Services are the ids of the caller's services.
	Services []uuid.UUID

	operation access.Operation
	touched   touched
	concern   Concern
}

// Serves tells whether a service is one of the caller's.
func (t *Tx) Serves(service uuid.UUID) bool {
	for _, own := range t.Services {
		if own == service {
			return true
		}
	}
	return false
}

// organisation is that of a partner's practitioner or officer; the claim means nothing without the role.
func (t *Tx) organisation() string {
	if !t.Caller.Has(access.PartnerPractitioner) && !t.Caller.Has(access.PartnerOfficer) {
		return ""
	}
	return t.Caller.Organisation
}

// attempts is how often a transaction that met a deadlock or lost a race is run.
const attempts = 3

// InTx runs work as the caller and commits it together with its audit trail. When work fails with a problem, everything
// is rolled back and the refusal is audited in a transaction of its own.
func (s *Store) InTx(ctx context.Context, operation access.Operation, caller access.Caller, work func(context.Context, *Tx) error) error {
	var concern Concern
	var err error
	for range attempts {
		concern, err = s.try(ctx, operation, caller, work)
		if !retryable(err) {
			break
		}
	}
	if err == nil {
		return nil
	}
	err = classify(err)
	var refused *problem.Problem
	if !errors.As(err, &refused) || refused.Status >= 500 || !access.For(operation).Personal {
		return err
	}
	if errRefusal := s.Refuse(ctx, operation, caller, refused, concern); errRefusal != nil {
		return errRefusal
	}
	return err
}

func (s *Store) try(ctx context.Context, operation access.Operation, caller access.Caller, work func(context.Context, *Tx) error) (Concern, error) {
	tx, err := s.begin(ctx, operation, caller)
	if err != nil {
		return Concern{}, err
	}
	defer tx.release(ctx)
	if err := work(ctx, tx); err != nil {
		return tx.concern, err
	}
	last := &pgx.Batch{}
	tx.queueDone(last)
	return tx.concern, tx.commit(ctx, last)
}

// begin starts a transaction and says who asks in one round trip: beside a database on another machine, round trips are most of what a
// small request costs.
func (s *Store) begin(ctx context.Context, operation access.Operation, caller access.Caller) (*Tx, error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("getting a connection: %w", err)
	}
	tx := &Tx{conn: conn, Caller: caller, operation: operation}
	var services string
	first := &pgx.Batch{}
	first.BeginTx(pgx.TxOptions{})
	first.Queue(beginSQL, pgx.NamedArgs{
		"subject": caller.Subject, "role": caller.Role, "services": nonNil(caller.Services), "organisation": tx.organisation(),
	}).QueryRow(func(row pgx.Row) error {
		return row.Scan(nil, nil, &services, nil, nil, nil, nil, nil)
	})
	results := conn.SendBatch(ctx, first)
	tx.Tx = results.Tx()
	if err := results.Close(); err != nil {
		tx.release(ctx)
		return nil, fmt.Errorf("beginning a transaction and saying who asks: %w", err)
	}
	if services == "" {
		return tx, nil
	}
	for id := range strings.SplitSeq(services, ",") {
		parsed, err := uuid.Parse(id)
		if err != nil {
			tx.release(ctx)
			return nil, fmt.Errorf("reading the caller's services: %w", err)
		}
		tx.Services = append(tx.Services, parsed)
	}
	return tx, nil
}

// commit sends the last statements and the commit in one round trip. When one of them fails the server leaves out the rest, so nothing is
// committed.
func (t *Tx) commit(ctx context.Context, last *pgx.Batch) error {
	last.Queue("commit").Exec(func(done pgconn.CommandTag) error {
		if done.String() != "COMMIT" { // a failed transaction ends by a rollback instead
			return pgx.ErrTxCommitRollback
		}
		return nil
	})
	if err := t.conn.SendBatch(ctx, last).Close(); err != nil {
		return fmt.Errorf("writing the audit trail of %s and committing: %w", t.operation, err)
	}
	return nil
}

// release rolls back what was not committed and gives the connection back. It comes once, at the end.
func (t *Tx) release(ctx context.Context) {
	if t.conn.Conn().PgConn().TxStatus() != idle {
		_ = t.Rollback(context.WithoutCancel(ctx)) // the pool closes a connection that is left within a transaction
	}
	t.conn.Release()
}

// idle is the status of a connection that is in no transaction.
const idle = 'I'

func nonNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// Rows runs a query and reads each row into a T by column name.
func Rows[T any](ctx context.Context, tx *Tx, query string, args pgx.NamedArgs) ([]T, error) {
	rows, err := tx.Query(ctx, query, args)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[T])
}

// One runs a query that has one row at most; found is false when it has none, which is also what row-level security makes
// of a row that the caller may not see.
func One[T any](ctx context.Context, tx *Tx, query string, args pgx.NamedArgs) (value T, found bool, err error) {
	rows, err := tx.Query(ctx, query, args)
	if err != nil {
		return value, false, err
	}
	value, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[T])
	if errors.Is(err, pgx.ErrNoRows) {
		return value, false, nil
	}
	return value, err == nil, err
}

// retryable: a deadlock, a serialization failure, or two callers who made the same row at once; the next attempt finds it.
func retryable(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	return pg.Code == "40P01" || pg.Code == "40001" || (pg.Code == "23505" && pg.ConstraintName == "episodes_one_open")
}
