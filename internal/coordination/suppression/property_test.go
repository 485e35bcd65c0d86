package suppression

import (
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// checkAttack lets the attacker loose on publications, the last of which is table.
func checkAttack(t interface{ Fatalf(string, ...any) }, table Table, figures map[string]Figure, earlier ...Release) {
	a := newAttacker()
	before := map[string]int64{}
	all := append(slices.Clone(earlier), Release{table, figures})
	for _, r := range all {
		a.learn(r.Table, r.Figures, before)
		maps.Copy(before, r.Table.counts())
	}
	counts := table.counts()
	for key, count := range counts {
		f := figures[key]
		switch {
		case count < Threshold && f.State != Small:
			t.Fatalf("%s = %d is %v", key, count, f)
		case f.State == Published && f.Value != Round(count):
			t.Fatalf("%s = %d is shown as %d", key, count, f.Value)
		case f.State == Small:
			for value := range int64(Threshold) {
				if !a.possible(key, value) {
					t.Fatalf("%s = %d: %d can be excluded\n%+v\n%+v", key, count, value, all, figures)
				}
			}
		}
	}
	for _, p := range table.Pairs {
		n, okN := counts[p.Numerator]
		d, okD := counts[p.Denominator]
		if !okN || !okD || d-n >= Threshold {
			continue
		}
		if figures[p.Numerator].State == Published {
			t.Fatalf("%v: %d of %d is shown", p, n, d)
		}
		for value := range int64(Threshold) {
			if !a.restPossible(p, value) {
				t.Fatalf("%v: %d of %d: the rest can't be %d\n%+v", p, n, d, value, figures)
			}
		}
	}
}

// Whatever the table, no value from 0 to 4 can be excluded for a small count, and deciding ends.
func TestPropertyAttack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		table := genLattice.Draw(t, "lattice").table()
		figures, err := Decide(table)
		if err != nil {
			t.Fatal(err)
		}
		checkAttack(t, table, figures)
	})
}

// Nor can it when the same period is published again with some counts changed, with both publications in hand.
func TestPropertyAttackWithEarlier(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := genLattice.Draw(t, "lattice")
		first := l.table()
		earlier, err := Decide(first)
		if err != nil {
			t.Fatal(err)
		}
		l.units = maps.Clone(l.units)
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			class := rapid.SampledFrom(slices.SortedFunc(maps.Keys(l.units), func(a, b [4]int) int { return slices.Compare(a[:], b[:]) })).Draw(t, "class")
			l.units[class] = max(0, l.units[class]+rapid.Int64Range(-4, 6).Draw(t, "change"))
		}
		second := l.table()
		release := Release{first, earlier}
		figures, err := Decide(second, release)
		if errors.Is(err, ErrUnprotectable) {
			return // nothing is published anew
		}
		if err != nil {
			t.Fatal(err)
		}
		checkAttack(t, second, figures, release)
		checkEarlier(t, release, Release{second, figures})
	})
}

// checkEarlier tells whether the second publication gives away what was small in the first.
func checkEarlier(t *rapid.T, first, second Release) {
	a := newAttacker()
	a.learn(first.Table, first.Figures, nil)
	names := maps.Clone(a.names)
	a.learn(second.Table, second.Figures, first.Table.counts())
	a.names = names
	for key, f := range first.Figures {
		for value := range int64(Threshold) {
			if f.State == Small && !a.possible(key, value) {
				t.Fatalf("%s was small in the first publication; with the second, %d can be excluded\n%+v\n%+v", key, value, first, second)
			}
		}
	}
}

// Every step of the search leads to a table in which all equations hold and all published figures stay.
func TestPropertyStepsAreWitnesses(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		table := genLattice.Draw(t, "lattice").table()
		figures, err := Decide(table)
		if err != nil {
			t.Fatal(err)
		}
		s := newSystem()
		if err := s.add(table, figures, true); err != nil {
			t.Fatal(err)
		}
		s.prepare()
		v := rapid.IntRange(0, len(s.truth)-1).Draw(t, "variable")
		for range 3 {
			before := s.search.value[v]
			by := rapid.SampledFrom([]int64{-1, 1}).Draw(t, "by")
			if s.step(v, by) != (s.search.value[v] == before+by) {
				t.Fatal("a step did not do what it says")
			}
			for e, terms := range s.equations {
				sum := int64(0)
				for _, term := range terms {
					sum += term.sign * s.search.value[term.variable]
				}
				if sum != 0 {
					t.Fatalf("equation %d is off by %d", e, sum)
				}
			}
			for v, value := range s.search.value {
				if value < s.low[v] || value > s.high[v] {
					t.Fatalf("%s is %d, outside %d to %d", s.keys[v], value, s.low[v], s.high[v])
				}
			}
		}
	})
}

// The same table in another order is decided in the same way.
func TestPropertyOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		table := genLattice.Draw(t, "lattice").table()
		figures, err := Decide(table)
		if err != nil {
			t.Fatal(err)
		}
		table.Cells = rapid.Permutation(table.Cells).Draw(t, "cells")
		table.Sums = rapid.Permutation(table.Sums).Draw(t, "sums")
		table.Pairs = rapid.Permutation(table.Pairs).Draw(t, "pairs")
		again, err := Decide(table)
		if err != nil || !maps.Equal(figures, again) {
			t.Fatalf("%v: %v, then %v", err, figures, again)
		}
	})
}

// The lattice of a large ICS is decided in seconds, and most of what is not small is published.
func TestLargeLattice(t *testing.T) {
	t.Parallel()
	figures, err := Decide(largeLattice())
	if err != nil {
		t.Fatal(err)
	}
	count := map[State]int{}
	for _, f := range figures {
		count[f.State]++
	}
	t.Logf("%d published, %d small, %d protected", count[Published], count[Small], count[Protected])
	if count[Protected]*5 > count[Published] {
		t.Errorf("%d cells are hidden to protect others, and %d are published", count[Protected], count[Published])
	}
}

func BenchmarkDecide(b *testing.B) {
	table := largeLattice()
	for b.Loop() {
		if _, err := Decide(table); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(table.Cells)), "cells")
}

func largeLattice() Table {
	random := rand.New(rand.NewPCG(1, 2))
	l := lattice{services: 25, kinds: 7, ratio: true, units: map[[4]int]int64{}}
	for p := range 6 {
		place := []int{}
		for n := range 8 {
			place = append(place, p*8+n)
		}
		l.places = append(l.places, place)
	}
	for range 1500 {
		n := random.IntN(48)
		l.units[[4]int{n, (n + random.IntN(3)) % 25, min(6, int(random.ExpFloat64()*1.2)), random.IntN(3) / 2}]++
	}
	return l.table()
}
