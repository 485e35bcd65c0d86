package rest

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/store"
)

// answer turns a handler's error into the problem that the caller sees. What is not meant for callers is logged.
func answer(ctx context.Context, err error) *problem.Problem {
	var p *problem.Problem
	if !errors.As(err, &p) {
		p = problem.New(problem.Internal, "The server could not finish the request.")
	}
	if p.Status >= http.StatusInternalServerError && p != err { // a bare problem says no more than the request's own line
		logFailure(ctx, "request failed", err)
	}
	shown := *p
	shown.Instance = instance(ctx)
	return &shown
}

// logFailure logs what the store says may be logged: the text of other errors may hold values.
func logFailure(ctx context.Context, message string, err error) {
	slog.ErrorContext(ctx, message, "request_id", requestID(ctx), "error", store.Describe(err))
}

// refuseByFramework makes a problem of the framework's findings and audits it where the operation is about people: the
// framework checks the request before the operation's own transaction.
func refuseByFramework(ctx context.Context, status int, message string, errs []error) huma.StatusError {
	c, authorised := callFrom(ctx)
	known := map[string]bool{}
	if authorised {
		known = c.api.fieldNames()
	}
	p := fromFramework(status, message, errs, known)
	p.Instance = instance(ctx)
	if !authorised || !c.rule.Personal || status >= http.StatusInternalServerError {
		return p
	}
	if err := c.api.store.Refuse(ctx, c.rule.Operation, c.caller, p, c.concern); err != nil {
		return answer(ctx, err)
	}
	return p
}

// fromFramework keeps only what the framework says about its own schema: values, parser messages and the names of fields that
// are not in the document may hold personal data.
func fromFramework(status int, message string, errs []error, known map[string]bool) *problem.Problem {
	detail := "The request was not accepted; see errors."
	if status != http.StatusUnprocessableEntity {
		detail = map[int]string{
			http.StatusBadRequest:            "The body is not well-formed and plain JSON in UTF-8.",
			http.StatusRequestTimeout:        "The body did not arrive in time.",
			http.StatusRequestEntityTooLarge: "The body is longer than allowed.",
			http.StatusUnsupportedMediaType:  "Only application/json is understood.",
		}[status]
	}
	if status == http.StatusBadRequest && strings.Contains(message, "required") {
		detail = "A JSON body is required."
	}
	p := problem.ForStatus(status, detail)
	for _, err := range errs {
		var found *huma.ErrorDetail
		if errors.As(err, &found) {
			text, _, _ := strings.Cut(found.Message, ": ")
			p.Errors = append(p.Errors, problem.Field{Location: safeLocation(found.Location, known), Message: text})
		}
	}
	return p
}

var arrayIndex = regexp.MustCompile(`\[[0-9]+\]$`)

// safeLocation replaces the parts of a location that are no names of the document. The first part says where in the request.
func safeLocation(location string, known map[string]bool) string {
	parts := strings.Split(location, ".")
	for i, part := range parts[1:] {
		if !known[arrayIndex.ReplaceAllString(part, "")] {
			parts[i+1] = "…"
		}
	}
	return strings.Join(parts, ".")
}

// fieldNames collects the names of all fields and parameters.
func fieldNames(document *huma.OpenAPI) map[string]bool {
	names := map[string]bool{}
	for _, schema := range document.Components.Schemas.Map() {
		for name := range schema.Properties {
			names[name] = true
		}
	}
	for _, item := range document.Paths {
		for _, operation := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if operation == nil {
				continue
			}
			for _, parameter := range operation.Parameters {
				names[parameter.Name] = true
			}
		}
	}
	return names
}
