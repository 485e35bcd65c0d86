// Package safetyplans is the subject of what helps a person in a crisis (rule 7): it belongs to the person and to no episode, counts
// from the moment it is saved and waits for nothing. All that was saved stays; the newest counts. Crisis services find it by NHS
// number and birth date without any other access to the person's record.
package safetyplans

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/mistakes"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

//go:embed sql/by_id.sql
var byIDSQL string

// SafetyPlanContent is what a safety plan says. Any part may be left out, not all: half a plan helps more than none.
type SafetyPlanContent struct {
	WarningSigns     string `json:"warningSigns,omitempty" maxLength:"4000" doc:"How the person and others notice that a crisis is coming."`
	OwnCoping        string `json:"ownCoping,omitempty" maxLength:"4000" doc:"What the person can do alone."`
	PeopleWhoHelp    string `json:"peopleWhoHelp,omitempty" maxLength:"4000" doc:"Whom they can turn to, and how to reach them."`
	ServicesToCall   string `json:"servicesToCall,omitempty" maxLength:"4000" doc:"Which services they can call, and when."`
	MeansSafety      string `json:"meansSafety,omitempty" maxLength:"4000" doc:"How the surroundings are made safer."`
	ReasonsForLiving string `json:"reasonsForLiving,omitempty" maxLength:"4000"`
	MadeWithPerson   bool   `json:"madeWithPerson" doc:"The person made it together with you."`
}

func (c SafetyPlanContent) says() bool {
	return strings.TrimSpace(c.WarningSigns+c.OwnCoping+c.PeopleWhoHelp+c.ServicesToCall+c.MeansSafety+c.ReasonsForLiving) != ""
}

// SafetyPlan is one saved version.
type SafetyPlan struct {
	ID       uuid.UUID `json:"id" format:"uuid"`
	PersonID uuid.UUID `json:"personId" format:"uuid"`
	Edition  int32     `json:"edition" doc:"Number of the version."`
	Service  string    `json:"service" doc:"The service that saved it."`
	SafetyPlanContent
	RecordedAt     time.Time           `json:"recordedAt"`
	Current        bool                `json:"current" doc:"This is the version that counts."`
	EnteredInError *mistakes.ErrorMark `json:"enteredInError,omitempty"`
}

type output struct {
	rest.Tag
	Body SafetyPlan
}

type row struct {
	ID, PersonID                                                                          uuid.UUID
	Service                                                                               string
	Edition                                                                               int32
	WarningSigns, OwnCoping, PeopleWhoHelp, ServicesToCall, MeansSafety, ReasonsForLiving *string
	MadeWithPerson, Current                                                               bool
	RecordedAt                                                                            time.Time
	Version                                                                               int64
	mistakes.Columns
}

func (r row) plan() SafetyPlan {
	return SafetyPlan{
		ID: r.ID, PersonID: r.PersonID, Edition: r.Edition, Service: r.Service, RecordedAt: r.RecordedAt, Current: r.Current, EnteredInError: r.Mark(),
		SafetyPlanContent: SafetyPlanContent{
			WarningSigns: text(r.WarningSigns), OwnCoping: text(r.OwnCoping), PeopleWhoHelp: text(r.PeopleWhoHelp), ServicesToCall: text(r.ServicesToCall),
			MeansSafety: text(r.MeansSafety), ReasonsForLiving: text(r.ReasonsForLiving), MadeWithPerson: r.MadeWithPerson,
		},
	}
}

func (r row) output() *output { return &output{rest.TagOf(r.Version), r.plan()} }

func visible(ctx context.Context, tx *store.Tx, id uuid.UUID) (row, error) {
	tx.About(store.Concern{Resource: id})
	found, ok, err := store.One[row](ctx, tx, byIDSQL, pgx.NamedArgs{"id": id})
	if err != nil {
		return row{}, fmt.Errorf("reading a safety plan: %w", err)
	}
	if !ok {
		return row{}, problem.New(problem.NotFound, "There is no such safety plan, or none of your services may see it.")
	}
	tx.About(store.Concern{Person: found.PersonID, Resource: id})
	return found, nil
}

// answer reads a safety plan for the caller.
func answer(ctx context.Context, tx *store.Tx, id uuid.UUID) (*output, error) {
	found, err := visible(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	tx.Touch(found.PersonID, id)
	return found.output(), nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func optional(s string) *string {
	if strings.TrimSpace(s) == "" {
		return nil
	}
	return &s
}
