package healthchecks_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cmhf/operator/internal/coordination/healthchecks"
)

func date(t *testing.T, s string) time.Time {
	t.Helper()
	day, err := time.Parse(time.DateOnly, s)
	if err != nil {
		t.Fatal(err)
	}
	return day
}

func six(on time.Time) []healthchecks.Done {
	var all []healthchecks.Done
	for _, element := range healthchecks.Elements() {
		all = append(all, healthchecks.Done{Element: element, On: on})
	}
	return all
}

// Facts a7: all six within twelve months is complete.
func TestAssess(t *testing.T) {
	t.Parallel()
	on := date(t, "2026-06-15")
	declined := func(element healthchecks.Element, day string) healthchecks.Done {
		return healthchecks.Done{Element: element, On: date(t, day), Declined: true}
	}
	without := func(all []healthchecks.Done, element healthchecks.Element) []healthchecks.Done {
		return slices.DeleteFunc(all, func(d healthchecks.Done) bool { return d.Element == element })
	}
	for name, test := range map[string]struct {
		done     []healthchecks.Done
		complete bool
		lipids   healthchecks.State
		nextOn   string
	}{
		"all today":                       {six(on), true, healthchecks.Current, "2027-06-15"},
		"all 364 days ago":                {six(date(t, "2025-06-16")), true, healthchecks.Current, "2026-06-16"},
		"all twelve months ago":           {six(date(t, "2025-06-15")), false, healthchecks.Due, ""},
		"nothing":                         {nil, false, healthchecks.Missing, ""},
		"five of six":                     {without(six(on), healthchecks.Lipids), false, healthchecks.Missing, ""},
		"one declined":                    {append(without(six(on), healthchecks.Lipids), declined(healthchecks.Lipids, "2026-06-01")), false, healthchecks.Declined, "2027-06-01"},
		"declined long ago":               {append(without(six(on), healthchecks.Lipids), declined(healthchecks.Lipids, "2024-06-01")), false, healthchecks.Missing, ""},
		"declined after it was measured":  {append(six(date(t, "2026-01-01")), declined(healthchecks.Lipids, "2026-06-01")), true, healthchecks.Current, "2027-01-01"},
		"old, then declined":              {append(six(date(t, "2024-01-01")), declined(healthchecks.Lipids, "2026-06-01")), false, healthchecks.Declined, "2027-06-01"},
		"in the future does not count":    {six(on.AddDate(0, 0, 1)), false, healthchecks.Missing, ""},
		"the latest counts, in any order": {append(six(on), six(date(t, "2020-01-01"))...), true, healthchecks.Current, "2027-06-15"},
	} {
		elements, complete := healthchecks.Assess(test.done, on)
		i := slices.IndexFunc(elements, func(s healthchecks.ElementStatus) bool { return s.Element == healthchecks.Lipids })
		lipids := elements[i]
		nextOn := ""
		if lipids.NextOn != nil {
			nextOn = lipids.NextOn.Format(time.DateOnly)
		}
		if complete != test.complete || lipids.State != test.lipids || nextOn != test.nextOn || len(elements) != 6 {
			t.Errorf("%s: complete %v, lipids %s until %q", name, complete, lipids.State, nextOn)
		}
		if lacking := healthchecks.Lacking(elements); (len(lacking) == 0) != complete {
			t.Errorf("%s: complete %v lacks %v", name, complete, lacking)
		}
	}
	// 29 February counts until the 27th of the next one.
	if _, complete := healthchecks.Assess(six(date(t, "2024-02-29")), date(t, "2025-02-27")); !complete {
		t.Error("29 February does not count a year later, less a day")
	}
	if _, complete := healthchecks.Assess(six(date(t, "2024-02-29")), date(t, "2025-02-28")); complete {
		t.Error("29 February counts after twelve months")
	}
}

// A check stays complete when more is done, and the order of what was done decides nothing.
func TestAssessIsMonotonic(t *testing.T) {
	t.Parallel()
	base := date(t, "2026-01-01")
	rapid.Check(t, func(t *rapid.T) {
		done := rapid.SliceOf(rapid.Custom(func(t *rapid.T) healthchecks.Done {
			return healthchecks.Done{
				Element: rapid.SampledFrom(healthchecks.Elements()).Draw(t, "element"),
				On:      base.AddDate(0, 0, rapid.IntRange(-800, 0).Draw(t, "day")), Declined: rapid.Bool().Draw(t, "declined"),
			}
		})).Draw(t, "done")
		before, complete := healthchecks.Assess(done, base)
		more := append(six(base.AddDate(0, 0, -rapid.IntRange(0, 364).Draw(t, "ago"))), done...)
		if _, still := healthchecks.Assess(more, base); !still {
			t.Fatal("all six within a year, and not complete")
		}
		slices.Reverse(done)
		after, same := healthchecks.Assess(done, base)
		if same != complete || !slices.EqualFunc(before, after, func(a, b healthchecks.ElementStatus) bool { return a.State == b.State }) {
			t.Fatal("the order decides")
		}
	})
}
