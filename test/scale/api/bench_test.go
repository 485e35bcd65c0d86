// Package api measures the coordination API's throughput: requests over HTTP against the same transactions in a bare loop on the same database.
package api

import (
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/directory"
)

// The floor is a bare pgx loop with the very same transactions: the statements of the API's own SQL files, one after the other as pgx sends
// them, who asks and the audit trail included. Both sides take turns within one run, so that what else the machine does falls on both.
// Run them on a machine that is quiet: make bench-api

// BenchmarkReadAgainstFloor reads one person's record over HTTP, token check included.
func BenchmarkReadAgainstFloor(b *testing.B) {
	north, f := benchmarked(b)
	var referred struct{ PersonID string }
	if err := north.do(http.MethodPost, "/v1/referrals", referral("Example"), http.StatusCreated, &referred); err != nil {
		b.Fatal(err)
	}
	id := referred.PersonID
	read := func() error { return north.do(http.MethodGet, "/v1/people/"+id, nil, http.StatusOK, nil) }
	statement := f.sql("people/sql/by_id.sql")
	floor := func() error {
		return f.transaction("readPerson", []string{id}, []*string{nil}, func(tx pgx.Tx) error {
			return f.query(tx, statement, pgx.NamedArgs{"id": id})
		})
	}
	for range b.N {
		compare(b, read, floor)
	}
}

// BenchmarkWriteAgainstFloor refers a new person and accepts the referral, which opens an episode: two calls, two transactions.
func BenchmarkWriteAgainstFloor(b *testing.B) {
	north, f := benchmarked(b)
	write := func() error {
		var r struct{ ID string }
		if err := north.do(http.MethodPost, "/v1/referrals", referral(uuid.NewString()), http.StatusCreated, &r); err != nil {
			return err
		}
		return north.do(http.MethodPost, "/v1/referrals/"+r.ID+"/acceptance", nil, http.StatusCreated, nil)
	}
	service := directory.ServiceID("QOP", "north")
	statements := map[string]string{}
	for _, path := range []string{"services/sql/by_name", "people/sql/find_or_create", "referrals/sql/insert", "referrals/sql/select", "referrals/sql/lock",
		"episodes/sql/find_open", "episodes/sql/insert", "referrals/sql/accept", "episodes/sql/select", "episodes/sql/reaching"} {
		statements[path] = f.sql(path + ".sql")
	}
	statements["referrals/sql/select"] += "WHERE r.id = @id"
	statements["episodes/sql/select"] += "WHERE e.id = @id"
	floor := func() error {
		who, id, episode := uuid.NewString(), uuid.NewString(), uuid.NewString()
		run := func(tx pgx.Tx, args pgx.NamedArgs, paths ...string) error {
			for _, path := range paths {
				if err := f.query(tx, statements[path], args); err != nil {
					return err
				}
			}
			return nil
		}
		err := f.transaction("createReferral", []string{who}, []*string{&id}, func(tx pgx.Tx) error {
			return run(tx, pgx.NamedArgs{
				"name": "north", "id": who, "nhs_number": nil, "absent_reason": "NotKnownYet", "family_name": who, "given_name": "Testperson", "birth_date": "1984-02-29",
			}, "services/sql/by_name", "people/sql/find_or_create")
		}, func(tx pgx.Tx) error {
			return run(tx, pgx.NamedArgs{
				"id": id, "person": who, "service": service, "responsible": service, "route": "Self", "reason": "Made-up reason", "received_on": today(), "subject": subject,
			}, "referrals/sql/insert")
		})
		if err != nil {
			return err
		}
		return f.transaction("acceptReferral", []string{who}, []*string{&id}, func(tx pgx.Tx) error {
			return run(tx, pgx.NamedArgs{"id": id, "person": who, "service": service}, "referrals/sql/select", "referrals/sql/lock", "episodes/sql/find_open")
		}, func(tx pgx.Tx) error {
			if err := run(tx, pgx.NamedArgs{"id": episode, "person": who, "service": service, "subject": subject}, "episodes/sql/insert"); err != nil {
				return err
			}
			return run(tx, pgx.NamedArgs{"id": id, "episode": episode, "subject": subject}, "referrals/sql/accept")
		}, func(tx pgx.Tx) error {
			return run(tx, pgx.NamedArgs{"id": episode}, "episodes/sql/select", "episodes/sql/reaching")
		})
	}
	for range b.N {
		compare(b, write, floor)
	}
}

const (
	// More clients than connections on both sides, so that throughput and not latency is compared.
	benchClients = 32
	benchTurns   = 8
	benchTurn    = 500 * time.Millisecond
)

// compare lets both work in turns and reports how much of the floor's throughput the API reaches, and the 99th percentiles.
func compare(b *testing.B, api, floor func() error) {
	b.Helper()
	type side struct {
		work  func() error
		took  []time.Duration
		count []float64
	}
	sides := []*side{{work: api}, {work: floor}}
	for turn := range benchTurns + 1 {
		for _, s := range sides {
			took := work(b, s.work)
			if turn > 0 { // the first turn prepares statements and fills caches
				s.took, s.count = append(s.took, took...), append(s.count, float64(len(took)))
			}
		}
	}
	ratios := make([]float64, benchTurns)
	for turn := range ratios {
		ratios[turn] = sides[0].count[turn] / sides[1].count[turn]
	}
	slices.Sort(ratios)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ratios[len(ratios)/2], "ratio")
	for i, name := range []string{"api", "floor"} {
		took := sides[i].took
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, name+"-p99-ms")
		b.ReportMetric(float64(len(took))/(benchTurns*benchTurn.Seconds()), name+"/s")
	}
}

func work(b *testing.B, do func() error) (took []time.Duration) {
	var mu sync.Mutex
	var clients sync.WaitGroup
	var failed atomic.Bool
	end := time.Now().Add(benchTurn)
	for range benchClients {
		clients.Go(func() {
			var mine []time.Duration
			for begin := time.Now(); begin.Before(end) && !failed.Load(); {
				if err := do(); err != nil {
					failed.Store(true)
					b.Error(err)
					return
				}
				now := time.Now()
				mine = append(mine, now.Sub(begin))
				begin = now
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, mine...)
		})
	}
	clients.Wait()
	if failed.Load() {
		b.FailNow()
	}
	return took
}

func today() string { return london.Today(time.Now()).Format(time.DateOnly) }

// referral is one of somebody new, by their family name.
func referral(family string) map[string]any {
	return map[string]any{
		"person":  map[string]any{"nhsNumberAbsentReason": "NotKnownYet", "familyName": family, "givenName": "Testperson", "birthDate": "1984-02-29"},
		"service": "north", "route": "Self", "reason": "Made-up reason", "receivedOn": today(),
	}
}
