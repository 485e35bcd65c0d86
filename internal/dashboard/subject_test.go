package dashboard_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/cmhf/operator/internal/coordination/measures"
	"github.com/cmhf/operator/internal/dashboard/pages"
)

func TestAccessAndWaits(t *testing.T) {
	t.Parallel()
	b := newSite(t).browser(t)
	p := b.signIn("/access-and-waits", "lead")
	if p.status != http.StatusOK || p.url.Path != "/access-and-waits" {
		t.Fatalf("signing in leads to %s with status %d", p.url, p.status)
	}
	p.holds(t, "All of Greater Manchester", "October 2026", `<strong>51</strong> <span class="app-measure__unit">% of completed waits`,
		"Better than the average of the six months before", "Worse than the average", "About the same as the average", "Higher than the average",
		"510 of 1,000", ">Hidden<", "!>*<", "!ewer than 5", "0 to 6 days", "Over 182 days", "Completed, national rule", "A voluntary or community group",
		`href="/figures/person-wait-completed.csv"`, `aria-labelledby="chart-person-wait-completed-title chart-person-wait-completed-desc"`,
		"What People still waiting (the person&#39;s own) means.", "Synthetic data.", "!style=")
	if rows := strings.Count(p.body, "<th scope=\"row\" class=\"nhsuk-table__header\">October 2026</th>"); rows != 13 {
		t.Errorf("%d tables say October 2026, want one for each of 13 measures", rows)
	}
}

// The address says what is shown, so a link shows the same.
func TestAreaAndMonthAreInTheAddress(t *testing.T) {
	t.Parallel()
	b := newSite(t).browser(t)
	b.signIn("/access-and-waits", "lead")
	p := b.get("/access-and-waits?area=Place%3ASalford&period=2026-06")
	p.holds(t, "Salford, June 2026.", `<option value="Place:Salford" selected>`, `<option value="2026-06" selected>`, `href="/figures/person-wait-completed.csv?area=Place%3ASalford"`,
		`<strong>47</strong>`, "!>July 2026</th>", `<optgroup label="Lead providers">`, "Pennine Care")
	b.get("/access-and-waits?area=Neighbourhood%3ABroughton").holds(t, "Broughton, October 2026.", "Figures of a neighbourhood are not split further", "!0 to 6 days")
	b.get("/access-and-waits?area=Planet%3AMars&period=whenever").holds(t, "All of Greater Manchester", "October 2026", "!Mars", "!whenever")
	b.get("/access-and-waits?area=Service%3A%22%3E%3Cscript%3E").holds(t, "!<script>")
}

func TestAPartOfThePageIsMissing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser(t)
	b.signIn("/access-and-waits", "lead")
	s.api.Fail("/v1/services", http.StatusInternalServerError)
	b.get("/access-and-waits?area=Service%3Aancoats").holds(t, "ancoats, October 2026.", "0 to 6 days")
	s.api.Fail("/v1/figures", http.StatusServiceUnavailable)
	if p := b.get("/access-and-waits"); p.status != http.StatusServiceUnavailable || p.header.Get("Retry-After") == "" {
		t.Errorf("without figures the page answers %d", p.status)
	}
	s.api.Fail("/v1/figures", http.StatusUnauthorized)
	if p := b.stay().get("/access-and-waits?area=Place%3ASalford"); p.status != http.StatusSeeOther || !strings.Contains(p.header.Get("Location"), "return=%2Faccess-and-waits%3Farea") {
		t.Errorf("a refused token leads to %d %s", p.status, p.header.Get("Location"))
	}
}

func TestFiguresAsAFile(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser(t)
	if p := b.stay().get("/figures/referrals-received.csv"); p.status != http.StatusSeeOther {
		t.Errorf("signed out, the file answers %d", p.status)
	}
	b = s.browser(t)
	b.signIn("/at-a-glance", "lead")
	p := b.get("/figures/referrals-received.csv?area=Place%3ASalford")
	if p.status != http.StatusOK || !strings.HasPrefix(p.header.Get("Content-Type"), "text/csv") || !strings.Contains(p.header.Get("Content-Disposition"), `"referrals-received.csv"`) {
		t.Errorf("the file: %d %v", p.status, p.header)
	}
	p.holds(t, "referrals-received,Place Salford")
	for _, address := range []string{"/figures/no-such-measure.csv", "/figures/referrals-received.txt"} {
		if p := b.get(address); p.status != http.StatusNotFound {
			t.Errorf("%s answers %d", address, p.status)
		}
	}
}

func TestWaitsOfAnAccountWithoutARole(t *testing.T) {
	t.Parallel()
	p := newSite(t).browser(t).signIn("/access-and-waits", "visitor")
	if p.status != http.StatusForbidden {
		t.Errorf("status %d, want 403", p.status)
	}
	p.holds(t, "Your account has no role in this ICS", "!four weeks")
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	p := newSite(t).browser(t).signIn("/outcomes", "lead")
	p.holds(t, "<h1 class=\"nhsuk-heading-xl nhsuk-u-margin-bottom-3\">Outcomes</h1>", "Recovered (ReQoL-10)", "The person&#39;s own goals", "Taking part", "!In October 2026</h2>", "!Groups of people")
}

func TestInequalities(t *testing.T) {
	t.Parallel()
	b := newSite(t).browser(t)
	b.signIn("/inequalities", "lead").holds(t, `<option value="ethnicity" selected>`, "White British", "In October 2026",
		"Waits completed within four weeks (the person&#39;s own): the gap is 10, between Black (41) and White British (51).", "!Referrals received: the gap", "!Not known (")
	b.get("/inequalities?by=deprivation&period=2026-06").holds(t, `<option value="deprivation" selected>`, "1, most deprived", "In June 2026", "the gap is 15, between 10, least deprived (32) and 1, most deprived (47).")
	b.get("/inequalities?by=shoe-size").holds(t, `<option value="ethnicity" selected>`)
}

func TestServices(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser(t)
	b.signIn("/services", "lead").holds(t, "Episodes with a key worker", "All services", "Salford East community mental health service", "No new referrals")
	s.api.Fail("/v1/services", http.StatusInternalServerError)
	b.get("/services").holds(t, "Episodes with a key worker", "!All services")
}

func TestAboutTheData(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser(t)
	b.signIn("/about-the-data", "lead").holds(t, "October 2026", "11 November 2026", "revised, version 2", "Neither direction is better.", "What Recovered (ReQoL-10) means.", "does not mean zero")
	s.api.Fail("/v1/measures", http.StatusInternalServerError)
	if p := b.get("/about-the-data"); p.status != http.StatusServiceUnavailable {
		t.Errorf("without the list of measures: status %d", p.status)
	}
}

// Every measure that a page names is one that the API counts.
func TestPagesNameMeasuresThatThereAre(t *testing.T) {
	t.Parallel()
	counted := map[string]bool{}
	for _, m := range measures.Measures() {
		counted[m.ID] = true
	}
	for _, s := range pages.Subjects() {
		asked := s.Measures()
		for _, b := range s.Breakdowns(pages.Filter{}) {
			asked = append(asked, b.Measures...)
		}
		for _, id := range asked {
			if !counted[id] {
				t.Errorf("%s asks for %s, which nobody counts", s.Title, id)
			}
		}
	}
}
