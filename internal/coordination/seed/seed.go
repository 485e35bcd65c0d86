// Package seed fills a database with invented people and about three years of their care, so that an Integrated Care System can be
// shown, measured and tested at its size.
//
// Duty: activity that keeps every rule, because it is written through the tables' own constraints and triggers. Inputs: the owner's
// connection, how many people, a seed for the dice, and the services that the database holds. Output: records; the same services,
// numbers and last day give the same people with the same identifiers. A second run changes nothing, a run that was interrupted goes
// on where it stopped, and both stand in the database (synthetic_seed).
//
// It connects as the owner because COPY is refused to roles under row-level security and the owner is not under it; every trigger and
// constraint stays on. For as long as it is at work, triggers take the time from its clock (clock.go).
//
// It does not invent values of national measures, and it makes nobody who could be taken for a real person: see names.go.
package seed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/schema"
)

// Options say how many people are made, and which.
type Options struct {
	// Connection is a URL of the owner's login, or empty for the PG* variables.
	Connection string
	People     int
	Seed       uint64
	// Today is the day of the run; the activity ends on the day before.
	Today time.Time
	// Progress gets a line for each step. nil is nowhere.
	Progress io.Writer
}

// years of activity that people have behind them.
const years = 3

// mostInAPart are written together at most: a part costs some thousand statements whatever its size, and memory for its rows. Fewer are when
// there would be fewer parts than processors.
const mostInAPart = 10_000

func partSize(people int) int {
	processors := runtime.GOMAXPROCS(0)
	return min(mostInAPart, (people+processors-1)/processors)
}

var (
	// ErrNotSynthetic refuses a database where real people may be.
	ErrNotSynthetic = errors.New("the database is not marked as synthetic, so no invented people are made in it: records of invented and real people never mix. " +
		"Give the system a database of its own and migrate it with CMHF_SYNTHETIC=true (an IntegratedCareSystem with spec.syntheticData)")
	// ErrNoServices says that there is nobody who could support the people.
	ErrNoServices = errors.New("the database has no open service that takes adults: declare CommunityCareServices and wait until the operator has committed the directory " +
		"(PUT /internal/v1/directory of the API), then run the seed again")
	// ErrPeopleAlready says that the database holds people whom no seed made.
	ErrPeopleAlready = errors.New("the database holds people already that were not made by a seed: seed an empty database")
)

// Run seeds a database, goes on with a seed, or says that it is seeded.
func Run(ctx context.Context, o Options) error {
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	if o.People < len(personas) || o.People > maxPeople {
		return fmt.Errorf("people: give a number from %d to %d, which is how many numbers the range 999 has", len(personas), maxPeople)
	}
	conn, err := connect(ctx, o.Connection)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := lock(ctx, conn); err != nil {
		return err
	}
	if err := removeClock(ctx, conn); err != nil { // of a run that was killed
		return err
	}
	plan, err := prepare(ctx, conn, o)
	if err != nil || plan == nil {
		return err
	}
	if err := plan.write(ctx, conn); err != nil {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		return errors.Join(err, removeClock(last, conn))
	}
	return nil
}

// run is a seed that is under way.
type run struct {
	Options
	directory *directory
	part      int // people in a part, as the first run had it
	numbers   []string
	// first and last day of the activity.
	first, last time.Time
	done        map[int]time.Time
}

// prepare checks what must hold and marks the database. No run and no error: it is seeded.
func prepare(ctx context.Context, conn *pgx.Conn, o Options) (*run, error) {
	if _, err := schema.Version(ctx, conn); err != nil {
		return nil, err
	}
	var synthetic bool
	if err := conn.QueryRow(ctx, "SELECT data = 'Synthetic' IS TRUE FROM schema_info").Scan(&synthetic); err != nil {
		return nil, fmt.Errorf("reading whether the database is synthetic: %w", err)
	}
	if !synthetic {
		return nil, ErrNotSynthetic
	}
	r := &run{Options: o, part: partSize(o.People), last: o.Today.AddDate(0, 0, -1)}
	var heldSeed int64
	var heldPeople int
	var finished *time.Time
	err := conn.QueryRow(ctx, "SELECT seed, people, people_in_a_part, as_of, finished_at FROM synthetic_seed").Scan(&heldSeed, &heldPeople, &r.part, &r.last, &finished)
	switch {
	case err == nil && finished != nil:
		fmt.Fprintf(o.Progress, "seeded already: %d people with --seed %d, finished %s; nothing was changed\n", heldPeople, uint64(heldSeed), finished.UTC().Format(time.RFC3339))
		return nil, nil
	case err == nil && (heldSeed != int64(o.Seed) || heldPeople != o.People):
		return nil, fmt.Errorf("a seed of %d people with --seed %d was begun in this database and is not finished: run it with those to go on", heldPeople, uint64(heldSeed))
	case err != nil && !errors.Is(err, pgx.ErrNoRows):
		return nil, fmt.Errorf("reading whether the database is seeded: %w", err)
	}
	begun := err == nil
	r.first = r.last.AddDate(-years, 0, 1)
	r.numbers = nhsNumbers(o.People)
	if r.directory, err = readDirectory(ctx, conn); err != nil {
		return nil, err
	}
	if !begun {
		if err := r.begin(ctx, conn); err != nil {
			return nil, err
		}
	}
	return r, r.readDone(ctx, conn)
}

func (r *run) begin(ctx context.Context, conn *pgx.Conn) error {
	var people bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM people)").Scan(&people); err != nil {
		return fmt.Errorf("looking for people in the database: %w", err)
	}
	if people {
		return ErrPeopleAlready
	}
	if _, err := conn.Exec(ctx, "INSERT INTO synthetic_seed (seed, people, people_in_a_part, as_of) VALUES ($1, $2, $3, $4)", int64(r.Seed), r.People, r.part, r.last); err != nil {
		return fmt.Errorf("marking the database as seeded: %w", err)
	}
	return nil
}

func (r *run) readDone(ctx context.Context, conn *pgx.Conn) error {
	// The writers' own name would otherwise be noted anew by each of them, one waiting for the other.
	if _, err := conn.Exec(ctx, `INSERT INTO staff_sightings (subject, service_id, last_on) SELECT $1, id, current_date FROM services
		ON CONFLICT (subject, service_id) DO UPDATE SET last_on = excluded.last_on`, subject); err != nil {
		return fmt.Errorf("noting the seed's own name: %w", err)
	}
	rows, err := conn.Query(ctx, "SELECT part, through FROM synthetic_seed_parts")
	if err != nil {
		return fmt.Errorf("reading how far the seed is: %w", err)
	}
	r.done = map[int]time.Time{}
	var part int
	var through time.Time
	_, err = pgx.ForEachRow(rows, []any{&part, &through}, func() error { r.done[part] = through; return nil })
	return err
}

// write makes all parts, as many at once as the machine has processors.
func (r *run) write(ctx context.Context, conn *pgx.Conn) error {
	start := time.Now()
	fmt.Fprintf(r.Progress, "seeding %d people with --seed %d, %s to %s, for %d open services\n", r.People, r.Seed,
		r.first.Format(time.DateOnly), r.last.Format(time.DateOnly), len(r.directory.services))
	if err := installClock(ctx, conn); err != nil {
		return err
	}
	if err := r.writeAssets(ctx, conn); err != nil {
		return err
	}
	parts, limited := errgroup.WithContext(ctx)
	parts.SetLimit(runtime.GOMAXPROCS(0))
	for part := 0; part*r.part < r.People; part++ {
		parts.Go(func() error {
			began := time.Now()
			if err := r.writePart(limited, part); err != nil {
				return fmt.Errorf("people %d to %d: %w", part*r.part, min(r.People, (part+1)*r.part)-1, err)
			}
			fmt.Fprintf(r.Progress, "part %d: %d people in %.1f s (%.1f s from the start)\n", part+1,
				min(r.People, (part+1)*r.part)-part*r.part, time.Since(began).Seconds(), time.Since(start).Seconds())
			return nil
		})
	}
	if err := parts.Wait(); err != nil {
		return err
	}
	var referrals, episodes, contacts int
	if err := conn.QueryRow(ctx, "SELECT (SELECT count(*) FROM referrals), (SELECT count(*) FROM episodes), (SELECT count(*) FROM contacts)").
		Scan(&referrals, &episodes, &contacts); err != nil {
		return fmt.Errorf("counting what was made: %w", err)
	}
	if err := removeClock(ctx, conn, "UPDATE synthetic_seed SET finished_at = now()"); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "ANALYZE"); err != nil {
		return fmt.Errorf("renewing the planner's statistics: %w", err)
	}
	seconds := time.Since(start).Seconds()
	fmt.Fprintf(r.Progress, "seeded %d people, %d referrals, %d episodes, %d contacts in %.1f s: %.0f people and %.0f referrals a second\n",
		r.People, referrals, episodes, contacts, seconds, float64(r.People)/seconds, float64(referrals)/seconds)
	return nil
}

// writePart makes some thousand people and writes their years day by day.
func (r *run) writePart(ctx context.Context, part int) error {
	t := newTimeline(r.first, r.last)
	for n := part * r.part; n < min(r.People, (part+1)*r.part); n++ {
		makePerson(r, t, n)
	}
	conn, err := connect(ctx, r.Connection)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return t.write(ctx, conn, part, r.done[part], r.directory.ids)
}

func connect(ctx context.Context, connection string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(connection)
	if err != nil {
		return nil, fmt.Errorf("reading the database settings: %w", err)
	}
	config.RuntimeParams["synchronous_commit"] = "off" // what a crash takes can be made again, and the mark goes with it
	config.RuntimeParams["jit"] = "off"                // its statements are many and short
	config.RuntimeParams["application_name"] = "coordination-api seed"
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connecting to the database as its owner (PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD, PGSSLMODE): %w", err)
	}
	return conn, nil
}

// Today is the day of a run that starts now.
func Today() time.Time { return london.Today(time.Now()) }
