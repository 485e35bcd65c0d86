// Package deaths is the subject of a person's death that is known outside an episode's closure, and of its reversal (rule 4). Recording it
// ends what is open: referrals become Died, episodes close on the basis Death. The database does so and keeps what it ended, so that a
// reversal restores exactly that; this package checks what callers say.
package deaths

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/people"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/lock.sql
	lockSQL string
	//go:embed sql/insert.sql
	insertSQL string
	//go:embed sql/reverse.sql
	reverseSQL string
)

const tag = "people"

// Register adds the subject's operations.
func Register(a *rest.API) {
	changes := []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusPreconditionRequired}
	rest.Handle(a, rest.Route{
		Method: http.MethodPut, Path: "/v1/people/{id}/death", Operation: access.RecordDeath, Tag: tag,
		Summary:     "Record that a person has died",
		Description: "Ends what is open with any service: referrals become Died, episodes close on the basis Death, nothing new begins. Another day or source puts right what was recorded before.",
		Errors:      changes,
	}, record)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/people/{id}/death/reversal", Operation: access.ReverseDeath, Tag: tag,
		Summary:     "Reverse a death that was recorded",
		Description: "Restores exactly what the death ended: referrals are open again, those too that came since, and so are episodes. What was retracted meanwhile stays so.",
		Errors:      changes,
	}, reverse)
}

type output struct {
	rest.Tag
	Body people.Person
}

type recordInput struct {
	rest.Match
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		On     string `json:"on" format:"date" doc:"Day of death."`
		Source string `json:"source" enum:"Family,GP,Hospital,Coroner,NationalRecord" doc:"How the death is known."`
	}
}

func record(ctx context.Context, tx *store.Tx, in *recordInput) (*output, error) {
	person, err := lock(ctx, tx, in.ID, in.Match)
	if err != nil {
		return nil, err
	}
	on, err := london.ParseDay(in.Body.On)
	if err != nil || on.After(london.Today(time.Now())) {
		return nil, problem.InvalidField("body.on", "give a day that is not in the future")
	}
	if in.Body.On < person.BirthDate {
		return nil, problem.InvalidField("body.on", "give a day that is not before the person's birth")
	}
	if person.Death == nil || person.Death.On != in.Body.On || person.Death.Source != in.Body.Source {
		id, err := uuid.NewV7()
		if err != nil {
			return nil, fmt.Errorf("making a death's id: %w", err)
		}
		args := pgx.NamedArgs{"id": id, "person": person.ID, "on": in.Body.On, "source": in.Body.Source, "subject": tx.Caller.Subject}
		if _, err := tx.Exec(ctx, insertSQL, args); err != nil {
			return nil, fmt.Errorf("recording a death: %w", err)
		}
	}
	return answer(ctx, tx, person.ID)
}

type reverseInput struct {
	rest.Idempotent
	rest.Match
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		Reason string `json:"reason" enum:"PersonIsAlive,WrongPerson,RecordedInError"`
	}
}

func reverse(ctx context.Context, tx *store.Tx, in *reverseInput) (*output, error) {
	person, err := lock(ctx, tx, in.ID, in.Match)
	if err != nil {
		return nil, err
	}
	if person.Death == nil {
		return nil, problem.New(problem.StateConflict, "No death is recorded.")
	}
	args := pgx.NamedArgs{"person": person.ID, "reason": in.Body.Reason, "subject": tx.Caller.Subject}
	if _, err := tx.Exec(ctx, reverseSQL, args); err != nil {
		return nil, fmt.Errorf("reversing a death: %w", err)
	}
	return answer(ctx, tx, person.ID)
}

// lock keeps others from changing the record until the transaction ends, and checks which version of it the caller has read.
func lock(ctx context.Context, tx *store.Tx, id uuid.UUID, match rest.Match) (people.Person, error) {
	tx.About(store.Concern{Person: id})
	person, err := people.Visible(ctx, tx, id)
	if err != nil {
		return people.Person{}, err
	}
	var version *int64
	if err := tx.QueryRow(ctx, lockSQL, pgx.NamedArgs{"person": person.ID}).Scan(&version); err != nil {
		return people.Person{}, fmt.Errorf("locking a person's record: %w", err)
	}
	if version == nil { // the caller lost sight of the person while this waited for the lock
		return people.Person{}, people.NotFound()
	}
	if err := match.Check(*version); err != nil {
		return people.Person{}, err
	}
	return people.Visible(ctx, tx, person.ID)
}

func answer(ctx context.Context, tx *store.Tx, id uuid.UUID) (*output, error) {
	person, err := people.Visible(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	person.Touch(tx)
	return &output{rest.TagOf(person.Version), person}, nil
}
