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
	case "CM030":
		p := problem.New(problem.OutcomeIncomplete, "The outcome lacks something; see missing.")
		p.Missing = []string{pg.Detail}
		return p
	case "CM080", "CM081":
		return problem.New(problem.StateConflict, "What is published or uploaded does not change; make a new one.")
	case "CM005":
		return problem.New(problem.PersonDied, "A death was recorded while this request ran.")
	case "CM020", "CM021", "CM022", "CM023", "CM024", "CM025", "CM026":
		return correctionRule(pg)
	case "CM040", "CM043":
		return problem.New(problem.StateConflict, "What was known of the person's handovers, key worker or stays changed while this request ran; read them again.")
	case "CM046":
		return problem.New(problem.StateConflict, "A handover of the episode waits for its answer: withdraw it, or wait.")
	case "CM041":
		return problem.New(problem.StateConflict, "The receiving service supports the person in an episode of its own: close this one, with its acceptance.")
	case "CM042":
		return problem.New(problem.LiveTransferNeeded, "Pass the person on to a service first; when it has accepted, this handover ends by itself.")
	case "CM044":
		return problem.InvalidField("body.subject", "name somebody who works for the responsible service")
	case "CM045":
		return problem.InvalidField("body.level", "name one of the service's levels")
	case "CM050", "CM051":
		return problem.New(problem.StateConflict, "The record, or what it belongs to, changed while this request ran; read it again.")
	case "CM052":
		p := problem.New(problem.PlanIncomplete, "The plan lacks something; see missing.")
		p.Missing = []string{pg.Detail}
		return p
	case "CM010":
		return problem.New(problem.PersonObjects, "The person objects to the organisation that leads this service.")
	case "CM011":
		return problem.New(problem.StateConflict, "The directory changed while this request ran, and has no such neighbourhood any more.")
	case "23P01":
		return problem.New(problem.PeriodOverlaps, "Another one is in force on some of these days.")
	case "CM060":
		return problem.New(problem.StateConflict, "The episode changed while this request ran: the answers no longer fit into it. Read it again.")
	case "CM061":
		return problem.New(problem.StateConflict, "The record was settled while this request ran; read it again.")
	case "CM062":
		return problem.New(problem.StateConflict, "The community asset was retired while this request ran.")
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
