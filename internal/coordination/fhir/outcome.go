package fhir

import (
	"bytes"
	"encoding/json"
	"net/http"

	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
)

const mediaType = "application/fhir+json"

type operationOutcome struct {
	base
	Issue []issue `json:"issue"`
}

type issue struct {
	Severity    string   `json:"severity"`
	Code        string   `json:"code"`
	Details     concept  `json:"details"`
	Diagnostics string   `json:"diagnostics,omitempty"`
	Expression  []string `json:"expression,omitempty"`
}

// told is how a problem is told in FHIR: the type of issue, the code of the Spine with its display, and the status where FHIR's differs.
type told struct {
	issue, spine, display string
	status                int
}

const spineSystem = "https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode"

var (
	invalidValue = told{issue: "value", spine: "INVALID_VALUE", display: "Provided value is invalid"}
	accessDenied = told{issue: "forbidden", spine: "ACCESS_DENIED", display: "Access has been denied to process this request"}
	throttled    = told{issue: "throttled", spine: "TOO_MANY_REQUESTS", display: "Too many requests"}
	unavailable  = told{issue: "transient", spine: "SERVICE_UNAVAILABLE", display: "The service is not available now"}
)

var tellings = map[problem.Slug]told{
	problem.Malformed:            invalidValue,
	problem.InvalidRequest:       {issue: "value", spine: "INVALID_VALUE", display: "Provided value is invalid", status: http.StatusBadRequest},
	problem.Unauthenticated:      {issue: "login", spine: "ACCESS_DENIED", display: accessDenied.display},
	problem.WrongICS:             accessDenied,
	problem.Forbidden:            accessDenied,
	problem.PurposeMissing:       accessDenied,
	problem.NotYourService:       accessDenied,
	problem.LocationHidden:       accessDenied,
	problem.PersonObjects:        {issue: "business-rule", spine: "ACCESS_DENIED", display: accessDenied.display},
	problem.NotFound:             {issue: "not-found", spine: "RESOURCE_NOT_FOUND", display: "Resource not found"},
	problem.MethodNotAllowed:     {issue: "not-supported", spine: "INVALID_METHOD", display: "The method is invalid here"},
	problem.NotAcceptable:        {issue: "not-supported", spine: "UNSUPPORTED_SERVICE", display: "Unsupported service"},
	problem.UnsupportedMediaType: {issue: "not-supported", spine: "UNSUPPORTED_SERVICE", display: "Unsupported service"},
	problem.BodyTooLarge:         {issue: "too-long", spine: "INVALID_VALUE", display: invalidValue.display},
	problem.BodyTimeout:          {issue: "timeout", spine: "INVALID_VALUE", display: invalidValue.display},
	problem.PreconditionFailed:   {issue: "conflict", spine: "PRECONDITION_FAILED", display: "A required condition was not fulfilled"},
	problem.KeyReused:            {issue: "duplicate", spine: "INVALID_VALUE", display: invalidValue.display},
	problem.ServiceClosing:       {issue: "business-rule", spine: "INVALID_VALUE", display: invalidValue.display},
	problem.StateConflict:        {issue: "conflict", spine: "INVALID_UPDATE", display: "Update is invalid"},
	problem.PersonDied:           {issue: "business-rule", spine: "INVALID_UPDATE", display: "Update is invalid"},
	problem.SignInUnavailable:    unavailable,
	problem.DatabaseUnavailable:  unavailable,
	problem.ReadOnly:             unavailable,
}

var internalError = told{issue: "exception", spine: "INTERNAL_SERVER_ERROR", display: "Unexpected internal server error"}

var missingValue = told{issue: "required", spine: "MISSING_VALUE", display: "Required value is missing"}

func outcome(p *problem.Problem) (operationOutcome, int) {
	as, known := tellings[p.Slug()]
	if !known {
		switch {
		case p.Status == http.StatusTooManyRequests:
			as = throttled
		case p.Status < http.StatusInternalServerError:
			as = invalidValue
		default:
			as = internalError
		}
	}
	details := func(as told) concept {
		return concept{Coding: []coding{{System: spineSystem, Code: as.spine, Display: as.display}, ownCode("problem", string(p.Slug()), p.Title)}}
	}
	o := operationOutcome{base: base{ResourceType: "OperationOutcome"}}
	for _, field := range p.Errors {
		as := as
		if isMissing(field) {
			as = missingValue
		}
		o.Issue = append(o.Issue, issue{Severity: "error", Code: as.issue, Details: details(as), Diagnostics: field.Message, Expression: []string{field.Location}})
	}
	if len(o.Issue) == 0 {
		o.Issue = []issue{{Severity: "error", Code: as.issue, Details: details(as), Diagnostics: p.Detail}}
	}
	status := p.Status
	if as.status != 0 {
		status = as.status
	}
	return o, status
}

// missing is how messages about what is not there begin.
const missing = "missing: "

func isMissing(field problem.Field) bool {
	return len(field.Message) > len(missing) && field.Message[:len(missing)] == missing
}

// lacking is the problem of one element or parameter that is not there.
func lacking(at, mend string) error { return problem.InvalidField(at, "%s", missing+mend) }

func refuse(w http.ResponseWriter, r *http.Request, p *problem.Problem) {
	o, status := outcome(p)
	rest.WriteReply(w, r, reply(status, o))
}

// reply is an answer with one resource. Resources are this package's own types, which always encode.
func reply(status int, resource any) *rest.Reply {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(resource); err != nil {
		panic(err)
	}
	return &rest.Reply{Status: status, Header: map[string]string{"Content-Type": mediaType + "; charset=utf-8"}, Body: body.Bytes()}
}
