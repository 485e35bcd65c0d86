package referrals

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/people"
	"github.com/cmhf/operator/internal/coordination/people/capacity"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/insert_outcome.sql
	insertOutcomeSQL string
	//go:embed sql/goes_on.sql
	goesOnSQL string
	//go:embed sql/supported.sql
	supportedSQL string
)

// ReferralOutcome ends a referral otherwise than by acceptance. Its parts are optional in the document, and which words and days they may hold
// is left to the rule, which judges all together: so the answer can name everything that is missing and the refusal is on record.
type ReferralOutcome struct {
	Kind        string          `json:"kind,omitempty" doc:"Redirected, PersonChose, Withdrawn, Duplicate, Died or MovedAway. Not attending and not being reachable are no outcomes." example:"Redirected"`
	Service     string          `json:"service,omitempty" maxLength:"63" doc:"For Redirected: the service of the ICS to which the person is sent on. A referral to it is made at once, and this one stays open until it is accepted." example:"north-cornwall"`
	Acceptance  *ReferralParty  `json:"acceptance,omitempty" doc:"For MovedAway, and for Redirected to an organisation outside the ICS's services: who there has accepted the person."`
	Choice      *ReferralChoice `json:"choice,omitempty" doc:"For PersonChose: the person's own decision not to go on. It does not suffice where capacity is lacking, or while a legal duty is open and no service supports the person."`
	Withdrawal  *ReferralParty  `json:"withdrawal,omitempty" doc:"For Withdrawn: who took the referral back. It is for the referrer, or the service that sent the person on, alone."`
	DuplicateOf *uuid.UUID      `json:"duplicateOf,omitempty" format:"uuid" doc:"For Duplicate: the person's other referral, which goes on."`
	Death       *ReferralDeath  `json:"death,omitempty" doc:"For Died."`
}

// ReferralParty is someone outside who accepted the person, or took the referral back. General practices and charities often have no account,
// so it is recorded on their behalf.
type ReferralParty struct {
	Name         string `json:"name,omitempty" maxLength:"200"`
	Organisation string `json:"organisation,omitempty" maxLength:"200"`
	On           string `json:"on,omitempty" doc:"The day on which they did; not in the future." example:"2026-01-20"`
	Channel      string `json:"channel,omitempty" doc:"How they said so: InPerson, Phone, Email, Letter or System." example:"Phone"`
}

// ReferralChoice is the person's own decision.
type ReferralChoice struct {
	ToldHow  string `json:"toldHow,omitempty" maxLength:"1000" doc:"How the person was told what the choice means."`
	Capacity string `json:"capacity,omitempty" doc:"Whether the person has capacity for this decision: HasCapacity or LacksCapacity." example:"HasCapacity"`
}

// ReferralDeath records a death.
type ReferralDeath struct {
	On     string `json:"on,omitempty" doc:"Day of death." example:"2026-01-20"`
	Source string `json:"source,omitempty" doc:"How the death is known: Family, GP, Hospital, Coroner or NationalRecord." example:"GP"`
}

type outcomeInput struct {
	rest.Idempotent
	rest.Match
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body ReferralOutcome
}

func recordOutcome(ctx context.Context, tx *store.Tx, in *outcomeInput) (*referralOutput, error) {
	tx.About(store.Concern{Resource: in.ID})
	referral, err := own(ctx, tx, in.ID, &in.Match)
	if err != nil {
		return nil, err
	}
	f, err := gather(ctx, tx, referral, in.Body)
	if err != nil {
		return nil, err
	}
	if v := judge(in.Body, f); len(v.missing) > 0 {
		p := problem.New(problem.OutcomeIncomplete, "The referral stays open: the outcome lacks the parts that missing names.")
		p.Missing, p.Errors = v.missing, v.fields
		return nil, p
	}
	if in.Body.Kind != kindDied {
		if err := referral.notSentOn(); err != nil {
			return nil, err
		}
	}
	if in.Body.Kind == kindRedirected && in.Body.Service != "" {
		err = redirect(ctx, tx, referral, in.Body.Service)
	} else {
		err = save(ctx, tx, in)
	}
	if err != nil {
		return nil, err
	}
	return show(ctx, tx, in.ID)
}

// gather finds what the rule needs to know.
func gather(ctx context.Context, tx *store.Tx, referral row, o ReferralOutcome) (facts, error) {
	person, err := people.Visible(ctx, tx, referral.PersonID)
	if err != nil {
		return facts{}, err
	}
	f := facts{
		today: london.Today(time.Now()), birthDate: person.BirthDate, legalDuties: person.LegalDuties, service: referral.Service, route: referral.Route,
		sentByService:     referral.RedirectedFrom != nil || referral.ResponsibleServiceID != referral.ServiceID,
		callerResponsible: tx.Serves(referral.ResponsibleServiceID),
	}
	if err := tx.QueryRow(ctx, supportedSQL, pgx.NamedArgs{"person": referral.PersonID}).Scan(&f.supported); err != nil {
		return facts{}, fmt.Errorf("looking for an open episode: %w", err)
	}
	if f.assessedAsLacking, err = capacity.AssessedAsLacking(ctx, tx, referral.PersonID, capacity.AboutClosure); err != nil {
		return facts{}, err
	}
	if o.DuplicateOf != nil {
		if err := tx.QueryRow(ctx, goesOnSQL, pgx.NamedArgs{"id": referral.ID, "other": *o.DuplicateOf}).Scan(&f.otherGoesOn); err != nil {
			return facts{}, fmt.Errorf("looking for the other referral: %w", err)
		}
	}
	return f, nil
}

// redirect sends the person on to another service of the ICS. The referral stays open, and its service responsible, until the other
// accepts; then the database ends it as Redirected.
func redirect(ctx context.Context, tx *store.Tx, referral row, service string) error {
	to, err := target(ctx, tx, service)
	if err != nil {
		return err
	}
	made := newReferral{person: referral.PersonID, responsible: referral.ResponsibleServiceID, route: referral.Route, reason: referral.Reason}
	_, err = made.sendOn(ctx, tx, referral.ID, to)
	return err
}

func save(ctx context.Context, tx *store.Tx, in *outcomeInput) error {
	o := in.Body
	args := pgx.NamedArgs{
		"id": in.ID, "kind": o.Kind, "subject": tx.Caller.Subject, "party_name": nil, "party_organisation": nil, "party_on": nil, "party_channel": nil,
		"told_how": nil, "capacity": nil, "duplicate_of": nil, "died_on": nil, "death_source": nil,
	}
	party := o.Acceptance
	switch o.Kind {
	case kindPersonChose:
		party = nil
		args["told_how"], args["capacity"] = o.Choice.ToldHow, o.Choice.Capacity
	case kindWithdrawn:
		party = o.Withdrawal
	case kindDuplicate:
		party = nil
		args["duplicate_of"] = *o.DuplicateOf
	case kindDied:
		party = nil
		args["died_on"], args["death_source"] = o.Death.On, o.Death.Source
	}
	if party != nil {
		args["party_name"], args["party_organisation"], args["party_on"], args["party_channel"] = party.Name, party.Organisation, party.On, party.Channel
	}
	if _, err := tx.Exec(ctx, insertOutcomeSQL, args); err != nil {
		return fmt.Errorf("recording an outcome: %w", err)
	}
	return nil
}
