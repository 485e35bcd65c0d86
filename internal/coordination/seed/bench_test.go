package seed_test

import (
	"testing"
	"time"

	"github.com/cmhf/operator/internal/coordination/seed"
	"github.com/cmhf/operator/internal/testkit/postgres"
)

// go test ./internal/coordination/seed -run '^$' -bench Seed -benchtime 1x
func BenchmarkSeed(b *testing.B) {
	const people = 20_000
	for b.Loop() {
		database := committed.New(b)
		began := time.Now()
		o := options(database.OwnerURL, people, 1)
		o.Progress = b.Output()
		if err := seed.Run(b.Context(), o); err != nil {
			b.Fatal(err)
		}
		seconds := time.Since(began).Seconds()
		var referrals float64
		if err := postgres.Connect(b, database.OwnerURL).QueryRow(b.Context(), "SELECT count(*) FROM referrals").Scan(&referrals); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(people/seconds, "people/s")
		b.ReportMetric(referrals/seconds, "referrals/s")
		b.ReportMetric(1_000_000/referrals*seconds/60, "min/1M-referrals")
	}
}
