package fhir

import (
	"net/http"
	"net/url"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/cmhf/operator/internal/coordination/problem"
)

func TestNHSNumbersInAddresses(t *testing.T) {
	t.Parallel()
	for address, holds := range map[string]bool{
		"/fhir/R4/Patient?identifier=9990000018":                                   true,
		"/fhir/R4/Patient?identifier=999+000+0018":                                 true,
		"/fhir/R4/Patient?identifier=999-000-0018":                                 true,
		"/fhir/R4/Patient?identifier=https://fhir.nhs.uk/Id/nhs-number%7C1":        true,
		"/fhir/R4/Patient/%39990000018":                                            true,
		"/fhir/R4/Patient?9990000018=x":                                            true,
		"/fhir/R4/Goal?patient=%zz&x=9990000018":                                   true,
		"/fhir/R4/Goal?patient=99900000181":                                        false,
		"/fhir/R4/Goal?patient=9990000019":                                         false, // no NHS number: the check digit is wrong
		"/fhir/R4/Goal/01a21af7-ece5-7577-94ca-393793e4bd73?_count=25":             false,
		"/fhir/R4/Goal/01a21af7-ece5-7577-94ca-a9990000018f":                       false, // an identifier with such digits
		"/fhir/R4/Goal/01a21af7-ece5-7577-94ca-a9990000018f?x=9990000018":          true,
		"/fhir/R4/HealthcareService?identifier=https://example.org/number%7Cnorth": false,
	} {
		parsed, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := holdsNHSNumber(parsed); got != holds {
			t.Errorf("%s: %v", address, got)
		}
	}
}

func TestPageTokens(t *testing.T) {
	t.Parallel()
	sought := search{person: uuid.New(), count: 100}
	last := Stamp{ID: uuid.New(), At: time.Date(2026, 3, 1, 9, 0, 0, 1000, time.UTC)}
	token := sought.tokenAfter(last)
	var turned search
	if err := turned.turn("query", token); err != nil || turned.person != sought.person || turned.count != 100 || turned.after.ID != last.ID || !turned.after.At.Equal(last.At) {
		t.Errorf("%+v, %v", turned, err)
	}
	for _, bad := range []string{"", ".", "x", token[:len(token)-1], token + "A", "." + token} {
		if err := new(search).turn("query", bad); err == nil {
			t.Errorf("taken: %q", bad)
		}
	}
}

func TestStatusHistory(t *testing.T) {
	t.Parallel()
	at := func(day int) time.Time { return time.Date(2026, 3, day, 12, 0, 0, 0, time.UTC) }
	closed, back := at(9), "2026-03-05"
	for name, test := range map[string]struct {
		episode episodeRow
		want    []statusHistory
	}{
		"open": {episodeRow{State: "Open", OpenedAt: at(1)}, []statusHistory{{"active", period{Start: "2026-03-01"}}}},
		"away": {episodeRow{State: "Open", OpenedAt: at(1), Stays: []stay{{Since: "2026-03-03"}}},
			[]statusHistory{{"active", period{"2026-03-01", "2026-03-03"}}, {"onhold", period{Start: "2026-03-03"}}}},
		"back and closed": {episodeRow{State: "Closed", OpenedAt: at(1), ClosedAt: &closed, Stays: []stay{{"2026-03-03", &back}}},
			[]statusHistory{{"active", period{"2026-03-01", "2026-03-03"}}, {"onhold", period{"2026-03-03", "2026-03-05"}}, {"active", period{"2026-03-05", "2026-03-09"}}, {"finished", period{Start: "2026-03-09"}}}},
		"closed while away": {episodeRow{State: "Closed", OpenedAt: at(1), ClosedAt: &closed, Stays: []stay{{Since: "2026-03-03"}}},
			[]statusHistory{{"active", period{"2026-03-01", "2026-03-03"}}, {"onhold", period{"2026-03-03", "2026-03-09"}}, {"finished", period{Start: "2026-03-09"}}}},
	} {
		if got := test.episode.history(); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Every kind of problem is told in FHIR, and none as a fault of the server that is the caller's.
func TestProblemsAreTold(t *testing.T) {
	t.Parallel()
	for slug, as := range tellings {
		o, status := outcome(problem.New(slug, "Made up"))
		if len(o.Issue) != 1 || o.Issue[0].Code != as.issue || as.spine == "" || as.display == "" || status < 400 {
			t.Errorf("%s: %+v, %d", slug, o, status)
		}
	}
	if _, status := outcome(problem.New(problem.Internal, "Made up")); status != http.StatusInternalServerError {
		t.Errorf("internal: %d", status)
	}
	if o, _ := outcome(problem.New(problem.ClosureIncomplete, "Made up")); o.Issue[0].Details.Coding[0].Code != "INVALID_VALUE" {
		t.Errorf("unknown kinds: %+v", o)
	}
}
