package contacts

import (
	"errors"
	"testing"
	"time"

	"github.com/cmhf/operator/internal/coordination/problem"
)

func TestSnomedConcept(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]bool{
		"1037651000000100": true, "1091071000000100": true, "959951000000108": true, "1853441000000109": true, "1853461000000105": true,
		"73211009":         true,  // an international concept
		"1037651000000101": false, // wrong check digit
		"1073651000000100": false, // digits swapped
		"2534661010":       false, // a description
		"0":                false, "12345": false, "0123456": false, "1037651000000100000": false, "103765100000010x": false, "": false,
	} {
		if got := snomedConcept(code); got != want {
			t.Errorf("%q: %v, want %v", code, got, want)
		}
	}
}

func TestAttendanceCode(t *testing.T) {
	t.Parallel()
	for attendance, want := range map[string][2]string{
		"Attended": {"5", "6"}, "DidNotAttend": {"3", "7"}, "CancelledByPerson": {"2", "2"}, "CancelledByService": {"4", "4"},
	} {
		if got := [2]string{attendanceCode(attendance, false), attendanceCode(attendance, true)}; got != want {
			t.Errorf("%s: %v, want %v", attendance, got, want)
		}
	}
}

// Days are London's: half an hour before midnight UTC in June is the next day there.
func TestPlaceTakes(t *testing.T) {
	t.Parallel()
	at := func(s string) time.Time {
		moment, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return moment
	}
	begins, ended, died := at("2026-06-10T00:00:00Z"), at("2026-06-20T12:00:00Z"), at("2026-06-15T00:00:00Z")
	for name, test := range map[string]struct {
		place    place
		happened string
		want     problem.Slug
	}{
		"first moment":              {place{begins: begins}, "2026-06-09T23:00:00Z", ""},
		"moment before":             {place{begins: begins}, "2026-06-09T22:59:59Z", problem.InvalidRequest},
		"moment of the end":         {place{begins: begins, ended: &ended}, "2026-06-20T12:00:00Z", ""},
		"moment after the end":      {place{begins: begins, ended: &ended}, "2026-06-20T12:00:01Z", problem.StateConflict},
		"last moment of the life":   {place{begins: begins, died: &died}, "2026-06-15T22:59:59Z", ""},
		"first moment of the death": {place{begins: begins, died: &died}, "2026-06-15T23:00:00Z", problem.PersonDied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var refused *problem.Problem
			err := test.place.takes("body.happenedAt", at(test.happened))
			if (err == nil) != (test.want == "") || (err != nil && (!errors.As(err, &refused) || refused.Slug() != test.want)) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}
