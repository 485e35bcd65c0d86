package measures

import (
	"fmt"
	"slices"
	"time"

	"github.com/cmhf/operator/internal/coordination/london"
)

// Periods are calendar months and nothing else: where periods overlap, one taken from the other gives small counts away.

// Period is a month by its first and last day.
type Period struct{ From, To time.Time }

const monthForm = "2006-01"

// Month gives the period that a text such as 2026-10 names.
func Month(s string) (Period, error) {
	from, err := time.Parse(monthForm, s)
	if err != nil || from.Year() < 1900 {
		return Period{}, fmt.Errorf("give a month as 2026-10")
	}
	return monthOf(from), nil
}

func monthOf(day time.Time) Period {
	from := time.Date(day.Year(), day.Month(), 1, 0, 0, 0, 0, time.UTC)
	return Period{from, from.AddDate(0, 1, -1)}
}

// String names the period.
func (p Period) String() string { return p.From.Format(monthForm) }

const (
	// settleDays is how long after its end a month is published: what happened in it is entered by then.
	settleDays = 10
	// oldestMonths is how far back months are published that never were.
	oldestMonths = 36
)

// over tells whether a month has ended and settled.
func (p Period) over(now time.Time) bool {
	return london.Today(now).After(p.To.AddDate(0, 0, settleDays))
}

// due lists the months from the first day on that are over and not yet published, newest first: those are waited for.
func due(now, first time.Time, publishedAlready map[Period]bool) []Period {
	oldest := monthOf(london.Today(now).AddDate(0, -oldestMonths, 0))
	p := monthOf(first)
	if p.From.Before(oldest.From) {
		p = oldest
	}
	var all []Period
	for ; p.over(now); p = monthOf(p.To.AddDate(0, 0, 1)) {
		if !publishedAlready[p] {
			all = append(all, p)
		}
	}
	slices.Reverse(all)
	return all
}
