package london_test

import (
	"testing"
	"time"

	"github.com/cmhf/operator/internal/coordination/london"
)

// A day that is taken is the one that was written, and one that the database can hold.
func FuzzParseDay(f *testing.F) {
	for _, day := range []string{"2026-02-28", "1900-01-01", "2026-02-30", "2026-2-3", " 2026-02-28", "+2026-02-28", "99999-01-01", "2026-02-28T00:00:00Z"} {
		f.Add(day)
	}
	f.Fuzz(func(t *testing.T, given string) {
		day, err := london.ParseDay(given)
		if err == nil && (day.Format(time.DateOnly) != given || day.Year() < 1900 || day.Year() > 9999) {
			t.Errorf("%q was taken as %s", given, day)
		}
	})
}
