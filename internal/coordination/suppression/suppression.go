// Package suppression decides which figures of a table may be shown (care rule 12), for the whole table at once.
//
// Counts below 5, zero included, are hidden, others are rounded to the nearest 5. A numerator is also hidden where denominator minus numerator
// is below 5. Then so many further cells are hidden that nobody can work out more of a small count than that it is small: each value from 0 to 4
// stays possible for it, given everything that is published now and was published before about the same counts.
//
// That is shown by construction, not by bounds: for each small count and each value from 0 to 4 the package finds a whole table of integers with
// that value, in which all sums hold and every published figure is what it is (witness.go, exchange.go). Bounds by interval propagation would not find
// what several sums together give away; a linear program would, but for real numbers only, and would bring a numerical library and its tolerances
// into a promise about people. Where no such table is found, another cell is hidden: the search may hide too much, never too little. It ends, because
// each failure hides a cell and nothing can be excluded once nothing is published. How long it takes is measured by BenchmarkDecide.
//
// The one who tries to work counts out is taken to know the rounding, all sums, and which counts have changed since the earlier publication. To
// them every hidden cell looks alike, so callers must not show which of Small and Protected a cell is. Functions are pure.
package suppression

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Threshold is the smallest count that is shown, step what figures are rounded to (facts, section e4).
const (
	Threshold = 5
	step      = 5
	reach     = step / 2 // how far a count may be from its figure
)

// Rule says in words what the package does; it is shown with figures.
const Rule = "Counts below 5 are hidden and shown as *, and so are further figures from which one could be worked out; - is missing. Others are rounded to the nearest 5; percentages are whole numbers, from rounded parts."

// RuleVersion is stored with every publication.
const RuleVersion = "suppression-1"

// State says what is shown of a cell.
type State int

// The states. Small and Protected are both shown as *.
const (
	// Published: the rounded figure is shown.
	Published State = iota
	// Small counts are hidden for their own sake.
	Small
	// Protected ones are hidden so that a small count, or a small rest of a denominator, can't be worked out.
	Protected
	// Missing: there is no count; it is shown as -, never as zero.
	Missing
)

// Cell is one count of a table.
type Cell struct {
	Key     string
	Count   int64
	Missing bool
}

// Sum says that the parts, which do not overlap, make up the total. Where a part is missing, what is known of the others makes up the total at most.
type Sum struct {
	Total string
	Parts []string
}

// Pair says that one count is a part of another, shown as a percentage.
type Pair struct{ Numerator, Denominator string }

// Table is all counts of one publication that have to do with one another, with all that links them. A link that is left out is not protected against.
type Table struct {
	Cells []Cell
	Sums  []Sum
	Pairs []Pair
}

// Figure is what is shown of a cell.
type Figure struct {
	State State
	// Value is the rounded count, when Published.
	Value int64
}

// Release is an earlier publication of the same table, with its exact counts.
type Release struct {
	Table   Table
	Figures map[string]Figure
}

// ErrUnprotectable says that an earlier publication gives a count away whatever is hidden now: publish nothing anew.
var ErrUnprotectable = errors.New("an earlier publication of the same period leaves no way to protect a small count")

// Round gives the figure of a count that may be shown.
func Round(count int64) int64 { return (count + reach) / step * step }

// Percent is a whole percentage from rounded parts.
func Percent(numerator, denominator int64) int64 {
	return (200*numerator + denominator) / (2 * denominator)
}

// Alone decides on a count that has to do with no other figure.
func Alone(count int64) Figure {
	if count < Threshold {
		return Figure{State: Small}
	}
	return Figure{State: Published, Value: Round(count)}
}

// Decide gives the figure of every cell of the table. earlier are the publications before it that cover the same cells, oldest first. The answer does
// not depend on the order in which cells and links are given.
func Decide(now Table, earlier ...Release) (map[string]Figure, error) {
	figures := map[string]Figure{}
	for _, c := range now.Cells {
		if _, twice := figures[c.Key]; twice {
			return nil, fmt.Errorf("the table has the cell %q twice", c.Key)
		}
		figures[c.Key] = Alone(c.Count)
		if c.Missing {
			figures[c.Key] = Figure{State: Missing}
		}
	}
	counts := now.counts()
	for _, p := range now.Pairs {
		numerator, known := counts[p.Numerator]
		denominator, both := counts[p.Denominator]
		if known && both && denominator-numerator < Threshold && figures[p.Numerator].State == Published {
			figures[p.Numerator] = Figure{State: Protected}
		}
	}
	s := newSystem()
	for _, e := range earlier {
		if err := s.add(e.Table, e.Figures, false); err != nil {
			return nil, fmt.Errorf("an earlier publication: %w", err)
		}
	}
	if err := s.add(now, figures, true); err != nil {
		return nil, err
	}
	s.prepare()
	for _, v := range s.sensitive() {
		for !s.coversSmall(v) {
			hidden, found := s.nextToHide(v)
			if !found {
				if s.bound(v) {
					return nil, ErrUnprotectable
				}
				break // nothing is published that has to do with it
			}
			s.hide(hidden)
			figures[s.keys[hidden]] = Figure{State: Protected}
		}
	}
	return figures, nil
}

func (t Table) counts() map[string]int64 {
	counts := map[string]int64{}
	for _, c := range t.Cells {
		if !c.Missing {
			counts[c.Key] = c.Count
		}
	}
	return counts
}

// sorted gives the table in an order of its own.
func (t Table) sorted() Table {
	s := Table{Cells: slices.Clone(t.Cells), Sums: slices.Clone(t.Sums), Pairs: slices.Clone(t.Pairs)}
	slices.SortFunc(s.Cells, func(a, b Cell) int { return cmp.Compare(a.Key, b.Key) })
	for i, sum := range s.Sums {
		s.Sums[i].Parts = slices.Sorted(slices.Values(sum.Parts))
	}
	slices.SortFunc(s.Sums, func(a, b Sum) int { return cmp.Or(cmp.Compare(a.Total, b.Total), slices.Compare(a.Parts, b.Parts)) })
	slices.SortFunc(s.Pairs, func(a, b Pair) int {
		return cmp.Or(cmp.Compare(a.Denominator, b.Denominator), cmp.Compare(a.Numerator, b.Numerator))
	})
	return s
}
