package seed_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cmhf/operator/internal/coordination/schema"
	"github.com/cmhf/operator/internal/coordination/seed"
	"github.com/cmhf/operator/internal/coordination/services"
	"github.com/cmhf/operator/internal/directory"
	"github.com/cmhf/operator/internal/testkit/postgres"
)

func TestMain(m *testing.M) { os.Exit(postgres.Run(m)) }

var (
	migrated = postgres.Template{Prepare: func(ctx context.Context, owner string) error { return migrate(ctx, owner, true) }}
	live     = postgres.Template{Prepare: func(ctx context.Context, owner string) error { return migrate(ctx, owner, false) }}
	// committed has the services, and seeded 400 people too; tests that only read share what it cost.
	committed = postgres.Template{Prepare: func(ctx context.Context, owner string) error {
		if err := migrate(ctx, owner, true); err != nil {
			return err
		}
		return commit(ctx, owner)
	}}
	seeded = postgres.Template{Prepare: func(ctx context.Context, owner string) error {
		if err := migrate(ctx, owner, true); err != nil {
			return err
		}
		if err := commit(ctx, owner); err != nil {
			return err
		}
		return seed.Run(ctx, options(owner, 400, 7))
	}}
)

var today = time.Date(2026, 6, 15, 0, 0, 0, 0, time.UTC)

func options(owner string, people int, dice uint64) seed.Options {
	return seed.Options{Connection: owner, People: people, Seed: dice, Today: today}
}

func migrate(ctx context.Context, owner string, synthetic bool) error {
	return schema.Migrate(ctx, owner, schema.Settings{Holder: schema.Holder{ODSCode: "QOP", Synthetic: synthetic}})
}

func commit(ctx context.Context, owner string) error {
	pool, err := pgxpool.New(ctx, owner)
	if err != nil {
		return err
	}
	defer pool.Close()
	_, err = services.Commit(ctx, pool, "QOP", system())
	return err
}

func years(n int32) *int32 { return &n }

func system() directory.Directory {
	d := directory.Directory{Format: directory.FormatV1, Revision: 1, ODSCode: "QOP", Name: "Test ICS", Neighbourhoods: []directory.Neighbourhood{
		{Name: "harbour", Place: "coast"}, {Name: "hill", Place: "coast"}, {Name: "mill", Place: "inland"}}}
	add := func(name, place string, minimum, maximum *int32, functions []string, neighbourhoods ...string) {
		d.Services = append(d.Services, directory.Service{ID: directory.ServiceID("QOP", name), Name: name, DisplayName: "The " + name + " service", State: directory.StateOpen, Place: place,
			Neighbourhoods: neighbourhoods, LeadProvider: directory.Provider{ODSCode: "RT1", Name: "Test Trust"}, Functions: functions, MinimumAge: minimum, MaximumAge: maximum})
	}
	add("coast-core", "coast", years(18), nil, []string{"Core"}, "harbour", "hill")
	add("inland-core", "inland", years(18), nil, []string{"Core"}, "mill")
	add("young", "coast", years(16), years(25), []string{"YoungAdults"}, "harbour", "hill", "mill")
	add("older", "coast", years(65), nil, []string{"OlderAdults"}, "harbour", "hill", "mill")
	add("feelings", "coast", years(18), nil, []string{"ComplexEmotionalNeeds"}, "harbour", "hill", "mill")
	add("crisis", "coast", years(16), nil, []string{"CrisisLink"}, "harbour", "hill", "mill")
	d.Services[1].CoordinationLevels = []string{"Brief", "Intensive"}
	return d
}

func number(t *testing.T, q interface {
	QueryRow(context.Context, string, ...any) pgx.Row
}, sql string, args ...any) float64 {
	t.Helper()
	var n float64
	if err := q.QueryRow(t.Context(), "SELECT ("+sql+")::float8", args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// What must never be found, whatever the triggers have said while it was written.
func TestRulesHold(t *testing.T) {
	t.Parallel()
	owner := postgres.Connect(t, seeded.New(t).OwnerURL)
	for what, sql := range map[string]string{
		"numbers outside of the range 999":              `SELECT count(*) FROM people WHERE nhs_number !~ '^999'`,
		"numbers without a correct check digit":         `SELECT count(*) FROM people WHERE NOT nhs_number_valid(nhs_number)`,
		"names that could be somebody's":                `SELECT count(*) FROM people WHERE family_name !~ '^ZZ '`,
		"people in the matching queue":                  `SELECT count(*) FROM people WHERE matching = 'Queued'`,
		"people without a referral":                     `SELECT count(*) FROM people p WHERE NOT EXISTS (SELECT FROM referrals WHERE person_id = p.id)`,
		"postcodes of a place":                          `SELECT count(*) FROM residences WHERE postcode !~ '^ZZ99 '`,
		"people taken outside of a service's ages":      `SELECT count(*) FROM referrals r JOIN people p ON p.id = r.person_id JOIN services s ON s.id = r.service_id WHERE NOT extract(year FROM age(r.received_on, p.birth_date)) BETWEEN coalesce(s.minimum_age, 0) AND coalesce(s.maximum_age, 200)`,
		"people with a service of other neighbourhoods": `SELECT count(*) FROM referrals r JOIN residences a USING (person_id) JOIN services s ON s.id = r.service_id WHERE a.neighbourhood <> ALL (s.neighbourhoods)`,
		"referrals in the future":                       `SELECT count(*) FROM referrals WHERE received_on > '2026-06-14' OR recorded_at > '2026-06-15'`,
		"anything recorded today":                       `SELECT (SELECT count(*) FROM closures WHERE closed_on > '2026-06-14') + (SELECT count(*) FROM person_access WHERE since > '2026-06-15') + (SELECT count(*) FROM deadlines WHERE set_at > '2026-06-15') + (SELECT count(*) FROM handovers WHERE offered_at > '2026-06-15' OR outcome_at > '2026-06-15') + (SELECT count(*) FROM episodes WHERE closed_at > '2026-06-15')`,
		"closures without a return plan":                `SELECT count(*) FROM closures c WHERE basis <> 'Death' AND NOT EXISTS (SELECT FROM return_plans r WHERE r.episode_id = c.episode_id AND r.valid_until >= c.closed_on)`,
		"silence without the steps":                     `SELECT count(*) FROM closures c WHERE reason = 'NotEngaging' AND (SELECT count(DISTINCT channel) FROM reaching_steps s WHERE s.episode_id = c.episode_id AND happened_on <= closed_on) < 2`,
		"closed on another day than it was recorded":    `SELECT count(*) FROM closures c JOIN episodes e ON e.id = c.episode_id WHERE c.closed_on <> e.closed_at::date OR c.closed_on <> c.recorded_at::date`,
		"episodes without a referral":                   `SELECT count(*) FROM episodes e WHERE NOT EXISTS (SELECT FROM referrals r WHERE r.episode_id = e.id)`,
		"two key workers at once":                       `SELECT count(*) FROM key_workers a JOIN key_workers b ON a.episode_id = b.episode_id AND a.id < b.id WHERE daterange(a.since, a.until) && daterange(b.since, b.until)`,
		"agreed plans without a goal in own words":      `SELECT count(*) FROM plans p WHERE agreed_on IS NOT NULL AND NOT EXISTS (SELECT FROM plan_goals g WHERE g.plan_id = p.id AND own_words)`,
		"contacts before the referral":                  `SELECT count(*) FROM contacts c WHERE (happened_at AT TIME ZONE 'Europe/London')::date < episode_begins(episode_id)`,
		"contacts after the end":                        `SELECT count(*) FROM contacts c JOIN episodes e ON e.id = c.episode_id WHERE c.happened_at > e.closed_at`,
		"scores out of range or of another day":         `SELECT count(*) FROM outcome_scores s JOIN outcome_assessments a ON a.id = s.assessment_id WHERE s.answered_on <> a.answered_on`,
		"declines without another way":                  `SELECT count(*) FROM handovers WHERE state = 'Declined' AND alternative IS NULL AND alternative_service_id IS NULL`,
		"levels that are not the service's":             `SELECT count(*) FROM coordination_levels l JOIN key_workers k USING (episode_id) JOIN services s ON s.id = k.service_id WHERE s.name = 'inland-core' AND l.decided_on BETWEEN k.since AND coalesce(k.until, 'infinity') AND l.level NOT IN ('Brief', 'Intensive')`,
		"re-entries without a safety check's due date":  `SELECT count(*) FROM episodes WHERE previous_episode_id IS NOT NULL AND safety_check_due_on IS NULL`,
	} {
		if n := number(t, owner, sql); n != 0 {
			t.Errorf("%s: %v", what, n)
		}
	}
}

// What must be there, in shares that England knows.
func TestIsLikeASystem(t *testing.T) {
	t.Parallel()
	owner := postgres.Connect(t, seeded.New(t).OwnerURL)
	for what, c := range map[string]struct {
		sql       string
		low, high float64
	}{
		"people":                           {`SELECT count(*) FROM people`, 400, 400},
		"referrals a person":               {`SELECT (SELECT count(*) FROM referrals)::float8 / (SELECT count(*) FROM people)`, 1.05, 1.8},
		"median days to the first contact": {`SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY days) FROM (SELECT min(c.happened_at)::date - min(r.received_on) AS days FROM referrals r JOIN contacts c ON c.episode_id = r.episode_id AND c.attendance = 'Attended' WHERE NOT r.re_entry AND r.redirected_from IS NULL GROUP BY r.id) w`, 22, 42},
		"share of episodes accepted":       {`SELECT avg((state = 'Accepted')::int) FROM referrals WHERE received_on < '2026-04-01'`, 0.7, 0.97},
		"handovers accepted":               {`SELECT avg((state = 'Accepted')::int) FROM handovers WHERE state IN ('Accepted', 'Declined')`, 0.7, 0.97},
		"of those, arrived":                {`SELECT avg((arrived_on IS NOT NULL)::int) FROM handovers WHERE state = 'Accepted' AND outcome_at < '2026-05-01'`, 0.75, 0.99},
		"episodes with a key worker":       {`SELECT avg((EXISTS (SELECT FROM key_workers k WHERE k.episode_id = e.id))::int) FROM episodes e`, 0.85, 1},
		"improvement on DIALOG":            {`WITH ranked AS (SELECT episode_id, item, score, row_number() OVER (PARTITION BY episode_id, item ORDER BY answered_on) AS n, row_number() OVER (PARTITION BY episode_id, item ORDER BY answered_on DESC) AS last FROM outcome_scores WHERE tool = 'DIALOG') SELECT avg(b.score - a.score) FROM ranked a JOIN ranked b USING (episode_id, item) WHERE a.n = 1 AND b.last = 1 AND b.n > 1`, 0.2, 1.5},
		"ethnicity A":                      {`SELECT avg((ethnicity = 'A')::int) FROM person_details`, 0.6, 0.8},
		"most deprived fifth":              {`SELECT avg((imd_decile <= 2)::int) FROM residences`, 0.22, 0.42},
		"reasons of closure":               {`SELECT count(DISTINCT reason) FROM closures`, 5, 6},
		"health checks":                    {`SELECT count(DISTINCT (person_id, measured_on)) FROM health_check_elements`, 20, 300},
		"re-entries":                       {`SELECT count(*) FROM referrals WHERE re_entry`, 5, 200},
		"waiting":                          {`SELECT count(*) FROM referrals WHERE state = 'Open'`, 1, 60},
		"first contacts that met the date": {`SELECT count(*) FROM deadlines WHERE kind = 'FirstContact' AND met_at IS NOT NULL`, 200, 600},
	} {
		if n := number(t, owner, c.sql); n < c.low || n > c.high {
			t.Errorf("%s: %.2f is not between %v and %v", what, n, c.low, c.high)
		}
	}
}

// Every persona's story ends where docs/api/personas.md says.
func TestPersonas(t *testing.T) {
	t.Parallel()
	owner := postgres.Connect(t, seeded.New(t).OwnerURL)
	for family, sql := range map[string]string{
		"Dropinham":     `SELECT count(*) FROM referrals r JOIN contacts c USING (episode_id) WHERE r.person_id = $1 AND r.route = 'WalkIn' AND c.happened_at::date = r.received_on`,
		"Downley":       `SELECT count(*) = 2 FROM handovers WHERE person_id = $1 AND state = 'Accepted' AND arrived_on IS NOT NULL AND direction IN ('Up', 'Down')`,
		"Eighteenby":    `SELECT count(*) = 2 FROM plans pl JOIN people p ON p.id = pl.person_id WHERE p.id = $1 AND pl.kind = 'Transition' AND p.birth_date + interval '18 years' = (SELECT received_on FROM referrals WHERE person_id = p.id)`,
		"Pulsecheck":    `SELECT count(*) = 6 FROM health_check_elements WHERE person_id = $1`,
		"Volunteerton":  `SELECT count(*) FROM closures c JOIN episodes e ON e.id = c.episode_id WHERE e.person_id = $1 AND c.reason = 'SupportElsewhere'`,
		"Alternatively": `SELECT count(*) FROM handovers h JOIN episodes e ON e.id = h.episode_id WHERE h.person_id = $1 AND h.state = 'Declined' AND h.alternative IS NOT NULL AND e.responsible_service_id = h.from_service_id`,
		"Doorajar":      `SELECT count(*) FROM episodes e JOIN safety_checks c ON c.episode_id = e.id WHERE e.person_id = $1 AND e.previous_episode_id IS NOT NULL AND c.checked_on <= e.safety_check_due_on`,
		"Sectionley":    `SELECT count(*) FROM legal_duties d JOIN episodes e USING (person_id) JOIN closures c ON c.episode_id = e.id WHERE d.person_id = $1 AND d.ended_at < c.recorded_at AND c.basis = 'Acceptance'`,
		"Outofsight":    `SELECT count(*) FROM referrals WHERE person_id = $1 AND state = 'Open' AND reaching_next_on IS NOT NULL`,
		"Awaysted":      `SELECT count(*) FROM stays_elsewhere s JOIN episodes e ON e.id = s.episode_id WHERE s.person_id = $1 AND s.place = 'Prison' AND s.until IS NULL AND e.state = 'Open'`,
	} {
		var id [16]byte
		if err := owner.QueryRow(t.Context(), "SELECT id FROM people WHERE family_name = 'ZZ ' || $1", family).Scan(&id); err != nil {
			t.Fatalf("%s: %v", family, err)
		}
		if n := number(t, owner, "SELECT ("+sql+")::int", id); n == 0 {
			t.Errorf("the story of %s does not end as it is told", family)
		}
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	real := live.New(t)
	if err := commit(t.Context(), real.OwnerURL); err != nil {
		t.Fatal(err)
	}
	if err := seed.Run(t.Context(), options(real.OwnerURL, 50, 1)); !errors.Is(err, seed.ErrNotSynthetic) {
		t.Errorf("a live database: %v", err)
	}
	owner := postgres.Connect(t, real.OwnerURL)
	if n := number(t, owner, "SELECT (SELECT count(*) FROM people) + (SELECT count(*) FROM synthetic_seed)"); n != 0 {
		t.Error("something was written into a live database")
	}
	var pg *pgconn.PgError
	if _, err := owner.Exec(t.Context(), "INSERT INTO synthetic_seed (seed, people, as_of, people_in_a_part) VALUES (1, 1, current_date, 1)"); !errors.As(err, &pg) || pg.Code != "CM095" {
		t.Errorf("the owner marks a live database: %v", err)
	}
	if err := seed.Run(t.Context(), options(migrated.New(t).OwnerURL, 50, 1)); !errors.Is(err, seed.ErrNoServices) {
		t.Errorf("no services: %v", err)
	}
	for _, people := range []int{0, 9, 900_001} {
		if err := seed.Run(t.Context(), options(committed.New(t).OwnerURL, people, 1)); err == nil || !strings.Contains(err.Error(), "people: give a number from 10 to 900000") {
			t.Errorf("%d people: %v", people, err)
		}
	}
	full := committed.New(t)
	if _, err := postgres.Connect(t, full.OwnerURL).Exec(t.Context(), "INSERT INTO people (id, nhs_number, family_name, given_name, birth_date) VALUES (gen_random_uuid(), '9990000018', 'ZZ', 'ZZ', '1990-01-01')"); err != nil {
		t.Fatal(err)
	}
	if err := seed.Run(t.Context(), options(full.OwnerURL, 50, 1)); !errors.Is(err, seed.ErrPeopleAlready) {
		t.Errorf("people already: %v", err)
	}
	if err := seed.Run(t.Context(), options(committed.New(t).AppURL, 50, 1)); err == nil {
		t.Error("the app role has seeded")
	}
}

// Row-level security shows a service its own people of the seed and nobody else.
func TestServicesSeeTheirOwnPeople(t *testing.T) {
	t.Parallel()
	database := seeded.New(t)
	owner, app := postgres.Connect(t, database.OwnerURL), postgres.Connect(t, database.AppURL)
	if n := number(t, app, "SELECT count(*) FROM people"); n != 0 {
		t.Errorf("without a service %v people are seen", n)
	}
	for _, name := range []string{"coast-core", "inland-core", "crisis"} {
		id := directory.ServiceID("QOP", name)
		if _, err := app.Exec(t.Context(), "SELECT set_config('cmhf.subject', 'someone', false), set_config('cmhf.services', $1, false)", id.String()); err != nil {
			t.Fatal(err)
		}
		seen := number(t, app, "SELECT count(*) FROM people")
		own := number(t, owner, "SELECT count(DISTINCT person_id) FROM person_access WHERE service_id = $1 AND (until IS NULL OR until > now())", id)
		if seen != own || seen == 0 || seen >= 400 {
			t.Errorf("%s sees %v people and supports %v", name, seen, own)
		}
		if n := number(t, app, "SELECT count(*) FROM contacts c WHERE NOT EXISTS (SELECT FROM people p WHERE p.id = c.person_id)"); n != 0 {
			t.Errorf("%s sees contacts of people whom it does not see", name)
		}
	}
}
