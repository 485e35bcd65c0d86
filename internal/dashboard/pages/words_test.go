package pages

import (
	"testing"
	"time"

	"github.com/cmhf/operator/internal/dashboard/figures"
)

func TestFiguresInWords(t *testing.T) {
	t.Parallel()
	count := func(n int) *int { return &n }
	for _, c := range []struct {
		tile       figures.Tile
		text, kind string
	}{
		{figures.Tile{Value: "1250", Count: count(1250)}, "1,250", "count"},
		{figures.Tile{Value: "0", Count: count(0)}, "0", "count"},
		{figures.Tile{Value: "*", Suppressed: true}, "Hidden", "words"},
		{figures.Tile{Value: "-"}, "No data", "none"},
	} {
		if text, kind := figure(c.tile); text != c.text || kind != c.kind {
			t.Errorf("%q is said as %q (%s), want %q (%s)", c.tile.Value, text, kind, c.text, c.kind)
		}
	}
}

func TestTimesAreThoseOfEngland(t *testing.T) {
	t.Parallel()
	for at, want := range map[string]string{
		"2026-11-21T09:04:00Z": "21 November 2026 at 9:04am",
		"2026-07-01T23:30:00Z": "2 July 2026 at 12:30am",
	} {
		when, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := moment(when); got != want {
			t.Errorf("%s is said as %q, want %q", at, got, want)
		}
	}
}

func TestIdentifiersInWords(t *testing.T) {
	t.Parallel()
	if got := sentence([]string{plain("Core"), plain("EarlyInterventionPsychosis")}); got != "Core, early intervention psychosis" {
		t.Errorf("got %q", got)
	}
	if got := sentence(nil); got != "" {
		t.Errorf("no functions are said as %q", got)
	}
}
