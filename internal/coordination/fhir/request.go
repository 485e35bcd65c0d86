package fhir

import (
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"github.com/cmhf/operator/internal/coordination/nhsnumber"
	"github.com/cmhf/operator/internal/coordination/problem"
)

// admit holds for every request under /fhir/R4: it has an id of its own, and nothing in its address is an NHS number.
func admit(r *http.Request) *problem.Problem {
	if _, err := uuid.Parse(r.Header.Get("X-Request-ID")); err != nil {
		return asProblem(lacking("X-Request-ID", "send a UUID of your own in the header X-Request-ID, and the same one when you repeat a request"))
	}
	if holdsNHSNumber(r.URL) {
		return asProblem(problem.InvalidField("address", "an NHS number never stands in an address, because addresses end up in logs: POST it to Patient/_search"))
	}
	return nil
}

func asProblem(err error) *problem.Problem {
	p, ok := err.(*problem.Problem)
	if !ok {
		panic(err) // made by this package from the catalogue
	}
	return p
}

var tenDigits = regexp.MustCompile(`(^|[^0-9])([0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4})($|[^0-9])`)

// identifiers of records are random, and ten of their digits may look like an NHS number.
var identifiers = regexp.MustCompile(`(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`)

// holdsNHSNumber looks at what the address says beside identifiers, spelt with escapes or not.
func holdsNHSNumber(u *url.URL) bool {
	said := []string{u.Path}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		said = append(said, u.RawQuery)
	}
	for name, values := range query {
		said = append(append(said, name), values...)
	}
	for _, s := range said {
		if strings.Contains(s, nhsNumberSystem) {
			return true
		}
		for _, found := range tenDigits.FindAllStringSubmatch(identifiers.ReplaceAllString(s, ""), -1) {
			if _, err := nhsnumber.Parse(strings.ReplaceAll(found[2], "-", "")); err == nil {
				return true
			}
		}
	}
	return false
}

// understood are the names of JSON, of FHIR's and in general.
var understood = map[string]bool{"json": true, mediaType: true, "application/json": true, "text/json": true, "*/*": true, "application/*": true}

// acceptable refuses whoever takes no JSON. _format is more than the header, as FHIR has it.
func acceptable(r *http.Request) error {
	wanted := []string{r.URL.Query().Get("_format")}
	if wanted[0] == "" {
		wanted = strings.Split(r.Header.Get("Accept"), ",")
	}
	for _, one := range wanted {
		name, _, _ := strings.Cut(one, ";")
		if name = strings.TrimSpace(strings.ToLower(name)); name == "" || understood[name] {
			return nil
		}
	}
	return problem.New(problem.NotAcceptable, "Answers are in %s.", mediaType)
}

// carries refuses a body of another media type.
func carries(r *http.Request, types ...string) error {
	sent, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	for _, known := range types {
		if err == nil && sent == known {
			return nil
		}
	}
	return problem.New(problem.UnsupportedMediaType, "Send Content-Type: %s.", types[0])
}
