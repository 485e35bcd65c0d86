package matching

import (
	"context"
	"fmt"
	"net/http"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/page"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

const tag = "matching"

// Register adds the subject's operations.
func Register(a *rest.API) {
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/matching-queue", Operation: access.ListMatchingQueue, Tag: tag,
		Summary:     "List pairs of records that may be one person's",
		Description: "Those that wait for a decision, newest first, with the fields in which the two differ. A pair counts for the canonical records of its two.",
	}, list)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/matching-queue/{id}/decision", Operation: access.DecideMatching, Tag: tag, Status: http.StatusCreated,
		Summary:     "Decide whether a pair is one person",
		Description: "SamePerson merges the two. DifferentPeople keeps them apart; where both have the same NHS number, it is taken from one of them with the reason why that one then has none.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict},
	}, decide)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/people/{id}/merge", Operation: access.MergePeople, Tag: tag, Status: http.StatusCreated,
		Summary:     "Merge a record into another of the same person",
		Description: "For two records that are in no queue. Rows keep their ids; the canonical record answers for both, and whoever may see one may see the other.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict},
	}, merge)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/people/{id}/unmerge", Operation: access.UnmergePeople, Tag: tag, Status: http.StatusCreated,
		Summary:     "Take a merged record apart again",
		Description: "The id is that of the merged record. What was before is restored; what has been begun since stays with the canonical record, and is retracted and referred anew where it was the other person's. A question that the matching queue asked is open again.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict},
	}, unmerge)
}

type listInput struct{ page.Input }

type listOutput struct {
	Body struct {
		Items []Pair `json:"items" nullable:"false"`
		Next  string `json:"next,omitempty" doc:"Send it as cursor to go on."`
	}
}

func list(ctx context.Context, tx *store.Tx, in *listInput) (*listOutput, error) {
	position, limit, err := in.Start()
	if err != nil {
		return nil, err
	}
	rows, err := store.Rows[pairRow](ctx, tx, pairsSQL, pgx.NamedArgs{"pair": nil, "at": position.At, "after": position.ID, "limit": limit})
	if err != nil {
		return nil, fmt.Errorf("listing the matching queue: %w", err)
	}
	out := &listOutput{}
	out.Body.Items = []Pair{}
	rows, out.Body.Next = page.Cut(in.Input, rows, func(r pairRow) page.Position { return page.Position{At: r.QueuedAt, ID: r.ID} })
	for _, r := range rows {
		touch(tx, r)
		out.Body.Items = append(out.Body.Items, r.pair())
	}
	return out, nil
}

func touch(tx *store.Tx, r pairRow) {
	tx.Touch(r.Person.ID, uuid.Nil)
	tx.Touch(r.Candidate.ID, uuid.Nil)
}

func one(ctx context.Context, tx *store.Tx, pair uuid.UUID) (pairRow, error) {
	found, ok, err := store.One[pairRow](ctx, tx, pairsSQL, pgx.NamedArgs{"pair": pair, "at": nil, "after": nil, "limit": 1})
	if err != nil {
		return pairRow{}, fmt.Errorf("reading a pair of the matching queue: %w", err)
	}
	if !ok {
		return pairRow{}, problem.New(problem.NotFound, "There is no such pair.")
	}
	return found, nil
}

type decideInput struct {
	rest.Idempotent
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		Decision              string     `json:"decision" enum:"SamePerson,DifferentPeople"`
		CanonicalID           *uuid.UUID `json:"canonicalId,omitempty" format:"uuid" doc:"For SamePerson: the record that answers for both from now on. The candidate when left out. It has the NHS number if either has one."`
		NHSNumberTakenFrom    *uuid.UUID `json:"nhsNumberTakenFrom,omitempty" format:"uuid" doc:"For DifferentPeople who have the same NHS number: the record whose number it is not."`
		NHSNumberAbsentReason string     `json:"nhsNumberAbsentReason,omitempty" enum:"NotKnownYet,NeverIssued,Withheld" doc:"Why that record then has no number."`
	}
}

type pairOutput struct{ Body Pair }

func decide(ctx context.Context, tx *store.Tx, in *decideInput) (*pairOutput, error) {
	body := in.Body
	pair, err := one(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	tx.About(store.Concern{Person: pair.Person.ID})
	if body.Decision == samePerson && body.CanonicalID == nil {
		body.CanonicalID = &pair.Candidate.ID
	}
	switch {
	case body.Decision == samePerson && (body.NHSNumberTakenFrom != nil || body.NHSNumberAbsentReason != ""):
		return nil, problem.InvalidField("body.nhsNumberTakenFrom", "a number is taken away when they are DifferentPeople only")
	case body.Decision == differentPeople && body.CanonicalID != nil:
		return nil, problem.InvalidField("body.canonicalId", "a record answers for both when they are the SamePerson only")
	case body.NHSNumberTakenFrom != nil && body.NHSNumberAbsentReason == "":
		return nil, problem.InvalidField("body.nhsNumberAbsentReason", "say why the record then has no number")
	case body.NHSNumberTakenFrom == nil && body.NHSNumberAbsentReason != "":
		return nil, problem.InvalidField("body.nhsNumberTakenFrom", "say from which record the number is taken")
	}
	var reason *string
	if body.NHSNumberAbsentReason != "" {
		reason = &body.NHSNumberAbsentReason
	}
	if pair.Decision != nil {
		return nil, problem.New(problem.StateConflict, "The pair is decided already: %s.", *pair.Decision)
	}
	done, err := tx.Exec(ctx, decideSQL, pgx.NamedArgs{
		"pair": in.ID, "decision": body.Decision, "subject": tx.Caller.Subject, "canonical": body.CanonicalID,
		"taken_from": body.NHSNumberTakenFrom, "absent_reason": reason,
	})
	if err != nil {
		return nil, fmt.Errorf("deciding about a pair: %w", err)
	}
	if done.RowsAffected() == 0 { // another officer was faster
		return nil, problem.New(problem.StateConflict, "The pair was decided while this request ran.")
	}
	touch(tx, pair) // both records, also when they are one now
	decided, err := one(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	return &pairOutput{decided.pair()}, nil
}
