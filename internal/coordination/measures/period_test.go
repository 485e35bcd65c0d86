package measures

import (
	"testing"
	"time"
)

// A month that is taken is the one that was written, from its first day to its last.
func FuzzMonth(f *testing.F) {
	for _, month := range []string{"2026-10", "2024-02", "1899-12", "2026-13", "2026-1", "2026-10-01", "0000-00", "+2026-10"} {
		f.Add(month)
	}
	f.Fuzz(func(t *testing.T, given string) {
		period, err := Month(given)
		if err != nil {
			return
		}
		if period.String() != given || period.From.Day() != 1 || period.To.AddDate(0, 0, 1) != period.From.AddDate(0, 1, 0) || period.From.Year() < 1900 {
			t.Errorf("%q was taken as %s to %s", given, period.From.Format(time.DateOnly), period.To.Format(time.DateOnly))
		}
	})
}
