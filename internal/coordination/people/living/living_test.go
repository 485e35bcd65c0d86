package living

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cmhf/operator/internal/coordination/problem"
)

func TestParsePostcode(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"ZZ1 1ZZ": "ZZ1 1ZZ", "zz11zz": "ZZ1 1ZZ", "m1 1ae": "M1 1AE", "EC1A1BB": "EC1A 1BB", " w1a  0ax ": "W1A 0AX", "CR26XH": "CR2 6XH",
		"": "", "ZZ1": "", "ZZ1 1Z": "", "1ZZ 1ZZ": "", "ZZZ1 1ZZ": "", "ZZ1 ZZZ": "", "ZZ1 1ZZ1": "", "ZZ1\n1ZZ": "", "ＺＺ1 1ZZ": "",
	} {
		if got, ok := parsePostcode(given); got != want || ok != (want != "") {
			t.Errorf("%q: %q %v, want %q", given, got, ok, want)
		}
	}
}

// A postcode that is taken keeps its letters and digits in their order, and is its own form.
func FuzzParsePostcode(f *testing.F) {
	for _, given := range []string{"ZZ1 1ZZ", "zz11zz", " w1a  0ax ", "ZZ1", "ZZ1 1ZZ1", "ZZ1\n1ZZ", "ＺＺ1 1ZZ", "ſw1a 1aa"} {
		f.Add(given)
	}
	f.Fuzz(func(t *testing.T, given string) {
		got, ok := parsePostcode(given)
		if !ok {
			return
		}
		if again, ok := parsePostcode(got); !ok || again != got {
			t.Errorf("%q became %q, which becomes %q", given, got, again)
		}
		if compact := strings.NewReplacer(" ", ""); !strings.EqualFold(compact.Replace(given), compact.Replace(got)) || len(got) > 8 {
			t.Errorf("%q became %q", given, got)
		}
	})
}

func TestSpan(t *testing.T) {
	t.Parallel()
	today := time.Date(2026, 4, 2, 0, 0, 0, 0, time.UTC)
	to := func(s string) *string { return &s }
	for _, test := range []struct {
		span Span
		at   string
	}{
		{Span{"2026-04-02", nil}, ""}, {Span{"2026-04-02", to("2026-04-02")}, ""}, {Span{"2020-02-29", to("2030-01-01")}, ""},
		{Span{"2026-04-03", nil}, "body.from"}, {Span{"1899-12-31", nil}, "body.from"}, {Span{"soon", nil}, "body.from"},
		{Span{"2026-04-02", to("2026-04-01")}, "body.to"}, {Span{"2026-04-02", to("2026-02-30")}, "body.to"},
	} {
		var refused *problem.Problem
		at := ""
		if errors.As(test.span.check(today), &refused) {
			at = refused.Errors[0].Location
		}
		if at != test.at {
			t.Errorf("%+v: refused at %q, want %q", test.span, at, test.at)
		}
	}
}
