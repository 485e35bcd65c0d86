package schema_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cmhf/operator/internal/coordination/nhsnumber"
	"github.com/cmhf/operator/internal/testkit/postgres"
)

// The database and the API must agree on every number.
func TestNHSNumberAgreesWithTheAPI(t *testing.T) {
	t.Parallel()
	owner := postgres.Connect(t, migrated.New(t).OwnerURL)
	random := rand.New(rand.NewPCG(1, 2))
	numbers := []string{"", "123", "99900000180", "999000001x", "9990000018 ", "0000000000"}
	for range 5000 {
		numbers = append(numbers, fmt.Sprintf("%010d", random.Int64N(10_000_000_000)))
	}
	rows, err := owner.Query(t.Context(), "SELECT n, nhs_number_valid(n) FROM unnest($1::text[]) n", numbers)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	valid := 0
	for rows.Next() {
		var number string
		var inDatabase bool
		if err := rows.Scan(&number, &inDatabase); err != nil {
			t.Fatal(err)
		}
		digits, err := nhsnumber.Parse(number)
		if inAPI := err == nil && digits == number; inAPI != inDatabase {
			t.Errorf("%q: database %v, API %v", number, inDatabase, inAPI)
		}
		if inDatabase {
			valid++
		}
	}
	if err := rows.Err(); err != nil || valid < 300 {
		t.Fatalf("%d valid numbers among 5000, %v", valid, err)
	}
}
