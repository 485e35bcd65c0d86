package schema_test

import (
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/cmhf/operator/internal/coordination/schema"
	"github.com/cmhf/operator/internal/testkit/postgres"
)

func TestMain(m *testing.M) { os.Exit(postgres.Run(m)) }

var (
	empty    postgres.Template
	migrated = postgres.Template{Prepare: schema.Migrate}
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
			if err := schema.Migrate(t.Context(), database.OwnerURL); err != nil {
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
	if err := schema.Migrate(t.Context(), database.OwnerURL); err != nil {
		t.Fatalf("a newer schema that is compatible: %v", err)
	}
	if _, err := owner.Exec(t.Context(), "UPDATE schema_info SET compatible_from = 9000"); err != nil {
		t.Fatal(err)
	}
	if err := schema.Migrate(t.Context(), database.OwnerURL); err == nil || !strings.Contains(err.Error(), "run a newer release") {
		t.Fatalf("a newer schema that is not compatible: %v", err)
	}
	if _, err := schema.Version(t.Context(), owner); !errors.Is(err, schema.ErrNotMigrated) {
		t.Fatalf("serving on it: %v", err)
	}
}
