// Package living is the part of a person's record that says where they live and which practice they are registered with, now and
// earlier. On any day there is at most one of each (rule 10), and none is allowed: nobody needs an address or a practice to be helped.
//
// A span has a first and, when it is over, a last day, both included. A span is ended, or marked as entered in error, and never removed.
// While the location is sensitive only the responsible service sees any of it. Routing people who have neither is not done here.
package living

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/people"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

// Span is when something was so.
type Span struct {
	From string  `json:"from" format:"date" doc:"The first day; not in the future." example:"2026-04-01"`
	To   *string `json:"to,omitempty" format:"date" doc:"The last day; left out until it is known."`
}

func (s Span) check(today time.Time) error {
	from, err := london.ParseDay(s.From)
	if err != nil || from.After(today) {
		return problem.InvalidField("body.from", "give a day that is not in the future")
	}
	return people.CheckEnd(s.To, from)
}

// Entry is what all spans of a person's record have.
type Entry struct {
	ID uuid.UUID `json:"id" format:"uuid"`
	Span
	EnteredInError bool      `json:"enteredInError" doc:"It never was so, and counts for nothing."`
	RecordedBy     string    `json:"recordedBy"`
	RecordedAt     time.Time `json:"recordedAt"`
}

// ledger is the statements of one table of spans.
type ledger struct {
	noun                              string
	overlaps, end, find, read, change string
}

// open prepares a new span and gives the record in which it is to stand: the caller supports the person and sees where they are, and no
// other span lies on its days, whichever of the person's records it stands in. With endsEarlier the one that is in force ends on the day before.
func (l ledger) open(ctx context.Context, tx *store.Tx, person uuid.UUID, s Span, endsEarlier bool) (record uuid.UUID, err error) {
	if err := s.check(london.Today(time.Now())); err != nil {
		return uuid.Nil, err
	}
	standing, err := people.Claim(ctx, tx, person)
	if err != nil {
		return uuid.Nil, err
	}
	if standing.Hidden {
		return uuid.Nil, people.LocationHidden()
	}
	if endsEarlier {
		if _, err := tx.Exec(ctx, l.end, pgx.NamedArgs{"person": standing.ID, "from": s.From, "subject": tx.Caller.Subject}); err != nil {
			return uuid.Nil, fmt.Errorf("ending the earlier %s: %w", l.noun, err)
		}
	}
	return standing.ID, l.free(ctx, tx, standing.ID, s.From, s.To)
}

// free refuses days on which a span is in force. Where two records were merged, the database looks at one of them at a time.
func (l ledger) free(ctx context.Context, tx *store.Tx, person uuid.UUID, from string, to *string) error {
	var overlaps bool
	if err := tx.QueryRow(ctx, l.overlaps, pgx.NamedArgs{"person": person, "from": from, "to": to}).Scan(&overlaps); err != nil {
		return fmt.Errorf("looking for another %s: %w", l.noun, err)
	}
	if overlaps {
		return problem.New(problem.PeriodOverlaps, "Another %s is in force on some of these days.", l.noun)
	}
	return nil
}

type changeSpanInput struct {
	rest.Match
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		To             *string `json:"to,omitempty" format:"date" doc:"The last day. Left out, it is in force until further notice."`
		EnteredInError bool    `json:"enteredInError,omitempty" doc:"It never was so. This can't be taken back: record it anew instead."`
	}
}

// alter ends a span, opens it again or marks it as entered in error, and gives the record in which it stands.
func (l ledger) alter(ctx context.Context, tx *store.Tx, in *changeSpanInput) (uuid.UUID, error) {
	record, err := people.OfPart(ctx, tx, l.find, in.ID)
	if err != nil {
		return uuid.Nil, err
	}
	if _, err := people.ClaimVersion(ctx, tx, record, in.Match); err != nil {
		return uuid.Nil, err
	}
	var from time.Time
	var last *time.Time
	var inError bool
	if err := tx.QueryRow(ctx, l.read, pgx.NamedArgs{"id": in.ID}).Scan(&from, &last, &inError); err != nil {
		return uuid.Nil, fmt.Errorf("reading a %s: %w", l.noun, err)
	}
	if inError {
		return uuid.Nil, problem.New(problem.StateConflict, "The %s was entered in error; record it anew.", l.noun)
	}
	if err := people.CheckEnd(in.Body.To, from); err != nil {
		return uuid.Nil, err
	}
	// Days are looked at that are new to the span: merged records may both have one on the others, and either can still be ended.
	if last != nil && !in.Body.EnteredInError {
		next := last.AddDate(0, 0, 1).Format(time.DateOnly)
		if in.Body.To == nil || *in.Body.To >= next {
			if err := l.free(ctx, tx, record, next, in.Body.To); err != nil {
				return uuid.Nil, err
			}
		}
	}
	_, err = tx.Exec(ctx, l.change, pgx.NamedArgs{"id": in.ID, "to": in.Body.To, "error": in.Body.EnteredInError, "subject": tx.Caller.Subject})
	if err != nil {
		return uuid.Nil, fmt.Errorf("changing a %s: %w", l.noun, err)
	}
	return record, nil
}
