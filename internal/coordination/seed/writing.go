package seed

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// daysInATransaction: rows that change on many days leave dead versions behind, which are swept only between transactions. The statements of
// these days are sent together, so that neither side waits for the other's answers.
const daysInATransaction = 28

// statements write the stages, with an array of values for each column.
type statements [stageCount]statement

type statement struct {
	sql string
	// lists are the places of columns that are arrays themselves: an array of arrays has one length for all of them, so each is written as text.
	lists []int
}

// prepareStatements asks the database what the columns are.
func prepareStatements(ctx context.Context, conn *pgx.Conn) (*statements, error) {
	var all statements
	for s, to := range targets {
		if to.change != "" {
			all[s] = statement{sql: to.change}
			continue
		}
		rows, err := conn.Query(ctx, `SELECT format_type(a.atttypid, NULL) FROM unnest($2::text[]) WITH ORDINALITY c (name, place)
			JOIN pg_attribute a ON a.attrelid = to_regclass($1) AND a.attname = c.name ORDER BY c.place`, to.table, to.columns)
		if err != nil {
			return nil, fmt.Errorf("asking for the columns of %s: %w", to.table, err)
		}
		types, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || len(types) != len(to.columns) {
			return nil, fmt.Errorf("asking for the columns of %s: %d of %d are there: %w", to.table, len(types), len(to.columns), err)
		}
		all[s] = insertion(to, types)
	}
	return &all, nil
}

func insertion(to target, types []string) statement {
	var s statement
	n := len(types)
	names, values, arrays := make([]string, n), make([]string, n), make([]string, n)
	for i, of := range types {
		names[i] = fmt.Sprintf("c%d", i)
		values[i] = names[i]
		if strings.HasSuffix(of, "[]") {
			s.lists = append(s.lists, i)
			values[i] += "::" + of
			of = "text"
		}
		arrays[i] = fmt.Sprintf("$%d::%s[]", i+1, of)
	}
	list := func(of []string) string { return strings.Join(of, ", ") }
	s.sql = fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM unnest(%s) AS v (%s)", to.table, list(to.columns), list(values), list(arrays), list(names))
	return s
}

// arguments turns rows into columns.
func (s *statement) arguments(events []event) ([]any, error) {
	columns := make([]any, len(events[0].values))
	for i := range columns {
		column := make(pgtype.FlatArray[any], len(events))
		for n, e := range events {
			column[n] = e.values[i]
		}
		columns[i] = column
	}
	for _, i := range s.lists {
		column := columns[i].(pgtype.FlatArray[any])
		for n, list := range column {
			text, err := types.Encode(pgtype.TextArrayOID, pgtype.TextFormatCode, list, nil)
			if err != nil {
				return nil, fmt.Errorf("writing a list: %w", err)
			}
			column[n] = string(text)
		}
	}
	return columns, nil
}

var types = pgtype.NewMap()

// write writes the days that are not written yet, some in each transaction, and notes how far it came.
func (t *timeline) write(ctx context.Context, conn *pgx.Conn, part int, through time.Time, services []uuid.UUID) error {
	with, err := prepareStatements(ctx, conn)
	if err != nil {
		return err
	}
	next, transactions := 0, 0
	if !through.IsZero() {
		next = daysBetween(t.first, through) + 1
	}
	for next < len(t.days) {
		end := min(next+daysInATransaction, len(t.days))
		err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "SELECT set_config('cmhf.subject', $1, true), set_config('cmhf.role', 'practitioner', true), set_config('cmhf.services', array_to_string($2::uuid[], ','), true)",
				subject, services); err != nil {
				return fmt.Errorf("saying who writes: %w", err)
			}
			if err := t.writeDays(ctx, tx, with, next, end); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, "INSERT INTO synthetic_seed_parts VALUES ($1, $2) ON CONFLICT (part) DO UPDATE SET through = excluded.through", part, t.first.AddDate(0, 0, end-1))
			return err
		})
		if err != nil {
			return err
		}
		next = end
		if transactions++; part < analysingParts && transactions&(transactions-1) == 0 {
			if _, err := conn.Exec(ctx, "ANALYZE"); err != nil {
				return fmt.Errorf("renewing the planner's statistics: %w", err)
			}
		}
	}
	return nil
}

// analysingParts renew the planner's statistics after one, two, four, eight… transactions: about empty tables it knows nothing, takes
// whichever index comes first, and keeps to it as they grow. Later parts begin with what these have made.
const analysingParts = 1

// writeDays sends the days from next on and up to end, without that one.
func (t *timeline) writeDays(ctx context.Context, tx pgx.Tx, with *statements, next, end int) error {
	var batch pgx.Batch
	var about []string // of each statement
	for n := next; n < end; n++ {
		events, day := t.days[n], t.first.AddDate(0, 0, n)
		if len(events) == 0 {
			continue
		}
		batch.Queue("SELECT set_config('cmhf.seeded_moment', $1, true)", closeOfDay(day).Format(time.RFC3339))
		about = append(about, day.Format(time.DateOnly)+", setting the clock")
		slices.SortStableFunc(events, func(a, b event) int { return int(a.stage - b.stage) })
		for len(events) > 0 {
			s, count := events[0].stage, 1
			for count < len(events) && events[count].stage == s {
				count++
			}
			values, err := with[s].arguments(events[:count])
			if err != nil {
				return fmt.Errorf("%s, %s: %w", day.Format(time.DateOnly), with[s].sql, err)
			}
			batch.Queue(with[s].sql, values...)
			about = append(about, day.Format(time.DateOnly)+", "+with[s].sql)
			events = events[count:]
		}
		t.days[n] = nil // queued, and no longer needed: who goes on after a failure makes them again
	}
	answers := tx.SendBatch(ctx, &batch)
	for _, what := range about {
		if _, err := answers.Exec(); err != nil {
			_ = answers.Close() // says the same
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	return answers.Close()
}
