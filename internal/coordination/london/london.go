// Package london gives calendar days as people in England mean them. Care is dated in Europe/London, servers run in UTC.
package london

import (
	"time"
	_ "time/tzdata" // the container image has no time zone files
)

var zone = func() *time.Location {
	location, err := time.LoadLocation("Europe/London")
	if err != nil {
		panic(err) // the zone is compiled in
	}
	return location
}()

// Today is the day in London at the given moment, as midnight UTC of that day.
func Today(now time.Time) time.Time {
	y, m, d := now.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// ParseDay reads a day in the form 2006-01-02.
func ParseDay(s string) (time.Time, error) { return time.Parse(time.DateOnly, s) }
