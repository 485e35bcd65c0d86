package matching

import (
	"slices"
	"testing"
)

func TestDiffering(t *testing.T) {
	t.Parallel()
	base := Record{NHSNumber: "9990000018", FamilyName: "Example", GivenName: "Alex", BirthDate: "1984-02-29"}
	for name, test := range map[string]struct {
		change func(*Record)
		want   []string
	}{
		"nothing":            {func(*Record) {}, []string{}},
		"name and birth day": {func(r *Record) { r.FamilyName, r.BirthDate = "Sample", "1984-02-28" }, []string{"familyName", "birthDate"}},
		"no number":          {func(r *Record) { r.NHSNumber, r.NHSNumberAbsentReason = "", "NotKnownYet" }, []string{"nhsNumber"}},
		"given name, death":  {func(r *Record) { r.GivenName, r.DiedOn = "Sam", "2026-01-01" }, []string{"givenName", "diedOn"}},
	} {
		other := base
		test.change(&other)
		if got := differing(base, other); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}
