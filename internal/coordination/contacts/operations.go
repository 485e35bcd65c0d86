package contacts

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/mistakes"
	"github.com/cmhf/operator/internal/coordination/page"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/contacts_of_episode.sql
	contactsOfEpisodeSQL string
	//go:embed sql/contacts_of_referral.sql
	contactsOfReferralSQL string
	//go:embed sql/lock_contact.sql
	lockContactSQL string
	//go:embed sql/bears_interventions.sql
	bearsInterventionsSQL string
	//go:embed sql/mark_contact.sql
	markContactSQL string
)

const (
	tag        = "contacts"
	writtenUp  = "By the service that supports the person. What happened before the end of the episode or referral, or before the person's death, may be written up afterwards; nothing is recorded for a time after them, and nothing in the future. Missing a contact has no consequence for the person."
	listedThus = "Latest first. Records entered in error are not in the list."
)

var (
	recordErrors = []int{http.StatusNotFound, http.StatusConflict}
	markErrors   = []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusPreconditionRequired}
)

// Register adds the subject's operations.
func Register(a *rest.API) {
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/episodes/{id}/contacts", Operation: access.RecordContact, Tag: tag, Status: http.StatusCreated,
		Summary: "Record a contact in an episode", Description: writtenUp, Errors: recordErrors,
	}, recordInEpisode)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/referrals/{id}/contacts", Operation: access.RecordReferralContact, Tag: tag, Status: http.StatusCreated,
		Summary: "Record a contact before a referral is accepted", Description: writtenUp, Errors: recordErrors,
	}, recordInReferral)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/episodes/{id}/contacts", Operation: access.ListContacts, Tag: tag,
		Summary: "List the contacts of an episode", Description: "With those before the acceptance of its referrals. " + listedThus, Errors: []int{http.StatusNotFound},
	}, listOf(episodeSQL, "episode", contactsOfEpisodeSQL))
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/referrals/{id}/contacts", Operation: access.ListReferralContacts, Tag: tag,
		Summary: "List the contacts of a referral", Description: listedThus, Errors: []int{http.StatusNotFound},
	}, listOf(referralSQL, "referral", contactsOfReferralSQL))
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/contacts/{id}", Operation: access.ReadContact, Tag: tag,
		Summary: "Read a contact", Errors: []int{http.StatusNotFound},
	}, readContact)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/contacts/{id}/entered-in-error", Operation: access.MarkContact, Tag: tag,
		Summary: "Mark a contact as entered in error", Description: mistakes.Description + " Interventions that were given at the contact are marked first.", Errors: markErrors,
	}, markContact)
	registerInterventions(a)
}

type idInput struct {
	ID uuid.UUID `path:"id" format:"uuid"`
}

func readContact(ctx context.Context, tx *store.Tx, in *idInput) (*contactOutput, error) {
	row, err := visible(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	tx.Touch(row.PersonID, in.ID)
	return row.output(), nil
}

type listInput struct {
	page.Input
	ID uuid.UUID `path:"id" format:"uuid"`
}

type contactsOutput struct {
	Body struct {
		Items []Contact `json:"items" nullable:"false"`
		Next  string    `json:"next,omitempty" doc:"Send it as cursor to go on."`
	}
}

func listOf(placeSQL, noun, query string) func(context.Context, *store.Tx, *listInput) (*contactsOutput, error) {
	return func(ctx context.Context, tx *store.Tx, in *listInput) (*contactsOutput, error) {
		position, limit, err := in.Start()
		if err != nil {
			return nil, err
		}
		where, err := placeOf(ctx, tx, placeSQL, in.ID, noun)
		if err != nil {
			return nil, err
		}
		rows, err := store.Rows[contactRow](ctx, tx, query, pgx.NamedArgs{"id": in.ID, "at": position.At, "after": position.ID, "limit": limit})
		if err != nil {
			return nil, fmt.Errorf("listing contacts: %w", err)
		}
		out := &contactsOutput{}
		out.Body.Items = []Contact{}
		rows, out.Body.Next = page.Cut(in.Input, rows, func(r contactRow) page.Position { return page.Position{At: r.HappenedAt, ID: r.ID} })
		for _, r := range rows {
			tx.Touch(r.PersonID, r.ID)
			out.Body.Items = append(out.Body.Items, r.contact())
		}
		if len(rows) == 0 {
			tx.Touch(where.person, in.ID) // that there is none is told about the person too
		}
		return out, nil
	}
}

func markContact(ctx context.Context, tx *store.Tx, in *mistakes.Input) (*contactOutput, error) {
	row, err := visible(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	if !tx.Serves(row.ServiceID) {
		return nil, problem.New(problem.NotYourService, "Only %s, which recorded the contact, marks it.", row.Service)
	}
	if row, err = locked[contactRow](ctx, tx, lockContactSQL, contactSQL, in.ID); err != nil {
		return nil, err
	}
	if err := in.Check(row.Version); err != nil {
		return nil, err
	}
	if row.Mark() != nil {
		return nil, problem.New(problem.StateConflict, "The contact is marked already.")
	}
	var bears bool
	if err := tx.QueryRow(ctx, bearsInterventionsSQL, pgx.NamedArgs{"id": in.ID}).Scan(&bears); err != nil {
		return nil, fmt.Errorf("looking for interventions at a contact: %w", err)
	}
	if bears {
		return nil, problem.New(problem.StateConflict, "Interventions were given at this contact: mark them first.")
	}
	if _, err := tx.Exec(ctx, markContactSQL, pgx.NamedArgs{"id": in.ID, "why": in.Body.Why, "subject": tx.Caller.Subject}); err != nil {
		return nil, fmt.Errorf("marking a contact: %w", err)
	}
	if row, err = visible(ctx, tx, in.ID); err != nil {
		return nil, err
	}
	tx.Touch(row.PersonID, in.ID)
	return row.output(), nil
}

// locked reads a row anew once nobody else is changing it.
func locked[Row any](ctx context.Context, tx *store.Tx, lockSQL, readSQL string, id uuid.UUID) (Row, error) {
	var row Row
	if _, err := tx.Exec(ctx, lockSQL, pgx.NamedArgs{"id": id}); err != nil {
		return row, fmt.Errorf("locking a record: %w", err)
	}
	row, _, err := store.One[Row](ctx, tx, readSQL, pgx.NamedArgs{"id": id})
	if err != nil {
		return row, fmt.Errorf("reading a locked record: %w", err)
	}
	return row, nil
}
