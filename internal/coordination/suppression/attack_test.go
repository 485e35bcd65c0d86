package suppression

// attacker works out what the counts can be from what is published, knowing the rounding, all links, and which counts changed between two
// publications. It shares no code with the package: it narrows domains by the equations and then tries values one by one.
type attacker struct {
	low, high []int64
	guess     []int64 // where to look first
	links     []link
	names     map[string]int
	left      int // how many guesses it still makes for one question
}

type link struct {
	total int
	parts []int
	open  bool // the parts make up the total at most
}

const (
	beyond   = 200 // more than any count in the tests
	patience = 3_000_000
)

func newAttacker() *attacker { return &attacker{names: map[string]int{}} }

func (a *attacker) learn(t Table, figures map[string]Figure, before map[string]int64) {
	own := map[string]int{}
	for _, c := range t.Cells {
		if c.Missing {
			continue
		}
		v, known := a.names[c.Key]
		if old, had := before[c.Key]; !known || !had || old != c.Count {
			v = len(a.low)
			a.low, a.high, a.guess = append(a.low, 0), append(a.high, beyond), append(a.guess, c.Count)
		}
		own[c.Key] = v
		if f := figures[c.Key]; f.State == Published {
			a.low[v], a.high[v] = max(a.low[v], f.Value-2), min(a.high[v], f.Value+2)
		}
	}
	for key, v := range own {
		a.names[key] = v
	}
	for _, s := range t.Sums {
		total, ok := own[s.Total]
		if !ok {
			continue
		}
		l := link{total: total}
		for _, p := range s.Parts {
			if v, ok := own[p]; ok {
				l.parts = append(l.parts, v)
			} else {
				l.open = true
			}
		}
		a.links = append(a.links, l)
	}
	for _, p := range t.Pairs {
		n, okN := own[p.Numerator]
		d, okD := own[p.Denominator]
		if okN && okD {
			a.links = append(a.links, link{d, []int{n}, true})
		}
	}
}

// possible tells whether the count can have the value.
func (a *attacker) possible(key string, value int64) bool {
	low, high := append([]int64{}, a.low...), append([]int64{}, a.high...)
	v := a.names[key]
	if value < low[v] || value > high[v] {
		return false
	}
	low[v], high[v] = value, value
	a.left = patience
	return a.solve(low, high)
}

// restPossible tells whether denominator minus numerator can be the value.
func (a *attacker) restPossible(p Pair, value int64) bool {
	n, d := a.names[p.Numerator], a.names[p.Denominator]
	rest := len(a.low)
	b := &attacker{
		low: append(append([]int64{}, a.low...), value), high: append(append([]int64{}, a.high...), value),
		guess: append(append([]int64{}, a.guess...), value), links: append(append([]link{}, a.links...), link{d, []int{n, rest}, false}),
		left: patience,
	}
	return b.solve(b.low, b.high)
}

func (a *attacker) solve(low, high []int64) bool {
	if !a.narrow(low, high) {
		return false
	}
	if a.left--; a.left < 0 {
		panic("the attacker gave up: the test needs smaller tables or more patience")
	}
	open := -1
	for v := range low {
		if low[v] < high[v] && (open < 0 || high[v]-low[v] < high[open]-low[open]) {
			open = v
		}
	}
	if open < 0 {
		return true
	}
	middle := min(max(a.guess[open], low[open]), high[open])
	for away := int64(0); middle-away >= low[open] || middle+away <= high[open]; away++ {
		for _, value := range []int64{middle - away, middle + away} {
			if value < low[open] || value > high[open] || (away == 0 && value != middle) {
				continue
			}
			nextLow, nextHigh := append([]int64{}, low...), append([]int64{}, high...)
			nextLow[open], nextHigh[open] = value, value
			if a.solve(nextLow, nextHigh) {
				return true
			}
			if away == 0 {
				break
			}
		}
	}
	return false
}

// narrow applies all links until nothing changes; false when no value is left for something.
func (a *attacker) narrow(low, high []int64) bool {
	for changed := true; changed; {
		changed = false
		set := func(v int, l, h int64) bool {
			if l > low[v] {
				low[v], changed = l, true
			}
			if h < high[v] {
				high[v], changed = h, true
			}
			return low[v] <= high[v]
		}
		for _, l := range a.links {
			var lows, highs int64
			for _, p := range l.parts {
				lows += low[p]
				highs += high[p]
			}
			if l.open {
				highs = beyond
			}
			if !set(l.total, lows, highs) {
				return false
			}
			for _, p := range l.parts {
				least := low[l.total] - (highs - high[p])
				if l.open {
					least = 0
				}
				if !set(p, least, high[l.total]-(lows-low[p])) {
					return false
				}
			}
		}
	}
	return true
}
