// Package coordination is the subject of who is there for a person during an episode: the key worker that everyone has, the team around
// them, and how much planning and coordination the person needs now, with the four reasons for it. There are no two classes of people:
// a level is a word of the service's own and never a flag of the Care Programme Approach, which is gone.
//
// It reads and changes what belongs to an open episode, by If-Match on the episode. Opening, closing and stays elsewhere are in package
// episodes, moving to another service in package handovers.
package coordination

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/episodes"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

const tag = "coordination"

var changeErrors = []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusPreconditionRequired}

// Register adds the subject's operations.
func Register(a *rest.API) {
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/episodes/{id}/coordination", Operation: access.ReadCoordination, Tag: tag,
		Summary: "Read who is there for the person", Description: "Key worker, team and level, with those of the past. The ETag is the episode's.",
		Errors: []int{http.StatusNotFound},
	}, read)
	rest.Handle(a, rest.Route{
		Method: http.MethodPut, Path: "/v1/episodes/{id}/key-worker", Operation: access.SetKeyWorker, Tag: tag,
		Summary:     "Name the person's key worker",
		Description: "Everyone has one named key worker, who works for the responsible service. Naming another ends the present one's time on the same day. Until when the first is due stands in keyWorkerDueOn.",
		Errors:      changeErrors,
	}, setKeyWorker)
	rest.Handle(a, rest.Route{
		Method: http.MethodPut, Path: "/v1/episodes/{id}/team", Operation: access.SetTeam, Tag: tag,
		Summary:     "State who is in the team around the person",
		Description: "The list replaces the one before: who is not in it leaves the team today. Members come from any organisation.",
		Errors:      changeErrors,
	}, setTeam)
	rest.Handle(a, rest.Route{
		Method: http.MethodPut, Path: "/v1/episodes/{id}/level", Operation: access.SetLevel, Tag: tag,
		Summary:     "Decide how much planning and coordination the person needs now",
		Description: "With its four reasons: the complexity of needs, what matters to the person, the views of carers, and professional judgement. A service may have levels of its own (GET /v1/services); otherwise any word does.",
		Errors:      changeErrors,
	}, setLevel)
}

var (
	//go:embed sql/key_workers.sql
	keyWorkersSQL string
	//go:embed sql/team.sql
	teamSQL string
	//go:embed sql/levels.sql
	levelsSQL string
)

// PastKeyWorker was the key worker until a day.
type PastKeyWorker struct {
	episodes.KeyWorker
	Until string `json:"until" format:"date"`
}

// CoordinationLevel is a decision on how much planning and coordination the person needs.
type CoordinationLevel struct {
	Level                 string `json:"level" minLength:"1" maxLength:"63" pattern:"\\S" example:"Several interventions"`
	Complexity            string `json:"complexity" minLength:"1" maxLength:"2000" pattern:"\\S" doc:"How complex the person's needs are at this time."`
	WhatMatters           string `json:"whatMatters" minLength:"1" maxLength:"2000" pattern:"\\S" doc:"What matters to the person, and what they choose."`
	CarersViews           string `json:"carersViews" minLength:"1" maxLength:"2000" pattern:"\\S" doc:"What carers and family say; or that there are none, or that the person does not want them asked."`
	ProfessionalJudgement string `json:"professionalJudgement" minLength:"1" maxLength:"2000" pattern:"\\S"`
}

// DecidedLevel is a level with its day.
type DecidedLevel struct {
	CoordinationLevel
	DecidedOn string `json:"decidedOn" format:"date"`
}

// Coordination is who is there for a person.
type Coordination struct {
	EpisodeID      uuid.UUID           `json:"episodeId" format:"uuid"`
	PersonID       uuid.UUID           `json:"personId" format:"uuid"`
	KeyWorker      *episodes.KeyWorker `json:"keyWorker,omitempty"`
	KeyWorkerDueOn *string             `json:"keyWorkerDueOn,omitempty" format:"date" doc:"Until when a key worker is to be named; only while there is none."`
	PastKeyWorkers []PastKeyWorker     `json:"pastKeyWorkers" nullable:"false" doc:"Latest first."`
	Team           []TeamMember        `json:"team" nullable:"false"`
	Level          *DecidedLevel       `json:"level,omitempty"`
	PastLevels     []DecidedLevel      `json:"pastLevels" nullable:"false" doc:"Latest first."`
}

type output struct {
	rest.Tag
	Body Coordination
}

type idInput struct {
	ID uuid.UUID `path:"id" format:"uuid"`
}

func read(ctx context.Context, tx *store.Tx, in *idInput) (*output, error) {
	out, err := show(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	tx.Touch(out.Body.PersonID, in.ID)
	return out, nil
}

func show(ctx context.Context, tx *store.Tx, id uuid.UUID) (*output, error) {
	episode, err := episodes.Read(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	body := Coordination{
		EpisodeID: id, PersonID: episode.Body.PersonID, KeyWorker: episode.Body.KeyWorker, KeyWorkerDueOn: episode.Body.KeyWorkerDueOn,
		PastKeyWorkers: []PastKeyWorker{}, Team: []TeamMember{}, PastLevels: []DecidedLevel{},
	}
	args := pgx.NamedArgs{"episode": id}
	past, err := store.Rows[PastKeyWorker](ctx, tx, keyWorkersSQL, args)
	if err != nil {
		return nil, fmt.Errorf("reading key workers: %w", err)
	}
	body.PastKeyWorkers = append(body.PastKeyWorkers, past...)
	team, err := store.Rows[TeamMember](ctx, tx, teamSQL, args)
	if err != nil {
		return nil, fmt.Errorf("reading a team: %w", err)
	}
	body.Team = append(body.Team, team...)
	levels, err := store.Rows[DecidedLevel](ctx, tx, levelsSQL, args)
	if err != nil {
		return nil, fmt.Errorf("reading levels of coordination: %w", err)
	}
	if len(levels) > 0 {
		body.Level = &levels[0]
		body.PastLevels = append(body.PastLevels, levels[1:]...)
	}
	return &output{episode.Tag, body}, nil
}
