package people

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/nhsnumber"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/access_log.sql
	accessLogSQL string
	//go:embed sql/access_log_of_anyone.sql
	accessLogOfAnyoneSQL string
	//go:embed sql/end_duties.sql
	endDutiesSQL string
	//go:embed sql/supported_by_caller.sql
	supportedByCallerSQL string
	//go:embed sql/open_duties.sql
	openDutiesSQL string
)

const tag = "people"

// Register adds the subject's operations.
func Register(a *rest.API) {
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/people/search", Operation: access.SearchPeople, Tag: tag,
		Summary:     "Find a person by NHS number",
		Description: "Exact search among the people your services may see. The number travels in the body because addresses end up in logs.",
	}, search)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/people/{id}", Operation: access.ReadPerson, Tag: tag,
		Summary: "Read a person's record", Errors: []int{http.StatusNotFound},
	}, read)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/people/{id}/access-log", Operation: access.ReadAccessLog, Tag: tag,
		Summary: "List who read or changed a person's record", Description: "Newest first; refused attempts are included.",
		Errors: []int{http.StatusNotFound},
	}, accessLog)
	rest.Handle(a, rest.Route{
		Method: http.MethodPut, Path: "/v1/people/{id}/legal-duties", Operation: access.SetLegalDuties, Tag: tag,
		Summary:     "State which legal duties are open",
		Description: "The list replaces the one before: a duty that is not in it ends now, a new one begins now. While any is open, only the acceptance of a receiver closes an episode. One of your services must have an open episode with the person.",
		Errors:      []int{http.StatusNotFound},
	}, setLegalDuties)
}

type searchInput struct {
	Body struct {
		NHSNumber string `json:"nhsNumber" maxLength:"12" example:"999 000 0018"`
	}
}

type searchOutput struct {
	Body struct {
		Items []Person `json:"items" nullable:"false" doc:"Usually one record or none; two when a second one with the same number waits for matching."`
	}
}

func search(ctx context.Context, tx *store.Tx, in *searchInput) (*searchOutput, error) {
	number, err := nhsnumber.Parse(in.Body.NHSNumber)
	if err != nil {
		return nil, problem.InvalidField("body.nhsNumber", "%s", err)
	}
	rows, err := store.Rows[row](ctx, tx, byNHSNumberSQL, pgx.NamedArgs{"nhs_number": number})
	if err != nil {
		return nil, fmt.Errorf("searching people: %w", err)
	}
	out := &searchOutput{}
	out.Body.Items = []Person{}
	for _, r := range rows {
		person := r.person()
		person.Touch(tx)
		out.Body.Items = append(out.Body.Items, person)
	}
	return out, nil
}

type idInput struct {
	ID uuid.UUID `path:"id" format:"uuid"`
}

type personOutput struct {
	rest.Tag
	Body Person
}

func output(p Person) *personOutput { return &personOutput{rest.TagOf(p.Version), p} }

func read(ctx context.Context, tx *store.Tx, in *idInput) (*personOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	person, err := Visible(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	person.Touch(tx)
	return output(person), nil
}

type accessLogInput struct {
	ID     uuid.UUID `path:"id" format:"uuid"`
	Before string    `query:"before" pattern:"^[0-9]{1,18}$" doc:"next of an earlier answer."`
	Limit  int32     `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

// AccessEvent is one use of a person's record.
type AccessEvent struct {
	At           time.Time `json:"at"`
	Subject      string    `json:"subject" doc:"Who, as the identity provider names them."`
	Client       string    `json:"client" doc:"The program that was used."`
	Role         string    `json:"role"`
	Services     []string  `json:"services" nullable:"false" doc:"The services they acted for."`
	Organisation *string   `json:"organisation,omitempty" doc:"The organisation outside the directory on whose behalf they acted: its ODS code, or its name."`
	Purpose      string    `json:"purpose"`
	Operation    string    `json:"operation"`
	Outcome      string    `json:"outcome" enum:"Done,Refused"`
	Problem      *string   `json:"problem,omitempty" doc:"Why it was refused."`
}

type accessLogOutput struct {
	Body struct {
		Items []AccessEvent `json:"items" nullable:"false"`
		Next  string        `json:"next,omitempty" doc:"Send it as before to go on."`
	}
}

func accessLog(ctx context.Context, tx *store.Tx, in *accessLogInput) (*accessLogOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	query := accessLogSQL
	if tx.Caller.Role == access.Auditor { // who may ask about anybody, also when the record is gone
		query = accessLogOfAnyoneSQL
	} else if _, err := Visible(ctx, tx, in.ID); err != nil {
		return nil, err
	}
	var before *int64
	if in.Before != "" {
		n, err := strconv.ParseInt(in.Before, 10, 64)
		if err != nil {
			return nil, problem.InvalidField("query.before", "use next of an earlier answer unchanged")
		}
		before = &n
	}
	type event struct {
		ID int64
		AccessEvent
	}
	events, err := store.Rows[event](ctx, tx, query, pgx.NamedArgs{"person": in.ID, "before": before, "limit": in.Limit + 1})
	if err != nil {
		return nil, fmt.Errorf("reading an access log: %w", err)
	}
	if len(events) == 0 && tx.Caller.Role == access.Auditor && before == nil {
		return nil, problem.New(problem.NotFound, "Nobody has ever used such a record.")
	}
	out := &accessLogOutput{}
	out.Body.Items = []AccessEvent{}
	if len(events) > int(in.Limit) {
		events = events[:in.Limit]
		out.Body.Next = strconv.FormatInt(events[len(events)-1].ID, 10)
	}
	for _, e := range events {
		out.Body.Items = append(out.Body.Items, e.AccessEvent)
	}
	tx.Touch(in.ID, uuid.Nil)
	return out, nil
}

type legalDutiesInput struct {
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		Open []string `json:"open" nullable:"false" maxItems:"3" uniqueItems:"true" enum:"Section117Aftercare,CommunityTreatmentOrder,ConditionalDischarge"`
	}
}

func setLegalDuties(ctx context.Context, tx *store.Tx, in *legalDutiesInput) (*personOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	known, err := Visible(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	// Those who state duties at once follow each other: each row of a duty takes a lock on the record that the others hold too.
	if _, err := tx.Exec(ctx, lockSQL, pgx.NamedArgs{"id": known.ID}); err != nil {
		return nil, fmt.Errorf("locking a person's record: %w", err)
	}
	args := pgx.NamedArgs{"person": known.ID, "subject": tx.Caller.Subject, "open": in.Body.Open, "services": tx.Services}
	var supported bool
	if err := tx.QueryRow(ctx, supportedByCallerSQL, args).Scan(&supported); err != nil {
		return nil, fmt.Errorf("looking for an open episode: %w", err)
	}
	if !supported {
		return nil, problem.New(problem.NotYourService, "Only a service that has an open episode with the person states the legal duties.")
	}
	for _, statement := range []string{endDutiesSQL, openDutiesSQL} {
		if _, err := tx.Exec(ctx, statement, args); err != nil {
			return nil, fmt.Errorf("setting legal duties: %w", err)
		}
	}
	person, err := Visible(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	person.Touch(tx)
	return output(person), nil
}
