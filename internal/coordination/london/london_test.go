package london_test

import (
	"testing"
	"time"

	"github.com/cmhf/operator/internal/coordination/london"
)

func TestToday(t *testing.T) {
	t.Parallel()
	for moment, want := range map[string]string{
		"2026-06-30T23:30:00Z": "2026-07-01", // summer time is an hour ahead
		"2026-11-21T23:30:00Z": "2026-11-21",
	} {
		now, err := time.Parse(time.RFC3339, moment)
		if err != nil {
			t.Fatal(err)
		}
		if got := london.Today(now).Format(time.DateOnly); got != want {
			t.Errorf("%s is %s in London, got %s", moment, want, got)
		}
	}
}

func TestParseDay(t *testing.T) {
	t.Parallel()
	for day, good := range map[string]bool{"1900-01-01": true, "2026-02-28": true, "1899-12-31": false, "0000-01-01": false, "2026-02-29": false, "": false} {
		if got, err := london.ParseDay(day); (err == nil) != good || (good && got.Format(time.DateOnly) != day) {
			t.Errorf("%q: %v, %v", day, got, err)
		}
	}
}
