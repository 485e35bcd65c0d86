package suppression

import (
	"fmt"
	"maps"
	"slices"

	"pgregory.net/rapid"
)

// lattice is units by their smallest classes: neighbourhood, service, kind of person, and whether they are in the numerator.
type lattice struct {
	places   [][]int // neighbourhoods of each place
	services int
	kinds    int
	ratio    bool
	// units counts by neighbourhood, service, kind; within the numerator first.
	units map[[4]int]int64
}

func (l lattice) table() Table {
	found := map[string]int64{}
	var t Table
	note := func(prefix string, count func(in int) bool) {
		keys := func(n, s, k int) []string {
			return []string{"ics", fmt.Sprintf("place%d", l.placeOf(n)), fmt.Sprintf("neighbourhood%d", n), fmt.Sprintf("service%d", s),
				fmt.Sprintf("ics/kind%d", k), fmt.Sprintf("place%d/kind%d", l.placeOf(n), k)}
		}
		for n := range l.neighbourhoods() {
			for s := range l.services {
				for k := range l.kinds {
					for _, key := range keys(n, s, k) {
						for in := range 2 {
							found[prefix+key] += 0
							if count(in) {
								found[prefix+key] += l.units[[4]int{n, s, k, in}]
							}
						}
					}
				}
			}
		}
		sum := func(total string, format string, ids ...int) {
			s := Sum{Total: prefix + total}
			for _, id := range ids {
				s.Parts = append(s.Parts, prefix+fmt.Sprintf(format, id))
			}
			t.Sums = append(t.Sums, s)
		}
		sum("ics", "place%d", numbers(len(l.places))...)
		sum("ics", "service%d", numbers(l.services)...)
		sum("ics", "ics/kind%d", numbers(l.kinds)...)
		for p, neighbourhoods := range l.places {
			sum(fmt.Sprintf("place%d", p), "neighbourhood%d", neighbourhoods...)
			sum(fmt.Sprintf("place%d", p), fmt.Sprintf("place%d/kind%%d", p), numbers(l.kinds)...)
		}
		for k := range l.kinds {
			sum(fmt.Sprintf("ics/kind%d", k), "place%d"+fmt.Sprintf("/kind%d", k), numbers(len(l.places))...)
		}
	}
	note("", func(int) bool { return true })
	if l.ratio {
		for _, key := range slices.Sorted(maps.Keys(found)) {
			t.Pairs = append(t.Pairs, Pair{"of/" + key, key})
		}
		note("of/", func(in int) bool { return in == 1 })
	}
	for _, key := range slices.Sorted(maps.Keys(found)) {
		t.Cells = append(t.Cells, Cell{Key: key, Count: found[key]})
	}
	return t
}

func numbers(n int) (all []int) {
	for i := range n {
		all = append(all, i)
	}
	return all
}

func (l lattice) neighbourhoods() (n int) {
	for _, p := range l.places {
		n += len(p)
	}
	return n
}

func (l lattice) placeOf(neighbourhood int) int {
	return slices.IndexFunc(l.places, func(p []int) bool { return slices.Contains(p, neighbourhood) })
}

var genLattice = rapid.Custom(func(t *rapid.T) lattice {
	l := lattice{services: rapid.IntRange(1, 2).Draw(t, "services"), kinds: rapid.IntRange(1, 3).Draw(t, "kinds"), ratio: rapid.Bool().Draw(t, "ratio"), units: map[[4]int]int64{}}
	next := 0
	for range rapid.IntRange(1, 2).Draw(t, "places") {
		var place []int
		for range rapid.IntRange(1, 2).Draw(t, "neighbourhoods") {
			place = append(place, next)
			next++
		}
		l.places = append(l.places, place)
	}
	for n := range next {
		for s := range l.services {
			for k := range l.kinds {
				for in := range 2 {
					l.units[[4]int{n, s, k, in}] = rapid.Int64Range(0, rapid.SampledFrom([]int64{0, 2, 6, 12}).Draw(t, "most")).Draw(t, "units")
				}
			}
		}
	}
	return l
})
