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

// WaitsPath is the address of the page "Access and waits".
const WaitsPath = "/access-and-waits"

// What the page shows: measures over time by subject, and the latest month by length of wait and by way in.
var (
	waitsSections = []struct {
		title    string
		measures []string
	}{
		{"Waits of people", []string{"person-wait-completed", "person-wait-open", "person-left-waiting"}},
		{"Waits by the national rule", []string{"national-wait-completed", "national-wait-open"}},
		{"Asking for help", []string{"referrals-received", "people-second-contact"}},
		{"Moving on, and coming back", []string{"handovers-accepted", "handovers-arrived", "re-entries", "closures-with-support"}},
	}
	// WaitBandMeasures have a breakdown by how long the wait was.
	WaitBandMeasures = []string{"person-wait-completed", "person-wait-open", "national-wait-completed", "national-wait-open"}
	// RouteMeasures are shown by way in.
	RouteMeasures = []string{"referrals-received"}
)

// WaitsMeasures are those that the page shows over time.
func WaitsMeasures() []string {
	var all []string
	for _, s := range waitsSections {
		all = append(all, s.measures...)
	}
	return all
}

// Waits is what the page "Access and waits" shows.
type Waits struct {
	Filter  Filter
	Figures figures.Figures // of all months
	// Bands and Routes are those of the month that is shown; without them the page says so.
	Bands, Routes               figures.Figures
	BandsMissing, RoutesMissing bool
	Services                    []figures.Service
	Reference                   string
}

type waitsPage struct {
	Areas        []optionGroup
	Periods      []option
	Area, Period string
	PublishedAt  string
	Rule, Change string
	Sections     []measureSection
	Bands        breakdownTable
	Routes       breakdownTable
	Reference    string
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

// Waits draws the page "Access and waits".
func (r *Renderer) Waits(w http.ResponseWriter, viewer Viewer, g Waits) error {
	areas := g.Filter.areas(r.icsName, g.Services)
	page := waitsPage{
		Areas: areas, Area: chosen(areas), Rule: g.Figures.Rule, Change: progress.Rule, Reference: g.Reference,
		Bands:  newBreakdown("bands", "How long people waited", g.Bands, WaitBandMeasures, waitBands),
		Routes: newBreakdown("routes", "By which door people came", g.Routes, RouteMeasures, routes),
	}
	switch {
	case g.Filter.Kind == "Neighbourhood":
		page.Bands.Why = "Figures of a neighbourhood are not split further: it is small."
		page.Routes.Why = page.Bands.Why
	default:
		if g.BandsMissing {
			page.Bands.Why = "These figures cannot be shown at the moment. The others on this page are complete."
		}
		if g.RoutesMissing {
			page.Routes.Why = "These figures cannot be shown at the moment. The others on this page are complete."
		}
	}
	latest := page.periods(g.Filter, g.Figures)
	if latest != nil {
		page.Period, page.PublishedAt = monthName(latest.From.Time), moment(latest.PublishedAt)
	}
	for _, s := range waitsSections {
		section := measureSection{Title: s.title}
		for _, id := range s.measures {
			if got := g.Figures.Of(id); got.Measure.ID != "" {
				section.Measures = append(section.Measures, newMeasure(got, g.Filter))
			}
		}
		page.Sections = append(page.Sections, section)
	}
	return r.write(w, http.StatusOK, "access-and-waits", frame{
		Title: "Access and waits", Viewer: &viewer, Nav: navigation(WaitsPath), Synthetic: g.Figures.Synthetic, Page: page,
	})
}

// periods lists the months to choose from, newest first, and gives the figure of the one that is shown.
func (p *waitsPage) periods(f Filter, got figures.Figures) *figures.Figure {
	found := map[string]figures.Figure{}
	for _, m := range got.Items {
		for _, i := range m.Items {
			found[i.Period] = i
		}
	}
	var all []figures.Figure
	for _, i := range found {
		all = append(all, i)
	}
	slices.SortFunc(all, func(a, b figures.Figure) int { return cmp.Compare(b.Period, a.Period) })
	var latest *figures.Figure
	for _, i := range all {
		if latest == nil && (f.Period == "" || i.Period <= f.Period) {
			latest = &i
		}
		p.Periods = append(p.Periods, option{Value: i.Period, Text: monthName(i.From.Time), Chosen: latest != nil && latest.Period == i.Period})
	}
	return latest
}

// waitBands are the lengths of waits in words, shortest first.
var waitBands = []option{
	{Value: "0-6", Text: "0 to 6 days"}, {Value: "7-13", Text: "7 to 13 days"}, {Value: "14-28", Text: "14 to 28 days"},
	{Value: "29-182", Text: "29 to 182 days"}, {Value: "over-182", Text: "Over 182 days"},
}

// routes are the ways in.
var routes = []option{
	{Value: "Self", Text: "The person's own request"}, {Value: "Carer", Text: "A carer"}, {Value: "GP", Text: "General practice"},
	{Value: "VCSE", Text: "A voluntary or community group"}, {Value: "SocialCare", Text: "Social care"}, {Value: "Crisis", Text: "A crisis service"},
	{Value: "Inpatient", Text: "A hospital ward"}, {Value: "Online", Text: "Online"}, {Value: "WalkIn", Text: "Walking in"}, {Value: "NotKnown", Text: "Not known"},
}

// newBreakdown prepares one month's figures by class, in the order of the words for them.
func newBreakdown(id, title string, got figures.Figures, measures []string, words []option) breakdownTable {
	t := breakdownTable{ID: id, Title: title}
	rows := make([]breakdownRow, len(words))
	published := false
	for _, id := range measures {
		of := got.Of(id)
		if of.Measure.ID == "" {
			continue
		}
		t.Columns = append(t.Columns, of.Measure.Title)
		var top float64
		for _, i := range of.Items {
			if i.Numerator != nil {
				top = max(top, float64(*i.Numerator))
			}
		}
		for n, class := range words {
			rows[n].Class = class.Text
			cell := breakdownCell{Shown: "No data"}
			at := slices.IndexFunc(of.Items, func(i figures.Figure) bool { return i.Class == class.Value })
			if at >= 0 {
				published = true
				cell.Shown = inWords(of.Items[at])
				if of.Items[at].Numerator != nil {
					cell.Shown = british.Sprintf("%d", *of.Items[at].Numerator)
					cell.Bar = charts.Bar(float64(*of.Items[at].Numerator), top)
				}
			}
			rows[n].Cells = append(rows[n].Cells, cell)
		}
	}
	if !published {
		t.Why = "Nothing is published for this choice yet."
		return t
	}
	t.Rows = rows
	return t
}
