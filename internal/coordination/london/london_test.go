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

func TestAge(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		birth, on string
		want      int
	}{
		{"2008-05-10", "2026-05-09", 17}, {"2008-05-10", "2026-05-10", 18}, {"2008-05-10", "2026-12-01", 18},
		{"2008-02-29", "2026-02-28", 17}, {"2008-02-29", "2026-03-01", 18}, {"2026-11-21", "2026-11-21", 0},
	} {
		birth, err := london.ParseDay(test.birth)
		if err != nil {
			t.Fatal(err)
		}
		on, err := london.ParseDay(test.on)
		if err != nil {
			t.Fatal(err)
		}
		if got := london.Age(birth, on); got != test.want {
			t.Errorf("born %s, on %s: %d years, want %d", test.birth, test.on, got, test.want)
		}
	}
}

func TestYearAfter(t *testing.T) {
	t.Parallel()
	for from, want := range map[string]string{"2026-11-27": "2027-11-27", "2028-02-29": "2029-02-28", "2027-02-28": "2028-02-28", "2027-12-31": "2028-12-31"} {
		day, err := london.ParseDay(from)
		if err != nil {
			t.Fatal(err)
		}
		if got := london.YearAfter(day).Format(time.DateOnly); got != want {
			t.Errorf("a year after %s is %s, want %s", from, got, want)
		}
	}
}
