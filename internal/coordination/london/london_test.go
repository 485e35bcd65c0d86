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
