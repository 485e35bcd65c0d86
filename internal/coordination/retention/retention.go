// Package retention is the subject of how long a record is kept: the day on which its time is over, legal holds, and disposal by two
// officers (one asks, another confirms). The database computes the day and deletes; nothing is ever disposed of by itself, and nobody
// here sees what a record says.
package retention

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/of_person.sql
	ofPersonSQL string
	//go:embed sql/place_hold.sql
	placeHoldSQL string
	//go:embed sql/standing_hold.sql
	standingHoldSQL string
	//go:embed sql/lift_hold.sql
	liftHoldSQL string
	//go:embed sql/due.sql
	dueSQL string
	//go:embed sql/request.sql
	requestSQL string
	//go:embed sql/confirm.sql
	confirmSQL string
	//go:embed sql/by_id.sql
	byIDSQL string
	//go:embed sql/list.sql
	listSQL string
)

const tag = "retention"

// Register adds the subject's operations.
func Register(a *rest.API) {
	changes := []int{http.StatusNotFound, http.StatusConflict}
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/people/{id}/retention", Operation: access.ReadRetention, Tag: tag,
		Summary: "Read until when a person's record is kept", Errors: []int{http.StatusNotFound},
	}, read)
	rest.Handle(a, rest.Route{
		Method: http.MethodPut, Path: "/v1/people/{id}/legal-hold", Operation: access.PlaceLegalHold, Tag: tag,
		Summary: "Place a record under a legal hold", Description: "It is kept until the hold is lifted, however long ago its time was over. One hold stands at a time: the same one again changes nothing, and one for another reason is refused.", Errors: changes,
	}, placeHold)
	rest.Handle(a, rest.Route{
		Method: http.MethodDelete, Path: "/v1/people/{id}/legal-hold", Operation: access.LiftLegalHold, Tag: tag,
		Summary: "Lift a legal hold", Errors: changes,
	}, liftHold)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/disposals/due", Operation: access.ListDueDisposals, Tag: tag,
		Summary: "List records whose time is over", Description: "Ids only, without those under a legal hold; the record made last comes first.",
	}, listDue)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/people/{id}/disposal", Operation: access.RequestDisposal, Tag: tag, Status: http.StatusCreated,
		Summary: "Ask for the disposal of a record whose time is over", Description: "Nothing is deleted before another disposal officer confirms.", Errors: changes,
	}, request)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/disposals/{id}/confirmation", Operation: access.ConfirmDisposal, Tag: tag, Status: http.StatusCreated,
		Summary:     "Confirm a disposal, and delete the record",
		Description: "By another disposal officer than the one who asked. The record is deleted with all its parts and cannot be had back; who used it stays on the audit trail, by ids alone.",
		Errors:      changes,
	}, confirm)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/disposals", Operation: access.ListDisposals, Tag: tag,
		Summary: "List disposals that were asked for or confirmed", Description: "Newest first.",
	}, list)
}

// Retention is how long a record is kept.
type Retention struct {
	PersonID  uuid.UUID `json:"personId" format:"uuid"`
	DueOn     *string   `json:"dueOn,omitempty" format:"date" doc:"The first day on which the record may be disposed of; none while anything is open."`
	Basis     string    `json:"basis" enum:"Open,LastTreatment,Death" doc:"Open: in use. LastTreatment: 20 years after it. Death: 10 years after it."`
	LegalHold bool      `json:"legalHold" db:"held"`
	// Records are all of the person: a hold of any of them counts.
	Records []uuid.UUID `json:"-"`
}

type retentionOutput struct{ Body Retention }

type idInput struct {
	ID uuid.UUID `path:"id" format:"uuid"`
}

func read(ctx context.Context, tx *store.Tx, in *idInput) (*retentionOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	return ofPerson(ctx, tx, in.ID)
}

func ofPerson(ctx context.Context, tx *store.Tx, id uuid.UUID) (*retentionOutput, error) {
	found, ok, err := store.One[Retention](ctx, tx, ofPersonSQL, pgx.NamedArgs{"person": id})
	if err != nil {
		return nil, fmt.Errorf("reading until when a record is kept: %w", err)
	}
	if !ok {
		return nil, problem.New(problem.NotFound, "There is no such record.")
	}
	tx.Touch(found.PersonID, uuid.Nil)
	return &retentionOutput{found}, nil
}

type holdInput struct {
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		Reason string `json:"reason" enum:"Litigation,Inquiry,Inquest,Complaint,SubjectRequest"`
	}
}

func placeHold(ctx context.Context, tx *store.Tx, in *holdInput) (*retentionOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("making a legal hold's id: %w", err)
	}
	args := pgx.NamedArgs{"id": id, "person": in.ID, "reason": in.Body.Reason, "subject": tx.Caller.Subject}
	done, err := tx.Exec(ctx, placeHoldSQL, args)
	if err != nil {
		return nil, fmt.Errorf("placing a legal hold: %w", err)
	}
	out, err := ofPerson(ctx, tx, in.ID)
	if err != nil || done.RowsAffected() > 0 {
		return out, err
	}
	// One stands already. The same one again is no news; one for another reason would be lost, and lifting the first would free the record.
	standing, _, err := store.One[struct{ Reason string }](ctx, tx, standingHoldSQL, pgx.NamedArgs{"person": out.Body.PersonID})
	if err != nil {
		return nil, fmt.Errorf("reading a legal hold: %w", err)
	}
	if standing.Reason != in.Body.Reason {
		return nil, problem.New(problem.StateConflict, "The record is under a legal hold already, for another reason: %s.", standing.Reason)
	}
	return out, nil
}

func liftHold(ctx context.Context, tx *store.Tx, in *idInput) (*retentionOutput, error) {
	tx.About(store.Concern{Person: in.ID})
	out, err := ofPerson(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	if !out.Body.LegalHold {
		return nil, problem.New(problem.StateConflict, "The record is under no legal hold.")
	}
	done, err := tx.Exec(ctx, liftHoldSQL, pgx.NamedArgs{"records": out.Body.Records, "subject": tx.Caller.Subject})
	if err != nil {
		return nil, fmt.Errorf("lifting a legal hold: %w", err)
	}
	if done.RowsAffected() == 0 { // another officer was faster
		return nil, problem.New(problem.StateConflict, "The legal hold was lifted while this request ran.")
	}
	out.Body.LegalHold = false
	return out, nil
}
