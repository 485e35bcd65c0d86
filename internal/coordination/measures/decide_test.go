package measures

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// unit is one thing that is counted, by its classes.
type unit struct {
	service, neighbourhood, place string
	classes                       map[string]string
	counted                       bool
}

// tally counts units as measure_counts does.
func tally(m Measure, units []unit) map[class]count {
	counts := map[class]count{}
	for _, u := range units {
		for _, g := range []geography{{Kind: wholeICS, Name: "QOP"}, {Kind: place, Name: u.place}, {Kind: service, Name: u.service, Provider: ledBy[u.service]}, {Kind: provider, Name: ledBy[u.service]},
			{Kind: neighbourhood, Name: u.neighbourhood, Place: u.place}} {
			add := func(c class) {
				n := counts[c]
				n.units++
				if u.counted {
					n.counted++
				}
				counts[c] = n
			}
			add(class{geography: g})
			if g.Kind == neighbourhood {
				continue
			}
			for _, b := range m.breakdowns() {
				add(class{g, b.kind, u.classes[b.kind]})
			}
		}
	}
	return counts
}

func named(t testing.TB, id string) Measure {
	t.Helper()
	all := Measures()
	i := slices.IndexFunc(all, func(m Measure) bool { return m.ID == id })
	if i < 0 {
		t.Fatalf("no measure %s", id)
	}
	return all[i]
}

// ledBy names the provider of each service.
var ledBy = map[string]string{
	"north": "RX1", "south": "RX1", "east": "RX2",
	"s00": "RX1", "s01": "RX1", "s02": "RX1", "s03": "RX2", "s04": "RX2", "s05": "RX2",
}

func small() []geography {
	entries := []entry{{neighbourhood, "harbour", "coast", ""}, {neighbourhood, "hill", "coast", ""}}
	for _, name := range []string{"east", "north", "south"} {
		entries = append(entries, entry{service, name, "coast", ledBy[name]})
	}
	return directoryOf("QOP", entries)
}

func plainUnit(service, band string, counted bool) unit {
	return unit{service, "harbour", "coast", map[string]string{"ageBand": "40-64", "ethnicity": notKnown, "gender": notKnown, "deprivation": notKnown, "route": "GP", byBand: band}, counted}
}

// 34 of 40 people waited no more than four weeks: 29 of 30 at one service, 5 of 10 at the other.
func TestDecideWaits(t *testing.T) {
	t.Parallel()
	var units []unit
	for i := range 40 {
		switch {
		case i < 29:
			units = append(units, plainUnit("north", "14-28", true))
		case i == 29:
			units = append(units, plainUnit("north", "29-182", false))
		default:
			units = append(units, plainUnit("south", []string{"14-28", "29-182"}[i%2], i%2 == 0))
		}
	}
	m := named(t, "national-wait-completed")
	rows, err := decide(m, small(), tally(m, units), nil)
	if err != nil {
		t.Fatal(err)
	}
	found := map[class]row{}
	for _, r := range rows {
		found[r.class] = r
	}
	ics, north := geography{Kind: wholeICS, Name: "QOP"}, geography{Kind: service, Name: "north", Provider: "RX1"}
	if whole := found[class{geography: ics}]; whole.State != published || *whole.Value != 88 || *whole.Numerator != 35 || *whole.Denominator != 40 {
		t.Errorf("the ICS: %+v", whole)
	}
	// All forty are led by one provider, so its figures are those of the ICS.
	if r := found[class{geography: geography{Kind: provider, Name: "RX1"}}]; r.State != published || *r.Value != 88 {
		t.Errorf("the provider: %+v", r)
	}
	if r := found[class{geography: north}]; r.State != hidden || r.Numerator != nil {
		t.Errorf("29 of 30 leaves one, and is shown: %+v", r)
	}
	if r := found[class{ics, byBand, "14-28"}]; r.State != published || *r.Value != 88 {
		t.Errorf("a band: %+v", r)
	}
	if r := found[class{ics, "ageBand", "18-25"}]; r.State != hidden {
		t.Errorf("nobody is hidden like anyone: %+v", r)
	}
	// Published again, unchanged, the same figures are shown.
	again, err := decide(m, small(), tally(m, units), []release{rows})
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		if rows[i].State != again[i].State {
			t.Errorf("%v: %s, then %s", rows[i].class, rows[i].State, again[i].State)
		}
	}
}

// The lattice of an ICS hides little to protect small counts.
func TestDecideLattice(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var entries []entry
	for i := range 12 {
		entries = append(entries, entry{neighbourhood, fmt.Sprintf("n%02d", i), fmt.Sprintf("p%d", i/4), ""})
	}
	for i := range 6 {
		name := fmt.Sprintf("s%02d", i)
		entries = append(entries, entry{service, name, fmt.Sprintf("p%d", i/2), ledBy[name]})
	}
	m := named(t, "person-wait-completed")
	var units []unit
	for range 800 {
		n := random.IntN(12)
		u := unit{fmt.Sprintf("s%02d", n/2), fmt.Sprintf("n%02d", n), fmt.Sprintf("p%d", n/4), map[string]string{}, false}
		for _, b := range m.breakdowns() {
			u.classes[b.kind] = b.classes[min(len(b.classes)-1, int(random.ExpFloat64()*1.5))]
		}
		u.counted = slices.Contains([]string{"0-6", "7-13", "14-28"}, u.classes[byBand])
		units = append(units, u)
	}
	rows, err := decide(m, directoryOf("QOP", entries), tally(m, units), nil)
	if err != nil {
		t.Fatal(err)
	}
	shown, protected := 0, 0
	for _, r := range rows {
		switch {
		case r.Denominator != nil:
			shown++
		case *r.ExactDenominator >= 5:
			protected++
		}
	}
	if protected*20 > shown {
		t.Errorf("%d denominators are hidden to protect others, and %d are shown", protected, shown)
	}
}
