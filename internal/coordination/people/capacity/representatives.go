package capacity

import (
	"context"
	_ "embed"
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

var (
	//go:embed sql/list_representatives.sql
	listRepresentativesSQL string
	//go:embed sql/find_representative.sql
	findRepresentativeSQL string
	//go:embed sql/first_day.sql
	firstDaySQL string
	//go:embed sql/insert_representative.sql
	insertRepresentativeSQL string
	//go:embed sql/end_representative.sql
	endRepresentativeSQL string
)

// RepresentativeDetails is somebody who acts or speaks for a person.
type RepresentativeDetails struct {
	Kind           string  `json:"kind" enum:"HealthAndWelfareAttorney,PropertyAttorney,CourtDeputy,MentalCapacityAdvocate,MentalHealthAdvocate,Advocate" doc:"Attorneys and deputies decide within their authority; advocates speak and decide nothing. An attorney for property decides nothing about care."`
	Name           string  `json:"name" minLength:"1" maxLength:"200" pattern:"\\S"`
	Organisation   *string `json:"organisation,omitempty" maxLength:"200" pattern:"\\S"`
	Phone          *string `json:"phone,omitempty" pattern:"^\\+?[0-9][0-9 ]{5,19}$"`
	Email          *string `json:"email,omitempty" maxLength:"254" pattern:"^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$"`
	DocumentSeenOn *string `json:"documentSeenOn,omitempty" format:"date" doc:"When somebody saw the registered power or the order; needed for attorneys and deputies."`
	From           string  `json:"from" format:"date"`
	To             *string `json:"to,omitempty" format:"date" doc:"The last day, when it is known."`
}

// decides are the kinds with authority to decide.
var decides = map[string]bool{"HealthAndWelfareAttorney": true, "PropertyAttorney": true, "CourtDeputy": true}

func (a RepresentativeDetails) check(today time.Time) error {
	from, err := london.ParseDay(a.From)
	if err != nil {
		return problem.InvalidField("body.from", "give a day")
	}
	if err := people.CheckEnd(a.To, from); err != nil {
		return err
	}
	if a.DocumentSeenOn == nil {
		if decides[a.Kind] {
			return problem.InvalidField("body.documentSeenOn", "say when the registered power or the order was seen: authority to decide rests on it")
		}
		return nil
	}
	if seen, err := london.ParseDay(*a.DocumentSeenOn); err != nil || seen.After(today) {
		return problem.InvalidField("body.documentSeenOn", "give a day that is not in the future")
	}
	return nil
}

// Representative is somebody who acts or speaks for a person, or did.
type Representative struct {
	ID uuid.UUID `json:"id" format:"uuid"`
	RepresentativeDetails
	RecordedBy string    `json:"recordedBy"`
	RecordedAt time.Time `json:"recordedAt"`
}

type representativesOutput struct {
	rest.Tag
	Body struct {
		Items []Representative `json:"items" nullable:"false"`
	}
}

func listRepresentatives(ctx context.Context, tx *store.Tx, in *idInput) (*representativesOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	return representativesOf(ctx, tx, in.ID, uuid.Nil)
}

func representativesOf(ctx context.Context, tx *store.Tx, person, part uuid.UUID) (*representativesOutput, error) {
	parts, standing, err := people.Parts[Representative](ctx, tx, listRepresentativesSQL, person, part)
	if err != nil {
		return nil, err
	}
	out := &representativesOutput{Tag: standing.Tag()}
	out.Body.Items = parts
	return out, nil
}

type addRepresentativeInput struct {
	rest.Idempotent
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body RepresentativeDetails
}

func addRepresentative(ctx context.Context, tx *store.Tx, in *addRepresentativeInput) (*representativesOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	a := in.Body
	if err := a.check(london.Today(time.Now())); err != nil {
		return nil, err
	}
	standing, err := people.Claim(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	id, err := people.Add(ctx, tx, insertRepresentativeSQL, pgx.NamedArgs{
		"person": standing.ID, "kind": a.Kind, "name": a.Name, "organisation": a.Organisation, "phone": a.Phone, "email": a.Email,
		"document_seen_on": a.DocumentSeenOn, "from": a.From, "to": a.To,
	})
	if err != nil {
		return nil, fmt.Errorf("recording a representative: %w", err)
	}
	return representativesOf(ctx, tx, standing.ID, id)
}

type endRepresentativeInput struct {
	rest.Match
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		To *string `json:"to,omitempty" format:"date" doc:"The last day. Left out, they act or speak until further notice."`
	}
}

func endRepresentative(ctx context.Context, tx *store.Tx, in *endRepresentativeInput) (*representativesOutput, error) {
	person, err := people.OfPart(ctx, tx, findRepresentativeSQL, in.ID)
	if err != nil {
		return nil, err
	}
	if _, err := people.ClaimVersion(ctx, tx, person, in.Match); err != nil {
		return nil, err
	}
	var from time.Time
	if err := tx.QueryRow(ctx, firstDaySQL, pgx.NamedArgs{"id": in.ID}).Scan(&from); err != nil {
		return nil, fmt.Errorf("reading a representative: %w", err)
	}
	if err := people.CheckEnd(in.Body.To, from); err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, endRepresentativeSQL, pgx.NamedArgs{"id": in.ID, "to": in.Body.To, "subject": tx.Caller.Subject}); err != nil {
		return nil, fmt.Errorf("ending a representative: %w", err)
	}
	return representativesOf(ctx, tx, person, in.ID)
}
