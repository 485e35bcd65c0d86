package reentry

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/episodes"
	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/page"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/services"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/record_check.sql
	recordCheckSQL string
	//go:embed sql/latest_check.sql
	latestCheckSQL string
	//go:embed sql/due.sql
	dueSQL string
)

// SafetyCheck is what may have changed since the person was here last.
type SafetyCheck struct {
	Risk         string `json:"risk" minLength:"1" maxLength:"2000" pattern:"\\S"`
	Medicines    string `json:"medicines" minLength:"1" maxLength:"2000" pattern:"\\S"`
	Address      string `json:"address" minLength:"1" maxLength:"2000" pattern:"\\S" doc:"Whether the address and those at home have changed."`
	Safeguarding string `json:"safeguarding" minLength:"1" maxLength:"2000" pattern:"\\S"`
	CheckedOn    string `json:"checkedOn" format:"date"`
}

// SafetyState is whether the check is done.
type SafetyState struct {
	EpisodeID uuid.UUID    `json:"episodeId" format:"uuid"`
	DueOn     *string      `json:"dueOn,omitempty" format:"date" doc:"Until when it is to be done; only while it is not."`
	Check     *SafetyCheck `json:"check,omitempty" doc:"The latest."`
}

type safetyOutput struct {
	rest.Tag
	Body SafetyState
}

type checkInput struct {
	rest.Idempotent
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body SafetyCheck
}

func recordCheck(ctx context.Context, tx *store.Tx, in *checkInput) (*safetyOutput, error) {
	episode, err := episodes.Hold(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	check := in.Body
	on, err := london.ParseDay(check.CheckedOn)
	if err != nil || on.Before(london.Today(episode.OpenedAt)) || on.After(london.Today(time.Now())) {
		return nil, problem.InvalidField("body.checkedOn", "give a day between the opening of the episode and today")
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("making a safety check's id: %w", err)
	}
	_, err = tx.Exec(ctx, recordCheckSQL, pgx.NamedArgs{
		"id": id, "episode": in.ID, "person": episode.PersonID, "risk": check.Risk, "medicines": check.Medicines, "address": check.Address,
		"safeguarding": check.Safeguarding, "on": check.CheckedOn, "subject": tx.Caller.Subject,
	})
	if err != nil {
		return nil, fmt.Errorf("recording a safety check: %w", err)
	}
	return state(ctx, tx, in.ID)
}

type idInput struct {
	ID uuid.UUID `path:"id" format:"uuid"`
}

func readCheck(ctx context.Context, tx *store.Tx, in *idInput) (*safetyOutput, error) {
	return state(ctx, tx, in.ID)
}

func state(ctx context.Context, tx *store.Tx, id uuid.UUID) (*safetyOutput, error) {
	episode, err := episodes.Read(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	out := &safetyOutput{episode.Tag, SafetyState{EpisodeID: id, DueOn: episode.Body.SafetyCheckDueOn}}
	check, found, err := store.One[SafetyCheck](ctx, tx, latestCheckSQL, pgx.NamedArgs{"episode": id})
	if err != nil {
		return nil, fmt.Errorf("reading a safety check: %w", err)
	}
	if found {
		out.Body.Check = &check
	}
	tx.Touch(episode.Body.PersonID, id)
	return out, nil
}

type dueInput struct {
	page.Input
	Service string `query:"service" maxLength:"63" doc:"Only those of this one of your services."`
	Overdue bool   `query:"overdue" doc:"Only those whose day has passed."`
}

// CheckDue is a safety check that is to be done.
type CheckDue struct {
	EpisodeID          uuid.UUID `json:"episodeId" format:"uuid"`
	PersonID           uuid.UUID `json:"personId" format:"uuid"`
	ResponsibleService string    `json:"responsibleService"`
	OpenedAt           time.Time `json:"openedAt"`
	DueOn              string    `json:"dueOn" format:"date"`
}

type dueOutput struct {
	Body struct {
		Items []CheckDue `json:"items" nullable:"false"`
		Next  string     `json:"next,omitempty" doc:"Send it as cursor to go on."`
	}
}

func listDue(ctx context.Context, tx *store.Tx, in *dueInput) (*dueOutput, error) {
	position, limit, err := in.Start()
	if err != nil {
		return nil, err
	}
	own, err := services.Own(ctx, tx, "query.service", in.Service)
	if err != nil {
		return nil, err
	}
	rows, err := store.Rows[CheckDue](ctx, tx, dueSQL, pgx.NamedArgs{
		"services": own, "overdue": in.Overdue, "today": london.Today(time.Now()), "at": position.At, "after": position.ID, "limit": limit,
	})
	if err != nil {
		return nil, fmt.Errorf("listing safety checks that are due: %w", err)
	}
	out := &dueOutput{}
	out.Body.Items = []CheckDue{}
	rows, out.Body.Next = page.Cut(in.Input, rows, func(d CheckDue) page.Position { return page.Position{At: d.OpenedAt, ID: d.EpisodeID} })
	for _, d := range rows {
		tx.Touch(d.PersonID, d.EpisodeID)
		out.Body.Items = append(out.Body.Items, d)
	}
	return out, nil
}
