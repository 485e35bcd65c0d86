package server_test

import (
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cmhf/operator/internal/directory"
)

// BenchmarkReadPerson measures one audited read over HTTP, token check included. Compare with BenchmarkFloor.
func BenchmarkReadPerson(b *testing.B) {
	s := startWithDirectory(b)
	north := s.as("practitioner", "north")
	url := s.public + "/v1/people/" + north.refer("north", person("9990000018", "Example"))["personId"].(string)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			request, err := http.NewRequest(http.MethodGet, url, nil)
			if err != nil {
				b.Fatal(err)
			}
			request.Header.Set("Authorization", "Bearer "+north.token)
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != http.StatusOK {
				b.Fatalf("status %d, %v", response.StatusCode, err)
			}
			response.Body.Close()
		}
	})
}

// BenchmarkFloor is the same transaction in a bare loop: who asks, one read, one row of audit, commit.
func BenchmarkFloor(b *testing.B) {
	s := startWithDirectory(b)
	id := s.as("practitioner", "north").refer("north", person("9990000018", "Example"))["personId"]
	pool, err := pgxpool.New(b.Context(), s.database.AppURL)
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	service := directory.ServiceID("QOP", "north").String()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			err := pgx.BeginFunc(context.Background(), pool, func(tx pgx.Tx) error {
				if _, err := tx.Exec(context.Background(), "SELECT set_config('cmhf.subject', 'x', true), set_config('cmhf.services', $1, true)", service); err != nil {
					return err
				}
				var name string
				if err := tx.QueryRow(context.Background(), "SELECT family_name FROM people WHERE id = $1", id).Scan(&name); err != nil {
					return err
				}
				_, err := tx.Exec(context.Background(), `INSERT INTO audit_events (request_id, subject, client, role, services, purpose, operation, outcome, person_id)
					VALUES ('x', 'x', 'x', 'x', '{}', 'x', 'x', 'Done', $1)`, id)
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}
