package postgres_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/testkit/postgres"
)

func TestMain(m *testing.M) { os.Exit(postgres.Run(m)) }

var template = postgres.Template{Prepare: func(ctx context.Context, ownerURL string) error {
	conn, err := pgx.Connect(ctx, ownerURL)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, `CREATE TABLE person (nhs_number text PRIMARY KEY); GRANT INSERT, SELECT ON person TO cmhf_app`)
	return err
}}

func TestEachTestHasItsOwnCopy(t *testing.T) {
	t.Parallel()
	for range 2 {
		app := postgres.Connect(t, template.New(t).AppURL)
		if _, err := app.Exec(t.Context(), "INSERT INTO person VALUES ('9990000018')"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestServerLogKeepsNoValues(t *testing.T) {
	t.Parallel()
	database := template.New(t)
	app := postgres.Connect(t, database.AppURL)
	for range 2 {
		_, _ = app.Exec(t.Context(), "INSERT INTO person VALUES ($1)", "9990000026") // the second violates the key
	}
	log := database.ServerLog(t)
	if !strings.Contains(log, "duplicate key value") {
		t.Fatalf("the violation is not in the log:\n%s", log)
	}
	if strings.Contains(log, "9990000026") {
		t.Fatalf("the log holds the value:\n%s", log)
	}
}
