// Package changes is the feed by which systems follow the records that they see: which record of whom was made, changed or taken back,
// by ids and types, in an order in which nothing is missed.
//
// Triggers note each event in the transaction of the change (migration 00071). A sequencer numbers events after they are committed, and
// readers go by the numbers. What a subscriber is shown is decided when it reads, by row-level security; a retraction also reaches services
// that saw the record until it was taken back. What a record holds is never here: subscribers read it by its own operation.
package changes

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/since.sql
	sinceSQL string
	//go:embed sql/position.sql
	positionSQL string
)

// Register adds the subject's operation.
func Register(a *rest.API) {
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/changes", Operation: access.ListChanges, Tag: "changes",
		Summary:     "Follow which records change",
		Description: "Events of the people whom your services may see now, oldest first: ids and types, to be read by their own operations. Send next as since in the following call, also when there were no items; ask again at once while more is true. Each subscriber has its own cursor. One change may give several events, and a record may have changed again by the time you read it. A retraction means: forget the record.",
		Errors:      []int{http.StatusGone},
	}, list)
}

type listInput struct {
	Since string `query:"since" maxLength:"64" doc:"next of an earlier answer. Without it the feed begins with the oldest event that is kept; latest gives no event and the cursor of now."`
	Limit int32  `query:"limit" minimum:"1" maximum:"500" default:"100"`
}

// Event says that a record was made, changed or taken back.
type Event struct {
	At         time.Time `json:"at"`
	Kind       string    `json:"kind" enum:"Created,Changed,Retracted"`
	Type       string    `json:"type" doc:"The kind of record, named as in the paths of this API." example:"referrals"`
	ResourceID uuid.UUID `json:"resourceId" format:"uuid"`
	PersonID   uuid.UUID `json:"personId" format:"uuid"`
}

type listOutput struct {
	Body struct {
		Items []Event `json:"items" nullable:"false"`
		Next  string  `json:"next" doc:"Send it as since to go on."`
		More  bool    `json:"more" doc:"Whether there is more now."`
	}
}

// scan is how many events one call looks through at most, whether the caller may see them or not.
const scan = 5000

// latest asks for the cursor of now.
const latest = "latest"

func list(ctx context.Context, tx *store.Tx, in *listInput) (*listOutput, error) {
	out := &listOutput{}
	out.Body.Items = []Event{}
	since, err := begin(ctx, tx, in.Since)
	if err != nil {
		return nil, err
	}
	if in.Since == latest {
		out.Body.Next = encode(since, tx.Caller)
		return out, nil
	}
	rows, err := tx.Query(ctx, sinceSQL, pgx.NamedArgs{"since": since.number, "scan": int64(scan), "limit": in.Limit})
	if err != nil {
		return nil, fmt.Errorf("reading the change feed: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[row])
	if err != nil {
		return nil, fmt.Errorf("reading the change feed: %w", err)
	}
	feed := found[0] // the feed's own row is always there
	if err := feed.check(since); err != nil {
		return nil, err
	}
	next := position{number: min(since.number+scan, feed.LastNumber), at: zeroIfNil(feed.EndAt)}
	seen := map[uuid.UUID]bool{}
	for _, r := range found {
		if r.Number == nil {
			continue
		}
		out.Body.Items = append(out.Body.Items, Event{At: *r.At, Kind: *r.Kind, Type: *r.Type, ResourceID: *r.ResourceID, PersonID: *r.PersonID})
		if !seen[*r.PersonID] {
			seen[*r.PersonID] = true
			tx.Touch(*r.PersonID, uuid.Nil)
		}
		if len(out.Body.Items) == int(in.Limit) {
			next = position{number: *r.Number, at: *r.At}
		}
	}
	if next.number == since.number {
		next = since
	}
	out.Body.Next, out.Body.More = encode(next, tx.Caller), next.number < feed.LastNumber
	return out, nil
}

// begin is where the caller's reading starts.
func begin(ctx context.Context, tx *store.Tx, since string) (position, error) {
	if since != "" && since != latest {
		p, err := decode(since, tx.Caller)
		if err != nil {
			return position{}, problem.InvalidField("query.since", "%s", err)
		}
		return p, nil
	}
	var last, trimmed int64
	var lastAt, trimmedAt *time.Time
	if err := tx.QueryRow(ctx, positionSQL).Scan(&last, &trimmed, &lastAt, &trimmedAt); err != nil {
		return position{}, fmt.Errorf("reading where the change feed stands: %w", err)
	}
	if since == latest {
		return position{number: last, at: zeroIfNil(lastAt)}, nil
	}
	return position{number: trimmed, at: zeroIfNil(trimmedAt)}, nil
}

type row struct {
	LastNumber int64
	TrimmedTo  int64
	SinceAt    *time.Time
	EndAt      *time.Time
	Number     *int64
	At         *time.Time
	Kind       *string
	Type       *string
	ResourceID *uuid.UUID
	PersonID   *uuid.UUID
}

// check tells whether the feed still goes on from a position: the events after it are all kept, and it is the same feed.
func (r row) check(since position) error {
	switch {
	case since.number < r.TrimmedTo:
		return problem.New(problem.CursorExpired, "Events after the cursor are gone: it is too old.")
	case since.number > r.LastNumber, r.SinceAt != nil && !since.at.IsZero() && !r.SinceAt.Equal(since.at):
		return problem.New(problem.CursorExpired, "The cursor is of another feed: the records were restored from a backup since.")
	}
	return nil
}

func zeroIfNil(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
