package dashboardtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// measure is what the stand-in knows of a measure. Its figures go up by one step every month.
type measure struct {
	id, title, kind, unit, betterWhen string
	first, step                       int64
}

var measures = []measure{
	{"person-wait-completed", "Waits completed within four weeks (the person's own)", "Percent", "% of completed waits", "Higher", 40, 1},
	{"person-wait-open", "People still waiting (the person's own)", "Count", "people", "Lower", 1200, 25},
	{"person-left-waiting", "People whom nobody supports and who never got all parts of help", "Count", "people", "Lower", 15, 0},
	{"national-wait-completed", "Waits completed within four weeks (national rule)", "Percent", "% of completed waits", "Higher", 65, 0},
	{"national-wait-open", "Waits still open (national rule)", "Count", "referral spells", "Lower", 900, -20},
	{"referrals-received", "Referrals received", "Count", "referrals", "Neither", 300, 10},
	{"people-second-contact", "People with a second contact", "Count", "people", "Neither", 150, 5},
	{"handovers-accepted", "Handovers accepted", "Percent", "% of handovers answered", "Higher", 90, 0},
	{"handovers-arrived", "Handovers arrived", "Percent", "% of accepted handovers", "Higher", 80, 0},
	{"re-entries", "Re-entries", "Count", "people", "Neither", 20, 0},
	{"person-died-waiting", "People who died waiting", "Count", "people", "Lower", 10, 0},
	{"hospital-follow-up", "Followed up within 72 hours of leaving hospital", "Percent", "% of people who left hospital", "Higher", 70, 1},
	{"national-spells-started-rate", "Referral spells started, for each 100,000 people", "Rate", "referral spells for each 100,000 people", "Neither", 210, 3},
	{"outcomes-paired", "Outcomes measured twice", "Percent", "% of spells that ended", "Higher", 45, 2},
	{"dialog-improved", "Reliably better (DIALOG)", "Percent", "% of paired spells", "Higher", 40, 1},
	{"dialog-deteriorated", "Reliably worse (DIALOG)", "Percent", "% of paired spells", "Lower", 10, 0},
	{"reqol-improved", "Reliably better (ReQoL-10)", "Percent", "% of paired spells", "Higher", 38, 1},
	{"reqol-deteriorated", "Reliably worse (ReQoL-10)", "Percent", "% of paired spells", "Lower", 9, 0},
	{"reqol-recovered", "Recovered (ReQoL-10)", "Percent", "% of spells that began below 25", "Higher", 30, 1},
	{"goals-improved", "Reliably better (own goals)", "Percent", "% of paired spells", "Higher", 50, 0},
	{"goals-deteriorated", "Reliably worse (own goals)", "Percent", "% of paired spells", "Lower", 5, 0},
	{"participation-improved", "Leisure, friendships and family reliably better", "Percent", "% of paired spells", "Higher", 25, 0},
	{"asset-uptake", "Taking part in the community", "Percent", "% of people put in touch", "Higher", 60, 0},
	{"in-work", "In work, learning or volunteering", "Percent", "% of open episodes", "Higher", 35, 0},
	{"needs-met", "Needs met outside health care", "Percent", "% of people with a need settled", "Higher", 55, 0},
	{"episodes-open", "Episodes of care open", "Count", "episodes", "Neither", 800, 15},
	{"key-worker-cover", "Episodes with a key worker", "Percent", "% of open episodes", "Higher", 70, 2},
	{"people-per-key-worker", "People for each key worker", "Rate", "people for each key worker", "Lower", 22, 0},
	{"plan-cover", "Episodes with a plan in force", "Percent", "% of open episodes", "Higher", 60, 2},
	{"plans-agreed", "Plans that the person agreed to", "Percent", "% of people with a new plan", "Higher", 90, 0},
	{"carers-involved", "Carers involved", "Percent", "% of people who were met", "Higher", 30, 0},
	{"health-check-complete", "Physical health check complete", "Percent", "% of episodes open for a year", "Higher", 50, 1},
	{"closures-with-support", "Endings with accepted support or by the person's choice", "Percent", "% of closures", "Neither", 95, 0},
}

// months of the stand-in, oldest first; the last but one of each measure is hidden.
func months() []time.Time {
	var all []time.Time
	for n := range 12 {
		all = append(all, time.Date(2025, time.November, 1, 0, 0, 0, 0, time.UTC).AddDate(0, n, 0))
	}
	return all
}

var classes = map[string][]string{
	"waitBand": {"0-6", "7-13", "14-28", "29-182", "over-182"}, "route": {"Self", "GP", "VCSE"}, "ethnicity": {"WhiteBritish", "Asian", "Black", "NotKnown"},
	"deprivation": {"1", "2", "9", "10"}, "ageBand": {"18-25", "40-64"}, "gender": {"Female", "Male"},
}

type object map[string]any

// figures answers GET /v1/figures, and refuses a measure that it does not know.
func figures(query url.Values) ([]byte, int) {
	items := []object{}
	for _, id := range query["measure"] {
		at := slices.IndexFunc(measures, func(m measure) bool { return m.id == id })
		if at < 0 {
			return nil, http.StatusBadRequest
		}
		m := measures[at]
		published := []object{}
		for n, from := range months() {
			period, latest := query.Get("period"), n == len(months())-1
			if period != "all" && period != from.Format("2006-01") && (period != "latest" || !latest) {
				continue
			}
			of := classes[query.Get("breakdown")]
			if of == nil {
				of = []string{""}
			}
			for c, class := range of {
				value := m.first + int64(n)*m.step - 5*int64(c)
				f := object{
					"period": from.Format("2006-01"), "from": from.Format(time.DateOnly), "to": from.AddDate(0, 1, -1).Format(time.DateOnly), "revision": 1,
					"publishedAt": from.AddDate(0, 1, 10), "factsAsOf": from.AddDate(0, 1, 10), "geographyKind": "ICS", "geography": "QOP",
					"breakdown": query.Get("breakdown"), "class": class, "state": "Published", "shown": strconv.FormatInt(value, 10), "value": value, "numerator": value, "denominator": nil,
				}
				if m.kind == "Percent" {
					f["numerator"], f["denominator"] = value*10, 1000
				}
				if n == len(months())-2 || class == "over-182" {
					f["state"], f["shown"], f["value"], f["numerator"] = "Hidden", "*", nil, nil
				}
				published = append(published, f)
			}
		}
		items = append(items, object{"measure": m.described(), "items": published})
	}
	return encoded(object{"items": items, "rule": rule, "synthetic": true}), http.StatusOK
}

const rule = "Counts below 5 are hidden; others are rounded to the nearest 5."

func (m measure) described() object {
	return object{
		"id": m.id, "title": m.title, "definition": "What " + m.title + " means.", "kind": m.kind, "numerator": "some of them", "denominator": "all of them",
		"unit": m.unit, "betterWhen": m.betterWhen, "rule": "A rule in words.", "ruleVersion": "test-1",
	}
}

// catalogue answers GET /v1/measures.
func catalogue() []byte {
	var items, publications []object
	for _, m := range measures {
		items = append(items, m.described())
	}
	all := months()
	slices.Reverse(all)
	for n, from := range all {
		publications = append(publications, object{
			"period": from.Format("2006-01"), "from": from.Format(time.DateOnly), "to": from.AddDate(0, 1, -1).Format(time.DateOnly), "revision": 1 + n%2,
			"publishedAt": from.AddDate(0, 1, 10), "factsAsOf": from.AddDate(0, 1, 10),
		})
	}
	return encoded(object{"items": items, "publications": publications, "rule": rule, "synthetic": true})
}

func encoded(o object) []byte {
	body, err := json.Marshal(o)
	if err != nil {
		panic(err) // numbers and text always encode
	}
	return body
}

// file answers GET /v1/measures/{id}/figures.csv.
func file(id string, query url.Values) ([]byte, int) {
	if !slices.ContainsFunc(measures, func(m measure) bool { return m.id == id }) {
		return nil, http.StatusNotFound
	}
	return fmt.Appendf(nil, "measure,area\n%s,%s %s\n", id, query.Get("geographyKind"), query.Get("geography")), http.StatusOK
}
