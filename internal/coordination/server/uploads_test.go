package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/cmhf/operator/internal/coordination/measures"
)

const first = `W/"0"`

func population(items ...object) object {
	return object{"edition": "mid-2024", "source": "Made-up estimates", "referenceDate": "2024-06-30", "items": items}
}

func inhabitants(kind, name string, people int) object {
	return object{"geographyKind": kind, "geography": name, "people": people}
}

// Rates are missing until a population is uploaded, and say by which edition they were made.
func TestPopulationMakesRates(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	month, within := settled(t)
	s.population(30, 30, within)
	publisher, lead := s.publisher(), s.as("digital-lead")
	s.publish(publisher, month, false, measures.Published)
	if read := lead.get("/v1/populations").want(http.StatusOK); read["version"] != 0.0 || read["population"] != nil {
		t.Errorf("before any upload: %v", read)
	}
	missing := lead.get("/v1/measures/national-spells-started-rate").want(http.StatusOK)["items"].([]any)[0].(object)
	if missing["state"] != "Missing" || missing["reason"] != "NoPopulation" || missing["value"] != nil {
		t.Errorf("without a population: %v", missing)
	}
	body := population(inhabitants("ICS", "QOP", 60000), inhabitants("Place", "coast", 60000))
	a := lead.do(http.MethodPut, "/v1/populations", body, "If-Match", first)
	if a.want(http.StatusOK); a.header.Get("ETag") != `W/"1"` {
		t.Errorf("ETag %s", a.header.Get("ETag"))
	}
	if got := lead.figures("national-spells-started-rate", ""); got["QOP"] != "-" {
		t.Errorf("a published figure changed with the upload: %v", got)
	}
	s.publish(publisher, month, true, measures.Published)
	figure := lead.get("/v1/measures/national-spells-started-rate?geographyKind=Place").want(http.StatusOK)["items"].([]any)[0].(object)
	if figure["shown"] != "50" || figure["source"] != "Made-up estimates, mid-2024" || figure["denominator"] != 60000.0 {
		t.Errorf("with a population: %v", figure)
	}
	// Each upload is a version, and says which one it replaces.
	lead.do(http.MethodPut, "/v1/populations", body).refused(http.StatusPreconditionRequired, "precondition-required")
	lead.do(http.MethodPut, "/v1/populations", body, "If-Match", first).refused(http.StatusPreconditionFailed, "precondition-failed")
	lead.do(http.MethodPut, "/v1/populations", body, "If-Match", `W/"1"`).want(http.StatusOK)
	if n := s.count("SELECT count(*) FROM population_uploads"); n != 2 {
		t.Errorf("%d uploads are kept", n)
	}
	if read := s.as("practitioner", "north").get("/v1/populations").want(http.StatusOK); read["version"] != 2.0 || len(read["population"].(object)["items"].([]any)) != 2 {
		t.Errorf("the latest: %v", read)
	}
	s.as("service-lead", "north").do(http.MethodPut, "/v1/populations", body, "If-Match", first).refused(http.StatusForbidden, "forbidden")
}

func series() object {
	return object{
		"title": "People's experience", "definition": "As the source defines it", "unit": "score out of 10", "betterWhen": "Higher", "edition": "2024",
		"source": "Made-up survey", "url": "https://example.org/survey",
		"points": []object{
			{"from": "2023-01-01", "to": "2023-12-31", "geographyKind": "England", "geography": "England", "value": 6.7},
			{"from": "2024-01-01", "to": "2024-12-31", "geographyKind": "England", "geography": "England", "value": nil},
		},
	}
}

func TestSeries(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	lead := s.as("digital-lead")
	const path = "/v1/series/made-up-survey"
	lead.get(path).refused(http.StatusNotFound, "not-found")
	lead.do(http.MethodPut, path, series()).refused(http.StatusPreconditionRequired, "precondition-required")
	lead.do(http.MethodPut, path, series(), "If-Match", first).want(http.StatusOK)
	lead.do(http.MethodPut, path, series(), "If-Match", first).refused(http.StatusPreconditionFailed, "precondition-failed")
	changed := series()
	changed["edition"] = "2025"
	lead.do(http.MethodPut, path, changed, "If-Match", `W/"1"`).want(http.StatusOK)
	read := s.as("practitioner", "north").get(path).want(http.StatusOK)
	points := read["points"].([]any)
	if read["edition"] != "2025" || read["version"] != 2.0 || points[0].(object)["value"] != 6.7 || points[1].(object)["value"] != nil {
		t.Errorf("%v", read)
	}
	if listed := lead.get("/v1/series").want(http.StatusOK)["items"].([]any); len(listed) != 1 || listed[0].(object)["version"] != 2.0 {
		t.Errorf("the list: %v", listed)
	}
	if n := s.count("SELECT count(*) FROM series_points"); n != 4 {
		t.Errorf("%d points are kept, want those of both uploads", n)
	}
	s.as("service-lead", "north").do(http.MethodPut, path, series(), "If-Match", first).refused(http.StatusForbidden, "forbidden")
}

func TestBadUploads(t *testing.T) {
	t.Parallel()
	s := startWithDirectory(t)
	lead := s.as("digital-lead")
	const secret = "Zebedee"
	with := func(o object, name string, value any) object { o[name] = value; return o }
	inPoint := func(name string, value any) object {
		b := series()
		with(b["points"].([]object)[0], name, value)
		return b
	}
	for name, test := range map[string]struct {
		path     string
		body     any
		location string
	}{
		"unknown place":        {"/v1/populations", population(inhabitants("ICS", "QOP", 9), inhabitants("Place", secret, 9)), "body.items[1].geography"},
		"another ICS":          {"/v1/populations", population(inhabitants("ICS", "QSL", 9)), "body.items[0].geography"},
		"nobody":               {"/v1/populations", population(inhabitants("ICS", "QOP", 0)), "body.items[0].people"},
		"no items":             {"/v1/populations", population(), "body.items"},
		"twice":                {"/v1/populations", population(inhabitants("ICS", "QOP", 9), inhabitants("ICS", "QOP", 8)), "body.items[1]"},
		"breakdown, no class":  {"/v1/populations", population(with(inhabitants("ICS", "QOP", 9), "breakdown", "ageBand")), "body.items[0].class"},
		"unknown class":        {"/v1/populations", population(with(with(inhabitants("ICS", "QOP", 9), "breakdown", "ageBand"), "class", secret)), "body.items[0].class"},
		"in the future":        {"/v1/populations", with(population(inhabitants("ICS", "QOP", 9)), "referenceDate", "2999-01-01"), "body.referenceDate"},
		"blank source":         {"/v1/populations", with(population(inhabitants("ICS", "QOP", 9)), "source", " "), "body.source"},
		"unknown field":        {"/v1/populations", with(population(inhabitants("ICS", "QOP", 9)), secret, "x"), "body.…"},
		"a bad id":             {"/v1/series/Not-An-Id", series(), "path.id"},
		"ends before it began": {"/v1/series/x", inPoint("to", "2022-12-31"), "body.points[0].to"},
		"year 0":               {"/v1/series/x", inPoint("from", "0000-01-01"), "body.points[0].from"},
		"unknown geography":    {"/v1/series/x", inPoint("geographyKind", secret), "body.points[0].geographyKind"},
		"a text for a value":   {"/v1/series/x", inPoint("value", secret), "body.points[0].value"},
		"twice the same point": {"/v1/series/x", with(series(), "points", append(series()["points"].([]object), series()["points"].([]object)...)), "body.points[2]"},
		"plain http":           {"/v1/series/x", with(series(), "url", "http://example.org"), "body.url"},
	} {
		t.Run(name, func(t *testing.T) {
			a := lead.do(http.MethodPut, test.path, test.body, "If-Match", first)
			body := a.refused(http.StatusUnprocessableEntity, "invalid-request")
			if fields, _ := body["errors"].([]any); len(fields) == 0 || fields[0].(object)["location"] != test.location {
				t.Errorf("errors %v, want one at %s", fields, test.location)
			}
			if strings.Contains(a.raw, secret) {
				t.Errorf("the answer repeats the value: %s", a.raw)
			}
		})
	}
	if n := s.count("SELECT (SELECT count(*) FROM population_uploads) + (SELECT count(*) FROM series_uploads)"); n != 0 {
		t.Errorf("refused uploads left %d rows", n)
	}
	lead.do(http.MethodPut, "/v1/populations", population(inhabitants("ICS", "QOP", 9)), "If-Match", first).want(http.StatusOK)
	app := s.app("test-subject")
	for name, test := range map[string]struct{ sql, want string }{
		"in another's name": {"INSERT INTO population_uploads (version, edition, source, reference_date, uploaded_by) VALUES (9, 'x', 'x', '2024-01-01', 'somebody')", "42501"},
		"add to an upload":  {"INSERT INTO populations VALUES (1, 'Place', 'coast', '', '', 5)", "CM081"},
		"change an upload":  {"UPDATE populations SET people = 1", "42501"},
		"nobody lives here": {"INSERT INTO populations VALUES (1, 'Place', 'coast', '', '', 0)", "23514"},
	} {
		if _, err := app.Exec(t.Context(), test.sql); code(err) != test.want {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
}
