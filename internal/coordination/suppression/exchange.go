package suppression

import (
	"cmp"
	"math/rand/v2"
	"slices"
)

// An exchange is the step that a change of one counted thing makes: one comes in, or one goes out, or one comes in for another. What comes in or goes
// out adds or takes one in the cells of all its classes, so each equation holds by itself: whoever is in a total is in exactly one of its parts, and
// whoever is in a part is in the total. Where a published figure leaves no room for one more, the one that goes out is of the same class.
type exchange struct {
	*system
	// has tells which cells each side is in, part which part of each equation's total, plus one.
	has    [2][]bool
	part   [2][]int
	trail  []membership
	fixed  int // the cell that is to change
	keep   int // a cell that is not to change, or -1
	first  int // the side that is completed first; the other follows it where it can
	left   int
	random *rand.Rand
	// open lists the totals that a side is in, of which it may be in no part yet.
	open []claim
}

// The sides of an exchange.
const (
	in  = 0
	out = 1
)

type membership struct{ side, variable int }

type claim struct{ side, equation int }

// How hard exchanges are looked for.
const (
	exchangeNodes   = 150
	exchangeChoices = 6
	many            = 4 // so many choices are as good as more
)

// exchange finds a step that changes a variable by one and keeps another as it is, and applies it. Its moves are added to the trail.
func (s *system) exchange(v int, by int64, keep int) bool {
	side := in
	if by < 0 {
		side = out
	}
	x := &s.search.exchange
	if x.system == nil {
		*x = exchange{system: s}
		for side := range x.has {
			x.has[side], x.part[side] = make([]bool, len(s.truth)), make([]int, len(s.equations))
		}
	}
	x.fixed, x.keep, x.random = v, keep, s.search.random
	likenesses := x.likenesses(v)
	for i := range likenesses {
		x.left, x.open, x.first = exchangeNodes, x.open[:0], side
		found := x.put(side, v)
		if like := likenesses[(i+s.search.try)%len(likenesses)]; found && like != v {
			x.first = 1 - side
			found = x.put(x.first, like)
		}
		found = found && x.complete()
		if found {
			for _, m := range x.trail {
				s.change(m)
			}
		}
		x.leave(0)
		if found {
			return true
		}
	}
	return false
}

// likenesses lists what an exchange is tried against: nothing; then one that is in the widest total that the cell is in, and as far as possible of the
// same classes; then one that is in a narrower total.
func (x *exchange) likenesses(v int) []int {
	above := []int{v}
	for i := 0; i < len(above); i++ {
		for _, e := range x.partOf[above[i]] {
			if total := x.totalOf[e]; !slices.Contains(above, total) {
				above = append(above, total)
			}
		}
	}
	slices.Reverse(above[1:])
	return above
}

// change applies what one membership does to the table, unless the other side undoes it.
func (s *system) change(m membership) {
	if s.search.exchange.has[1-m.side][m.variable] {
		return
	}
	by := int64(1)
	if m.side == out {
		by = -1
	}
	s.search.value[m.variable] += by
	s.search.trail = append(s.search.trail, move{m.variable, by})
}

// leave takes the cells that were put last back, down to so many.
func (x *exchange) leave(mark int) {
	for _, m := range x.trail[mark:] {
		x.has[m.side][m.variable] = false
		for _, e := range x.partOf[m.variable] {
			x.part[m.side][e] = 0
		}
	}
	x.trail = x.trail[:mark]
}

// fits tells whether a variable may change by what the two sides make of it.
func (x *exchange) fits(v int, goesIn, goesOut bool) bool {
	switch {
	case goesIn == goesOut:
		return true
	case v == x.keep:
		return false
	case goesIn:
		return x.room(v, 1)
	}
	return x.room(v, -1)
}

// put makes a cell one of a side's, with all totals that it is a part of, and of the other's too where there is no room for the change; false when that
// can't be.
func (x *exchange) put(side, v int) bool {
	if x.has[side][v] {
		return true
	}
	if x.has[1-side][v] && v == x.fixed {
		return false
	}
	if x.elsewhere(side, v) {
		return false
	}
	x.has[side][v] = true
	x.trail = append(x.trail, membership{side, v})
	for _, e := range x.partOf[v] {
		x.part[side][e] = v + 1
	}
	for _, e := range x.sums[v] {
		x.open = append(x.open, claim{side, e})
	}
	if !x.fits(v, x.has[in][v], x.has[out][v]) && (v == x.fixed || !x.put(1-side, v)) {
		return false
	}
	for _, e := range x.partOf[v] {
		if !x.put(side, x.totalOf[e]) {
			return false
		}
	}
	return true
}

// elsewhere tells whether a side is in another part of a total that the cell is a part of.
func (x *exchange) elsewhere(side, v int) bool {
	part := x.part[side]
	for _, e := range x.partOf[v] {
		if part[e] != 0 {
			return true
		}
	}
	return false
}

// complete chooses parts until each equation holds for both sides.
func (x *exchange) complete() bool {
	open, fewest := claim{}, -1
	for _, c := range x.open {
		if x.part[c.side][c.equation] != 0 {
			continue
		}
		sooner := c.side == x.first && open.side != x.first
		if fewest >= 0 && !sooner && c.side != open.side {
			continue
		}
		limit := many
		if fewest >= 0 && !sooner {
			limit = fewest
		}
		n := x.countChoices(c, limit)
		if n == 0 {
			return false
		}
		if fewest < 0 || sooner || n < fewest {
			open, fewest = c, n
		}
	}
	if fewest < 0 {
		return true
	}
	if x.left--; x.left < 0 {
		return false
	}
	mark, opened := len(x.trail), len(x.open)
	choices := x.choices(open)
	for _, v := range choices[:min(len(choices), exchangeChoices)] {
		if x.put(open.side, v) && x.complete() {
			return true
		}
		x.leave(mark)
		x.open = x.open[:opened]
	}
	return false
}

// possible tells whether a side may be in a part, and whether the other side must then be in it too.
func (x *exchange) possible(side int, t term) (possible, both bool) {
	if t.sign < 0 || x.elsewhere(side, t.variable) || (t.variable == x.fixed && x.has[1-side][t.variable]) {
		return false, false
	}
	if x.has[1-side][t.variable] || x.fits(t.variable, side == in, side == out) {
		return true, false
	}
	return !x.elsewhere(1-side, t.variable), true
}

// countChoices counts the parts that a side may be in, up to a limit.
func (x *exchange) countChoices(c claim, limit int) (n int) {
	for _, t := range x.equations[c.equation] {
		if ok, _ := x.possible(c.side, t); ok {
			if n++; n >= limit {
				return n
			}
		}
	}
	return n
}

// choices lists the parts that a side may be in: those first that the other side is in, that settle several totals, for which there is room, and that
// raise fewest further questions.
func (x *exchange) choices(c claim) []int {
	type ranked struct {
		variable, rank, wide int
		order                uint32
	}
	found := make([]ranked, 0, len(x.equations[c.equation]))
	for _, t := range x.equations[c.equation] {
		possible, both := x.possible(c.side, t)
		if !possible {
			continue
		}
		r := ranked{variable: t.variable, wide: len(x.in[t.variable]), order: x.random.Uint32()}
		for _, e := range x.partOf[t.variable] {
			if x.has[c.side][x.totalOf[e]] {
				r.rank--
			}
		}
		switch {
		case x.has[1-c.side][t.variable]:
			r.rank -= 2
		case both:
			r.rank++
		}
		found = append(found, r)
	}
	slices.SortFunc(found, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.wide, b.wide), cmp.Compare(a.order, b.order))
	})
	variables := make([]int, len(found))
	for i, r := range found {
		variables[i] = r.variable
	}
	return variables
}
