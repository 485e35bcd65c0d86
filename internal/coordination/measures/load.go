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
	entries, err := pgx.CollectRows(rows, pgx.RowToStructByName[entry])
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, errNoDirectory
	}
	return directoryOf(p.ODSCode, entries), nil
}

// stored is a class as the database names it; it calls the ICS nothing.
type stored struct{ GeographyKind, Geography, BreakdownKind, Breakdown string }

// gazetteer finds geographies by kind and name.
type gazetteer map[[2]string]geography

func gazetteerOf(geographies []geography) gazetteer {
	known := gazetteer{}
	for _, g := range geographies {
		known[[2]string{g.Kind, g.Name}] = g
		if g.Kind == wholeICS {
			known[[2]string{wholeICS, ""}] = g
		}
	}
	return known
}

func (z gazetteer) class(s stored) class {
	g, known := z[[2]string{s.GeographyKind, s.Geography}]
	if !known {
		g = geography{Kind: s.GeographyKind, Name: s.Geography} // which is no class of any table
	}
	return class{g, s.BreakdownKind, s.Breakdown}
}

// counts gives what is counted of each measure. A unit is of one service, so those of a provider are those of its services.
func (p Publisher) counts(ctx context.Context, tx pgx.Tx, args pgx.NamedArgs, known gazetteer) (map[string]map[class]count, error) {
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
		of, n := known.class(f.stored), count{f.Units, f.Counted}
		if of.Provider != "" {
			whole := class{geography{Kind: provider, Name: of.Provider}, of.BreakdownKind, of.Breakdown}
			sum := counts[f.Measure][whole]
			counts[f.Measure][whole] = count{sum.units + n.units, sum.counted + n.counted}
		}
		counts[f.Measure][of] = n
	}
	return counts, nil
}

func (p Publisher) population(ctx context.Context, tx pgx.Tx, known gazetteer) (population map[class]int64, source string, err error) {
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
	population = map[class]int64{}
	for _, f := range found {
		at := known.class(stored{f.GeographyKind, f.Geography, f.BreakdownKind, f.Breakdown})
		population[at], source = f.People, f.Source
	}
	return population, source, nil
}

// keyWorkers counts those who are key worker to somebody at the end of the period.
func (p Publisher) keyWorkers(ctx context.Context, tx pgx.Tx, args pgx.NamedArgs, known gazetteer) (map[class]int64, error) {
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
		workers[known.class(stored{GeographyKind: f.GeographyKind, Geography: f.Geography})] = f.Workers
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
		Place, Provider                                                 string
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
			class:     class{geography{f.GeographyKind, f.Geography, f.Place, f.Provider}, f.BreakdownKind, f.Breakdown},
			Numerator: f.Numerator, Denominator: f.Denominator, Value: f.Value, State: f.State, RuleVersion: f.RuleVersion,
			ExactNumerator: f.ExactNumerator, ExactDenominator: f.ExactDenominator,
		})
		earlier[f.Measure] = all
	}
	return earlier, nil
}
