package referrals

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
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

// Kinds of step; the database's list is the same.
const (
	stepAttempt        = "Attempt"
	stepCarerContacted = "CarerContacted"
	stepGPContacted    = "GPContacted"
	stepRiskReview     = "RiskReview"
	stepReached        = "Reached"
)

// nextWithinDays is how far away the next date may be: nobody is tried once and then left.
const nextWithinDays = 92

// ReferralReachingStep is something done to reach a person who does not answer.
type ReferralReachingStep struct {
	ID      uuid.UUID `json:"id" format:"uuid"`
	Kind    string    `json:"kind" enum:"Attempt,CarerContacted,GPContacted,RiskReview,Reached"`
	Channel *string   `json:"channel,omitempty" enum:"Phone,Text,Email,Letter,Visit"`
	On      string    `json:"on" format:"date" db:"happened_on"`
	NextOn  *string   `json:"nextOn,omitempty" format:"date"`
}

type reachingInput struct {
	rest.Idempotent
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		Kind    string `json:"kind" enum:"Attempt,CarerContacted,GPContacted,RiskReview,Reached" doc:"Reached ends the state Reaching: the referral waits like any other again."`
		Channel string `json:"channel,omitempty" enum:"Phone,Text,Email,Letter,Visit" doc:"By which means the person was tried or reached; needed for Attempt and Reached, and only there."`
		On      string `json:"on" format:"date"`
		NextOn  string `json:"nextOn,omitempty" format:"date" doc:"When the person is tried next, from today on and within three months; needed for all but Reached. The referral is listed as overdue once the day has passed."`
	}
}

func (in *reachingInput) check(today time.Time) error {
	reached := in.Body.Kind == stepReached
	if (in.Body.Kind == stepAttempt || reached) != (in.Body.Channel != "") {
		return problem.InvalidField("body.channel", "Attempt and Reached have a channel, other steps have none")
	}
	if on, err := london.ParseDay(in.Body.On); err != nil || on.After(today) {
		return problem.InvalidField("body.on", "give a day that is not in the future")
	}
	if reached {
		if in.Body.NextOn != "" {
			return problem.InvalidField("body.nextOn", "leave it out when the person was reached")
		}
		return nil
	}
	if next, err := london.ParseDay(in.Body.NextOn); err != nil || next.Before(today) || next.After(today.AddDate(0, 0, nextWithinDays)) {
		return problem.InvalidField("body.nextOn", "say when the person is tried next, from today on and within three months")
	}
	return nil
}

func recordReaching(ctx context.Context, tx *store.Tx, in *reachingInput) (*referralOutput, error) {
	tx.About(store.Concern{Resource: in.ID})
	if err := in.check(london.Today(time.Now())); err != nil {
		return nil, err
	}
	found, err := own(ctx, tx, in.ID, nil)
	if err != nil {
		return nil, err
	}
	if in.Body.On < found.ReceivedOn { // both are days in the same form
		return nil, problem.InvalidField("body.on", "give a day from the one on which the referral was received")
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("making a reaching step's id: %w", err)
	}
	_, err = tx.Exec(ctx, insertReachingSQL, pgx.NamedArgs{
		"id": id, "referral": in.ID, "kind": in.Body.Kind, "channel": optional(in.Body.Channel), "on": in.Body.On,
		"next_on": optional(in.Body.NextOn), "subject": tx.Caller.Subject,
	})
	if err != nil {
		return nil, fmt.Errorf("recording a reaching step: %w", err)
	}
	return show(ctx, tx, in.ID)
}

func reachingSteps(ctx context.Context, tx *store.Tx, referral uuid.UUID) ([]ReferralReachingStep, error) {
	steps, err := store.Rows[ReferralReachingStep](ctx, tx, reachingSQL, pgx.NamedArgs{"referral": referral})
	if err != nil {
		return nil, fmt.Errorf("reading reaching steps: %w", err)
	}
	return steps, nil
}

// reachingLacks names what is still to be done since the person was last reached.
func reachingLacks(steps []ReferralReachingStep) []string {
	for i, step := range slices.Backward(steps) {
		if step.Kind == stepReached {
			steps = steps[i+1:]
			break
		}
	}
	channels, contacted, reviewed := map[string]bool{}, false, false
	for _, step := range steps {
		switch step.Kind {
		case stepAttempt:
			channels[*step.Channel] = true
		case stepCarerContacted, stepGPContacted:
			contacted = true
		case stepRiskReview:
			reviewed = true
		}
	}
	var lacks []string
	if len(channels) < 2 {
		lacks = append(lacks, "reaching-attempts")
	}
	if !contacted {
		lacks = append(lacks, "carer-or-gp-contact")
	}
	if !reviewed {
		lacks = append(lacks, "risk-review")
	}
	return lacks
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
