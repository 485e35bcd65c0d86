package suppression

import (
	"cmp"
	"slices"
)

// repair changes the variable alone and then mends one equation after the other.
func (s *system) repair(v int, by int64) bool {
	before := len(s.search.trail)
	s.search.broken, s.search.left = s.search.broken[:0], nodes
	s.apply(move{v, by})
	ok := s.mend()
	for _, m := range s.search.trail[before:] {
		s.search.moved[m.variable] = false
	}
	if !ok {
		s.undo(move{v, by})
	}
	return ok
}

// mend makes all broken equations hold, or leaves everything as it was.
func (s *system) mend() bool {
	equation, found := s.firstBroken()
	if !found {
		return true
	}
	if s.search.left--; s.search.left < 0 {
		return false
	}
	for _, m := range s.repairs(equation) {
		s.apply(m)
		if s.mend() {
			return true
		}
		s.search.moved[m.variable] = false
		s.undo(m)
	}
	return false
}

// firstBroken gives the broken equation that fewest variables can mend: there the choice is smallest, and a dead end is seen at once.
func (s *system) firstBroken() (int, bool) {
	best, fewest := -1, 0
	for _, e := range s.search.broken {
		if s.search.balance[e] == 0 {
			continue
		}
		if n := s.mendable(e, fewest, best < 0); best < 0 || n < fewest {
			best, fewest = e, n
		}
	}
	return best, best >= 0
}

// mendable counts the variables that can mend an equation, up to a limit.
func (s *system) mendable(equation, limit int, unlimited bool) (n int) {
	for _, t := range s.equations[equation] {
		if _, ok := s.mending(equation, t); ok {
			if n++; !unlimited && n >= limit {
				return n
			}
		}
	}
	return n
}

// mending gives the move of a variable that brings an equation nearer to holding, if it is within what is known of the variable.
func (s *system) mending(equation int, t term) (move, bool) {
	by := -t.sign
	if s.search.balance[equation] < 0 {
		by = t.sign
	}
	return move{t.variable, by}, !s.search.moved[t.variable] && s.room(t.variable, by)
}

// breaks counts the equations that a move breaks, less those that it mends.
func (s *system) breaks(m move) (n int) {
	for _, p := range s.in[m.variable] {
		if b := s.search.balance[p.equation]; b != 0 && (b > 0) != (p.sign*m.by > 0) {
			n--
		} else {
			n++
		}
	}
	return n
}

// ahead counts the equations that a move breaks and that no single further move would mend without breaking another.
func (s *system) ahead(m move) (n int) {
	s.apply(m)
	for _, p := range s.in[m.variable] {
		if s.search.balance[p.equation] == 0 {
			continue
		}
		easy := false
		for _, t := range s.equations[p.equation] {
			if next, ok := s.mending(p.equation, t); ok && s.breaks(next) < 0 {
				easy = true
				break
			}
		}
		if !easy {
			n++
		}
	}
	s.search.moved[m.variable] = false
	s.undo(m)
	return n
}

// repairs lists moves that bring an equation nearer to holding, those first that break least elsewhere.
func (s *system) repairs(equation int) []move {
	type ranked struct {
		move
		breaks, ahead int
		order         uint32
	}
	var found []ranked
	for _, t := range s.equations[equation] {
		if m, ok := s.mending(equation, t); ok {
			found = append(found, ranked{move: m, breaks: s.breaks(m), ahead: s.ahead(m), order: s.search.random.Uint32()})
		}
	}
	slices.SortFunc(found, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(a.ahead, b.ahead), cmp.Compare(a.breaks, b.breaks), cmp.Compare(a.order, b.order))
	})
	found = found[:min(len(found), branching)]
	moves := make([]move, len(found))
	for i, r := range found {
		moves[i] = r.move
	}
	return moves
}
