package needs

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/inerror"
	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/people"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

// States of a need without and with something done about it.
const (
	identifiedState = "Identified"
	actingState     = "Acting"
)

// check fills in what was left out and refuses what does not go together. Days are between the one on which the need was identified and today.
func (p NeedProgress) check(identified, today time.Time) (NeedProgress, error) {
	p.Action = strings.TrimSpace(p.Action)
	if p.State == "" {
		p.State = map[bool]string{true: identifiedState, false: actingState}[p.Action == ""]
	}
	switch {
	case p.Action == "" && p.State != identifiedState:
		return p, problem.InvalidField("body.action", "say what was done about the need")
	case p.Action != "" && p.State == identifiedState:
		return p, problem.InvalidField("body.state", "something is done about the need: it is no longer only identified")
	case p.Action == "" && p.ActionOn != "":
		return p, problem.InvalidField("body.actionOn", "leave it out when there is no action")
	}
	from := identified
	for _, field := range []struct {
		name  string
		value *string
	}{{"actionOn", &p.ActionOn}, {"stateOn", &p.StateOn}} {
		if *field.value == "" {
			*field.value = today.Format(time.DateOnly)
		}
		day, err := london.ParseDay(*field.value)
		if err != nil || day.Before(from) || day.After(today) {
			return p, problem.InvalidField("body."+field.name, "give a day from identifiedOn, and for stateOn from actionOn, to today")
		}
		if p.Action != "" {
			from = day
		}
	}
	return p, nil
}

// args are the columns of what is done; without an action there is no day of one.
func (p NeedProgress) args() pgx.NamedArgs {
	args := pgx.NamedArgs{"action": nil, "action_on": nil, "state": p.State, "state_on": p.StateOn}
	if p.Action != "" {
		args["action"], args["action_on"] = p.Action, p.ActionOn
	}
	return args
}

type updateInput struct {
	rest.Match
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body NeedProgress
}

func update(ctx context.Context, tx *store.Tx, in *updateInput) (*needOutput, error) {
	found, err := visible(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	if _, err := people.Supporters(ctx, tx, found.PersonID); err != nil {
		return nil, err
	}
	if err := in.Check(found.Version); err != nil {
		return nil, err
	}
	if found.EnteredInError {
		return nil, problem.New(problem.StateConflict, "The need is marked as entered in error.")
	}
	identified, err := london.ParseDay(found.IdentifiedOn)
	if err != nil {
		return nil, fmt.Errorf("reading a need's day: %w", err)
	}
	progress, err := in.Body.check(identified, london.Today(time.Now()))
	if err != nil {
		return nil, err
	}
	args := progress.args()
	args["id"], args["version"], args["subject"] = in.ID, found.Version, tx.Caller.Subject
	if err := inerror.Changed(tx.QueryRow(ctx, updateSQL, args)); err != nil {
		return nil, fmt.Errorf("changing a need: %w", err)
	}
	tx.Touch(found.PersonID, in.ID)
	return written(ctx, tx, in.ID)
}
