// Package reentry is the subject of people who come back (rule 6): without a new referral to be judged and without a test of whether they are
// eligible. A return plan that is valid opens to the service that made it, whoever calls; an earlier episode, even when its plan has expired,
// opens to any service that takes the person in. A new dated spell starts, with a referral of its own for exports, and a safety check
// (risk, medicines, address, safeguarding) is due within days.
//
// Where nothing opens, the request is a referral like any other: nobody is turned away, and the answer to a caller outside the service does
// not tell whether the person was known.
package reentry

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
	"github.com/cmhf/operator/internal/coordination/services"
	"github.com/cmhf/operator/internal/coordination/store"
	"github.com/cmhf/operator/internal/directory"
)

var (
	//go:embed sql/re_enter.sql
	reEnterSQL string
	//go:embed sql/episode_of.sql
	episodeOfSQL string
)

const tag = "re-entry"

// Register adds the subject's operations.
func Register(a *rest.API) {
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/re-entries", Operation: access.ReEnter, Tag: tag, Status: http.StatusCreated,
		Summary:     "A person comes back",
		Description: "No new referral is judged and nobody is tested for eligibility. A valid return plan opens to the service that made it, whoever calls; an earlier episode with an expired one opens to any service that calls for itself. Otherwise the request is recorded as a referral.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict},
	}, reEnter)
	rest.Handle(a, rest.Route{
		Method: http.MethodPost, Path: "/v1/episodes/{id}/safety-check", Operation: access.RecordSafety, Tag: tag, Status: http.StatusCreated,
		Summary:     "Record the safety check of a person who came back",
		Description: "What may have changed since: risk, medicines, address and safeguarding.",
		Errors:      []int{http.StatusNotFound, http.StatusConflict},
	}, recordCheck)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/episodes/{id}/safety-check", Operation: access.ReadSafety, Tag: tag,
		Summary: "Read an episode's latest safety check", Errors: []int{http.StatusNotFound},
	}, readCheck)
	rest.Handle(a, rest.Route{
		Method: http.MethodGet, Path: "/v1/safety-checks-due", Operation: access.ListSafetyDue, Tag: tag,
		Summary: "List your services' safety checks that are to be done", Description: "Of people who came back last, first.",
	}, listDue)
}

type reEnterInput struct {
	rest.Idempotent
	Body struct {
		Person     *people.Details `json:"person,omitempty" doc:"The person, when you have no id."`
		PersonID   *uuid.UUID      `json:"personId,omitempty" format:"uuid" doc:"The person's id, when one of your services can see the record."`
		Service    string          `json:"service" minLength:"1" maxLength:"63" doc:"The service to which the person comes back." example:"north"`
		Reason     string          `json:"reason" minLength:"1" maxLength:"4000" pattern:"\\S" doc:"Why the person comes back, in their words."`
		ReceivedOn string          `json:"receivedOn" format:"date" doc:"Day on which they asked."`
	}
}

// ReEntry is how a person came back.
type ReEntry struct {
	PersonID   uuid.UUID `json:"personId" format:"uuid"`
	ReferralID uuid.UUID `json:"referralId" format:"uuid" doc:"The referral with which the new spell is exported, or which waits for the service."`
	// Outcome and EpisodeID are for the service's own staff.
	Outcome   *string    `json:"outcome,omitempty" enum:"Reentered,Joined,Referred" doc:"Reentered: a new episode is open. Joined: there was an open one. Referred: there is no earlier episode here; the referral waits. Only told to the service itself."`
	EpisodeID *uuid.UUID `json:"episodeId,omitempty" format:"uuid" doc:"Only told to the service itself."`
}

type reEnterOutput struct{ Body ReEntry }

func reEnter(ctx context.Context, tx *store.Tx, in *reEnterInput) (*reEnterOutput, error) {
	body := in.Body
	if received, err := london.ParseDay(body.ReceivedOn); err != nil || received.After(london.Today(time.Now())) {
		return nil, problem.InvalidField("body.receivedOn", "give a day that is not in the future")
	}
	service, found, err := services.ByName(ctx, tx, body.Service)
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, problem.InvalidField("body.service", "the directory has no service of that name; see GET /v1/services")
	case service.State == directory.StateClosing:
		return nil, problem.New(problem.ServiceClosing, "The service %s is closing; any other service can take the person in.", service.Name)
	}
	person, _, err := people.Named(ctx, tx, in.Body.Person, in.Body.PersonID, "say who comes back, by person or personId")
	if err != nil {
		return nil, err
	}
	referral, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("making a referral's id: %w", err)
	}
	episode, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("making an episode's id: %w", err)
	}
	tx.About(store.Concern{Person: person, Resource: referral})
	var outcome string
	err = tx.QueryRow(ctx, reEnterSQL, pgx.NamedArgs{
		"referral": referral, "episode": episode, "person": person, "service": service.ID, "reason": body.Reason, "received_on": body.ReceivedOn,
	}).Scan(&outcome)
	if err != nil {
		return nil, fmt.Errorf("re-entering: %w", err)
	}
	tx.Touch(person, referral)
	out := &reEnterOutput{ReEntry{PersonID: person, ReferralID: referral}}
	if !tx.Serves(service.ID) {
		return out, nil
	}
	out.Body.Outcome = &outcome
	if outcome != "Referred" {
		if err := tx.QueryRow(ctx, episodeOfSQL, pgx.NamedArgs{"referral": referral}).Scan(&out.Body.EpisodeID); err != nil {
			return nil, fmt.Errorf("reading the episode of a re-entry: %w", err)
		}
		tx.Touch(person, *out.Body.EpisodeID)
	}
	return out, nil
}
