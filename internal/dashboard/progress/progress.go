// Package progress judges figures of a measure over time: what its latest value is, whether that is better than before, and whether it
// is on track. It is pure: figures and targets in, words and states out. The rules are those that the page "About the data" states.
package progress

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// Point is a measure's figure of one period.
type Point struct {
	From, To time.Time
	// Value is nil when there is none to show.
	Value *float64
	// Hidden: there is a figure, and it is not shown because it is small or protects a small one.
	Hidden bool
}

// Target is what somebody set out to reach.
type Target struct {
	Value float64
	// From and To are the days on which it counts; zero means without a limit.
	From, To time.Time
	Source   string
}

// Better is the direction that is good.
type Better string

// The directions.
const (
	Higher  Better = "Higher"
	Lower   Better = "Lower"
	Neither Better = "Neither"
)

// Series is a measure with its figures.
type Series struct {
	Points  []Point
	Better  Better
	Percent bool // of whole percentages; other values are counts or rates
	Targets []Target
	// Breaks are days from which on figures can't be compared with those before.
	Breaks []time.Time
}

// State says where a measure stands.
type State string

// The states. Without a target nothing is on or off track.
const (
	OnTrack  State = "OnTrack"
	OffTrack State = "OffTrack"
	NoTarget State = "NoTarget"
	Hidden   State = "Hidden"
	NoData   State = "NoData"
)

// Change says how the latest figure compares with those before it.
type Change string

// The changes. Where no direction is good they are Up and Down.
const (
	BetterNow Change = "Better"
	WorseNow  Change = "Worse"
	Up        Change = "Up"
	Down      Change = "Down"
	Same      Change = "Same"
	TooEarly  Change = "TooEarly"
)

// Judgement is what can be said of a measure.
type Judgement struct {
	Latest *Point // nil when there is no figure at all
	Target *Target
	State  State
	Change Change
	// Before is the average that the latest figure was compared with; 0 when TooEarly.
	Before float64
}

// What counts as a change: more than a twentieth of the average of the published figures of up to six periods before, and at least two
// points of a percentage or ten of a count. At least three such figures are needed. Figures are rounded, so smaller changes say nothing.
const (
	window       = 6
	fewest       = 3
	share        = 0.05
	leastPercent = 2
	leastCount   = 10
)

// Rule says in words what counts as a change.
const Rule = "“Better”, “worse”, “up” and “down” compare the latest published figure with the average of the published figures of the six periods before it. " +
	"A difference counts when it is more than 5% of that average, and at least 2 points of a percentage or 10 of a count; anything less is “about the same”. " +
	"With fewer than 3 earlier figures it is too early to say. On or off track exists only where somebody has set a target."

// Judge says where a measure stands. The order of the points does not matter.
func (s Series) Judge() Judgement {
	points := slices.Clone(s.Points)
	slices.SortFunc(points, func(a, b Point) int { return cmp.Or(a.To.Compare(b.To), a.From.Compare(b.From)) })
	if len(points) == 0 {
		return Judgement{State: NoData, Change: TooEarly}
	}
	latest := points[len(points)-1]
	j := Judgement{Latest: &latest, State: NoTarget, Change: TooEarly}
	for _, t := range s.Targets {
		if !t.From.After(latest.To) && (t.To.IsZero() || !t.To.Before(latest.To)) {
			j.Target = &t
		}
	}
	switch {
	case latest.Value == nil && latest.Hidden:
		j.State = Hidden
		return j
	case latest.Value == nil:
		j.State = NoData
		return j
	case j.Target != nil && s.Better == Higher:
		j.State = track(*latest.Value >= j.Target.Value)
	case j.Target != nil && s.Better == Lower:
		j.State = track(*latest.Value <= j.Target.Value)
	}
	j.Change, j.Before = s.change(points)
	return j
}

func track(on bool) State {
	if on {
		return OnTrack
	}
	return OffTrack
}

func (s Series) change(points []Point) (Change, float64) {
	latest := points[len(points)-1]
	var sum float64
	var n int
	for _, p := range points[max(0, len(points)-1-window) : len(points)-1] {
		if p.Value != nil && !s.broken(p.To, latest.To) {
			sum += *p.Value
			n++
		}
	}
	if n < fewest {
		return TooEarly, 0
	}
	before := sum / float64(n)
	by := *latest.Value - before
	least := float64(leastCount)
	if s.Percent {
		least = leastPercent
	}
	up := by > 0
	switch {
	case math.Abs(by) <= share*math.Abs(before) || math.Abs(by) < least:
		return Same, before
	case s.Better == Neither && up:
		return Up, before
	case s.Better == Neither:
		return Down, before
	case up == (s.Better == Higher):
		return BetterNow, before
	}
	return WorseNow, before
}

// broken tells whether a break in the series lies between two days.
func (s Series) broken(before, after time.Time) bool {
	return slices.ContainsFunc(s.Breaks, func(b time.Time) bool { return b.After(before) && !b.After(after) })
}

// Decimal reads a target's value, which is a decimal number.
func Decimal(text string) (float64, error) {
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
		return 0, fmt.Errorf("%q is no decimal number", text)
	}
	return value, nil
}
