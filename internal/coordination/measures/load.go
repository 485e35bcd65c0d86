package measures

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

// errNoDirectory says that there is nothing to publish about.
var errNoDirectory = errors.New("the database has no directory of services yet")

func (p Publisher) directory(ctx context.Context, tx pgx.Tx) ([]geography, error) {
	rows, err := tx.Query(ctx, directorySQL)
	if err != nil {
		return nil, err
	}
	entries, err := pgx.CollectRows(rows, pgx.RowToStructByName[struct{ Kind, Name, Place string }])
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, errNoDirectory
	}
	places := map[string]map[string]string{neighbourhood: {}, service: {}}
	for _, e := range entries {
		places[e.Kind][e.Name] = e.Place
	}
	return directoryOf(p.ODSCode, places[neighbourhood], places[service]), nil
}

// stored is a class as the database names it; it calls the ICS nothing.
type stored struct{ GeographyKind, Geography, Place, BreakdownKind, Breakdown string }

func (s stored) class(odsCode string) class {
	if s.GeographyKind == wholeICS {
		s.Geography = odsCode
	}
	return class{geography{s.GeographyKind, s.Geography, s.Place}, s.BreakdownKind, s.Breakdown}
}

func (p Publisher) counts(ctx context.Context, tx pgx.Tx, args pgx.NamedArgs) (map[string]map[class]count, error) {
	rows, err := tx.Query(ctx, countsSQL, args)
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[struct {
		Measure string
		stored
		Units, Counted int64
	}])
	if err != nil {
		return nil, err
	}
	counts := map[string]map[class]count{}
	for _, f := range found {
		if counts[f.Measure] == nil {
			counts[f.Measure] = map[class]count{}
		}
		counts[f.Measure][f.class(p.ODSCode)] = count{f.Units, f.Counted}
	}
	return counts, nil
}

func (p Publisher) population(ctx context.Context, tx pgx.Tx, geographies []geography) (population map[class]int64, source string, err error) {
	rows, err := tx.Query(ctx, populationSQL)
	if err != nil {
		return nil, "", err
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[struct {
		GeographyKind, Geography, BreakdownKind, Breakdown string
		People                                             int64
		Source                                             string
	}])
	if err != nil {
		return nil, "", err
	}
	places := map[string]string{}
	for _, g := range geographies {
		if g.Kind == neighbourhood {
			places[g.Name] = g.Place
		}
	}
	population = map[class]int64{}
	for _, f := range found {
		at := stored{f.GeographyKind, f.Geography, "", f.BreakdownKind, f.Breakdown}
		if f.GeographyKind == neighbourhood {
			at.Place = places[f.Geography]
		}
		population[at.class(p.ODSCode)], source = f.People, f.Source
	}
	return population, source, nil
}

// keyWorkers counts those who are key worker to somebody at the end of the period.
func (p Publisher) keyWorkers(ctx context.Context, tx pgx.Tx, args pgx.NamedArgs) (map[class]int64, error) {
	rows, err := tx.Query(ctx, keyWorkersSQL, args)
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[struct {
		GeographyKind, Geography string
		Workers                  int64
	}])
	if err != nil {
		return nil, err
	}
	workers := map[class]int64{}
	for _, f := range found {
		workers[stored{GeographyKind: f.GeographyKind, Geography: f.Geography}.class(p.ODSCode)] = f.Workers
	}
	return workers, nil
}

// readEarlier reads the earlier publications of a period by measure, oldest first.
func readEarlier(ctx context.Context, tx pgx.Tx, args pgx.NamedArgs) (map[string][]release, error) {
	rows, err := tx.Query(ctx, earlierSQL, args)
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[struct {
		Revision int32
		Measure  string
		stored
		Numerator, Denominator, Value, ExactNumerator, ExactDenominator *int64
		State, RuleVersion                                              string
	}])
	if err != nil {
		return nil, err
	}
	earlier := map[string][]release{}
	last := map[string]int32{}
	for _, f := range found {
		all := earlier[f.Measure]
		if last[f.Measure] != f.Revision {
			last[f.Measure] = f.Revision
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], row{
			class:     class{geography{f.GeographyKind, f.Geography, f.Place}, f.BreakdownKind, f.Breakdown},
			Numerator: f.Numerator, Denominator: f.Denominator, Value: f.Value, State: f.State, RuleVersion: f.RuleVersion,
			ExactNumerator: f.ExactNumerator, ExactDenominator: f.ExactDenominator,
		})
		earlier[f.Measure] = all
	}
	return earlier, nil
}
