// Package problem holds every error answer of the API: RFC 9457 documents with a stable type, and the catalogue that
// explains each type to people. It knows no HTTP framework beyond the two methods that huma asks of an error.
package problem

import (
	"fmt"
	"net/http"
)

// Problem is an error that a caller may see. It never holds personal data.
type Problem struct {
	Type   string `json:"type" doc:"Stable identifier of the kind of problem; it resolves to an explanation on this server." example:"/problems/invalid-request"`
	Title  string `json:"title" doc:"The kind of problem in a few words."`
	Status int    `json:"status" doc:"HTTP status."`
	Detail string `json:"detail,omitempty" doc:"What was wrong this time and how to mend it."`
	// Instance is the request's id, never a path: paths name records.
	Instance string  `json:"instance,omitempty" doc:"The request's id, for the service desk." example:"urn:uuid:7c2b9a4e-6f0c-4b27-9d3b-6b3a2b1f0c11"`
	Errors   []Field `json:"errors,omitempty" doc:"What is wrong with which field."`
	// Missing names the parts that a refused closure, outcome or plan lacks.
	Missing []string `json:"missing,omitempty" doc:"Parts that the closure, the outcome or the plan lacks."`

	slug Slug
}

// Field is one thing wrong with the request. The offending value is never repeated.
type Field struct {
	Location string `json:"location,omitempty" doc:"Where, for example body.person.nhsNumber."`
	Message  string `json:"message" doc:"What is wrong."`
}

// Error gives the detail; it implements error.
func (p *Problem) Error() string { return fmt.Sprintf("%s: %s", p.slug, p.Detail) }

// GetStatus and ContentType let the web framework write a Problem as it is.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of RFC 9457.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// Slug is the last part of the type.
func (p *Problem) Slug() Slug { return p.slug }

// New makes a problem of the catalogue.
func New(slug Slug, format string, args ...any) *Problem {
	entry, ok := catalogue[slug]
	if !ok {
		panic("problem " + string(slug) + " is not in the catalogue") // a programming error, found by the first test that meets it
	}
	return &Problem{Type: path + string(slug), Title: entry.title, Status: entry.status, Detail: fmt.Sprintf(format, args...), slug: slug}
}

// InvalidField is the problem of one wrong field.
func InvalidField(location, format string, args ...any) *Problem {
	p := New(InvalidRequest, "The request was not accepted; see errors.")
	p.Errors = []Field{{Location: location, Message: fmt.Sprintf(format, args...)}}
	return p
}

// ForStatus is the problem for a failure that only has an HTTP status.
func ForStatus(status int, detail string) *Problem {
	slug, ok := byStatus[status]
	if !ok {
		slug = Malformed
		if status >= http.StatusInternalServerError {
			slug = Internal
		}
	}
	return New(slug, "%s", detail)
}
