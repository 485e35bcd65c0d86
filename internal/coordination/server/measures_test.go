package server_test

import (
	"encoding/csv"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cmhf/operator/internal/coordination/measures"
)

// settled is a month that is over and in which everything is recorded, and a day in it.
func settled(t testing.TB) (month measures.Period, within string) {
	t.Helper()
	month, err := measures.Month(time.Now().AddDate(0, 0, -75).Format("2006-01"))
	if err != nil {
		t.Fatal(err)
	}
	return month, month.From.AddDate(0, 0, 3).Format(time.DateOnly)
}

func (s *system) publisher() measures.Publisher {
	s.t.Helper()
	return measures.Publisher{Pool: s.pool(), ODSCode: "QOP", Synthetic: true}
}

func (s *system) publish(p measures.Publisher, month measures.Period, revise bool, want measures.Outcome) {
	s.t.Helper()
	if outcome, err := p.Publish(s.t.Context(), month, revise); err != nil || outcome != want {
		s.t.Fatalf("%v, %v; want %s", outcome, err, want)
	}
}

// figures gives what is shown of a measure, by geography and class.
func (c caller) figures(measure, query string) map[string]string {
	c.s.t.Helper()
	shown := map[string]string{}
	for _, item := range c.get("/v1/measures/" + measure + "?" + query).want(http.StatusOK)["items"].([]any) {
		i := item.(object)
		name := i["geography"].(string)
		if class, ok := i["class"].(string); ok {
			name += "/" + class
		}
		shown[name] = i["shown"].(string)
	}
	return shown
}

// Several measures at once give the figures that each gives alone, in the order in which they are asked for.
func TestFiguresOfSeveralMeasures(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	month, within := settled(t)
	s.population(23, 20, within)
	s.publish(s.publisher(), month, false, measures.Published)
	lead := s.as("digital-lead")
	ids := []string{"referrals-received", "person-wait-open", "person-wait-completed"}
	for _, query := range []string{"period=all", "period=" + month.String() + "&breakdown=ageBand", "geographyKind=Service&geography=north", "geographyKind=Provider"} {
		together := lead.get("/v1/figures?measure=" + strings.Join(ids, "&measure=") + "&" + query).want(http.StatusOK)
		items := together["items"].([]any)
		if len(items) != len(ids) || together["rule"] == "" || together["synthetic"] != true {
			t.Fatalf("%s: %d measures, rule %q, synthetic %v", query, len(items), together["rule"], together["synthetic"])
		}
		for n, id := range ids {
			alone := lead.get("/v1/measures/" + id + "?" + query).want(http.StatusOK)
			one := items[n].(object)
			if !reflect.DeepEqual(one["measure"], alone["measure"]) || !reflect.DeepEqual(one["items"], alone["items"]) {
				t.Errorf("%s of %s: together %v, alone %v", query, id, one, alone)
			}
		}
		if found := items[0].(object)["items"].([]any); len(found) == 0 {
			t.Errorf("%s: nothing is published of the referrals", query)
		}
	}
}

// 23 people were referred, 20 of them to north. south and east, which are both below 5, hide each other.
func TestPublication(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	month, within := settled(t)
	s.population(23, 20, within)
	publisher := s.publisher()
	s.publish(publisher, month, false, measures.Published)

	lead := s.as("digital-lead")
	want := map[string]string{"QOP": "25"}
	if got := lead.figures("referrals-received", ""); !equal(got, want) {
		t.Errorf("the ICS: %v, want %v", got, want)
	}
	want = map[string]string{"north": "20", "south": "*", "east": "*"}
	for _, role := range []string{"digital-lead", "practitioner", "service-lead"} {
		if got := s.as(role, "north").figures("referrals-received", "geographyKind=Service&period="+month.String()); !equal(got, want) {
			t.Errorf("services, to a %s: %v, want %v", role, got, want)
		}
	}
	if got := lead.figures("referrals-received", "geographyKind=Provider"); !equal(got, map[string]string{"RT1": "25"}) {
		t.Errorf("the provider of all services: %v", got)
	}
	if got := lead.figures("referrals-received", "geographyKind=Place"); got["coast"] != "25" {
		t.Errorf("places: %v", got)
	}
	if got := lead.figures("referrals-received", "geographyKind=Neighbourhood"); got["harbour"] != "25" || got["hill"] != "*" || got["Not known in coast"] != "*" {
		t.Errorf("neighbourhoods: %v", got)
	}
	if got := lead.figures("referrals-received", "breakdown=ageBand"); got["QOP/40-64"] != "25" || got["QOP/18-25"] != "*" || len(got) != 5 {
		t.Errorf("ages: %v", got)
	}
	if got := lead.figures("national-wait-open", "breakdown=waitBand"); len(got) != 5 || got["QOP/over-182"] != "*" {
		t.Errorf("bands: %v", got)
	}
	if got := lead.figures("national-spells-started-rate", ""); got["QOP"] != "-" {
		t.Errorf("a rate without a population: %v, want -", got)
	}
	figure := lead.get("/v1/measures/national-wait-open").want(http.StatusOK)["items"].([]any)[0].(object)
	for _, field := range []string{"period", "publishedAt", "factsAsOf", "ruleVersion", "suppressionVersion", "revision"} {
		if figure[field] == nil {
			t.Errorf("a figure does not say its %s: %v", field, figure)
		}
	}
	listed := lead.get("/v1/measures").want(http.StatusOK)
	if len(listed["publications"].([]any)) != 1 || len(listed["items"].([]any)) != len(measures.Measures()) {
		t.Errorf("the list: %v", listed)
	}
}

func equal(a, b map[string]string) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

// Figures stay as they were published until the month is published again, and publishing again without saying so changes nothing.
func TestRevision(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	month, within := settled(t)
	s.population(40, 40, within)
	publisher, lead := s.publisher(), s.as("digital-lead")
	s.publish(publisher, month, false, measures.Published)
	s.population(10, 10, within)
	s.publish(publisher, month, false, measures.AlreadyPublished)
	if got := lead.figures("referrals-received", ""); got["QOP"] != "40" {
		t.Errorf("without a revision: %v", got)
	}
	s.publish(publisher, month, true, measures.Published)
	if got := lead.figures("referrals-received", ""); got["QOP"] != "50" {
		t.Errorf("after the revision: %v", got)
	}
	if n := s.count("SELECT count(*) FROM publications"); n != 2 {
		t.Errorf("%d publications are kept, want 2", n)
	}
	// One more person to south: with the first publication in hand, nothing new may give them away.
	s.population(1, 0, within)
	s.publish(publisher, month, true, measures.Published)
	if got := lead.figures("referrals-received", "geographyKind=Service"); got["south"] != "*" {
		t.Errorf("a small count: %v", got)
	}
}

// Replicas that publish at the same time make one publication.
func TestOnePublisher(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	month, within := settled(t)
	s.population(9, 9, within)
	publisher := s.publisher()
	var group sync.WaitGroup
	var mu sync.Mutex
	outcomes := map[measures.Outcome]int{}
	for range 4 {
		group.Go(func() {
			outcome, err := publisher.Publish(t.Context(), month, false)
			mu.Lock()
			defer mu.Unlock()
			outcomes[outcome]++
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if outcomes[measures.Published] != 1 || outcomes[measures.AlreadyPublished] != 3 {
		t.Errorf("%v", outcomes)
	}
}

// Every month that is over and settled is published once, from the first on.
func TestMonthsThatAreDue(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	month, within := settled(t)
	s.population(9, 9, within)
	publisher := s.publisher()
	settledOn := month.To.AddDate(0, 0, 10)
	for _, step := range []struct {
		now  time.Time
		want int64
	}{{settledOn, 0}, {settledOn.AddDate(0, 0, 1), 1}, {settledOn.AddDate(0, 0, 2), 1}, {settledOn.AddDate(0, 2, 2), 3}} {
		if err := publisher.PublishDue(t.Context(), step.now.Add(12*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if n := s.count("SELECT count(*) FROM publications"); n != step.want {
			t.Errorf("on %s: %d publications, want %d", step.now.Format(time.DateOnly), n, step.want)
		}
	}
	environment := map[string]string{"CMHF_ODS_CODE": "QOP", "CMHF_SYNTHETIC": "true"}
	getenv := func(name string) string { return environment[name] }
	if err := measures.Run(t.Context(), []string{"-month", month.String(), "-revise"}, getenv, s.database.AppURL, time.Now()); err != nil {
		t.Errorf("the command: %v", err)
	}
	for _, args := range [][]string{{"-month", time.Now().Format("2006-01")}, {"-month", "2026-13"}, {"-revise"}, {"more"}} {
		if err := measures.Run(t.Context(), args, getenv, s.database.AppURL, time.Now()); err == nil {
			t.Errorf("the command takes %v", args)
		}
	}
	environment["CMHF_ODS_CODE"] = "QSL"
	if err := measures.Run(t.Context(), nil, getenv, s.database.AppURL, time.Now()); err == nil {
		t.Error("figures of another system's database were published")
	}
}

// Completed waits: a percentage from rounded parts, hidden where all but a few waited no more than four weeks.
func TestCompletedWaits(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	month, within := settled(t)
	s.population(40, 30, month.From.AddDate(0, 0, -20).Format(time.DateOnly))
	pool := s.pool()
	s.catchUp(pool)
	// All clocks stop in the month: at north 29 of 30 within four weeks, at south 5 of 10.
	s.byOwner(`UPDATE spell_facts f SET stopped_on = $1::date + CASE WHEN i <= 29 OR i > 35 THEN 0 ELSE 20 END
		FROM (SELECT clock, person_id, row_number() OVER (PARTITION BY clock ORDER BY service_id <> $2, person_id) AS i FROM spell_facts) n
		WHERE n.clock = f.clock AND n.person_id = f.person_id`, within, north)
	s.publish(measures.Publisher{Pool: pool, ODSCode: "QOP", Synthetic: true}, month, false, measures.Published)
	lead := s.as("digital-lead")
	for _, measure := range []string{"national-wait-completed", "person-wait-completed"} {
		got := lead.figures(measure, "geographyKind=Service")
		if got["north"] != "*" {
			t.Errorf("%s: %v: 29 of 30 leaves one", measure, got)
		}
		whole := lead.get("/v1/measures/" + measure).want(http.StatusOK)["items"].([]any)[0].(object)
		if whole["shown"] != "88" || whole["denominator"] != 40.0 || whole["numerator"] != 35.0 {
			t.Errorf("%s: %v, want 35 of 40", measure, whole)
		}
		bands := lead.figures(measure, "breakdown=waitBand")
		if len(bands) != 5 || bands["QOP/0-6"] != "*" {
			t.Errorf("%s: bands %v", measure, bands)
		}
	}
}

func TestMeasureAsCSV(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	month, within := settled(t)
	s.population(23, 20, within)
	s.publish(s.publisher(), month, false, measures.Published)
	a := s.as("digital-lead").get("/v1/measures/referrals-received/figures.csv?geographyKind=Service")
	if a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Type"), "text/csv") {
		t.Fatalf("%d %v %s", a.status, a.header, a.raw)
	}
	lines, err := csv.NewReader(strings.NewReader(a.raw)).ReadAll()
	if err != nil || len(lines) != 4 {
		t.Fatalf("%v: %s", err, a.raw)
	}
	column := map[string]int{}
	for i, name := range lines[0] {
		column[name] = i
	}
	for _, line := range lines[1:] {
		if line[column["geography"]] != "south" {
			continue
		}
		for name, want := range map[string]string{"value": "*", "numerator": "*", "state": "Hidden", "data": "synthetic: made up", "rule_version": "records-1", "suppression_version": "suppression-1", "denominator": ""} {
			if line[column[name]] != want {
				t.Errorf("%s: %q, want %q", name, line[column[name]], want)
			}
		}
	}
}

// What is published can't be changed, added to or seen exactly, by callers or by the jobs.
func TestPublishedStaysPublished(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	month, within := settled(t)
	s.population(23, 20, within)
	s.publish(s.publisher(), month, false, measures.Published)
	app := s.app(testSubject, "north")
	const add = `INSERT INTO figures (publication_id, measure, geography_kind, geography, place, provider, breakdown_kind, breakdown, numerator, value, state, rule_version)
		SELECT id, 'made-up', 'ICS', 'QOP', '', '', '', '', 5, 5, 'Published', 'x' FROM publications`
	for name, test := range map[string]struct{ sql, want string }{
		"change a figure":      {"UPDATE figures SET value = 1", "42501"},
		"remove a figure":      {"DELETE FROM figures", "42501"},
		"add a figure":         {add, "CM080"},
		"see an exact count":   {"SELECT exact_numerator FROM figures", "42501"},
		"see all of a figure":  {"SELECT * FROM figures", "42501"},
		"change a publication": {"UPDATE publications SET published_at = now()", "42501"},
		"say when":             {"INSERT INTO publications (id, from_on, to_on, revision, published_at, facts_as_of, suppression_version, synthetic) VALUES (gen_random_uuid(), '2026-01-01', '2026-01-31', 1, now(), now(), 'x', true)", "42501"},
	} {
		if _, err := app.Exec(t.Context(), test.sql); code(err) != test.want {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
	if n := s.count("SELECT count(*) FROM figures WHERE numerator < 5 OR denominator < 5 OR numerator % 5 <> 0"); n != 0 {
		t.Errorf("%d figures are below 5 or not rounded", n)
	}
	s.byOwner("DELETE FROM figures")
	s.byOwner("DELETE FROM publications")
	s.byOwner("DELETE FROM neighbourhoods")
	s.byOwner("UPDATE services SET place = 'coast', neighbourhoods = '{}'")
	s.publish(s.publisher(), month, false, measures.Published) // a directory without neighbourhoods is one too
}

func TestMeasureInput(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	lead := s.as("digital-lead")
	lead.get("/v1/measures/nonsense").refused(http.StatusNotFound, "not-found")
	lead.get("/v1/measures/nonsense/figures.csv").refused(http.StatusNotFound, "not-found")
	for _, query := range []string{"period=2026-13", "period=soon", "geographyKind=Street", "breakdown=name", "more=x", "geography=" + strings.Repeat("x", 201)} {
		a := lead.get("/v1/measures/referrals-received?" + query)
		a.refused(http.StatusUnprocessableEntity, "invalid-request")
	}
	for _, query := range []string{"", "measure=nonsense", "measure=referrals-received&measure=referrals-received", "measure=referrals-received&period=soon",
		strings.Repeat("measure=referrals-received&", 61)} {
		lead.get("/v1/figures?"+query).refused(http.StatusUnprocessableEntity, "invalid-request")
	}
	if got := lead.figures("referrals-received", "period=all"); len(got) != 0 {
		t.Errorf("before anything is published: %v", got)
	}
	s.with(object{"roles": []string{"integration"}, "purpose": "direct-care"}).get("/v1/measures").refused(http.StatusForbidden, "forbidden")
	month, _ := settled(t)
	if _, err := start(t).publisher().Publish(t.Context(), month, false); err == nil || errors.Is(err, t.Context().Err()) {
		t.Errorf("without a directory: %v", err)
	}
}
