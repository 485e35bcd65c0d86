// Package outcomes is the subject of how people say they fare: scores of DIALOG, ReQoL-10 and Goal Based Outcomes, the change from the
// first to the latest, and the alert when an answer suggests risk (care rule 8).
//
// Numbers only: the questionnaires' texts are licensed, and callers hold the licence. What the numbers mean is package scores; figures
// over many people are not here.
package outcomes

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/inerror"
	"github.com/cmhf/operator/internal/coordination/outcomes/scores"
	"github.com/cmhf/operator/internal/coordination/page"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/episode.sql
	episodeSQL string
	//go:embed sql/by_id.sql
	byIDSQL string
	//go:embed sql/list.sql
	listSQL string
)

const tag = "outcomes"

// Register adds the subject's operations.
func Register(a *rest.API) {
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/episodes/{id}/outcomes", Operation: access.RecordOutcomes, Tag: tag, Status: http.StatusCreated,
		Summary:     "Record what a person answered to a questionnaire",
		Description: "Scores of one tool from one day within the episode, by the responsible service. An answer that suggests risk raises an alert in the same moment: a score of 1 or 2 for DIALOG's item 8 does so by itself, and suggestsRisk says it for any answer.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict},
	}, record)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/episodes/{id}/outcomes", Operation: access.ListOutcomes, Tag: tag,
		Summary: "List what a person answered within an episode", Description: "Newest first, those marked as entered in error included.",
		Errors: []int{http.StatusNotFound},
	}, list)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/episodes/{id}/outcomes/change", Operation: access.ReadOutcomeChange, Tag: tag,
		Summary:     "Read what has changed for a person within an episode",
		Description: "For each item the first score and the latest one, and whether the change is more than chance: 1 point of a DIALOG item, 5 of ReQoL-10, 3 of a goal. A higher score is better.",
		Errors:      []int{http.StatusNotFound},
	}, change)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/outcome-assessments/{id}/entered-in-error", Operation: access.RetractOutcomes, Tag: tag, Status: http.StatusOK,
		Summary:     "Mark answers as entered in error",
		Description: "Their scores no longer count. They stay readable, and so does an alert that they raised.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusPreconditionRequired},
	}, retract)
	registerAlerts(a)
}

// OutcomeAssessment is what a person answered to one questionnaire on one day.
type OutcomeAssessment struct {
	ID             uuid.UUID   `json:"id" format:"uuid"`
	PersonID       uuid.UUID   `json:"personId" format:"uuid"`
	EpisodeID      uuid.UUID   `json:"episodeId" format:"uuid"`
	Service        string      `json:"service" doc:"The service that recorded it."`
	Tool           string      `json:"tool" enum:"DIALOG,ReQoL-10,GBO"`
	AnsweredOn     string      `json:"answeredOn" format:"date"`
	Scores         []ItemScore `json:"scores" nullable:"false" doc:"Those that are compared over time; of ReQoL-10 the total."`
	Answers        []int       `json:"answers,omitempty" doc:"The ten answers of ReQoL-10, when they were given."`
	QualityOfLife  *float64    `json:"qualityOfLife,omitempty" doc:"Mean of DIALOG's items 1 to 8, when all were answered."`
	Satisfaction   *float64    `json:"satisfactionWithTreatment,omitempty" doc:"Mean of DIALOG's items 9 to 11, when all were answered."`
	SuggestsRisk   bool        `json:"suggestsRisk" doc:"An alert was raised."`
	EnteredInError bool        `json:"enteredInError"`
	RecordedAt     time.Time   `json:"recordedAt"`
	Version        int64       `json:"version" doc:"For If-Match, as W/\"version\"."`
}

// ItemScore is one score with what it is about.
type ItemScore struct {
	Item  int    `json:"item" doc:"0 is a questionnaire's total."`
	Topic string `json:"topic" example:"accommodation"`
	Score int    `json:"score"`
}

type row struct {
	ID, PersonID, EpisodeID  uuid.UUID
	Service, Tool            string
	AnsweredOn               string
	Items, Scores, Answers   []int
	RiskFlag, EnteredInError bool
	RecordedAt               time.Time
	Version                  int64
}

func (r row) assessment() OutcomeAssessment {
	a := OutcomeAssessment{
		ID: r.ID, PersonID: r.PersonID, EpisodeID: r.EpisodeID, Service: r.Service, Tool: r.Tool, AnsweredOn: r.AnsweredOn,
		Scores: []ItemScore{}, Answers: r.Answers, SuggestsRisk: r.RiskFlag, EnteredInError: r.EnteredInError, RecordedAt: r.RecordedAt, Version: r.Version,
	}
	byItem := map[int]int{}
	for i, item := range r.Items {
		byItem[item] = r.Scores[i]
		a.Scores = append(a.Scores, ItemScore{Item: item, Topic: scores.Topic(scores.Tool(r.Tool), item), Score: r.Scores[i]})
	}
	if scores.Tool(r.Tool) == scores.DIALOG {
		if mean, whole := scores.QualityOfLife(byItem); whole {
			a.QualityOfLife = &mean
		}
		if mean, whole := scores.Satisfaction(byItem); whole {
			a.Satisfaction = &mean
		}
	}
	return a
}

// spell is what this subject needs of an episode.
type spell struct {
	ID, PersonID         uuid.UUID
	ResponsibleServiceID uuid.UUID
	ResponsibleService   string
	// FirstDay is when the person first asked for the help that the episode gives.
	FirstDay time.Time
	ClosedOn *time.Time
	DiedOn   *time.Time
	Contacts int
}

func visible(ctx context.Context, tx *store.Tx, episode uuid.UUID) (spell, error) {
	tx.About(store.Concern{Resource: episode})
	found, ok, err := store.One[spell](ctx, tx, episodeSQL, pgx.NamedArgs{"id": episode})
	if err != nil {
		return spell{}, fmt.Errorf("reading an episode: %w", err)
	}
	if !ok {
		return spell{}, problem.New(problem.NotFound, "There is no such episode, or none of your services may see it.")
	}
	tx.About(store.Concern{Person: found.PersonID, Resource: episode})
	return found, nil
}

type assessmentOutput struct {
	rest.Tag
	Body OutcomeAssessment
}

func read(ctx context.Context, tx *store.Tx, id uuid.UUID) (*assessmentOutput, error) {
	found, ok, err := store.One[row](ctx, tx, byIDSQL, pgx.NamedArgs{"id": id})
	if err != nil || !ok {
		return nil, fmt.Errorf("reading answers that were just written (found: %v): %w", ok, err)
	}
	return &assessmentOutput{rest.TagOf(found.Version), found.assessment()}, nil
}

type listInput struct {
	page.Input
	ID uuid.UUID `path:"id" format:"uuid"`
}

type listOutput struct {
	Body struct {
		Items []OutcomeAssessment `json:"items" nullable:"false"`
		Next  string              `json:"next,omitempty" doc:"Send it as cursor to go on."`
	}
}

func list(ctx context.Context, tx *store.Tx, in *listInput) (*listOutput, error) {
	position, limit, err := in.Start()
	if err != nil {
		return nil, err
	}
	episode, err := visible(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	rows, err := store.Rows[row](ctx, tx, listSQL, pgx.NamedArgs{"episode": in.ID, "at": position.At, "after": position.ID, "limit": limit})
	if err != nil {
		return nil, fmt.Errorf("listing outcomes: %w", err)
	}
	out := &listOutput{}
	out.Body.Items = []OutcomeAssessment{}
	rows, out.Body.Next = page.Cut(in.Input, rows, func(r row) page.Position { return page.Position{At: r.RecordedAt, ID: r.ID} })
	if len(rows) == 0 {
		tx.Touch(episode.PersonID, in.ID)
	}
	for _, r := range rows {
		tx.Touch(r.PersonID, r.ID)
		out.Body.Items = append(out.Body.Items, r.assessment())
	}
	return out, nil
}

func retract(ctx context.Context, tx *store.Tx, in *inerror.Input) (*assessmentOutput, error) {
	if _, err := inerror.Mark(ctx, tx, inerror.Assessments, "questionnaire", in); err != nil {
		return nil, err
	}
	return read(ctx, tx, in.ID)
}
