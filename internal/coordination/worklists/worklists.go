// Package worklists is the subject of what a service has to see to now: who waits, who can't be reached, who is sent on and not
// accepted, what is overdue. Counts and lists are exact and for practitioners and leads of that service only, because a suppressed
// "2 waiting" would hide the people being lost (rule 12); every use is audited.
//
// The lists are a table in this package (lists.go), one query each; what belongs to a service is decided there, whom the caller may see
// by row-level security. Nothing is changed here.
package worklists

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/page"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/services"
	"github.com/cmhf/operator/internal/coordination/store"
)

const tag = "worklists"

// Register adds the subject's operations.
func Register(a *rest.API) {
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/worklists", Operation: access.CountWorklists, Tag: tag,
		Summary: "Count what your services have to see to", Description: "Exact counts, for each of your services and each worklist.",
	}, count)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/worklists/{kind}", Operation: access.ReadWorklist, Tag: tag,
		Summary: "Read a worklist of your services", Description: "What has waited longest, or is most overdue, first.", Errors: []int{http.StatusNotFound},
	}, read)
}

type countInput struct {
	Service string `query:"service" maxLength:"63" doc:"Only this one of your services."`
}

// Worklist is one worklist with the number of its items.
type Worklist struct {
	Kind        string `json:"kind" doc:"Its name in GET /v1/worklists/{kind}."`
	Description string `json:"description"`
	Service     string `json:"service"`
	Count       int64  `json:"count"`
}

type countOutput struct {
	Body struct {
		Items []Worklist `json:"items" nullable:"false"`
	}
}

func count(ctx context.Context, tx *store.Tx, in *countInput) (*countOutput, error) {
	own, err := services.Own(ctx, tx, "query.service", in.Service)
	if err != nil {
		return nil, err
	}
	counts, err := store.Rows[Worklist](ctx, tx, countSQL, pgx.NamedArgs{"services": own})
	if err != nil {
		return nil, fmt.Errorf("counting worklists: %w", err)
	}
	out := &countOutput{}
	out.Body.Items = []Worklist{}
	for _, list := range lists { // in the order of the table
		for _, counted := range counts {
			if counted.Kind == list.kind {
				counted.Description = list.description
				out.Body.Items = append(out.Body.Items, counted)
			}
		}
	}
	return out, nil
}

type readInput struct {
	Kind    string `path:"kind" maxLength:"40" doc:"A kind of GET /v1/worklists." example:"waiting"`
	Service string `query:"service" maxLength:"63" doc:"Only this one of your services."`
	page.Input
}

// WorklistItem is something that a service has to see to.
type WorklistItem struct {
	ID          uuid.UUID `json:"id" format:"uuid" doc:"Of the subject: see subject."`
	Subject     string    `json:"subject" doc:"What the id is of, for example Referral." example:"Referral"`
	PersonID    uuid.UUID `json:"personId" format:"uuid"`
	Service     string    `json:"service" doc:"The service that has to see to it."`
	Since       time.Time `json:"since" doc:"The list is in this order. For what is overdue, the day on which it was due."`
	Due         *string   `json:"due,omitempty" doc:"What is due, for example FirstContact."`
	DueOn       *string   `json:"dueOn,omitempty" format:"date"`
	EscalatedTo *string   `json:"escalatedTo,omitempty" enum:"ServiceLead,ICS" doc:"Whom it concerns because it is overdue."`
}

type readOutput struct {
	Body struct {
		Items []WorklistItem `json:"items" nullable:"false"`
		Next  string         `json:"next,omitempty" doc:"Send it as cursor to go on."`
	}
}

func read(ctx context.Context, tx *store.Tx, in *readInput) (*readOutput, error) {
	i := slices.IndexFunc(lists, func(l list) bool { return l.kind == in.Kind })
	if i < 0 {
		return nil, problem.New(problem.NotFound, "There is no such worklist; there are %s.", strings.Join(kinds(), ", "))
	}
	position, limit, err := in.Start()
	if err != nil {
		return nil, err
	}
	if in.Cursor == "" { // oldest first: the start is before every row
		position = page.Position{At: time.UnixMicro(0)}
	}
	own, err := services.Own(ctx, tx, "query.service", in.Service)
	if err != nil {
		return nil, err
	}
	// A subject may be in a list more than once, for several things that are due; row_id tells those apart.
	type row struct {
		WorklistItem
		RowID uuid.UUID
	}
	rows, err := store.Rows[row](ctx, tx, lists[i].readSQL(), pgx.NamedArgs{"services": own, "at": position.At, "after": position.ID, "limit": limit})
	if err != nil {
		return nil, fmt.Errorf("reading a worklist: %w", err)
	}
	out := &readOutput{}
	out.Body.Items = []WorklistItem{}
	rows, out.Body.Next = page.Cut(in.Input, rows, func(r row) page.Position { return page.Position{At: r.Since, ID: r.RowID} })
	for _, r := range rows {
		tx.Touch(r.PersonID, r.ID)
		out.Body.Items = append(out.Body.Items, r.WorklistItem)
	}
	return out, nil
}

func kinds() []string {
	names := make([]string, len(lists))
	for i, l := range lists {
		names[i] = l.kind
	}
	slices.SortFunc(names, cmp.Compare[string])
	return names
}
