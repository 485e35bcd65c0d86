package episodes

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/page"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/services"
	"github.com/cmhf/operator/internal/coordination/store"
)

const tag = "episodes"

// Register adds the subject's operations.
func Register(a *rest.API) {
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/episodes/{id}", Operation: access.ReadEpisode, Tag: tag,
		Summary: "Read an episode", Description: "With its return plan, which stays readable after the closure.", Errors: []int{http.StatusNotFound},
	}, read)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/episodes", Operation: access.ListEpisodes, Tag: tag,
		Summary: "List your services' episodes", Description: "Newest first.",
	}, list)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/episodes/{id}/reaching-steps", Operation: access.RecordReaching, Tag: tag, Status: http.StatusCreated,
		Summary:     "Record a step to reach a person who does not answer",
		Description: "Attempts by two or more channels, contact with a carer or the GP, and a risk review in the team come before an episode may close as NotEngaging.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict},
	}, recordReaching)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/episodes/{id}/closure", Operation: access.CloseEpisode, Tag: tag, Status: http.StatusCreated,
		Summary:     "Close an episode",
		Description: "Nobody is discharged to no support: a closure has a return plan, a permitted reason, and either the acceptance of a receiver or the person's own choice; while a legal duty is open, acceptance alone. Anything else is answered with the problem closure-incomplete, which names all that is missing, and the refusal is on record.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict},
	}, closeEpisode)
	rest.Handle(a, rest.Route{
		Method: http.MethodPut, Path: "/v1/episodes/{id}/elsewhere", Operation: access.SetElsewhere, Tag: tag,
		Summary:     "Record that the person is in prison, in hospital or abroad",
		Description: "The episode stays open and your service stays responsible. The same place and day again corrects who holds the person there and when they are expected; another place or day means that the person has moved on.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusPreconditionRequired},
	}, setElsewhere)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/episodes/{id}/return", Operation: access.RecordReturn, Tag: tag, Status: http.StatusCreated,
		Summary: "Record that the person is back from prison, hospital or abroad", Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, recordReturn)
}

var stateFilters = map[string]struct {
	stored    []string
	elsewhere *bool
}{
	"":          {stored: []string{"Open", "Closed"}},
	"Open":      {stored: []string{"Open"}, elsewhere: new(bool)},
	"Elsewhere": {stored: []string{"Open"}, elsewhere: func() *bool { yes := true; return &yes }()},
	"Closed":    {stored: []string{"Closed"}},
}

type idInput struct {
	ID uuid.UUID `path:"id" format:"uuid"`
}

func read(ctx context.Context, tx *store.Tx, in *idInput) (*Output, error) {
	out, err := Read(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	tx.Touch(out.Body.PersonID, in.ID)
	return out, nil
}

type listInput struct {
	page.Input
	Service string `query:"service" maxLength:"63" doc:"Only episodes of this one of your services."`
	State   string `query:"state" enum:"Open,Elsewhere,Closed" doc:"Only episodes in this state. Open are those whose person is not elsewhere."`
	// KeyWorker is a worklist: nobody is there for the person.
	KeyWorker string `query:"keyWorker" enum:"None,Overdue" doc:"Only open episodes without a key worker, or only those of them whose day has passed."`
}

type listOutput struct {
	Body struct {
		Items []Episode `json:"items" nullable:"false"`
		Next  string    `json:"next,omitempty" doc:"Send it as cursor to go on."`
	}
}

func list(ctx context.Context, tx *store.Tx, in *listInput) (*listOutput, error) {
	position, limit, err := in.Start()
	if err != nil {
		return nil, err
	}
	own, err := services.Own(ctx, tx, "query.service", in.Service)
	if err != nil {
		return nil, err
	}
	filter := stateFilters[in.State]
	var keyWorkerDueBefore *time.Time // the far future takes all that have none
	switch today := london.Today(time.Now()); in.KeyWorker {
	case "None":
		never := today.AddDate(1000, 0, 0)
		keyWorkerDueBefore = &never
	case "Overdue":
		keyWorkerDueBefore = &today
	}
	rows, err := store.Rows[row](ctx, tx, selectSQL+listSQL, pgx.NamedArgs{
		"services": own, "states": filter.stored, "elsewhere": filter.elsewhere, "without_key_worker": keyWorkerDueBefore, "at": position.At, "after": position.ID, "limit": limit,
	})
	if err != nil {
		return nil, fmt.Errorf("listing episodes: %w", err)
	}
	out := &listOutput{}
	out.Body.Items = []Episode{}
	rows, out.Body.Next = page.Cut(in.Input, rows, func(r row) page.Position { return page.Position{At: r.OpenedAt, ID: r.ID} })
	for _, r := range rows {
		tx.Touch(r.PersonID, r.ID)
		out.Body.Items = append(out.Body.Items, r.episode())
	}
	return out, nil
}
