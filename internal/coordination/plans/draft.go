package plans

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/episode.sql
	episodeSQL string
	//go:embed sql/insert.sql
	insertSQL string
	//go:embed sql/change.sql
	changeSQL string
	//go:embed sql/strike_parts.sql
	strikePartsSQL string
	//go:embed sql/insert_parts.sql
	insertPartsSQL string
	//go:embed sql/copy_parts.sql
	copyPartsSQL string
	//go:embed sql/lock.sql
	lockSQL string
)

// PlanDraft is a plan's content as it is written. A draft may be incomplete; what must be there is asked when it comes into force.
type PlanDraft struct {
	Kind     string            `json:"kind,omitempty" enum:"MentalHealth,UrgentOrEmergency,PositiveBehaviourSupport,Transition" default:"MentalHealth"`
	Summary  string            `json:"summary,omitempty" maxLength:"4000" doc:"What matters to the person, and their strengths."`
	ReviewOn string            `json:"reviewOn,omitempty" format:"date" doc:"When the plan is looked at again: from today on, within a year of the agreement."`
	Goals    []PlanGoalInput   `json:"goals,omitempty" maxItems:"20" nullable:"false"`
	Needs    []PlanNeedInput   `json:"needs,omitempty" maxItems:"20" nullable:"false"`
	Actions  []PlanActionInput `json:"actions,omitempty" maxItems:"40" nullable:"false"`
	Links    []PlanLinkInput   `json:"links,omitempty" maxItems:"10" nullable:"false" doc:"Plans that others keep under duties of their own, such as section 117 aftercare or the Care Act."`
}

// PlanGoalInput is a goal as it is written.
type PlanGoalInput struct {
	Goal     string `json:"goal" minLength:"1" maxLength:"1000" pattern:"\\S"`
	OwnWords bool   `json:"ownWords,omitempty" doc:"These are the person's own words. At least one goal is."`
}

// PlanNeedInput is a need as it is written.
type PlanNeedInput struct {
	Domain string `json:"domain" enum:"MentalHealth,PhysicalHealth,Money,Housing,Work,Education,Relationships,Caring,DailyLiving,Safety,Community,Other"`
	Need   string `json:"need" minLength:"1" maxLength:"1000" pattern:"\\S"`
}

// PlanActionInput is an action as it is written.
type PlanActionInput struct {
	What   string `json:"what" minLength:"1" maxLength:"1000" pattern:"\\S"`
	Who    string `json:"who" minLength:"1" maxLength:"200" pattern:"\\S" doc:"Who does it: the person, a carer, somebody of a service."`
	By     string `json:"by" format:"date" doc:"By when."`
	Domain string `json:"domain,omitempty" enum:"MentalHealth,PhysicalHealth,Money,Housing,Work,Education,Relationships,Caring,DailyLiving,Safety,Community,Other"`
}

// PlanLinkInput is a link to another plan as it is written.
type PlanLinkInput struct {
	Kind      string `json:"kind" enum:"Section117,CareAct,CommunityTreatmentOrder,AdvanceStatement,AdvanceDecision,EducationHealthAndCare,CarersSupport,Other"`
	HeldBy    string `json:"heldBy" minLength:"1" maxLength:"200" pattern:"\\S" doc:"Who keeps it."`
	Reference string `json:"reference,omitempty" maxLength:"200" doc:"How it is found there."`
}

// check refuses days that are none.
func (d PlanDraft) check() error {
	if _, err := london.ParseDay(d.ReviewOn); d.ReviewOn != "" && err != nil {
		return problem.InvalidField("body.reviewOn", "give a day from 1900 on")
	}
	for i, action := range d.Actions {
		if _, err := london.ParseDay(action.By); err != nil {
			return problem.InvalidField(fmt.Sprintf("body.actions[%d].by", i), "give a day from 1900 on")
		}
	}
	return nil
}

type createInput struct {
	rest.Idempotent
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body PlanDraft
}

// episode is what a plan needs to know of its episode.
type episode struct {
	PersonID, ResponsibleServiceID uuid.UUID
	Responsible                    string
	ClosedAt                       *time.Time
	DiedOn                         *string
	DraftID, InForceID             *uuid.UUID
}

func visibleEpisode(ctx context.Context, tx *store.Tx, id uuid.UUID) (episode, error) {
	tx.About(store.Concern{Resource: id})
	e, ok, err := store.One[episode](ctx, tx, episodeSQL, pgx.NamedArgs{"id": id})
	if err != nil {
		return episode{}, fmt.Errorf("looking up the episode of a plan: %w", err)
	}
	if !ok {
		return episode{}, problem.New(problem.NotFound, "There is no such episode, or none of your services may see it.")
	}
	tx.About(store.Concern{Person: e.PersonID, Resource: id})
	return e, nil
}

// takesDraft refuses a draft that the episode has no place for.
func (e episode) takesDraft(tx *store.Tx) error {
	if err := writable(tx, e.ResponsibleServiceID, e.Responsible, e.ClosedAt, e.DiedOn); err != nil {
		return err
	}
	if e.DraftID != nil {
		return problem.New(problem.StateConflict, "There is a draft already, %s: there is one plan. Change that draft, or mark it as entered in error.", e.DraftID)
	}
	return nil
}

// writable refuses to change plans of another service, of a closed episode or of a person who has died.
func writable(tx *store.Tx, responsible uuid.UUID, name string, closed *time.Time, died *string) error {
	switch {
	case !tx.Serves(responsible):
		return problem.New(problem.NotYourService, "%s is responsible for this episode and keeps its plan.", name)
	case died != nil:
		return problem.New(problem.PersonDied, "The person's death is recorded.")
	case closed != nil:
		return problem.New(problem.StateConflict, "The episode is closed.")
	}
	return nil
}

func create(ctx context.Context, tx *store.Tx, in *createInput) (*Output, error) {
	e, err := visibleEpisode(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	if err := in.Body.check(); err != nil {
		return nil, err
	}
	if err := e.takesDraft(tx); err != nil {
		return nil, err
	}
	if e.InForceID != nil {
		return nil, problem.New(problem.StateConflict, "There is a plan in force, %s: make its new version (POST /v1/plans/…/new-version).", e.InForceID)
	}
	id, err := insert(ctx, tx, in.ID, e.ResponsibleServiceID, nil, in.Body)
	if err != nil {
		return nil, err
	}
	if err := writeParts(ctx, tx, id, in.Body); err != nil {
		return nil, err
	}
	return answer(ctx, tx, id)
}

func insert(ctx context.Context, tx *store.Tx, episode, service uuid.UUID, previous *uuid.UUID, d PlanDraft) (uuid.UUID, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.Nil, fmt.Errorf("making a plan's id: %w", err)
	}
	_, err = tx.Exec(ctx, insertSQL, pgx.NamedArgs{
		"id": id, "episode": episode, "service": service, "previous": previous, "kind": d.Kind, "summary": optional(d.Summary),
		"review_on": optional(d.ReviewOn), "subject": tx.Caller.Subject,
	})
	if err != nil {
		return uuid.Nil, fmt.Errorf("drafting a plan: %w", err)
	}
	return id, nil
}

func writeParts(ctx context.Context, tx *store.Tx, id uuid.UUID, d PlanDraft) error {
	args := pgx.NamedArgs{"id": id}
	for name, parts := range map[string]any{"goals": d.Goals, "needs": d.Needs, "actions": d.Actions, "links": d.Links} {
		raw, err := json.Marshal(parts)
		if err != nil {
			return fmt.Errorf("encoding the %s of a plan: %w", name, err)
		}
		args[name] = string(raw)
	}
	if _, err := tx.Exec(ctx, insertPartsSQL, args); err != nil {
		return fmt.Errorf("writing the parts of a plan: %w", err)
	}
	return nil
}

type changeInput struct {
	rest.Match
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body PlanDraft
}

func change(ctx context.Context, tx *store.Tx, in *changeInput) (*Output, error) {
	if _, err := ownDraft(ctx, tx, in.ID, in.Match); err != nil {
		return nil, err
	}
	if err := in.Body.check(); err != nil {
		return nil, err
	}
	_, err := tx.Exec(ctx, changeSQL, pgx.NamedArgs{
		"id": in.ID, "kind": in.Body.Kind, "summary": optional(in.Body.Summary), "review_on": optional(in.Body.ReviewOn), "subject": tx.Caller.Subject,
	})
	if err != nil {
		return nil, fmt.Errorf("changing a plan: %w", err)
	}
	if _, err := tx.Exec(ctx, strikePartsSQL, pgx.NamedArgs{"id": in.ID}); err != nil {
		return nil, fmt.Errorf("striking the parts of a plan: %w", err)
	}
	if err := writeParts(ctx, tx, in.ID, in.Body); err != nil {
		return nil, err
	}
	return answer(ctx, tx, in.ID)
}

// ownDraft reads a draft that the caller may change now, as they have read it.
func ownDraft(ctx context.Context, tx *store.Tx, id uuid.UUID, match rest.Match) (row, error) {
	p, err := own(ctx, tx, id, match)
	switch {
	case err != nil:
		return row{}, err
	case p.State != stateDraft:
		return row{}, problem.New(problem.StateConflict, "This version is %s and is not changed: make a new version.", p.State)
	}
	return p, nil
}

// own reads a plan that the caller's service keeps in an open episode, as they have read it, and has others wait.
func own(ctx context.Context, tx *store.Tx, id uuid.UUID, match rest.Match) (row, error) {
	p, err := locked(ctx, tx, id)
	if err != nil {
		return row{}, err
	}
	if err := writable(tx, p.ResponsibleServiceID, p.Responsible, p.EpisodeClosedAt, p.DiedOn); err != nil {
		return row{}, err
	}
	return p, match.Check(p.Version)
}

// locked reads a plan as it is once nobody else changes it. For a caller whose service does not keep it, nothing is locked: row-level
// security sees to that.
func locked(ctx context.Context, tx *store.Tx, id uuid.UUID) (row, error) {
	tx.About(store.Concern{Resource: id})
	if _, err := tx.Exec(ctx, lockSQL, pgx.NamedArgs{"id": id}); err != nil {
		return row{}, fmt.Errorf("locking a plan: %w", err)
	}
	return visible(ctx, tx, id)
}

type renewInput struct {
	rest.Idempotent
	rest.Match
	ID uuid.UUID `path:"id" format:"uuid"`
}

func renew(ctx context.Context, tx *store.Tx, in *renewInput) (*Output, error) {
	p, err := own(ctx, tx, in.ID, in.Match)
	if err != nil {
		return nil, err
	}
	e, err := visibleEpisode(ctx, tx, p.EpisodeID)
	if err != nil {
		return nil, err
	}
	tx.About(store.Concern{Person: p.PersonID, Resource: in.ID})
	if err := e.takesDraft(tx); err != nil {
		return nil, err
	}
	switch {
	case e.InForceID != nil && *e.InForceID != in.ID:
		return nil, problem.New(problem.StateConflict, "A new version follows the one in force, %s.", e.InForceID)
	case p.State != stateInForce && p.State != stateSuperseded: // superseded: the one that followed was a mistake
		return nil, problem.New(problem.StateConflict, "This version is %s: there is nothing to follow.", p.State)
	}
	draft := PlanDraft{Kind: p.Kind}
	if p.Summary != nil {
		draft.Summary = *p.Summary
	}
	id, err := insert(ctx, tx, p.EpisodeID, e.ResponsibleServiceID, &in.ID, draft)
	if err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, copyPartsSQL, pgx.NamedArgs{"from": in.ID, "to": id}); err != nil {
		return nil, fmt.Errorf("copying the parts of a plan: %w", err)
	}
	return answer(ctx, tx, id)
}
