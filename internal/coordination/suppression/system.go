package suppression

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// system is what anyone knows about the counts: variables with bounds, and equations between them. A count that has not changed since an earlier
// publication is one variable with what was published of it then.
type system struct {
	keys      []string
	truth     []int64
	low, high []int64
	// shown: the variable's figure is published now, and could be hidden.
	shown []bool
	// secret variables are counts, or rests of denominators, below the threshold.
	secret    []bool
	equations [][]term
	// totalOf is the total of each equation.
	totalOf []int
	// in lists the equations of each variable, partOf those in which it is a part, sums those of which it is the total.
	in           [][]place
	partOf, sums [][]int

	// now is the latest variable of each key.
	now map[string]int
	// rests are the variables of denominator minus numerator.
	rests map[[2]int]int
	seen  map[string]bool

	search search
}

// term is a variable in an equation; the terms of an equation add up to zero.
type term struct {
	variable int
	sign     int64
}

type place struct {
	equation int
	sign     int64
}

const unbounded = math.MaxInt64 / 4

func newSystem() *system {
	return &system{now: map[string]int{}, rests: map[[2]int]int{}, seen: map[string]bool{}}
}

func (s *system) variable(key string, truth int64) int {
	s.keys = append(s.keys, key)
	s.truth = append(s.truth, truth)
	s.low, s.high = append(s.low, 0), append(s.high, unbounded)
	s.shown, s.secret = append(s.shown, false), append(s.secret, truth < Threshold)
	s.in, s.partOf, s.sums = append(s.in, nil), append(s.partOf, nil), append(s.sums, nil)
	return len(s.keys) - 1
}

// add puts a publication in. Only figures of the one that is being decided can be hidden.
func (s *system) add(t Table, figures map[string]Figure, deciding bool) error {
	t = t.sorted()
	own := map[string]int{}
	missing := map[string]bool{}
	for _, c := range t.Cells {
		if c.Missing {
			missing[c.Key] = true
			continue
		}
		if c.Count < 0 {
			return fmt.Errorf("the count of %q is below zero", c.Key)
		}
		v, unchanged := s.now[c.Key]
		if !unchanged || s.truth[v] != c.Count {
			v = s.variable(c.Key, c.Count)
		}
		own[c.Key] = v
		if f := figures[c.Key]; f.State == Published {
			s.shown[v] = deciding && s.high[v] == unbounded // to hide what was published of the same count before would be in vain
			s.low[v], s.high[v] = f.Value-reach, f.Value+reach
		}
	}
	for key, v := range own {
		s.now[key] = v
	}
	for _, sum := range t.Sums {
		if err := s.addSum(sum, own, missing); err != nil {
			return err
		}
	}
	for _, p := range t.Pairs {
		if err := s.addPair(p, own, missing); err != nil {
			return err
		}
	}
	return nil
}

func (s *system) addSum(sum Sum, own map[string]int, missing map[string]bool) error {
	if missing[sum.Total] {
		return nil
	}
	total, found := own[sum.Total]
	if !found {
		return fmt.Errorf("a sum has the total %q, which is no cell", sum.Total)
	}
	terms := []term{{total, -1}}
	rest, open := s.truth[total], false
	for _, part := range sum.Parts {
		if missing[part] {
			open = true
			continue
		}
		v, found := own[part]
		if !found {
			return fmt.Errorf("the sum of %q has the part %q, which is no cell", sum.Total, part)
		}
		terms = append(terms, term{v, 1})
		rest -= s.truth[v]
	}
	if rest < 0 || (rest > 0 && !open) {
		return fmt.Errorf("the parts of %q do not add up to it", sum.Total)
	}
	if open {
		v := s.variable("", rest)
		s.secret[v] = false // nobody's count
		terms = append(terms, term{v, 1})
	}
	s.equation(terms)
	return nil
}

func (s *system) addPair(p Pair, own map[string]int, missing map[string]bool) error {
	if missing[p.Numerator] || missing[p.Denominator] {
		return nil
	}
	numerator, found := own[p.Numerator]
	denominator, both := own[p.Denominator]
	switch {
	case !found || !both:
		return fmt.Errorf("the pair of %q and %q names no cell", p.Numerator, p.Denominator)
	case s.truth[numerator] > s.truth[denominator]:
		return fmt.Errorf("the numerator %q is above its denominator", p.Numerator)
	}
	pair := [2]int{numerator, denominator}
	if _, known := s.rests[pair]; !known {
		rest := s.variable("", s.truth[denominator]-s.truth[numerator])
		s.rests[pair] = rest
		s.equation([]term{{numerator, 1}, {rest, 1}, {denominator, -1}})
	}
	return nil
}

// equation adds one that is not there yet.
func (s *system) equation(terms []term) {
	slices.SortFunc(terms, func(a, b term) int { return cmp.Compare(a.variable, b.variable) })
	name := fmt.Sprint(terms)
	if s.seen[name] {
		return
	}
	s.seen[name] = true
	for _, t := range terms {
		s.in[t.variable] = append(s.in[t.variable], place{len(s.equations), t.sign})
		if t.sign < 0 {
			s.totalOf = append(s.totalOf, t.variable)
			s.sums[t.variable] = append(s.sums[t.variable], len(s.equations))
		} else {
			s.partOf[t.variable] = append(s.partOf[t.variable], len(s.equations))
		}
	}
	s.equations = append(s.equations, terms)
}

// sensitive lists the variables to protect, in an order that does not depend on how the table was given.
func (s *system) sensitive() []int {
	var found []int
	for v, secret := range s.secret {
		if secret {
			found = append(found, v)
		}
	}
	return found
}

// hide takes a figure back that would have been published.
func (s *system) hide(v int) {
	s.shown[v] = false
	s.low[v], s.high[v] = 0, unbounded
}

// near is how many equations away a figure that was in the way of the search is looked for.
const near = 3

// nextToHide gives the figure to hide for the sake of a variable: of those that the search for witnesses ran up against rather a near one, rather a part
// than a total of much, and rather one that was often in the way.
func (s *system) nextToHide(from int) (int, bool) {
	best, found := -1, false
	var bestRank [4]int64
	reached := map[int]bool{from: true}
	front := []int{from}
	for distance := int64(1); distance <= near && !found; distance++ {
		var next []int
		for _, v := range front {
			for _, p := range s.in[v] {
				for _, t := range s.equations[p.equation] {
					if reached[t.variable] {
						continue
					}
					reached[t.variable] = true
					next = append(next, t.variable)
					often := s.search.stops[t.variable]
					rank := [4]int64{int64(len(s.sums[t.variable])), int64(-often), s.truth[t.variable], int64(t.variable)}
					if s.shown[t.variable] && often > 0 && (!found || slices.Compare(rank[:], bestRank[:]) < 0) {
						best, found, bestRank = t.variable, true, rank
					}
				}
			}
		}
		front = next
	}
	if found {
		return best, true
	}
	return s.nearest(from)
}

// nearest gives the smallest figure in the nearest equation that has fewest hidden ones, a part before a total.
func (s *system) nearest(from int) (int, bool) {
	reached := map[int]bool{from: true}
	for front := []int{from}; len(front) > 0; {
		best, found := -1, false
		var bestRank [3]int64
		var next []int
		for _, v := range front {
			for _, p := range s.in[v] {
				var hidden int64
				for _, t := range s.equations[p.equation] {
					if !s.shown[t.variable] && t.variable != v {
						hidden++
					}
				}
				for _, t := range s.equations[p.equation] {
					if !reached[t.variable] {
						reached[t.variable] = true
						next = append(next, t.variable)
					}
					if !s.shown[t.variable] {
						continue
					}
					rank := [3]int64{hidden, (1 - t.sign) / 2, s.truth[t.variable]}
					if !found || slices.Compare(rank[:], bestRank[:]) < 0 {
						best, found, bestRank = t.variable, true, rank
					}
				}
			}
		}
		if found {
			return best, true
		}
		front = next
	}
	return 0, false
}

// bound tells whether anything that is or was published has to do with a variable.
func (s *system) bound(from int) bool {
	reached := map[int]bool{from: true}
	for front := []int{from}; len(front) > 0; {
		v := front[len(front)-1]
		front = front[:len(front)-1]
		if s.high[v] < unbounded {
			return true
		}
		for _, p := range s.in[v] {
			for _, t := range s.equations[p.equation] {
				if !reached[t.variable] {
					reached[t.variable] = true
					front = append(front, t.variable)
				}
			}
		}
	}
	return false
}
