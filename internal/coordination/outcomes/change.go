package outcomes

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/outcomes/scores"
	"github.com/cmhf/operator/internal/coordination/store"
)

//go:embed sql/scores.sql
var scoresSQL string

// OutcomeChange is what became of a person within an episode, in their own scores.
type OutcomeChange struct {
	EpisodeID uuid.UUID    `json:"episodeId" format:"uuid"`
	PersonID  uuid.UUID    `json:"personId" format:"uuid"`
	Counted   string       `json:"counted" enum:"Counts,TooFewContacts,OpenTooShort" doc:"Whether measures count these changes: with two or more attended contacts and, while the episode is open, from 180 days on. The changes are shown in any case."`
	Words     string       `json:"words"`
	Contacts  int          `json:"contacts" doc:"Attended contacts so far."`
	Items     []ItemChange `json:"items" nullable:"false"`
}

// ItemChange is the first score of an item and the latest one.
type ItemChange struct {
	Tool      string      `json:"tool" enum:"DIALOG,ReQoL-10,GBO"`
	Item      int         `json:"item"`
	Topic     string      `json:"topic"`
	Baseline  DatedScore  `json:"baseline"`
	FollowUp  *DatedScore `json:"followUp,omitempty" doc:"Absent while there is no score of a later day."`
	Change    *int        `json:"change,omitempty" doc:"Follow-up minus baseline: above zero is better."`
	Class     string      `json:"class,omitempty" enum:"ReliableImprovement,NoReliableChange,ReliableDeterioration"`
	Recovered *bool       `json:"recovered,omitempty" doc:"ReQoL-10 only: from below 25 to 25 or more, by a reliable improvement."`
	Words     string      `json:"words" example:"accommodation: from 3 to 5, reliably better."`
}

// DatedScore is a score and its day.
type DatedScore struct {
	Score int    `json:"score"`
	On    string `json:"on" format:"date"`
}

type changeInput struct {
	ID uuid.UUID `path:"id" format:"uuid"`
}

type changeOutput struct{ Body OutcomeChange }

var countedWords = map[scores.Why]string{
	scores.Counts:         "These changes count in the measures.",
	scores.TooFewContacts: "These changes don't count in the measures yet: there have been fewer than two attended contacts.",
	scores.OpenTooShort:   "These changes don't count in the measures yet: the episode has been open for less than 180 days.",
}

func change(ctx context.Context, tx *store.Tx, in *changeInput) (*changeOutput, error) {
	episode, err := visible(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	all, err := store.Rows[scores.Score](ctx, tx, scoresSQL, pgx.NamedArgs{"episode": in.ID})
	if err != nil {
		return nil, fmt.Errorf("reading scores: %w", err)
	}
	counted := scores.Spell{OpenedOn: episode.FirstDay, ClosedOn: episode.ClosedOn, Contacts: episode.Contacts}.Counted(london.Today(time.Now()))
	out := &changeOutput{OutcomeChange{
		EpisodeID: in.ID, PersonID: episode.PersonID, Counted: string(counted), Words: countedWords[counted], Contacts: episode.Contacts, Items: []ItemChange{},
	}}
	for _, result := range scores.Compare(all) {
		out.Body.Items = append(out.Body.Items, itemChange(result))
	}
	tx.Touch(episode.PersonID, in.ID)
	return out, nil
}

func itemChange(r scores.Result) ItemChange {
	c := ItemChange{Tool: string(r.Tool), Item: r.Item, Topic: scores.Topic(r.Tool, r.Item), Baseline: dated(r.Baseline), Words: r.Words()}
	if r.FollowUp == nil {
		return c
	}
	followUp := dated(*r.FollowUp)
	c.FollowUp, c.Change, c.Class = &followUp, &r.Change, string(r.Class)
	if r.Tool == scores.ReQoL {
		c.Recovered = &r.Recovered
	}
	return c
}

func dated(s scores.Score) DatedScore {
	return DatedScore{Score: s.Score, On: s.On.Format(time.DateOnly)}
}
