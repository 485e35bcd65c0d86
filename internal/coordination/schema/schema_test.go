package schema_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/cmhf/operator/internal/coordination/schema"
	"github.com/cmhf/operator/internal/testkit/postgres"
)

func TestMain(m *testing.M) { os.Exit(postgres.Run(m)) }

var (
	ours     = schema.Settings{Holder: schema.Holder{ODSCode: "QOP", Synthetic: true}}
	empty    postgres.Template
	migrated = postgres.Template{Prepare: func(ctx context.Context, owner string) error {
		return schema.Migrate(ctx, owner, ours)
	}}
)

func TestMigrateTwiceAndAtOnce(t *testing.T) {
	t.Parallel()
	database := empty.New(t)
	if _, err := schema.Version(t.Context(), postgres.Connect(t, database.AppURL)); !errors.Is(err, schema.ErrNotMigrated) {
		t.Fatalf("an empty database: %v", err)
	}
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			if err := schema.Migrate(t.Context(), database.OwnerURL, ours); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	version, err := schema.Version(t.Context(), postgres.Connect(t, database.AppURL))
	if err != nil || version < 6 {
		t.Fatalf("version %d, %v", version, err)
	}
}

func TestNewerSchema(t *testing.T) {
	t.Parallel()
	database := migrated.New(t)
	owner := postgres.Connect(t, database.OwnerURL)
	if _, err := owner.Exec(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9000, true)"); err != nil {
		t.Fatal(err)
	}
	if err := schema.Migrate(t.Context(), database.OwnerURL, ours); err != nil {
		t.Fatalf("a newer schema that is compatible: %v", err)
	}
	if _, err := owner.Exec(t.Context(), "UPDATE schema_info SET compatible_from = 9000"); err != nil {
		t.Fatal(err)
	}
	if err := schema.Migrate(t.Context(), database.OwnerURL, ours); err == nil || !strings.Contains(err.Error(), "run a newer release") {
		t.Fatalf("a newer schema that is not compatible: %v", err)
	}
	if _, err := schema.Version(t.Context(), owner); !errors.Is(err, schema.ErrNotMigrated) {
		t.Fatalf("serving on it: %v", err)
	}
}

// A database whose name leads nowhere yet is waited for: the migration of a new tenant starts the moment it is ready.
func TestMigrateWaitsForTheDatabase(t *testing.T) {
	t.Parallel()
	database := empty.New(t)
	config, err := pgx.ParseConfig(database.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil { // nobody listens there for now
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		done <- schema.Migrate(t.Context(), fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable", config.User, address, config.Database), ours)
	}()
	select {
	case err := <-done:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(time.Second):
	}
	listener, err = net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go forward(listener, filepath.Join(config.Host, fmt.Sprintf(".s.PGSQL.%d", config.Port)))
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// forward leads every connection to a Unix socket until the listener is closed.
func forward(listener net.Listener, socket string) {
	for {
		from, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer from.Close()
			to, err := net.Dial("unix", socket)
			if err != nil {
				return // the client sees a closed connection
			}
			defer to.Close()
			go func() { _, _ = io.Copy(to, from) }()
			_, _ = io.Copy(from, to)
		}()
	}
}

// What a database answers counts at once: nobody waits a minute to hear that a name is wrong.
func TestMigrateBelievesAnAnswer(t *testing.T) {
	t.Parallel()
	config, err := pgx.ParseConfig(empty.New(t).OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err = schema.Migrate(ctx, fmt.Sprintf("host=%s port=%d user=%s dbname=nowhere sslmode=disable", config.Host, config.Port, config.User), ours)
	var answer *pgconn.PgError
	if !errors.As(err, &answer) || ctx.Err() != nil {
		t.Errorf("error %v, want the server's own", err)
	}
}
