package postgres

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Template is a database that is prepared once per test binary and cloned for each test. Declare it as a package variable.
type Template struct {
	// Prepare migrates an empty database; it gets the owner's connection URL. nil leaves the database empty.
	Prepare func(ctx context.Context, ownerURL string) error

	once sync.Once
	name string
	err  error
}

// Database is one test's own database.
type Database struct {
	// Name as in PGDATABASE; Host as in PGHOST.
	Name, Host string
	// OwnerURL connects as cmhf_owner, AppURL as cmhf_app.
	OwnerURL, AppURL string
	server           *server
}

var serial atomic.Int64

// cloning: PostgreSQL copies one template at a time and refuses while anyone is connected to it.
var cloning sync.Mutex

// New clones the template for one test and drops the clone at its end.
func (t *Template) New(tb testing.TB) *Database {
	tb.Helper()
	s := theServer(tb)
	t.once.Do(func() { t.name, t.err = t.build(s) })
	if t.err != nil {
		tb.Fatalf("preparing the template database: %v", t.err)
	}
	name := fmt.Sprintf("test_%d", serial.Add(1))
	if err := s.create(name, t.name); err != nil {
		tb.Fatalf("cloning the template database: %v", err)
	}
	tb.Cleanup(func() {
		if err := s.exec(fmt.Sprintf("DROP DATABASE %s WITH (FORCE)", name)); err != nil {
			tb.Errorf("dropping the test's database: %v", err)
		}
	})
	return &Database{
		Name: name, Host: s.folder, server: s,
		OwnerURL: s.url("cmhf_owner", name),
		AppURL:   s.url("cmhf_app", name),
	}
}

// prepareWithin is ample: a template may hold three years of invented people, on a machine that is busy.
const prepareWithin = 10 * time.Minute

func (t *Template) build(s *server) (string, error) {
	name := fmt.Sprintf("template_%d", serial.Add(1))
	if err := s.create(name, "template1"); err != nil {
		return "", err
	}
	if t.Prepare == nil {
		return name, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), prepareWithin)
	defer cancel()
	return name, t.Prepare(ctx, s.url("cmhf_owner", name))
}

func (s *server) create(name, template string) error {
	cloning.Lock()
	defer cloning.Unlock()
	return s.exec(fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s OWNER cmhf_owner", name, template))
}

func (s *server) exec(statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.url(superuser, "postgres"))
	if err != nil {
		return fmt.Errorf("connecting as %s: %w", superuser, err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

// ServerLog is everything the server has logged so far, for all tests of the binary.
func (d *Database) ServerLog(tb testing.TB) string {
	tb.Helper()
	raw, err := os.ReadFile(d.server.logPath())
	if err != nil {
		tb.Fatalf("reading the server's log: %v", err)
	}
	return string(raw)
}

// Connect opens a connection for the length of the test.
func Connect(tb testing.TB, url string) *pgx.Conn {
	tb.Helper()
	conn, err := pgx.Connect(tb.Context(), url)
	if err != nil {
		tb.Fatalf("connecting to the test's database: %v", err)
	}
	tb.Cleanup(func() { _ = conn.Close(context.Background()) }) // the test's own context has ended by now
	return conn
}

// Terminate ends all connections to the database, as a failover does.
func (d *Database) Terminate(tb testing.TB) {
	tb.Helper()
	if err := d.server.exec(fmt.Sprintf("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s'", d.Name)); err != nil {
		tb.Fatalf("ending the database's connections: %v", err)
	}
}
