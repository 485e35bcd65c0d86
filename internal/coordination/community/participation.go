package community

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
	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/outcomes/scores"
	"github.com/cmhf/operator/internal/coordination/people"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/work_insert.sql
	workInsertSQL string
	//go:embed sql/work_by_id.sql
	workByIDSQL string
	//go:embed sql/work_latest.sql
	workLatestSQL string
	//go:embed sql/uptake.sql
	uptakeSQL string
	//go:embed sql/own_scores.sql
	ownScoresSQL string
)

func registerParticipation(a *rest.API) {
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/people/{id}/work-status", Operation: access.RecordWorkStatus, Tag: tag, Status: http.StatusCreated,
		Summary: "Record whether and how a person works", Description: "As told on a day; earlier ones stay. The latest day counts.",
		Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, recordWork)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/work-statuses/{id}/entered-in-error", Operation: access.RetractWorkStatus, Tag: tag, Status: http.StatusOK,
		Summary: "Mark a work status as entered in error", Description: "It no longer counts: the latest of the others does.",
		Errors: []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusPreconditionRequired},
	}, retractWork)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/people/{id}/participation", Operation: access.ReadParticipation, Tag: tag,
		Summary:     "Read what part a person takes in their community",
		Description: "The latest DIALOG scores for leisure, friendships, and partner and family; the community assets taken up; and work.",
		Errors:      []int{http.StatusNotFound},
	}, participation)
}

// WorkStatus is whether and how a person works.
type WorkStatus struct {
	Status           string `json:"status" enum:"Employed,UnemployedSeeking,Student,LongTermSick,HomeOrCaring,NotSeeking,Volunteering,Retired,NotStated"`
	ToldOn           string `json:"toldOn" format:"date"`
	WantsWorkSupport bool   `json:"wantsWorkSupport,omitempty" doc:"The person wants help to find, keep or change work."`
}

// RecordedWorkStatus is one that was recorded.
type RecordedWorkStatus struct {
	ID       uuid.UUID `json:"id" format:"uuid"`
	PersonID uuid.UUID `json:"personId" format:"uuid"`
	Service  string    `json:"service" doc:"The service that recorded it."`
	WorkStatus
	EnteredInError bool      `json:"enteredInError"`
	RecordedAt     time.Time `json:"recordedAt"`
	Version        int64     `json:"version" doc:"For If-Match, as W/\"version\"."`
}

type workInput struct {
	rest.Idempotent
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		WorkStatus
		Service string `json:"service,omitempty" maxLength:"63" doc:"The one of your services that records it; needed when several support the person."`
	}
}

type workOutput struct {
	rest.Tag
	Body RecordedWorkStatus
}

func recordWork(ctx context.Context, tx *store.Tx, in *workInput) (*workOutput, error) {
	on, err := london.ParseDay(in.Body.ToldOn)
	if err != nil || on.After(london.Today(time.Now())) {
		return nil, problem.InvalidField("body.toldOn", "give a day that is not in the future")
	}
	service, err := people.SupportedBy(ctx, tx, in.ID, "body.service", in.Body.Service)
	if err != nil {
		return nil, err
	}
	if err := service.Lived(on); err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("making a work status's id: %w", err)
	}
	_, err = tx.Exec(ctx, workInsertSQL, pgx.NamedArgs{
		"id": id, "person": service.Record, "service": service.ID, "status": in.Body.Status, "on": in.Body.ToldOn, "wants": in.Body.WantsWorkSupport, "subject": tx.Caller.Subject,
	})
	if err != nil {
		return nil, fmt.Errorf("recording a work status: %w", err)
	}
	tx.Touch(service.Record, id)
	return writtenWork(ctx, tx, id)
}

func retractWork(ctx context.Context, tx *store.Tx, in *inerror.Input) (*workOutput, error) {
	if _, err := inerror.Mark(ctx, tx, inerror.WorkStatuses, "work status", in); err != nil {
		return nil, err
	}
	return writtenWork(ctx, tx, in.ID)
}

func writtenWork(ctx context.Context, tx *store.Tx, id uuid.UUID) (*workOutput, error) {
	found, ok, err := store.One[RecordedWorkStatus](ctx, tx, workByIDSQL, pgx.NamedArgs{"id": id})
	if err != nil || !ok {
		return nil, fmt.Errorf("reading a work status that was just written (found: %v): %w", ok, err)
	}
	return &workOutput{rest.TagOf(found.Version), found}, nil
}

// Participation is what part a person takes in their community, as far as they wish to.
type Participation struct {
	PersonID  uuid.UUID           `json:"personId" format:"uuid"`
	OwnScores []OwnScore          `json:"ownScores" nullable:"false" doc:"The person's latest DIALOG scores for leisure, friendships, and partner and family."`
	Assets    AssetUptake         `json:"assets"`
	Work      *RecordedWorkStatus `json:"work,omitempty" doc:"The latest that was told."`
}

// OwnScore is one of the person's own scores.
type OwnScore struct {
	Item  int    `json:"item" minimum:"5" maximum:"7"`
	Topic string `json:"topic"`
	Score int    `json:"score"`
	On    string `json:"on" format:"date"`
}

// AssetUptake counts the community assets of one person.
type AssetUptake struct {
	Linked     int `json:"linked" doc:"How many the person was put in touch with."`
	Attended   int `json:"attended" doc:"To how many of these the person has gone."`
	StillGoing int `json:"stillGoing" doc:"To how many the person goes, as far as is known."`
}

type participationOutput struct{ Body Participation }

func participation(ctx context.Context, tx *store.Tx, in *idInput) (*participationOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	person, err := people.Visible(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	args := pgx.NamedArgs{"person": in.ID}
	type score struct {
		Item, Score int
		On          string
	}
	own, err := store.Rows[score](ctx, tx, ownScoresSQL, args)
	if err != nil {
		return nil, fmt.Errorf("reading DIALOG scores: %w", err)
	}
	uptake, _, err := store.One[AssetUptake](ctx, tx, uptakeSQL, args)
	if err != nil {
		return nil, fmt.Errorf("counting asset links: %w", err)
	}
	work, told, err := store.One[RecordedWorkStatus](ctx, tx, workLatestSQL, args)
	if err != nil {
		return nil, fmt.Errorf("reading a work status: %w", err)
	}
	out := &participationOutput{Participation{PersonID: person.ID, OwnScores: []OwnScore{}, Assets: uptake}}
	for _, s := range own {
		out.Body.OwnScores = append(out.Body.OwnScores, OwnScore{Item: s.Item, Topic: scores.Topic(scores.DIALOG, s.Item), Score: s.Score, On: s.On})
	}
	if told {
		out.Body.Work = &work
	}
	person.Touch(tx)
	if told {
		tx.Touch(work.PersonID, work.ID) // who has read one that turns out to be in error must be found
	}
	return out, nil
}
