// Package retractions is the subject of what was recorded in error, above all for the wrong person (rule 1): a referral or an episode is
// marked so, leaves lists and figures, and gives no access any more. The row stays. Who had read it is told to the records officer.
//
// A referral for the right person is recorded as any other, naming the one that it corrects (package referrals).
package retractions

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/page"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/responsible.sql
	responsibleSQL string
	//go:embed sql/insert.sql
	insertSQL string
	//go:embed sql/by_id.sql
	byIDSQL string
	//go:embed sql/list.sql
	listSQL string
	//go:embed sql/readers.sql
	readersSQL string
)

const tag = "retractions"

// Register adds the subject's operations.
func Register(a *rest.API) {
	const readers = "The row stays, in the state EnteredInError; it leaves lists and figures, and the access that it gave ends at once. A records officer is told who had read it."
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/referrals/{id}/retraction", Operation: access.RetractReferral, Tag: tag, Status: http.StatusCreated,
		Summary:     "Mark a referral as entered in error",
		Description: readers + " To move it to the right person, record a new referral with correctionOf. Where an episode rests on the referral alone, retract the episode.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict},
	}, retractReferral)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/episodes/{id}/retraction", Operation: access.RetractEpisode, Tag: tag, Status: http.StatusCreated,
		Summary:     "Mark an episode as entered in error",
		Description: readers + " The referrals that were accepted into it go with it.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict},
	}, retractEpisode)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/retractions", Operation: access.ListRetractions, Tag: tag,
		Summary: "List what was entered in error", Description: "Newest first.",
	}, list)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/retractions/{id}", Operation: access.ReadRetraction, Tag: tag,
		Summary: "Read a retraction, with everyone who has read what it is about", Errors: []int{http.StatusNotFound},
	}, read)
}

// Retraction says that a part of a record was entered in error.
type Retraction struct {
	ID           uuid.UUID `json:"id" format:"uuid"`
	Kind         string    `json:"kind" enum:"Referral,Episode"`
	ResourceID   uuid.UUID `json:"resourceId" format:"uuid" doc:"The id of the referral or episode."`
	PersonID     uuid.UUID `json:"personId" format:"uuid" doc:"The person in whose record it stands."`
	Reason       string    `json:"reason" enum:"WrongPerson,RecordedTwice,NeverHappened,OtherError"`
	RetractedBy  string    `json:"retractedBy"`
	RetractedAt  time.Time `json:"retractedAt"`
	ReadersCount int32     `json:"readersCount" db:"readers" doc:"How many had read or changed it before."`
	Readers      []Reader  `json:"readers,omitempty" db:"-" doc:"Who they are and everyone since; for records officers and auditors, and not in lists."`
}

// Reader is somebody who has had a part of a record before them.
type Reader struct {
	Subject  string    `json:"subject" doc:"Who, as the identity provider names them."`
	Clients  []string  `json:"clients" nullable:"false" doc:"The programs that were used."`
	Roles    []string  `json:"roles" nullable:"false"`
	Services []string  `json:"services" nullable:"false" doc:"The services they acted for."`
	Times    int64     `json:"times"`
	FirstAt  time.Time `json:"firstAt"`
	LastAt   time.Time `json:"lastAt"`
}

type retractionOutput struct{ Body Retraction }

type retractInput struct {
	rest.Idempotent
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		Reason string `json:"reason" enum:"WrongPerson,RecordedTwice,NeverHappened,OtherError"`
	}
}

func retractReferral(ctx context.Context, tx *store.Tx, in *retractInput) (*retractionOutput, error) {
	return retract(ctx, tx, "Referral", in)
}

func retractEpisode(ctx context.Context, tx *store.Tx, in *retractInput) (*retractionOutput, error) {
	return retract(ctx, tx, "Episode", in)
}

func retract(ctx context.Context, tx *store.Tx, kind string, in *retractInput) (*retractionOutput, error) {
	tx.About(store.Concern{Resource: in.ID})
	args := pgx.NamedArgs{"resource": in.ID, "kind": kind, "reason": in.Body.Reason, "subject": tx.Caller.Subject}
	if tx.Caller.Role != access.RecordsOfficer { // who retracts in any record, without seeing it
		if err := responsible(ctx, tx, args); err != nil {
			return nil, err
		}
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("making a retraction's id: %w", err)
	}
	args["id"] = id
	if _, err := tx.Exec(ctx, insertSQL, args); err != nil {
		return nil, fmt.Errorf("retracting: %w", err)
	}
	return readOne(ctx, tx, id)
}

// responsible refuses a lead whose services have nothing to say about it.
func responsible(ctx context.Context, tx *store.Tx, args pgx.NamedArgs) error {
	type parties struct{ Services []uuid.UUID }
	found, ok, err := store.One[parties](ctx, tx, responsibleSQL, args)
	if err != nil {
		return fmt.Errorf("looking for the responsible service: %w", err)
	}
	if !ok {
		return problem.New(problem.NotFound, "There is no such record, or none of your services may see it.")
	}
	for _, service := range found.Services {
		if tx.Serves(service) {
			return nil
		}
	}
	return problem.New(problem.NotYourService, "Only the lead of a service that the record names, or a records officer, says that it was entered in error.")
}

func readOne(ctx context.Context, tx *store.Tx, id uuid.UUID) (*retractionOutput, error) {
	found, ok, err := store.One[Retraction](ctx, tx, byIDSQL, pgx.NamedArgs{"id": id})
	if err != nil {
		return nil, fmt.Errorf("reading a retraction: %w", err)
	}
	if !ok {
		return nil, problem.New(problem.NotFound, "There is no such retraction.")
	}
	if found.Readers, err = store.Rows[Reader](ctx, tx, readersSQL, pgx.NamedArgs{"id": id}); err != nil {
		return nil, fmt.Errorf("reading who had read what was retracted: %w", err)
	}
	tx.Touch(found.PersonID, found.ResourceID)
	return &retractionOutput{found}, nil
}

type idInput struct {
	ID uuid.UUID `path:"id" format:"uuid"`
}

func read(ctx context.Context, tx *store.Tx, in *idInput) (*retractionOutput, error) {
	tx.About(store.Concern{Resource: in.ID})
	return readOne(ctx, tx, in.ID)
}

type listInput struct{ page.Input }

type listOutput struct {
	Body struct {
		Items []Retraction `json:"items" nullable:"false"`
		Next  string       `json:"next,omitempty" doc:"Send it as cursor to go on."`
	}
}

func list(ctx context.Context, tx *store.Tx, in *listInput) (*listOutput, error) {
	position, limit, err := in.Start()
	if err != nil {
		return nil, err
	}
	rows, err := store.Rows[Retraction](ctx, tx, listSQL, pgx.NamedArgs{"at": position.At, "after": position.ID, "limit": limit})
	if err != nil {
		return nil, fmt.Errorf("listing retractions: %w", err)
	}
	out := &listOutput{}
	out.Body.Items = []Retraction{}
	rows, out.Body.Next = page.Cut(in.Input, rows, func(r Retraction) page.Position { return page.Position{At: r.RetractedAt, ID: r.ID} })
	for _, r := range rows {
		tx.Touch(r.PersonID, r.ResourceID)
		out.Body.Items = append(out.Body.Items, r)
	}
	return out, nil
}
