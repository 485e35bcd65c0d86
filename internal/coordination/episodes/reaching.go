package episodes

import (
	"context"
	_ "embed"
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
	//go:embed sql/reaching.sql
	reachingSQL string
	//go:embed sql/insert_reaching.sql
	insertReachingSQL string
)

// Kinds of step.
const (
	kindAttempt        = "Attempt"
	kindCarerContacted = "CarerContacted"
	kindGPContacted    = "GPContacted"
	kindRiskReview     = "RiskReview"
)

// ReachingStep is something done to reach a person who does not answer.
type ReachingStep struct {
	ID      uuid.UUID `json:"id" format:"uuid"`
	Kind    string    `json:"kind" enum:"Attempt,CarerContacted,GPContacted,RiskReview"`
	Channel *string   `json:"channel,omitempty" enum:"Phone,Text,Email,Letter,Visit"`
	On      string    `json:"on" format:"date" db:"happened_on"`
}

type reachingInput struct {
	rest.Idempotent
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		Kind    string `json:"kind" enum:"Attempt,CarerContacted,GPContacted,RiskReview"`
		Channel string `json:"channel,omitempty" enum:"Phone,Text,Email,Letter,Visit" doc:"By which means the person was tried; needed for an Attempt and only there."`
		On      string `json:"on" format:"date"`
	}
}

type reachingOutput struct{ Body ReachingStep }

func recordReaching(ctx context.Context, tx *store.Tx, in *reachingInput) (*reachingOutput, error) {
	if (in.Body.Kind == kindAttempt) != (in.Body.Channel != "") {
		return nil, problem.InvalidField("body.channel", "an Attempt has a channel, other steps have none")
	}
	on, err := london.ParseDay(in.Body.On)
	if err != nil || on.After(london.Today(time.Now())) {
		return nil, problem.InvalidField("body.on", "give a day that is not in the future")
	}
	episode, err := ownOpen(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	if on.Before(london.Today(episode.OpenedAt)) {
		return nil, problem.InvalidField("body.on", "give a day on which the episode was open")
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("making a reaching step's id: %w", err)
	}
	step := ReachingStep{ID: id, Kind: in.Body.Kind, Channel: optional(in.Body.Channel), On: in.Body.On}
	_, err = tx.Exec(ctx, insertReachingSQL, pgx.NamedArgs{
		"id": id, "episode": in.ID, "kind": step.Kind, "channel": step.Channel, "on": step.On, "subject": tx.Caller.Subject,
	})
	if err != nil {
		return nil, fmt.Errorf("recording a reaching step: %w", err)
	}
	tx.Touch(episode.PersonID, in.ID)
	return &reachingOutput{step}, nil
}

func reachingSteps(ctx context.Context, tx *store.Tx, episode uuid.UUID) ([]ReachingStep, error) {
	steps, err := store.Rows[ReachingStep](ctx, tx, reachingSQL, pgx.NamedArgs{"episode": episode})
	if err != nil {
		return nil, fmt.Errorf("reading reaching steps: %w", err)
	}
	return steps, nil
}

func optional(s string) *string {
	if blank(s) {
		return nil
	}
	return &s
}
