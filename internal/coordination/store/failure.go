package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"

	"github.com/cmhf/operator/internal/coordination/problem"
)

// Failure is a database error that may be logged: it says which rule or resource failed and never shows values, which the
// server's own message, detail and context may hold. The cause is reachable for errors.As only.
type Failure struct {
	text  string
	cause error
}

func (f *Failure) Error() string { return f.text }
func (f *Failure) Unwrap() error { return f.cause }

// classify turns a database error into a problem where callers can do something about it, otherwise into a Failure.
func classify(err error) error {
	var pg *pgconn.PgError
	var known *problem.Problem
	switch {
	case errors.As(err, &known):
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %w", problem.New(problem.DatabaseUnavailable, "The request was given up before the database had answered."), &Failure{"request ended", err})
	case errors.As(err, &pg):
		failure := &Failure{fmt.Sprintf("postgres error %s in table %q, constraint %q, routine %q", pg.Code, pg.TableName, pg.ConstraintName, pg.Routine), err}
		if p := careRule(pg); p != nil {
			return fmt.Errorf("%w: %w", p, failure)
		}
		return failure
	case unavailable(err):
		return fmt.Errorf("%w: %w", problem.New(problem.DatabaseUnavailable, "The database does not answer."), &Failure{"no database connection", err})
	}
	return &Failure{fmt.Sprintf("unexpected %T", err), err}
}

// careRule is the problem for an error that the schema's triggers raise, for values that no column can hold, and for those
// that a moment's load explains. The API checks the rules first, so the first are met in races only.
func careRule(pg *pgconn.PgError) *problem.Problem {
	switch pg.Code {
	case "CM001":
		return problem.New(problem.ServiceClosing, "The service closed while this request ran.")
	case "CM002", "CM003":
		return problem.New(problem.StateConflict, "The record changed while this request ran; read it again.")
	case "CM004":
		p := problem.New(problem.ClosureIncomplete, "The closure lacks something; see missing.")
		p.Missing = []string{pg.Detail}
		return p
	case "CM005":
		return problem.New(problem.PersonDied, "A death was recorded while this request ran.")
	case "55P03", "57014", "40P01", "40001":
		return problem.New(problem.DatabaseUnavailable, "The database was too busy for this request.")
	}
	// 22: a value that its type cannot hold, such as a NUL character in a text; values come from the request alone.
	if strings.HasPrefix(pg.Code, "22") {
		return problem.New(problem.InvalidRequest, "A value in the request, the token included, cannot be stored or searched for.")
	}
	// 08: connection; 53: out of resources; 57P: shutting down or starting.
	if strings.HasPrefix(pg.Code, "08") || strings.HasPrefix(pg.Code, "53") || strings.HasPrefix(pg.Code, "57P") || pg.Code == "25006" {
		return problem.New(problem.DatabaseUnavailable, "The database cannot take this request now.")
	}
	return nil
}

// Describe gives the text of an error that may be logged; see Failure.
func Describe(err error) string {
	var failure *Failure
	if errors.As(classify(err), &failure) {
		return failure.Error()
	}
	var known *problem.Problem
	if errors.As(err, &known) {
		return string(known.Slug())
	}
	return fmt.Sprintf("unexpected %T", err)
}

func unavailable(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || pgconn.SafeToRetry(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, puddle.ErrClosedPool)
}
