// Package carers is the part of a person's record about those around them: carers, family, and whomever the person nominates; how they
// are reached, what each may be told, and what carers say in confidence.
//
// Nobody may be told anything for being near: a permission names its subjects, its basis and its day, and without one the list is empty.
// That holds for parents as for all others, and for people under 18 too. What carers say in confidence is apart: it is in no output about
// the person or the carer but its own, needs an operation of its own, and is read by services that support the person now.
package carers

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
	//go:embed sql/list.sql
	listSQL string
	//go:embed sql/find.sql
	findSQL string
	//go:embed sql/insert.sql
	insertSQL string
	//go:embed sql/change.sql
	changeSQL string
	//go:embed sql/set_contact.sql
	setContactSQL string
)

// Around is somebody around a person, and what they may be told.
type Around struct {
	Kind         string   `json:"kind" enum:"Carer,Parent,NextOfKin,NearestRelative,NominatedOther,EmergencyContact" doc:"What they are to the person's care. A parent is told nothing by being one."`
	Name         string   `json:"name" minLength:"1" maxLength:"200" pattern:"\\S"`
	Relationship string   `json:"relationship" enum:"Parent,Partner,Child,Sibling,Grandparent,OtherFamily,Friend,Neighbour,PaidCarer,Other"`
	MayBeTold    []string `json:"mayBeTold,omitempty" nullable:"false" uniqueItems:"true" enum:"Appointments,CarePlan,CrisisPlan,Medicines,Wellbeing,Whereabouts" doc:"What they may be told. Nothing when left out. Hearing what they have to say needs no permission."`
	Basis        *string  `json:"basis,omitempty" enum:"PersonAgreed,BestInterests,LegalAuthority" doc:"What the permission rests on; needed with mayBeTold. Parental responsibility alone is none."`
	AgreedOn     *string  `json:"agreedOn,omitempty" format:"date" doc:"When; needed with mayBeTold."`
	EndedOn      *string  `json:"endedOn,omitempty" format:"date" doc:"They have this part no more, and are told nothing."`
}

// Reach is how somebody around a person is reached.
type Reach struct {
	Phone *string `json:"phone,omitempty" pattern:"^\\+?[0-9][0-9 ]{5,19}$"`
	Email *string `json:"email,omitempty" maxLength:"254" pattern:"^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$"`
}

func (a Around) check(today time.Time) error {
	permission := len(a.MayBeTold) > 0
	for _, date := range []struct {
		at    string
		value *string
	}{{"body.agreedOn", a.AgreedOn}, {"body.endedOn", a.EndedOn}} {
		if date.value == nil {
			continue
		}
		if day, err := london.ParseDay(*date.value); err != nil || day.After(today) {
			return problem.InvalidField(date.at, "give a day that is not in the future")
		}
	}
	switch {
	case permission && a.EndedOn != nil:
		return problem.InvalidField("body.mayBeTold", "leave it out: whoever has this part no more is told nothing")
	case permission && a.Basis == nil:
		return problem.InvalidField("body.basis", "say what the permission rests on: the person agreed, it is in their best interests, or a legal authority")
	case permission && a.AgreedOn == nil:
		return problem.InvalidField("body.agreedOn", "say when the permission was given")
	case !permission && (a.Basis != nil || a.AgreedOn != nil):
		return problem.InvalidField("body.mayBeTold", "say what they may be told, or leave basis and agreedOn out")
	}
	return nil
}

// Carer is somebody around a person as callers see them.
type Carer struct {
	ID uuid.UUID `json:"id" format:"uuid"`
	Around
	Reach
	ChangedBy string    `json:"changedBy"`
	ChangedAt time.Time `json:"changedAt"`
}

type carersOutput struct {
	rest.Tag
	Body struct {
		ContactHidden bool    `json:"contactHidden" doc:"The person's location is sensitive and none of your services is responsible: how these people are reached is not shown."`
		Items         []Carer `json:"items" nullable:"false"`
	}
}

type idInput struct {
	ID uuid.UUID `path:"id" format:"uuid"`
}

func list(ctx context.Context, tx *store.Tx, in *idInput) (*carersOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	return listOf(ctx, tx, in.ID, uuid.Nil)
}

func listOf(ctx context.Context, tx *store.Tx, person, part uuid.UUID) (*carersOutput, error) {
	around, standing, err := people.Parts[Carer](ctx, tx, listSQL, person, part)
	if err != nil {
		return nil, err
	}
	out := &carersOutput{Tag: standing.Tag()}
	out.Body.ContactHidden, out.Body.Items = standing.Hidden, around
	return out, nil
}

type addCarerInput struct {
	rest.Idempotent
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		Around
		Reach
	}
}

func add(ctx context.Context, tx *store.Tx, in *addCarerInput) (*carersOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	if err := in.Body.check(london.Today(time.Now())); err != nil {
		return nil, err
	}
	if in.Body.EndedOn != nil {
		return nil, problem.InvalidField("body.endedOn", "leave it out for somebody new")
	}
	standing, err := people.Claim(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	id, err := people.Add(ctx, tx, insertSQL, in.Body.Around.args(standing.ID))
	if err != nil {
		return nil, fmt.Errorf("recording a carer: %w", err)
	}
	if err := in.Body.Reach.set(ctx, tx, standing, id, standing.ID); err != nil {
		return nil, err
	}
	return listOf(ctx, tx, standing.ID, id)
}

func (a Around) args(record uuid.UUID) pgx.NamedArgs {
	return pgx.NamedArgs{
		"person": record, "kind": a.Kind, "name": a.Name, "relationship": a.Relationship, "may_be_told": a.MayBeTold,
		"basis": a.Basis, "agreed_on": a.AgreedOn, "ended_on": a.EndedOn,
	}
}

// set leaves alone what the caller is not shown.
func (r Reach) set(ctx context.Context, tx *store.Tx, standing people.Standing, carer, record uuid.UUID) error {
	if standing.Hidden {
		if r.Phone != nil || r.Email != nil {
			return people.LocationHidden()
		}
		return nil
	}
	_, err := tx.Exec(ctx, setContactSQL, pgx.NamedArgs{"carer": carer, "person": record, "phone": r.Phone, "email": r.Email, "subject": tx.Caller.Subject})
	if err != nil {
		return fmt.Errorf("recording how a carer is reached: %w", err)
	}
	return nil
}

type changeCarerInput struct {
	rest.Match
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		Around
		Reach
	}
}

func change(ctx context.Context, tx *store.Tx, in *changeCarerInput) (*carersOutput, error) {
	record, err := people.OfPart(ctx, tx, findSQL, in.ID)
	if err != nil {
		return nil, err
	}
	if err := in.Body.check(london.Today(time.Now())); err != nil {
		return nil, err
	}
	standing, err := people.ClaimVersion(ctx, tx, record, in.Match)
	if err != nil {
		return nil, err
	}
	args := in.Body.Around.args(record)
	args["id"], args["subject"] = in.ID, tx.Caller.Subject
	if _, err := tx.Exec(ctx, changeSQL, args); err != nil {
		return nil, fmt.Errorf("changing a carer: %w", err)
	}
	if err := in.Body.Reach.set(ctx, tx, standing, in.ID, record); err != nil {
		return nil, err
	}
	return listOf(ctx, tx, record, in.ID)
}
