package pages

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/cmhf/operator/internal/dashboard/figures"
)

// Filter says what part of the ICS and which month a page is about. It lives in the page's address, so a link shows the same figures.
type Filter struct {
	// Kind is ICS, Place, Neighbourhood, Service or Provider, Name which one; the ICS has no name here.
	Kind, Name string
	// Period is a month such as 2026-10; empty for the latest that is published.
	Period string
	// By is the breakdown of people that was chosen.
	By string
}

const wholeICS = "ICS"

var (
	areaKinds = []string{"Place", "Neighbourhood", "Service", "Provider"}
	month     = regexp.MustCompile(`^[0-9]{4}-(0[1-9]|1[0-2])$`)
)

// ParseFilter reads a filter from an address. What it does not know it leaves out: an old link still leads to the page.
func ParseFilter(query url.Values) Filter {
	f := Filter{Kind: wholeICS, By: groupings[0].Value}
	if kind, name, found := strings.Cut(query.Get("area"), ":"); found && slices.Contains(areaKinds, kind) && name != "" && len(name) <= 200 {
		f.Kind, f.Name = kind, name
	}
	if period := query.Get("period"); month.MatchString(period) {
		f.Period = period
	}
	if by := query.Get("by"); slices.ContainsFunc(groupings, func(o option) bool { return o.Value == by }) {
		f.By = by
	}
	return f
}

// Month is the month that breakdowns are shown of, as the API takes it.
func (f Filter) Month() string {
	if f.Period == "" {
		return "latest"
	}
	return f.Period
}

// area is the filter's area as addresses have it.
func (f Filter) area() string {
	if f.Kind == wholeICS {
		return ""
	}
	return f.Kind + ":" + f.Name
}

// Query asks for the figures of some measures in the filter's area.
func (f Filter) Query(period, breakdown string, measures ...string) figures.Query {
	return figures.Query{Measures: measures, Period: period, GeographyKind: f.Kind, Geography: f.Name, Breakdown: breakdown}
}

// option is one entry of a list to choose from.
type option struct {
	Value, Text string
	Chosen      bool
}

type optionGroup struct {
	Label   string
	Options []option
}

// areas lists what a reader can choose: what the services of the directory lie in, and who leads them.
func (f Filter) areas(icsName string, services []figures.Service) []optionGroup {
	names := map[string]map[string]string{"Place": {}, "Neighbourhood": {}, "Service": {}, "Provider": {}}
	for _, s := range services {
		names["Place"][s.Place] = s.Place
		for _, n := range s.Neighbourhoods {
			names["Neighbourhood"][n] = n
		}
		names["Service"][s.Name] = s.DisplayName
		names["Provider"][s.LeadProvider.ODSCode] = s.LeadProvider.Name
	}
	groups := []optionGroup{{Options: []option{{Text: "All of " + icsName, Chosen: f.Kind == wholeICS}}}}
	for _, kind := range areaKinds {
		g := optionGroup{Label: map[string]string{"Place": "Places", "Neighbourhood": "Neighbourhoods", "Service": "Services", "Provider": "Lead providers"}[kind]}
		// Who follows a link to an area that the directory has no more still sees which one it is.
		if f.Kind == kind && names[kind][f.Name] == "" {
			names[kind][f.Name] = f.Name
		}
		for name, text := range names[kind] {
			g.Options = append(g.Options, option{Value: kind + ":" + name, Text: text, Chosen: f.Kind == kind && f.Name == name})
		}
		slices.SortFunc(g.Options, func(a, b option) int { return strings.Compare(a.Text, b.Text) })
		if len(g.Options) > 0 {
			groups = append(groups, g)
		}
	}
	return groups
}

// chosen is the name of the area that is chosen.
func chosen(groups []optionGroup) string {
	for _, g := range groups {
		for _, o := range g.Options {
			if o.Chosen {
				return o.Text
			}
		}
	}
	return ""
}
