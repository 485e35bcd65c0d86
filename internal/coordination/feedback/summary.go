package feedback

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/services"
	"github.com/cmhf/operator/internal/coordination/store"
)

// fewest is the number of replies below which a mean could be somebody's own.
const fewest = 5

// FeedbackHeard is what one service hears.
type FeedbackHeard struct {
	Service string         `json:"service"`
	Replies *int           `json:"replies,omitempty" doc:"How many, when there are five or more."`
	Means   []FeedbackMean `json:"means" nullable:"false" doc:"Only of questions that five or more have answered."`
	Words   string         `json:"words"`
}

// FeedbackMean is that of one question.
type FeedbackMean struct {
	Question string  `json:"question" enum:"overall,listenedTo,involvedInDecisions,helpWithWhatMatters,knowsWhomToContact,respected"`
	Mean     float64 `json:"mean" doc:"From 1 to 5, to one decimal."`
	Answers  int     `json:"answers"`
}

type summaryInput struct {
	Service string `query:"service" maxLength:"63" doc:"Only this one of your services."`
}

type summaryOutput struct {
	Body struct {
		Since string          `json:"since" format:"date"`
		Items []FeedbackHeard `json:"items" nullable:"false"`
	}
}

func summary(ctx context.Context, tx *store.Tx, in *summaryInput) (*summaryOutput, error) {
	own, err := services.Own(ctx, tx, "query.service", in.Service)
	if err != nil {
		return nil, err
	}
	type row struct {
		ServiceID uuid.UUID
		Service   string
		Question  *string
		Answers   int
		Mean      *float64
	}
	since := london.Today(time.Now()).AddDate(-1, 0, 0).Format(time.DateOnly)
	rows, err := store.Rows[row](ctx, tx, summarySQL, pgx.NamedArgs{"services": own, "since": since})
	if err != nil {
		return nil, fmt.Errorf("summing feedback up: %w", err)
	}
	out := &summaryOutput{}
	out.Body.Since, out.Body.Items = since, []FeedbackHeard{}
	for _, r := range rows {
		if n := len(out.Body.Items); n == 0 || out.Body.Items[n-1].Service != r.Service {
			out.Body.Items = append(out.Body.Items, FeedbackHeard{Service: r.Service, Means: []FeedbackMean{}, Words: "Fewer than five replies: nothing is shown, so that nobody is found out."})
		}
		if r.Question == nil || r.Mean == nil || r.Answers < fewest {
			continue
		}
		heard := &out.Body.Items[len(out.Body.Items)-1]
		heard.Means = append(heard.Means, FeedbackMean{Question: *r.Question, Mean: *r.Mean, Answers: r.Answers})
		if *r.Question == "overall" { // everyone answers it
			heard.Replies = &r.Answers
			heard.Words = fmt.Sprintf("%d replies in twelve months; overall %.1f of 5.", r.Answers, *r.Mean)
		}
	}
	return out, nil
}
