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
func answer(ctx context.Context, err error) error {
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

// fromFramework makes a problem of the framework's findings. It keeps only what the framework says about its own schema:
// values, parser messages and odd property names may hold personal data.
func fromFramework(status int, message string, errs []error) *problem.Problem {
	detail := "The request was not accepted; see errors."
	if status != http.StatusUnprocessableEntity {
		detail = map[int]string{
			http.StatusBadRequest:            "The body is not well-formed JSON in UTF-8.",
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
			p.Errors = append(p.Errors, problem.Field{Location: safeLocation(found.Location), Message: text})
		}
	}
	return p
}

var plainName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,39}(\[[0-9]+\])?$`)

// safeLocation replaces the parts of a location that do not look like field names.
func safeLocation(location string) string {
	parts := strings.Split(location, ".")
	for i, part := range parts {
		if !plainName.MatchString(part) {
			parts[i] = "…"
		}
	}
	return strings.Join(parts, ".")
}
