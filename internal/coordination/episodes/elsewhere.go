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
	//go:embed sql/stay_before.sql
	stayBeforeSQL string
	//go:embed sql/begin_stay.sql
	beginStaySQL string
	//go:embed sql/change_stay.sql
	changeStaySQL string
	//go:embed sql/end_stay.sql
	endStaySQL string
)

// Stay is where a person is for now, while the episode goes on.
type Stay struct {
	Place          string  `json:"place" enum:"Prison,Hospital,Abroad"`
	HeldBy         string  `json:"heldBy" minLength:"1" maxLength:"200" pattern:"\\S" doc:"Who looks after the person there: the person or team with whom the service keeps in touch."`
	Organisation   string  `json:"organisation" minLength:"1" maxLength:"200" pattern:"\\S"`
	Since          string  `json:"since" format:"date"`
	ExpectedReturn *string `json:"expectedReturn,omitempty" format:"date"`
}

type elsewhereInput struct {
	rest.Match
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body Stay
}

func setElsewhere(ctx context.Context, tx *store.Tx, in *elsewhereInput) (*Output, error) {
	episode, err := Hold(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	if err := in.Check(episode.Version); err != nil {
		return nil, err
	}
	stay, now := in.Body, episode.Elsewhere
	since, err := london.ParseDay(stay.Since)
	if err != nil || since.After(london.Today(time.Now())) {
		return nil, problem.InvalidField("body.since", "give a day that is not in the future")
	}
	var before *string
	if err := tx.QueryRow(ctx, stayBeforeSQL, pgx.NamedArgs{"episode": in.ID}).Scan(&before); err != nil {
		return nil, fmt.Errorf("reading until when the person was elsewhere: %w", err)
	}
	if before != nil && stay.Since < *before {
		return nil, problem.InvalidField("body.since", "give a day that is not within an earlier stay or before the present one began")
	}
	if stay.ExpectedReturn != nil && *stay.ExpectedReturn < stay.Since {
		return nil, problem.InvalidField("body.expectedReturn", "give a day that is not before since")
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("making a stay's id: %w", err)
	}
	args := pgx.NamedArgs{
		"id": id, "episode": in.ID, "person": episode.PersonID, "place": stay.Place, "held_by": stay.HeldBy, "organisation": stay.Organisation,
		"since": stay.Since, "expected_return": stay.ExpectedReturn, "until": stay.Since, "subject": tx.Caller.Subject,
	}
	statements := []string{beginStaySQL}
	switch {
	case now != nil && now.Place == stay.Place && now.Since == stay.Since:
		statements = []string{changeStaySQL}
	case now != nil: // moved on, say from prison to hospital
		statements = []string{endStaySQL, beginStaySQL}
	}
	for _, statement := range statements {
		if _, err := tx.Exec(ctx, statement, args); err != nil {
			return nil, fmt.Errorf("recording a stay elsewhere: %w", err)
		}
	}
	tx.Touch(episode.PersonID, in.ID)
	return Read(ctx, tx, in.ID)
}

type returnInput struct {
	rest.Idempotent
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		On string `json:"on" format:"date" doc:"Day of the return."`
	}
}

func recordReturn(ctx context.Context, tx *store.Tx, in *returnInput) (*Output, error) {
	episode, err := Hold(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	if episode.Elsewhere == nil {
		return nil, problem.New(problem.StateConflict, "The person is not recorded as elsewhere.")
	}
	on, err := london.ParseDay(in.Body.On)
	if err != nil || on.After(london.Today(time.Now())) || in.Body.On < episode.Elsewhere.Since {
		return nil, problem.InvalidField("body.on", "give a day between the beginning of the stay and today")
	}
	args := pgx.NamedArgs{"episode": in.ID, "until": in.Body.On, "subject": tx.Caller.Subject}
	if _, err := tx.Exec(ctx, endStaySQL, args); err != nil {
		return nil, fmt.Errorf("ending a stay elsewhere: %w", err)
	}
	tx.Touch(episode.PersonID, in.ID)
	return Read(ctx, tx, in.ID)
}
