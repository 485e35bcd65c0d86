package progress_test

import (
	"testing"
	"time"

	"github.com/cmhf/operator/internal/dashboard/progress"
)

// months gives one point for each value, ending with October 2026; below zero stands for hidden.
func months(values ...float64) []progress.Point {
	var points []progress.Point
	for i, v := range values {
		from := time.Date(2026, time.October, 1, 0, 0, 0, 0, time.UTC).AddDate(0, i+1-len(values), 0)
		p := progress.Point{From: from, To: from.AddDate(0, 1, -1), Value: &v}
		if v < 0 {
			p.Value, p.Hidden = nil, true
		}
		points = append(points, p)
	}
	return points
}

func day(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestJudge(t *testing.T) {
	t.Parallel()
	target := []progress.Target{{Value: 80, Source: "a board"}}
	for name, c := range map[string]struct {
		series progress.Series
		state  progress.State
		change progress.Change
	}{
		"nothing":                          {progress.Series{Better: progress.Higher, Targets: target}, progress.NoData, progress.TooEarly},
		"no value":                         {progress.Series{Points: []progress.Point{{To: day("2026-10-31")}}, Better: progress.Higher}, progress.NoData, progress.TooEarly},
		"hidden":                           {progress.Series{Points: months(50, 50, 50, -1), Better: progress.Higher, Targets: target}, progress.Hidden, progress.TooEarly},
		"at the target":                    {progress.Series{Points: months(80), Better: progress.Higher, Percent: true, Targets: target}, progress.OnTrack, progress.TooEarly},
		"below the target":                 {progress.Series{Points: months(79), Better: progress.Higher, Percent: true, Targets: target}, progress.OffTrack, progress.TooEarly},
		"lower is better, below":           {progress.Series{Points: months(79), Better: progress.Lower, Targets: target}, progress.OnTrack, progress.TooEarly},
		"a target without a direction":     {progress.Series{Points: months(79), Better: progress.Neither, Targets: target}, progress.NoTarget, progress.TooEarly},
		"a target that is over":            {progress.Series{Points: months(79), Better: progress.Higher, Targets: []progress.Target{{Value: 1, To: day("2026-10-30")}}}, progress.NoTarget, progress.TooEarly},
		"a target of its last day":         {progress.Series{Points: months(79), Better: progress.Higher, Targets: []progress.Target{{Value: 1, To: day("2026-10-31")}}}, progress.OnTrack, progress.TooEarly},
		"a target to come":                 {progress.Series{Points: months(79), Better: progress.Higher, Targets: []progress.Target{{Value: 1, From: day("2026-11-01")}}}, progress.NoTarget, progress.TooEarly},
		"two before are too few":           {progress.Series{Points: months(10, 10, 90), Better: progress.Higher}, progress.NoTarget, progress.TooEarly},
		"hidden ones before don't count":   {progress.Series{Points: months(10, -1, 10, 90), Better: progress.Higher}, progress.NoTarget, progress.TooEarly},
		"better":                           {progress.Series{Points: months(50, 50, 50, 53), Better: progress.Higher, Percent: true}, progress.NoTarget, progress.BetterNow},
		"worse":                            {progress.Series{Points: months(50, 50, 50, 47), Better: progress.Higher, Percent: true}, progress.NoTarget, progress.WorseNow},
		"lower is better":                  {progress.Series{Points: months(100, 100, 100, 80), Better: progress.Lower}, progress.NoTarget, progress.BetterNow},
		"no direction":                     {progress.Series{Points: months(100, 100, 100, 80), Better: progress.Neither}, progress.NoTarget, progress.Down},
		"a twentieth is the same":          {progress.Series{Points: months(200, 200, 200, 210), Better: progress.Higher}, progress.NoTarget, progress.Same},
		"nine of a count are the same":     {progress.Series{Points: months(20, 20, 20, 29), Better: progress.Higher}, progress.NoTarget, progress.Same},
		"one point is the same":            {progress.Series{Points: months(4, 4, 4, 5), Better: progress.Higher, Percent: true}, progress.NoTarget, progress.Same},
		"the seventh before is forgotten":  {progress.Series{Points: months(1000, 50, 50, 50, 50, 50, 50, 50), Better: progress.Higher}, progress.NoTarget, progress.Same},
		"not across a break in the series": {progress.Series{Points: months(50, 50, 50, 90), Better: progress.Higher, Breaks: []time.Time{day("2026-10-01")}}, progress.NoTarget, progress.TooEarly},
	} {
		j := c.series.Judge()
		if j.State != c.state || j.Change != c.change {
			t.Errorf("%s: %s %s, want %s %s", name, j.State, j.Change, c.state, c.change)
		}
	}
}

func TestDecimal(t *testing.T) {
	t.Parallel()
	if v, err := progress.Decimal("-72.5"); err != nil || v != -72.5 {
		t.Errorf("got %v, %v", v, err)
	}
	for _, text := range []string{"", "NaN", "Inf", "12a"} {
		if _, err := progress.Decimal(text); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}
