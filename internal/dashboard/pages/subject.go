package pages

import (
	"cmp"
	"html/template"
	"net/http"
	"slices"

	"github.com/cmhf/operator/internal/dashboard/charts"
	"github.com/cmhf/operator/internal/dashboard/figures"
	"github.com/cmhf/operator/internal/dashboard/progress"
)

// SubjectFigures is what a subject's page shows.
type SubjectFigures struct {
	Filter  Filter
	Figures figures.Figures // of all months
	// Breakdowns are those of Subject.Breakdowns; nil for one that could not be fetched, which the page says.
	Breakdowns []*figures.Figures
	Services   []figures.Service
}

type subjectPage struct {
	Path, Title, Lead string
	Areas             []optionGroup
	Periods           []option
	Groupings         []option // empty where there is nothing to choose
	Area, Period      string
	PublishedAt       string
	Rule, Change      string
	Sections          []measureSection
	Tables            []breakdownTable
	Services          []service // empty where the page does not list them
}

type measureSection struct {
	Title    string
	Measures []measure
}

// breakdownTable is figures of one month by the classes of a breakdown.
type breakdownTable struct {
	ID, Title string
	Columns   []string
	Rows      []breakdownRow
	// Gaps say how far the classes are apart, one line for each measure that it can be said of.
	Gaps []string
	// Why says why there is no table.
	Why string
}

type breakdownRow struct {
	Class string
	Cells []breakdownCell
}

type breakdownCell struct {
	Shown string
	Bar   template.HTML
}

// Subject draws the page about a subject.
func (r *Renderer) Subject(w http.ResponseWriter, viewer Viewer, s Subject, g SubjectFigures) error {
	areas := g.Filter.areas(r.icsName, g.Services)
	page := subjectPage{
		Path: s.Path, Title: s.Title, Lead: s.Lead, Areas: areas, Area: chosen(areas), Rule: g.Figures.Rule, Change: progress.Rule,
	}
	if s.services {
		for _, one := range g.Services {
			page.Services = append(page.Services, newService(one))
		}
	}
	if s.by {
		for _, o := range groupings {
			o.Chosen = o.Value == g.Filter.By
			page.Groupings = append(page.Groupings, o)
		}
	}
	if latest := page.months(g.Filter, g.Figures); latest != nil {
		page.Period, page.PublishedAt = monthName(latest.From.Time), moment(latest.PublishedAt)
	}
	for _, one := range s.sections {
		shown := measureSection{Title: one.title}
		for _, id := range one.measures {
			if got := g.Figures.Of(id); got.Measure.ID != "" {
				shown.Measures = append(shown.Measures, newMeasure(got, g.Filter))
			}
		}
		page.Sections = append(page.Sections, shown)
	}
	kinds := s.Breakdowns(g.Filter)
	for n, b := range s.breakdowns {
		table := breakdownTable{ID: b.id, Title: b.title}
		switch {
		case n >= len(kinds):
			table.Why = "Figures of a neighbourhood are not split further: it is small."
		case g.Breakdowns[n] == nil:
			table.Why = "These figures cannot be shown at the moment. The others on this page are complete."
		default:
			table.fill(*g.Breakdowns[n], b, classes[kinds[n].Kind])
		}
		page.Tables = append(page.Tables, table)
	}
	return r.write(w, http.StatusOK, "subject", frame{Title: s.Title, Viewer: &viewer, Nav: navigation(s.Path), Synthetic: g.Figures.Synthetic, Page: page})
}

// months lists the months to choose from, newest first, and gives a figure of the one that is shown.
func (p *subjectPage) months(f Filter, got figures.Figures) (latest *figures.Figure) {
	var all []figures.Figure
	for _, m := range got.Items {
		for _, i := range m.Items {
			if !slices.ContainsFunc(all, func(o figures.Figure) bool { return o.Period == i.Period }) {
				all = append(all, i)
			}
		}
	}
	slices.SortFunc(all, func(a, b figures.Figure) int { return cmp.Compare(b.Period, a.Period) })
	for _, i := range all {
		if latest == nil && (f.Period == "" || i.Period <= f.Period) {
			latest = &i
		}
		p.Periods = append(p.Periods, option{Value: i.Period, Text: monthName(i.From.Time), Chosen: latest != nil && latest.Period == i.Period})
	}
	return latest
}

// fill puts one month's figures in, by the classes in the order of the words for them.
func (t *breakdownTable) fill(got figures.Figures, b breakdown, words []option) {
	t.Rows = make([]breakdownRow, len(words))
	published := false
	for column, id := range b.measures {
		of := got.Of(id)
		if of.Measure.ID == "" {
			continue
		}
		heading := of.Measure.Title
		switch {
		case column < len(b.heads):
			heading = b.heads[column]
		case b.values && of.Measure.Kind == "Percent":
			heading += ", " + of.Measure.Unit
		}
		t.Columns = append(t.Columns, heading)
		var top float64
		for _, i := range of.Items {
			if n := b.number(i); n != nil {
				top = max(top, float64(*n))
			}
		}
		if b.values && of.Measure.Kind == "Percent" {
			top = 100
		}
		for n, class := range words {
			t.Rows[n].Class = class.Text
			cell := breakdownCell{Shown: "No data"}
			if at := slices.IndexFunc(of.Items, func(i figures.Figure) bool { return i.Class == class.Value }); at >= 0 {
				published = true
				cell.Shown = inWords(of.Items[at])
				if n := b.number(of.Items[at]); n != nil {
					cell.Shown, cell.Bar = british.Sprintf("%d", *n), charts.Bar(float64(*n), top)
				}
			}
			t.Rows[n].Cells = append(t.Rows[n].Cells, cell)
		}
		if gap := gap(of, words); b.values && gap != "" {
			t.Gaps = append(t.Gaps, gap)
		}
	}
	if !published {
		*t = breakdownTable{ID: t.ID, Title: t.Title, Why: "Nothing is published for this choice yet."}
	}
}

// number is what a table shows of a figure: its value, or how many there are.
func (b breakdown) number(f figures.Figure) *int64 {
	if b.values {
		return f.Value
	}
	return f.Numerator
}

// gap says how far the classes of a percentage or rate are apart; how many people a class has says nothing by itself.
func gap(of figures.MeasureFigures, words []option) string {
	var low, high *figures.Figure
	text := func(f *figures.Figure) string {
		at := slices.IndexFunc(words, func(o option) bool { return o.Value == f.Class })
		return words[at].Text
	}
	for _, i := range of.Items {
		known := slices.ContainsFunc(words, func(o option) bool { return o.Value == i.Class })
		if i.Value == nil || i.Class == "NotKnown" || !known || of.Measure.Kind == "Count" {
			continue
		}
		if low == nil || *i.Value < *low.Value {
			low = &i
		}
		if high == nil || *i.Value > *high.Value {
			high = &i
		}
	}
	if low == nil || low.Class == high.Class {
		return ""
	}
	if *low.Value == *high.Value {
		return of.Measure.Title + ": no gap between the groups that are shown."
	}
	return british.Sprintf("%s: the gap is %d, between %s (%d) and %s (%d).", of.Measure.Title, *high.Value-*low.Value, text(low), *low.Value, text(high), *high.Value)
}
