package schema_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/cmhf/operator/internal/coordination/schema"
	"github.com/cmhf/operator/internal/testkit/postgres"
)

// The app role may execute what it is granted and nothing else: definer functions run with the owner's rights.
func TestFunctionsAreClosed(t *testing.T) {
	t.Parallel()
	database := empty.New(t) // privileges on a database are not cloned with it, so it is migrated itself
	if err := schema.Migrate(t.Context(), database.OwnerURL, ours); err != nil {
		t.Fatal(err)
	}
	owner := postgres.Connect(t, database.OwnerURL)
	if _, err := owner.Exec(t.Context(), "CREATE FUNCTION added_later() RETURNS int LANGUAGE sql RETURN 1"); err != nil {
		t.Fatal(err)
	}
	rows, err := owner.Query(t.Context(), `SELECT oid::regprocedure::text FROM pg_proc p, aclexplode(coalesce(proacl, acldefault('f', proowner))) acl
		WHERE pronamespace = 'public'::regnamespace AND acl.grantee = 0 AND acl.privilege_type = 'EXECUTE'`)
	if err != nil {
		t.Fatal(err)
	}
	open, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(open) > 0 {
		t.Errorf("PUBLIC may execute %v (%v)", open, err)
	}
	var pg *pgconn.PgError
	app := postgres.Connect(t, database.AppURL)
	if _, err := app.Exec(t.Context(), "CREATE TEMPORARY TABLE mine (id int)"); !errors.As(err, &pg) || pg.Code != "42501" {
		t.Errorf("the app role makes a temporary table: %v", err)
	}
}
