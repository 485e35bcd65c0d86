package statistics

import "testing"

func TestSuppress(t *testing.T) {
	t.Parallel()
	for count, want := range map[int64]string{0: "*", 1: "*", 4: "*", 5: "5", 6: "5", 7: "5", 8: "10", 12: "10", 13: "15", 1002: "1000", 1003: "1005"} {
		got := suppress(&count)
		if got.Value != want || got.Suppressed != (want == "*") || (got.Count == nil) != (want == "*") {
			t.Errorf("suppress(%d) = %+v, want %s", count, got, want)
		}
	}
	if got := suppress(nil); got.Value != "-" || got.Suppressed || got.Count != nil {
		t.Errorf("suppress(nil) = %+v", got)
	}
}
