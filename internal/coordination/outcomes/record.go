package outcomes

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/outcomes/scores"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/insert.sql
	insertSQL string
	//go:embed sql/insert_scores.sql
	insertScoresSQL string
)

// GivenScore is one score as it is sent.
type GivenScore struct {
	Item  int `json:"item" minimum:"0" maximum:"11" doc:"DIALOG: 1 to 11. ReQoL-10: 0 for the total, or the ten answers as 1 to 10. GBO: the goal, 1 to 3." example:"1"`
	Score int `json:"score" minimum:"0" maximum:"40" doc:"DIALOG: 1 to 7. ReQoL-10: 0 to 40 for the total, 0 to 4 for an answer. GBO: 0 to 10. Leave out what was not answered." example:"4"`
}

type recordInput struct {
	rest.Idempotent
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		Tool         string       `json:"tool" enum:"DIALOG,ReQoL-10,GBO"`
		AnsweredOn   string       `json:"answeredOn" format:"date"`
		Scores       []GivenScore `json:"scores" nullable:"false" minItems:"1" maxItems:"11"`
		SuggestsRisk bool         `json:"suggestsRisk,omitempty" doc:"An answer gives reason to look at once whether the person is safe. You hold the questionnaire's text; this API holds numbers only."`
	}
}

// checked is what is stored of the given scores.
type checked struct {
	items, scores, answers []int16
	risk                   bool
}

func (in *recordInput) check() (checked, error) {
	tool := scores.Tool(in.Body.Tool)
	at := make(map[int]int, len(in.Body.Scores))
	for i, given := range in.Body.Scores {
		if _, twice := at[given.Item]; twice {
			return checked{}, problem.InvalidField(fmt.Sprintf("body.scores[%d].item", i), "the item is scored twice")
		}
		at[given.Item] = i
	}
	if _, total := at[scores.Total]; tool == scores.ReQoL && !total {
		return in.sumUp(at)
	}
	out := checked{risk: in.Body.SuggestsRisk}
	for i, given := range in.Body.Scores {
		if err := scores.Check(tool, given.Item, given.Score); err != nil {
			field := "score"
			if errors.As(err, new(scores.ErrItem)) {
				field = "item"
			}
			return checked{}, problem.InvalidField(fmt.Sprintf("body.scores[%d].%s", i, field), "%s", err)
		}
		out.items = append(out.items, int16(given.Item))
		out.scores = append(out.scores, int16(given.Score))
		out.risk = out.risk || scores.SuggestsRisk(tool, given.Item, given.Score)
	}
	return out, nil
}

// sumUp makes ReQoL-10's total of its ten answers. at says where in the request each item stands.
func (in *recordInput) sumUp(at map[int]int) (checked, error) {
	out := checked{risk: in.Body.SuggestsRisk}
	var answers []int
	for item := 1; item <= scores.ReQoLAnswers; item++ {
		i, given := at[item]
		if !given || len(at) != scores.ReQoLAnswers {
			return checked{}, problem.InvalidField("body.scores", "give either the total as item 0, or all ten answers as the items 1 to 10")
		}
		answer := in.Body.Scores[i].Score
		if answer > 4 {
			return checked{}, problem.InvalidField(fmt.Sprintf("body.scores[%d].score", i), "an answer of ReQoL-10 is scored from 0 to 4")
		}
		answers = append(answers, answer)
		out.answers = append(out.answers, int16(answer))
	}
	total, err := scores.SumReQoL(answers)
	if err != nil {
		return checked{}, problem.InvalidField("body.scores", "%s", err)
	}
	out.items, out.scores = []int16{scores.Total}, []int16{int16(total)}
	return out, nil
}

func record(ctx context.Context, tx *store.Tx, in *recordInput) (*assessmentOutput, error) {
	given, err := in.check()
	if err != nil {
		return nil, err
	}
	day, err := london.ParseDay(in.Body.AnsweredOn)
	if err != nil || day.After(london.Today(time.Now())) {
		return nil, problem.InvalidField("body.answeredOn", "give a day that is not in the future")
	}
	episode, err := visible(ctx, tx, in.ID)
	switch {
	case err != nil:
		return nil, err
	case !tx.Serves(episode.ResponsibleServiceID):
		return nil, problem.New(problem.NotYourService, "%s is responsible for this episode.", episode.ResponsibleService)
	case day.Before(episode.FirstDay) || (episode.ClosedOn != nil && day.After(*episode.ClosedOn)):
		return nil, problem.InvalidField("body.answeredOn", "give a day within the episode: from the first referral's to its end")
	case episode.DiedOn != nil && day.After(*episode.DiedOn):
		return nil, problem.New(problem.PersonDied, "The day is after the person's death.")
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("making an assessment's id: %w", err)
	}
	_, err = tx.Exec(ctx, insertSQL, pgx.NamedArgs{
		"id": id, "person": episode.PersonID, "episode": in.ID, "service": episode.ResponsibleServiceID, "tool": in.Body.Tool,
		"answered_on": in.Body.AnsweredOn, "answers": given.answers, "risk": given.risk, "subject": tx.Caller.Subject,
	})
	if err != nil {
		return nil, fmt.Errorf("recording answers: %w", err)
	}
	ids := make([]uuid.UUID, len(given.items))
	for i := range ids {
		if ids[i], err = uuid.NewV7(); err != nil {
			return nil, fmt.Errorf("making a score's id: %w", err)
		}
	}
	if _, err := tx.Exec(ctx, insertScoresSQL, pgx.NamedArgs{"assessment": id, "ids": ids, "items": given.items, "scores": given.scores}); err != nil {
		return nil, fmt.Errorf("recording scores: %w", err)
	}
	tx.Touch(episode.PersonID, id)
	return read(ctx, tx, id)
}
