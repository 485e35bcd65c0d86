// Package london gives calendar days as people in England mean them. Care is dated in Europe/London, servers run in UTC.
package london

import (
	"errors"
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

// At is the moment of a day on the clocks of London.
func At(day time.Time, hour, minute int) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), hour, minute, 0, 0, zone)
}

// Age in whole years on a day, for someone born on another. Whoever was born on 29 February is a year older on 1 March of other years.
func Age(birth, on time.Time) int {
	years := on.Year() - birth.Year()
	if on.Month() < birth.Month() || (on.Month() == birth.Month() && on.Day() < birth.Day()) {
		years--
	}
	return years
}

// YearAfter is the same day of the next year; of 29 February, the 28th, as the database has it.
func YearAfter(day time.Time) time.Time {
	later := day.AddDate(1, 0, 0)
	if later.Day() != day.Day() {
		return later.AddDate(0, 0, -later.Day())
	}
	return later
}

// firstYear is before anyone's birth; earlier years are slips of the pen, and year 0 is none that the database knows.
const firstYear = 1900

var errTooEarly = errors.New("the day is before 1900")

// ParseDay reads a day from 1900 on in the form 2006-01-02.
func ParseDay(s string) (time.Time, error) {
	day, err := time.Parse(time.DateOnly, s)
	if err == nil && day.Year() < firstYear {
		return time.Time{}, errTooEarly
	}
	return day, err
}
