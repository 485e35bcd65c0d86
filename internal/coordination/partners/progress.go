package partners

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/inerror"
	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/page"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/progress_list.sql
	progressListSQL string
	//go:embed sql/progress_of.sql
	progressOfSQL string
	//go:embed sql/progress_insert.sql
	progressInsertSQL string
	//go:embed sql/progress_update.sql
	progressUpdateSQL string
)

func registerProgress(a *rest.API) {
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/action-progress", Operation: access.ListActionProgress, Tag: tag,
		Summary: "List how far your organisation is", Description: "With the steps told before. Newest first.",
	}, listProgress)
	rest.Handle(a, rest.Route{
		Method: http.MethodPut, Path: "/v1/action-progress", Operation: access.SetActionProgress, Tag: tag,
		Summary:     "Tell how far your organisation is with an action",
		Description: "What is Done or NotApplicable says by what evidence or why. The first time without If-Match; a change needs the version that you have read.",
		Errors:      []int{http.StatusConflict, http.StatusPreconditionFailed, http.StatusPreconditionRequired},
	}, setProgress)
}

// ActionProgress is how far an organisation is with one action.
type ActionProgress struct {
	ID         uuid.UUID    `json:"id" format:"uuid"`
	Framework  string       `json:"framework"`
	Action     string       `json:"action"`
	State      string       `json:"state" enum:"NotStarted,Planned,UnderWay,Done,NotApplicable"`
	Evidence   *string      `json:"evidence,omitempty"`
	StateOn    string       `json:"stateOn" format:"date"`
	DueOn      *string      `json:"dueOn,omitempty" format:"date"`
	Overdue    bool         `json:"overdue"`
	Steps      []ActionStep `json:"steps" nullable:"false" doc:"All that was told, oldest first, the present state last."`
	RecordedAt time.Time    `json:"recordedAt"`
	Version    int64        `json:"version" doc:"For If-Match, as W/\"version\"."`
}

// ActionStep is what was told once.
type ActionStep struct {
	State string `json:"state"`
	On    string `json:"on" format:"date"`
}

type progressRow struct {
	ID                       uuid.UUID
	Framework, Action, State string
	Evidence                 *string
	StateOn                  string
	DueOn                    *string
	RecordedAt               time.Time
	Version                  int64
	StepStates, StepDays     []string
}

func (r progressRow) progress() ActionProgress {
	p := ActionProgress{
		ID: r.ID, Framework: r.Framework, Action: r.Action, State: r.State, Evidence: r.Evidence, StateOn: r.StateOn, DueOn: r.DueOn,
		Steps: []ActionStep{}, RecordedAt: r.RecordedAt, Version: r.Version,
	}
	for i, state := range r.StepStates {
		p.Steps = append(p.Steps, ActionStep{State: state, On: r.StepDays[i]})
	}
	// Days of this form are in the order of their letters.
	p.Overdue = r.DueOn != nil && settled(r.State) == "" && *r.DueOn < london.Today(time.Now()).Format(time.DateOnly)
	return p
}

// settled gives the state when nothing more is to be done.
func settled(state string) string {
	if state == "Done" || state == "NotApplicable" {
		return state
	}
	return ""
}

type progressListInput struct {
	page.Input
	Framework string `query:"framework" maxLength:"63" doc:"Only actions of this framework."`
}

type progressListOutput struct {
	Body struct {
		Items []ActionProgress `json:"items" nullable:"false"`
		Next  string           `json:"next,omitempty" doc:"Send it as cursor to go on."`
	}
}

func listProgress(ctx context.Context, tx *store.Tx, in *progressListInput) (*progressListOutput, error) {
	position, limit, err := in.Start()
	if err != nil {
		return nil, err
	}
	code, err := own(tx)
	if err != nil {
		return nil, err
	}
	rows, err := store.Rows[progressRow](ctx, tx, progressListSQL, pgx.NamedArgs{
		"organisation": code, "framework": in.Framework, "at": position.At, "after": position.ID, "limit": limit,
	})
	if err != nil {
		return nil, fmt.Errorf("listing progress: %w", err)
	}
	out := &progressListOutput{}
	out.Body.Items = []ActionProgress{}
	rows, out.Body.Next = page.Cut(in.Input, rows, func(r progressRow) page.Position { return page.Position{At: r.RecordedAt, ID: r.ID} })
	for _, r := range rows {
		out.Body.Items = append(out.Body.Items, r.progress())
	}
	return out, nil
}

type setProgressInput struct {
	rest.Match
	Body struct {
		Framework string `json:"framework" maxLength:"63" pattern:"^[a-z0-9][a-z0-9.-]*$" example:"no-health-without-mental-health"`
		Action    string `json:"action" maxLength:"63" pattern:"^[a-z0-9][a-z0-9.-]*$" example:"employers-1"`
		State     string `json:"state" enum:"NotStarted,Planned,UnderWay,Done,NotApplicable"`
		Evidence  string `json:"evidence,omitempty" maxLength:"4000" doc:"What shows it. For NotApplicable, why."`
		StateOn   string `json:"stateOn" format:"date"`
		DueOn     string `json:"dueOn,omitempty" format:"date" doc:"When your organisation means to have done it."`
	}
}

type progressOutput struct {
	rest.Tag
	Body ActionProgress
}

func (in *setProgressInput) args() (pgx.NamedArgs, error) {
	body := in.Body
	evidence := strings.TrimSpace(body.Evidence)
	switch on, err := london.ParseDay(body.StateOn); {
	case err != nil || on.After(london.Today(time.Now())):
		return nil, problem.InvalidField("body.stateOn", "give a day that is not in the future")
	case settled(body.State) != "" && evidence == "":
		return nil, problem.InvalidField("body.evidence", "say what shows that it is done, or why it does not apply")
	}
	args := pgx.NamedArgs{"framework": body.Framework, "action": body.Action, "state": body.State, "evidence": nil, "state_on": body.StateOn, "due_on": nil}
	if evidence != "" {
		args["evidence"] = evidence
	}
	if body.DueOn != "" {
		if due, err := london.ParseDay(body.DueOn); err != nil || due.Year() > latestYear {
			return nil, problem.InvalidField("body.dueOn", "give a day of this century")
		}
		args["due_on"] = body.DueOn
	}
	return args, nil
}

// latestYear bounds plans to days that somebody may live to see.
const latestYear = 2099

func setProgress(ctx context.Context, tx *store.Tx, in *setProgressInput) (*progressOutput, error) {
	args, err := in.args()
	if err != nil {
		return nil, err
	}
	code, err := own(tx)
	if err != nil {
		return nil, err
	}
	args["organisation"], args["subject"] = code, tx.Caller.Subject
	held, found, err := store.One[progressRow](ctx, tx, progressOfSQL, args)
	if err != nil {
		return nil, fmt.Errorf("reading progress: %w", err)
	}
	if found {
		if err := in.Check(held.Version); err != nil {
			return nil, err
		}
		args["id"], args["version"] = held.ID, held.Version
		if err := inerror.Changed(tx.QueryRow(ctx, progressUpdateSQL, args)); err != nil {
			return nil, fmt.Errorf("changing progress: %w", err)
		}
	} else {
		if in.IfMatch != "" {
			return nil, problem.New(problem.PreconditionFailed, "Nothing has been told about this action yet: leave If-Match out.")
		}
		if err := first(ctx, tx, args); err != nil {
			return nil, err
		}
	}
	held, found, err = store.One[progressRow](ctx, tx, progressOfSQL, args)
	if err != nil || !found {
		return nil, fmt.Errorf("reading progress that was just written (found: %v): %w", found, err)
	}
	return &progressOutput{rest.TagOf(held.Version), held.progress()}, nil
}

// first tells about an action for the first time.
func first(ctx context.Context, tx *store.Tx, args pgx.NamedArgs) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("making a progress's id: %w", err)
	}
	args["id"] = id
	done, err := tx.Exec(ctx, progressInsertSQL, args)
	switch {
	case err != nil:
		return fmt.Errorf("recording progress: %w", err)
	case done.RowsAffected() == 0:
		return problem.New(problem.StateConflict, "Say first what your organisation is: PUT /v1/organisations/own. If it is known, a colleague told about this action at the same time: read it.")
	}
	return nil
}
