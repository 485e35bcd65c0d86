package pages

import (
	"cmp"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"time"

	"github.com/cmhf/operator/internal/dashboard/charts"
	"github.com/cmhf/operator/internal/dashboard/figures"
	"github.com/cmhf/operator/internal/dashboard/progress"
)

// measure is a measure as a page shows it: its latest figure, how that compares with those before, a chart, and the same as a table.
type measure struct {
	ID, Title, Definition  string
	Figure, Kind, Unit     string
	Change                 string
	Numerator, Denominator string
	Rule, RuleVersion      string
	Chart                  template.HTML
	Top, First, Last       string // the ends of the chart's scales
	Rows                   []measureRow
	CSV                    string
	Empty                  bool
}

type measureRow struct{ Period, Shown, Of string }

// newMeasure prepares a measure's figures of several months, up to the one that is chosen.
func newMeasure(got figures.MeasureFigures, f Filter) measure {
	m := got.Measure
	shown := measure{
		ID: m.ID, Title: m.Title, Definition: m.Definition, Unit: m.Unit, Numerator: m.Numerator, Denominator: m.Denominator,
		Rule: m.Rule, RuleVersion: m.RuleVersion, CSV: csvPath(m.ID, f), Empty: true, Figure: "No data", Kind: "none",
	}
	items := slices.Clone(got.Items)
	items = slices.DeleteFunc(items, func(i figures.Figure) bool { return f.Period != "" && i.Period > f.Period })
	slices.SortFunc(items, func(a, b figures.Figure) int { return cmp.Compare(a.Period, b.Period) })
	if len(items) == 0 {
		return shown
	}
	shown.Empty = false
	series := progress.Series{Better: progress.Better(m.BetterWhen), Percent: m.Kind == "Percent"}
	trend := charts.Trend{ID: "chart-" + m.ID, Title: m.Title}
	if m.Kind == "Percent" {
		trend.Top = 100
	}
	for _, i := range items {
		value := number(i)
		series.Points = append(series.Points, progress.Point{From: i.From.Time, To: i.To.Time, Value: value, Hidden: i.State == figures.Hidden})
		trend.Values = append(trend.Values, charts.Value{Number: value, Hidden: i.State == figures.Hidden})
		shown.Rows = append(shown.Rows, measureRow{Period: monthName(i.From.Time), Shown: inWords(i), Of: ofWhat(m, i)})
	}
	latest := items[len(items)-1]
	shown.Figure, shown.Kind = inWords(latest), map[string]string{figures.Published: "count", figures.Hidden: "words", figures.Missing: "none"}[latest.State]
	shown.Change = changeInWords(series.Judge())
	trend.Description = fmt.Sprintf("%s: %s in %s. The table below says every month.", m.Unit, inWords(latest), monthName(latest.From.Time))
	if len(items) > 1 {
		shown.Chart, shown.Top = trend.Draw(), british.Sprintf("%v", trend.Scale())
		shown.First, shown.Last = monthName(items[0].From.Time), monthName(latest.From.Time)
	}
	slices.Reverse(shown.Rows)
	return shown
}

// csvPath is where a measure's figures of all months can be had as a file.
func csvPath(measure string, f Filter) string {
	query := url.Values{}
	if area := f.area(); area != "" {
		query.Set("area", area)
	}
	path := "/figures/" + measure + ".csv"
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path
}

func number(f figures.Figure) *float64 {
	if f.Value == nil {
		return nil
	}
	value := float64(*f.Value)
	return &value
}

// inWords says a figure; a hidden one is never called small, because it may be a larger one that protects a small one.
func inWords(f figures.Figure) string {
	switch {
	case f.State == figures.Hidden:
		return "Hidden"
	case f.Value == nil:
		return "No data"
	}
	return british.Sprintf("%d", *f.Value)
}

// ofWhat says what a percentage is of.
func ofWhat(m figures.Measure, f figures.Figure) string {
	switch {
	case m.Kind == "Count":
		return ""
	case f.Numerator != nil && f.Denominator != nil:
		return british.Sprintf("%d of %d", *f.Numerator, *f.Denominator)
	case f.Denominator != nil:
		return british.Sprintf("hidden of %d", *f.Denominator)
	case f.Reason == "NoPopulation":
		return "no population was uploaded"
	}
	return "hidden"
}

func monthName(t time.Time) string { return t.Format("January 2006") }

// changeInWords says how a figure compares with those before it.
func changeInWords(j progress.Judgement) string {
	before := british.Sprintf("%.0f", j.Before)
	switch j.Change {
	case progress.BetterNow:
		return "Better than the average of the six months before (" + before + ")."
	case progress.WorseNow:
		return "Worse than the average of the six months before (" + before + ")."
	case progress.Up:
		return "Higher than the average of the six months before (" + before + ")."
	case progress.Down:
		return "Lower than the average of the six months before (" + before + ")."
	case progress.Same:
		return "About the same as the average of the six months before (" + before + ")."
	}
	return "Too early to compare: fewer than three months before it have a figure."
}
