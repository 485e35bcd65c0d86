package measures

import (
	"errors"
	"fmt"
	"math"

	"github.com/cmhf/operator/internal/coordination/suppression"
)

// The states of a figure, as outsiders see them.
const (
	published = "Published"
	hidden    = "Hidden"
	missing   = "Missing"
)

// row is a figure as it is stored.
type row struct {
	class
	Numerator, Denominator           *int64
	Value                            *int64
	State                            string
	Reason                           *string
	RuleVersion                      string
	Source                           *string
	ExactNumerator, ExactDenominator *int64
}

// release is what an earlier publication stored of one measure.
type release []row

// errKept says that nothing new can be published of a measure, so its earlier figures stay.
var errKept = errors.New("the earlier figures stay")

// decide gives the rows of a measure that is counted.
func decide(m Measure, geographies []geography, counts map[class]count, earlier []release) ([]row, error) {
	now, err := table(m, geographies, counts)
	if err != nil {
		return nil, err
	}
	var releases []suppression.Release
	for _, e := range earlier {
		r, err := e.release(m)
		if err != nil {
			return nil, err
		}
		releases = append(releases, r)
	}
	figures, err := suppression.Decide(now, releases...)
	if errors.Is(err, suppression.ErrUnprotectable) {
		return nil, errKept
	}
	if err != nil {
		return nil, fmt.Errorf("deciding on the figures of %s: %w", m.ID, err)
	}
	var rows []row
	for _, c := range classes(m, geographies) {
		rows = append(rows, m.row(c, counts, figures))
	}
	return rows, nil
}

func (m Measure) row(c class, counts map[class]count, figures map[string]suppression.Figure) row {
	r := row{class: c, State: hidden, RuleVersion: m.RuleVersion}
	exact := counts[c]
	r.Numerator, r.ExactNumerator = shown(figures[unitsOf(c)]), &exact.units
	switch {
	case c.BreakdownKind == byBand:
		whole := class{geography: c.geography}
		units := counts[whole].units
		r.Denominator, r.ExactDenominator = shown(figures[unitsOf(whole)]), &units
	case m.Kind == Percent:
		r.Denominator, r.ExactDenominator = r.Numerator, r.ExactNumerator
		r.Numerator, r.ExactNumerator = shown(figures[countedOf(c)]), &exact.counted
	}
	switch {
	case r.Numerator == nil, m.Kind == Percent && r.Denominator == nil:
	case m.Kind == Percent:
		percent := suppression.Percent(*r.Numerator, *r.Denominator)
		r.State, r.Value = published, &percent
	default:
		r.State, r.Value = published, r.Numerator
	}
	return r
}

func shown(f suppression.Figure) *int64 {
	if f.State != suppression.Published {
		return nil
	}
	return &f.Value
}

// release gives what an earlier publication showed, with the counts behind it.
func (e release) release(m Measure) (suppression.Release, error) {
	counts := map[class]count{}
	figures := map[string]suppression.Figure{}
	var geographies []geography
	note := func(key string, value *int64) {
		figures[key] = suppression.Figure{State: suppression.Protected}
		if value != nil {
			figures[key] = suppression.Figure{State: suppression.Published, Value: *value}
		}
	}
	for _, r := range e {
		if r.ExactNumerator == nil {
			return suppression.Release{}, fmt.Errorf("an earlier publication of %s lacks its counts", m.ID)
		}
		c := count{units: *r.ExactNumerator}
		if m.Kind == Percent && r.BreakdownKind != byBand {
			c = count{units: *r.ExactDenominator, counted: *r.ExactNumerator}
			note(countedOf(r.class), r.Numerator)
			note(unitsOf(r.class), r.Denominator)
		} else {
			note(unitsOf(r.class), r.Numerator)
		}
		counts[r.class] = c
		if r.BreakdownKind == "" {
			geographies = append(geographies, r.geography)
		}
	}
	t, err := table(m, geographies, counts)
	if err != nil {
		return suppression.Release{}, fmt.Errorf("an earlier publication: %w", err)
	}
	return suppression.Release{Table: t, Figures: figures}, nil
}

const perPopulation = 100_000

// rates gives the rows of a rate for each 100,000 people from those of what it counts. Services and providers have no population.
func rates(m Measure, counted []row, population map[class]int64, source string) []row {
	var rows []row
	for _, base := range counted {
		if base.Kind == service || base.Kind == provider || base.BreakdownKind == "route" || base.BreakdownKind == byBand || base.Breakdown == notKnown {
			continue
		}
		r := m.rate(base, population, perPopulation)
		if people, known := population[base.class]; known {
			r.Denominator, r.Source = &people, &source
		} else {
			reason := "NoPopulation"
			r.State, r.Reason, r.Numerator = missing, &reason, nil
		}
		rows = append(rows, r)
	}
	return rows
}

// perWorker gives the rows of a rate for each key worker. Key workers belong to services, and a place's people have those of many. How many there are
// is not shown, nor that there are none: there are no more of them than of those they support, who may be few.
func perWorker(m Measure, counted []row, workers map[class]int64) []row {
	var rows []row
	for _, base := range counted {
		if base.BreakdownKind == "" && (base.Kind == wholeICS || base.Kind == service) {
			rows = append(rows, m.rate(base, workers, 1))
		}
	}
	return rows
}

// rate divides a numerator, where it is shown and there is something to divide it by.
func (m Measure) rate(base row, by map[class]int64, times float64) row {
	r := row{class: base.class, Numerator: base.Numerator, State: hidden, RuleVersion: m.RuleVersion}
	if divisor := by[base.class]; base.Numerator != nil && divisor > 0 {
		value := int64(math.Round(float64(*base.Numerator) * times / float64(divisor)))
		r.State, r.Value = published, &value
	}
	return r
}
