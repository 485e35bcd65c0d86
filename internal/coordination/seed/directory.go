package seed

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/london"
)

// service is one that takes people now.
type service struct {
	id             uuid.UUID
	name           string
	place          string
	neighbourhoods []string
	functions      []string
	routes         []string
	minimum        int
	maximum        int
	provider       string
	levels         []string
	workers        int
}

func (s *service) does(function string) bool { return slices.Contains(s.functions, function) }

func (s *service) takes(age int) bool { return age >= s.minimum && age <= s.maximum }

// reaches tells whether people of a neighbourhood go to the service; one without neighbourhoods is the whole system's.
func (s *service) reaches(neighbourhood string) bool {
	return len(s.neighbourhoods) == 0 || slices.Contains(s.neighbourhoods, neighbourhood)
}

// directory is who supports people, and where they live.
type directory struct {
	services       []*service
	ids            []uuid.UUID // of all services, those that close too
	neighbourhoods []string
	places         map[string]string
	youngest       int // age that some service takes
	assets         [][16]byte
}

func readDirectory(ctx context.Context, conn *pgx.Conn) (*directory, error) {
	d := &directory{places: map[string]string{}, youngest: adult}
	rows, err := conn.Query(ctx, `SELECT id, name, place, neighbourhoods, functions, entry_routes, coalesce(minimum_age, 0), coalesce(maximum_age, 200),
		lead_provider_name, coordination_levels, coalesce(key_worker_capacity, 8), state = 'Open' FROM services ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("reading the services: %w", err)
	}
	for rows.Next() {
		var s service
		var open bool
		if err := rows.Scan(&s.id, &s.name, &s.place, &s.neighbourhoods, &s.functions, &s.routes, &s.minimum, &s.maximum, &s.provider, &s.levels, &s.workers, &open); err != nil {
			return nil, fmt.Errorf("reading a service: %w", err)
		}
		d.ids = append(d.ids, s.id)
		s.workers = max(s.workers, 1)
		if open {
			d.services = append(d.services, &s)
			d.youngest = min(d.youngest, max(s.minimum, ageBands[0].value.from))
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the services: %w", err)
	}
	if !slices.ContainsFunc(d.services, func(s *service) bool { return s.takes(adult+12) && !s.does("CrisisLink") }) {
		return nil, ErrNoServices
	}
	rows, err = conn.Query(ctx, "SELECT name, place FROM neighbourhoods ORDER BY name")
	if err != nil {
		return nil, fmt.Errorf("reading the neighbourhoods: %w", err)
	}
	var name, place string
	_, err = pgx.ForEachRow(rows, []any{&name, &place}, func() error {
		d.neighbourhoods = append(d.neighbourhoods, name)
		d.places[name] = place
		return nil
	})
	return d, err
}

// adult is the age of majority, on which the adult services' clocks begin.
const adult = 18

// serviceFor picks a service that takes a person of the age: of the neighbourhood if there is one, else of the same place, else of the
// system. Core services are where most people come in; crisis services are come to by stepping up.
func (d *directory) serviceFor(dice dice, p *person, day time.Time, route string) *service {
	age := london.Age(p.born, day)
	for _, near := range []func(*service) bool{
		func(s *service) bool {
			return s.reaches(p.neighbourhood) && (len(s.routes) == 0 || slices.Contains(s.routes, route))
		},
		func(s *service) bool { return s.reaches(p.neighbourhood) },
		func(s *service) bool { return s.place == d.places[p.neighbourhood] },
		func(*service) bool { return true },
	} {
		var shares []share[*service]
		for _, s := range d.services {
			if !s.takes(age) || s.does("CrisisLink") || !near(s) {
				continue
			}
			shares = append(shares, share[*service]{s, weightOf(s, age)})
		}
		if len(shares) > 0 {
			return pick(dice, shares)
		}
	}
	return nil
}

func weightOf(s *service, age int) float64 {
	switch {
	case s.does("OlderAdults") && age >= 65, s.does("YoungAdults") && age <= 25:
		return 8
	case s.does("OlderAdults") && !s.does("Core"):
		return 0.1
	case s.does("Core"):
		return 6
	}
	return 1
}

// another picks a service to hand a person over to, of those that do something if any does; nil when there is no other.
func (d *directory) another(dice dice, p *person, day time.Time, from *service, function string) *service {
	age := london.Age(p.born, day)
	var near, doing []*service
	for _, s := range d.services {
		if s == from || !s.takes(age) || !s.reaches(p.neighbourhood) {
			continue
		}
		near = append(near, s)
		if s.does(function) {
			doing = append(doing, s)
		}
	}
	switch {
	case len(doing) > 0:
		return one(dice, doing)
	case len(near) > 0:
		return one(dice, near)
	}
	return nil
}
