package suppression

import (
	"math/rand/v2"
	"slices"
)

// A witness that a count may be another is a whole table in which it is. One is reached from the true table by steps, after each of which all equations
// hold and every published figure is what it is. A step changes the count by one: alone, mending each equation that this breaks by a further variable until
// all hold (repair.go), which is quick and finds most; or else by an exchange (exchange.go), if need be after others that make room. Every table on the way
// is a witness.

// How hard the search tries before another cell is hidden.
const (
	ways      = 4 // to a value, each from the true table on
	rooms     = 4
	nodes     = 60
	branching = 4
)

// search is the working state of coversSmall.
type search struct {
	value   []int64
	balance []int64 // what the terms of each equation add up to
	broken  []int   // equations that may not hold
	moved   []bool
	trail   []move
	left    int
	random  *rand.Rand
	try     int // which way to a value is tried
	// seen tells which values from 0 to 4 each variable has had in some witness. Hiding more takes none of them away.
	seen []uint8

	// stops counts how often each figure left no room since the last one was hidden.
	stops []int
	// blocks counts the same for what is in the way of the present step, up (1) and down (0); blocked lists where it counts.
	blocks  [2][]int
	blocked []move

	exchange exchange
}

type move struct {
	variable int
	by       int64
}

// prepare makes the search ready, at the true table.
func (s *system) prepare() {
	s.search = search{
		value: slices.Clone(s.truth), balance: make([]int64, len(s.equations)), moved: make([]bool, len(s.truth)), seen: make([]uint8, len(s.truth)),
		stops: make([]int, len(s.truth)), blocks: [2][]int{make([]int, len(s.truth)), make([]int, len(s.truth))},
	}
	for v, count := range s.truth {
		s.see(v, count)
	}
}

// coversSmall tells whether tables were found in which the variable, whose count is small, has each value from 0 to one below the threshold.
func (s *system) coversSmall(v int) bool {
	clear(s.search.stops)
	for s.search.try = range ways {
		for _, by := range []int64{-1, 1} {
			if s.search.seen[v] != all {
				s.reaches(v, by)
			}
		}
		if s.search.seen[v] == all {
			return true
		}
	}
	return false
}

const all = 1<<Threshold - 1

func (s *system) see(v int, value int64) {
	if value >= 0 && value < Threshold {
		s.search.seen[v] |= 1 << value
	}
}

// reaches goes step by step from the true value to the last one on that side that no witness has had, and back to the true table.
func (s *system) reaches(v int, by int64) {
	to := int64(0)
	if by > 0 {
		to = Threshold - 1
	}
	for to != s.truth[v] && s.search.seen[v]&(1<<to) != 0 {
		to -= by
	}
	var done []move
	ok := true
	for ok && s.search.value[v] != to {
		if ok = s.step(v, by); ok {
			done = append(done, s.search.trail...)
		}
	}
	for _, m := range done {
		s.search.value[m.variable] -= m.by
	}
}

// step changes a variable by one and mends what that breaks. The moves are left in the trail; without success nothing is changed.
func (s *system) step(v int, by int64) bool {
	s.search.trail = s.search.trail[:0]
	if !s.room(v, by) {
		return false
	}
	// The order of what is tried is random beyond what looks best, and the same in every run.
	s.search.random = rand.New(rand.NewPCG(uint64(v), uint64(s.search.try)))
	s.unblock()
	if s.repair(v, by) || s.exchange(v, by, -1) || s.makeRoom(v, by) {
		for _, m := range s.search.trail {
			s.see(m.variable, s.search.value[m.variable])
		}
		return true
	}
	for _, m := range s.search.trail {
		s.search.value[m.variable] -= m.by
	}
	return false
}

// makeRoom moves figures that were in the way, by exchanges that leave the variable as it is, until one that changes it is found.
func (s *system) makeRoom(v int, by int64) bool {
	tried := map[move]bool{}
	for range rooms {
		often, found, most := move{}, false, 0
		for _, m := range s.search.blocked {
			n := s.search.blocks[up(m.by)][m.variable]
			if !tried[m] && (!found || n > most || (n == most && m.variable < often.variable)) {
				often, found, most = m, true, n
			}
		}
		if !found {
			return false
		}
		tried[often] = true
		s.unblock()
		if s.exchange(often.variable, -often.by, v) && s.exchange(v, by, -1) {
			return true
		}
	}
	return false
}

// room tells whether a variable may go up or down by one within what is known of it.
func (s *system) room(v int, by int64) bool {
	next := s.search.value[v] + by
	if next >= s.low[v] && next <= s.high[v] {
		return true
	}
	if s.shown[v] {
		s.search.stops[v]++
	}
	if s.high[v] < unbounded {
		count := &s.search.blocks[up(by)][v]
		if *count == 0 {
			s.search.blocked = append(s.search.blocked, move{v, by})
		}
		*count++
	}
	return false
}

// unblock forgets what was in the way.
func (s *system) unblock() {
	for _, m := range s.search.blocked {
		s.search.blocks[up(m.by)][m.variable] = 0
	}
	s.search.blocked = s.search.blocked[:0]
}

// up is 1 for a change upwards and 0 for one downwards.
func up(by int64) int {
	if by > 0 {
		return 1
	}
	return 0
}

func (s *system) apply(m move) {
	s.search.moved[m.variable] = true
	s.search.value[m.variable] += m.by
	for _, p := range s.in[m.variable] {
		s.search.balance[p.equation] += p.sign * m.by
		if !slices.Contains(s.search.broken, p.equation) {
			s.search.broken = append(s.search.broken, p.equation)
		}
	}
	s.search.trail = append(s.search.trail, m)
}

func (s *system) undo(m move) {
	s.search.value[m.variable] -= m.by
	for _, p := range s.in[m.variable] {
		s.search.balance[p.equation] -= p.sign * m.by
	}
	s.search.trail = s.search.trail[:len(s.search.trail)-1]
}
