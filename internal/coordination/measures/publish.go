// Package measures is the subject of figures about the ICS that are published for fixed periods: which measures there are, counting them, deciding
// which may be shown (package suppression), keeping them as decided, and giving them to callers.
//
// Figures are made by Publisher alone, from spell facts (package facts) and records, and are the same for every caller. Nothing is counted when figures
// are read. Counts come from definer functions that give numbers only; no caller of this subject sees a person.
package measures

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cmhf/operator/internal/coordination/facts"
	"github.com/cmhf/operator/internal/coordination/suppression"
)

var (
	//go:embed sql/lock.sql
	lockSQL string
	//go:embed sql/revision.sql
	revisionSQL string
	//go:embed sql/directory.sql
	directorySQL string
	//go:embed sql/counts.sql
	countsSQL string
	//go:embed sql/earlier.sql
	earlierSQL string
	//go:embed sql/key_workers.sql
	keyWorkersSQL string
	//go:embed sql/population.sql
	populationSQL string
	//go:embed sql/insert_publication.sql
	insertPublicationSQL string
	//go:embed sql/first_day.sql
	firstDaySQL string
	//go:embed sql/published_months.sql
	publishedMonthsSQL string
)

// Publisher makes publications. One works at a time, however many replicas run it.
type Publisher struct {
	Pool      *pgxpool.Pool
	ODSCode   string
	Synthetic bool
}

// Outcome says what a run did with a period.
type Outcome string

// The outcomes.
const (
	Published        Outcome = "Published"
	AlreadyPublished Outcome = "AlreadyPublished"
)

// PublishDue publishes every month that is over and was not published, newest first.
func (p Publisher) PublishDue(ctx context.Context, now time.Time) error {
	var first *time.Time
	if err := p.Pool.QueryRow(ctx, firstDaySQL).Scan(&first); err != nil {
		return fmt.Errorf("looking for what can be published: %w", err)
	}
	if first == nil {
		return nil
	}
	rows, err := p.Pool.Query(ctx, publishedMonthsSQL)
	if err != nil {
		return fmt.Errorf("reading what is published: %w", err)
	}
	months, err := pgx.CollectRows(rows, pgx.RowTo[time.Time])
	if err != nil {
		return fmt.Errorf("reading what is published: %w", err)
	}
	already := map[Period]bool{}
	for _, m := range months {
		already[monthOf(m)] = true
	}
	for _, period := range due(now, *first, already) {
		if _, err := p.Publish(ctx, period, false); err != nil {
			return err
		}
	}
	return nil
}

// Publish publishes a month that is over: once, and again only to revise. Whoever calls decides that it is over.
func (p Publisher) Publish(ctx context.Context, period Period, revise bool) (outcome Outcome, err error) {
	if _, err := facts.CatchUp(ctx, p.Pool); err != nil {
		return "", err
	}
	start := time.Now()
	err = pgx.BeginFunc(ctx, p.Pool, func(tx pgx.Tx) error {
		outcome, err = p.publish(ctx, tx, period, revise)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("publishing the figures of %s: %w", period, err)
	}
	slog.Info("figures", "period", period.String(), "outcome", string(outcome), "duration", time.Since(start).String())
	return outcome, nil
}

func (p Publisher) publish(ctx context.Context, tx pgx.Tx, period Period, revise bool) (Outcome, error) {
	if _, err := tx.Exec(ctx, lockSQL); err != nil {
		return "", err
	}
	args := pgx.NamedArgs{"from": period.From, "to": period.To}
	var revision int32
	if err := tx.QueryRow(ctx, revisionSQL, args).Scan(&revision); err != nil {
		return "", err
	}
	if revision > 0 && !revise {
		return AlreadyPublished, nil
	}
	rows, err := p.rows(ctx, tx, args)
	if err != nil {
		return "", err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return "", err
	}
	args["id"], args["revision"], args["suppression_version"], args["synthetic"] = id, revision+1, suppression.RuleVersion, p.Synthetic
	if _, err := tx.Exec(ctx, insertPublicationSQL, args); err != nil {
		return "", err
	}
	return Published, keep(ctx, tx, id, rows)
}

// rows decides on all figures of a period.
func (p Publisher) rows(ctx context.Context, tx pgx.Tx, args pgx.NamedArgs) (map[string][]row, error) {
	geographies, err := p.directory(ctx, tx)
	if err != nil {
		return nil, err
	}
	known := gazetteerOf(geographies)
	counts, err := p.counts(ctx, tx, args, known)
	if err != nil {
		return nil, err
	}
	earlier, err := readEarlier(ctx, tx, args)
	if err != nil {
		return nil, err
	}
	population, source, err := p.population(ctx, tx, known)
	if err != nil {
		return nil, err
	}
	workers, err := p.keyWorkers(ctx, tx, args, known)
	if err != nil {
		return nil, err
	}
	all := map[string][]row{}
	for _, m := range Measures() {
		if m.Kind == Rate {
			continue
		}
		rows, err := decide(m, geographies, counts[m.ID], earlier[m.ID])
		if errors.Is(err, errKept) {
			slog.Warn("a measure keeps its earlier figures: new ones would give a small count away", "measure", m.ID)
			rows, err = earlier[m.ID][len(earlier[m.ID])-1], nil
		}
		if err != nil {
			return nil, err
		}
		all[m.ID] = rows
	}
	for _, m := range Measures() {
		switch {
		case m.Kind != Rate:
		case m.per == perKeyWorker:
			all[m.ID] = perWorker(m, all[m.rateOf], workers)
		default:
			all[m.ID] = rates(m, all[m.rateOf], population, source)
		}
	}
	return all, nil
}

var columns = []string{
	"publication_id", "measure", "geography_kind", "geography", "place", "provider", "breakdown_kind", "breakdown", "numerator", "denominator", "value", "state",
	"reason", "rule_version", "source", "exact_numerator", "exact_denominator",
}

func keep(ctx context.Context, tx pgx.Tx, publication uuid.UUID, rows map[string][]row) error {
	var values [][]any
	for measure, all := range rows {
		for _, r := range all {
			values = append(values, []any{
				publication, measure, r.Kind, r.Name, r.Place, r.Provider, r.BreakdownKind, r.Breakdown, r.Numerator, r.Denominator, r.Value, r.State,
				r.Reason, r.RuleVersion, r.Source, r.ExactNumerator, r.ExactDenominator,
			})
		}
	}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"figures"}, columns, pgx.CopyFromRows(values))
	return err
}
