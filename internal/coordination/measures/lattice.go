package measures

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cmhf/operator/internal/coordination/clocks"
	"github.com/cmhf/operator/internal/coordination/suppression"
)

// The kinds of geography.
const (
	wholeICS      = "ICS"
	place         = "Place"
	neighbourhood = "Neighbourhood"
	service       = "Service"
	provider      = "Provider"
)

// geography is a part of the ICS that figures are about.
type geography struct {
	Kind, Name string
	// Place is that of a neighbourhood.
	Place string
	// Provider is the ODS code of the one that leads a service.
	Provider string
}

// class says which units a count is of: those of a geography, all or one class of a breakdown.
type class struct {
	geography
	BreakdownKind, Breakdown string
}

// count is how many units a class has, and how many of them are in the numerator.
type count struct{ units, counted int64 }

// unknownIn is where people are counted of whom no more than the place is known.
func unknownIn(place string) string { return "Not known in " + place }

// unitsOf and countedOf name a class's cells.
func unitsOf(c class) string   { return "units/" + c.name() }
func countedOf(c class) string { return "counted/" + c.name() }

func (c class) name() string {
	return strings.Join([]string{c.Kind, c.Name, c.BreakdownKind, c.Breakdown}, "\x1f") // a name may hold a slash, and no control character
}

// classes lists every class that a measure has figures of, those without a unit too: a class that is left out would be seen to be empty. Neighbourhoods
// are small, so they have no breakdowns.
func classes(m Measure, geographies []geography) []class {
	var all []class
	for _, g := range geographies {
		all = append(all, class{geography: g})
		if g.Kind == neighbourhood {
			continue
		}
		for _, b := range m.breakdowns() {
			for _, value := range b.classes {
				all = append(all, class{g, b.kind, value})
			}
		}
	}
	return all
}

// table is a measure's counts with all that links them.
func table(m Measure, geographies []geography, counts map[class]count) (suppression.Table, error) {
	t := suppression.Table{}
	all := classes(m, geographies)
	known := map[class]bool{}
	for _, c := range all {
		known[c] = true
		t.Cells = append(t.Cells, suppression.Cell{Key: unitsOf(c), Count: counts[c].units})
		whole := class{geography: c.geography}
		if c.BreakdownKind == byBand {
			t.Pairs = append(t.Pairs, suppression.Pair{Numerator: unitsOf(c), Denominator: unitsOf(whole)})
		} else if m.Kind == Percent {
			t.Cells = append(t.Cells, suppression.Cell{Key: countedOf(c), Count: counts[c].counted})
			t.Pairs = append(t.Pairs, suppression.Pair{Numerator: countedOf(c), Denominator: unitsOf(c)})
		}
	}
	for c := range counts {
		if !known[c] {
			return t, fmt.Errorf("the measure %s counts a class of %q %q by %q that its table does not have", m.ID, c.Kind, c.Name, c.BreakdownKind)
		}
	}
	cellNames := []func(class) string{unitsOf}
	if m.Kind == Percent {
		cellNames = append(cellNames, countedOf)
	}
	for _, name := range cellNames {
		t.Sums = append(t.Sums, sums(m, geographies, name)...)
	}
	if m.Kind == Percent && m.bands {
		t.Sums = append(t.Sums, withinFourWeeks(geographies)...)
	}
	return t, nil
}

// sums are all ways in which the parts of a measure make up another: places, providers and services the ICS, neighbourhoods their place, services their
// provider, classes the whole.
func sums(m Measure, geographies []geography, name func(class) string) []suppression.Sum {
	var all []suppression.Sum
	parts := map[geography]map[string][]geography{}
	var ics geography
	places, providers := map[string]geography{}, map[string]geography{}
	for _, g := range geographies {
		switch g.Kind {
		case wholeICS:
			ics = g
		case place:
			places[g.Name] = g
		case provider:
			providers[g.Name] = g
		}
	}
	add := func(whole, part geography) {
		if parts[whole] == nil {
			parts[whole] = map[string][]geography{}
		}
		parts[whole][part.Kind] = append(parts[whole][part.Kind], part)
	}
	for _, g := range geographies {
		switch g.Kind {
		case place, provider:
			add(ics, g)
		case service:
			add(ics, g)
			add(providers[g.Provider], g)
		case neighbourhood:
			add(places[g.Place], g)
		}
	}
	counted := name(class{}) == countedOf(class{})
	for _, c := range classes(m, geographies) {
		if counted && c.BreakdownKind == byBand {
			continue
		}
		for kind, split := range parts[c.geography] {
			if kind == neighbourhood && c.BreakdownKind != "" {
				continue
			}
			sum := suppression.Sum{Total: name(c)}
			for _, g := range split {
				sum.Parts = append(sum.Parts, name(class{g, c.BreakdownKind, c.Breakdown}))
			}
			all = append(all, sum)
		}
		if c.BreakdownKind != "" || c.Kind == neighbourhood {
			continue
		}
		for _, b := range m.breakdowns() {
			if counted && b.kind == byBand {
				continue
			}
			sum := suppression.Sum{Total: name(c)}
			for _, value := range b.classes {
				sum.Parts = append(sum.Parts, name(class{c.geography, b.kind, value}))
			}
			all = append(all, sum)
		}
	}
	return all
}

// withinFourWeeks: the bands up to four weeks make up the numerator.
func withinFourWeeks(geographies []geography) []suppression.Sum {
	var all []suppression.Sum
	for _, g := range geographies {
		if g.Kind == neighbourhood {
			continue
		}
		sum := suppression.Sum{Total: countedOf(class{geography: g})}
		for _, b := range clocks.Bands() {
			if b.Last <= clocks.FourWeeks {
				sum.Parts = append(sum.Parts, unitsOf(class{g, byBand, b.ID}))
			}
		}
		all = append(all, sum)
	}
	return all
}

// entry is a neighbourhood or a service of the directory.
type entry struct{ Kind, Name, Place, Provider string }

// directoryOf lists the geographies of a directory. Each place has a neighbourhood for those of whom no more than the place is known.
func directoryOf(odsCode string, entries []entry) []geography {
	all := []geography{{Kind: wholeICS, Name: odsCode}}
	places, providers := map[string]bool{}, map[string]bool{}
	for _, e := range entries {
		places[e.Place] = true
		switch e.Kind {
		case neighbourhood:
			all = append(all, geography{Kind: neighbourhood, Name: e.Name, Place: e.Place})
		case service:
			providers[e.Provider] = true
			all = append(all, geography{Kind: service, Name: e.Name, Provider: e.Provider})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(providers)) {
		all = append(all, geography{Kind: provider, Name: name})
	}
	for _, name := range slices.Sorted(maps.Keys(places)) {
		all = append(all, geography{Kind: place, Name: name}, geography{Kind: neighbourhood, Name: unknownIn(name), Place: name})
	}
	return all
}
