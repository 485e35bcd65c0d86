package episodes

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/people"
	"github.com/cmhf/operator/internal/coordination/people/capacity"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/services"
	"github.com/cmhf/operator/internal/coordination/store"
)

var (
	//go:embed sql/insert_return_plan.sql
	insertReturnPlanSQL string
	//go:embed sql/insert_closure.sql
	insertClosureSQL string
	//go:embed sql/open_handover.sql
	openHandoverSQL string
	//go:embed sql/accepted_handover.sql
	acceptedHandoverSQL string
)

// Closure asks to close an episode. Its parts are optional in the document, and which words and days they may hold is left to
// the rule, which judges all together: so the answer can name everything that is missing and the refusal is on record.
type Closure struct {
	Reason     string           `json:"reason,omitempty" doc:"SupportComplete, SupportElsewhere, PersonChose, MovedAway, NotEngaging or Died. Not attending is never a reason." example:"SupportElsewhere"`
	ReturnPlan *ReturnPlanInput `json:"returnPlan,omitempty" doc:"Needed for every reason but Died."`
	Acceptance *Acceptance      `json:"acceptance,omitempty" doc:"Who takes over the support. Needed for MovedAway, and for SupportComplete and SupportElsewhere unless choice is given."`
	Choice     *Choice          `json:"choice,omitempty" doc:"The person's own choice. It does not suffice while section 117 aftercare, a community treatment order or a conditional discharge is open, or where capacity is lacking."`
	Holder     *Holder          `json:"holder,omitempty" doc:"Who keeps an eye on a person who could not be reached. Needed for NotEngaging, after the reaching steps, with a service lead's sign-off. It does not suffice while a legal duty is open."`
	Death      *DeathInput      `json:"death,omitempty" doc:"Needed for Died."`
}

// ReturnPlanInput is the plan as it is written.
type ReturnPlanInput struct {
	Summary     string `json:"summary,omitempty" maxLength:"4000" doc:"What helps, early signs, and what was agreed."`
	HowToReturn string `json:"howToReturn,omitempty" maxLength:"1000" doc:"Whom the person or anyone near them contacts."`
	ValidUntil  string `json:"validUntil,omitempty" doc:"A day from today on, within three years." example:"2027-01-31"`
}

// Acceptance says that a receiver has taken over. General practices and charities often have no account, so it can be
// recorded on their behalf.
type Acceptance struct {
	RecordedBy   string `json:"recordedBy,omitempty" doc:"Receiver or OnBehalf." example:"OnBehalf"`
	Service      string `json:"service,omitempty" maxLength:"63" doc:"The receiving service of the directory, when it records its own acceptance."`
	Name         string `json:"name,omitempty" maxLength:"200" doc:"The person who accepted."`
	Organisation string `json:"organisation,omitempty" maxLength:"200"`
	On           string `json:"on,omitempty" doc:"Day of the acceptance." example:"2026-01-20"`
	// Handover is where a receiver outside the directory has accepted; then all else comes from there.
	Handover *uuid.UUID `json:"handover,omitempty" format:"uuid" doc:"The accepted handover to an organisation outside the directory; then the other fields come from it."`
	Channel  string     `json:"channel,omitempty" doc:"How the acceptance was given, when it is recorded on behalf of the receiver: InPerson, Phone, Email, Letter or System." example:"Phone"`
}

// Choice is the person's own decision to end the support.
type Choice struct {
	ToldHow  string `json:"toldHow,omitempty" maxLength:"1000" doc:"How the person was told what the choice means."`
	Capacity string `json:"capacity,omitempty" doc:"Whether the person has capacity for this decision: HasCapacity or LacksCapacity." example:"HasCapacity"`
}

// Holder keeps an eye on a person who could not be reached.
type Holder struct {
	Name         string `json:"name,omitempty" maxLength:"200"`
	Organisation string `json:"organisation,omitempty" maxLength:"200"`
	AgreedOn     string `json:"agreedOn,omitempty" doc:"Day on which the holder agreed, from the day on which the episode opened." example:"2026-01-20"`
}

// DeathInput records a death.
type DeathInput struct {
	On     string `json:"on,omitempty" doc:"Day of death." example:"2026-01-20"`
	Source string `json:"source,omitempty" doc:"How the death is known: Family, GP, Hospital, Coroner or NationalRecord." example:"GP"`
}

type closeInput struct {
	rest.Idempotent
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body Closure
}

func closeEpisode(ctx context.Context, tx *store.Tx, in *closeInput) (*Output, error) {
	episode, err := ownOpen(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	person, err := people.Visible(ctx, tx, episode.PersonID)
	if err != nil {
		return nil, err
	}
	steps, err := reachingSteps(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	if in.Body.Reason != reasonDied {
		if err := handoversAnswered(ctx, tx, in.ID); err != nil {
			return nil, err
		}
	}
	if in.Body.Acceptance, err = acceptanceOfHandover(ctx, tx, in.ID, in.Body.Acceptance); err != nil {
		return nil, err
	}
	receiver, err := receivingService(ctx, tx, in.Body.Acceptance, episode)
	if err != nil {
		return nil, err
	}
	lacking, err := capacity.AssessedAsLacking(ctx, tx, episode.PersonID, capacity.AboutClosure)
	if err != nil {
		return nil, err
	}
	v := judge(in.Body, facts{
		today: london.Today(time.Now()), openedOn: london.Today(episode.OpenedAt), birthDate: person.BirthDate, legalDuties: person.LegalDuties, steps: steps,
		senior: tx.Caller.Has(access.ServiceLead), receiverIsCaller: receiver != nil, assessedAsLacking: lacking,
	})
	if len(v.missing) > 0 {
		p := problem.New(problem.ClosureIncomplete, "The episode stays open: the closure lacks the parts that missing names.")
		p.Missing, p.Errors = v.missing, v.fields
		return nil, p
	}
	if err := save(ctx, tx, in, v.basis, receiver); err != nil {
		return nil, err
	}
	tx.Touch(episode.PersonID, in.ID)
	return Read(ctx, tx, in.ID)
}

// handoversAnswered refuses while somebody has been asked to take over and has not answered.
func handoversAnswered(ctx context.Context, tx *store.Tx, episode uuid.UUID) error {
	type open struct{ Receiver string }
	found, waiting, err := store.One[open](ctx, tx, openHandoverSQL, pgx.NamedArgs{"episode": episode})
	if err != nil {
		return fmt.Errorf("looking for an open handover: %w", err)
	}
	if waiting {
		return problem.New(problem.StateConflict, "A handover to %s waits for its answer: withdraw it (POST /v1/handovers/{id}/withdrawal), or wait.", found.Receiver)
	}
	return nil
}

// acceptanceOfHandover fills in what a receiver outside the directory has said in a handover. One that does not count leaves the acceptance
// empty, and the rule names what is missing.
func acceptanceOfHandover(ctx context.Context, tx *store.Tx, episode uuid.UUID, a *Acceptance) (*Acceptance, error) {
	if a == nil || a.Handover == nil {
		return a, nil
	}
	type accepted struct{ Name, Organisation, AcceptedOn, Channel string }
	found, ok, err := store.One[accepted](ctx, tx, acceptedHandoverSQL, pgx.NamedArgs{"episode": episode, "handover": a.Handover})
	if err != nil {
		return nil, fmt.Errorf("reading an accepted handover: %w", err)
	}
	if !ok {
		return &Acceptance{Handover: a.Handover}, nil
	}
	return &Acceptance{
		Handover: a.Handover, RecordedBy: recordedOnBehalf, Name: found.Name, Organisation: found.Organisation, On: found.AcceptedOn, Channel: found.Channel,
	}, nil
}

// receivingService finds the service that records its own acceptance, if it is another one of the caller's.
func receivingService(ctx context.Context, tx *store.Tx, a *Acceptance, episode row) (*uuid.UUID, error) {
	if a == nil || a.RecordedBy != recordedByReceiver || a.Service == "" {
		return nil, nil
	}
	service, found, err := services.ByName(ctx, tx, a.Service)
	if err != nil || !found || !tx.Serves(service.ID) || service.ID == episode.ResponsibleServiceID {
		return nil, err
	}
	return &service.ID, nil
}

func save(ctx context.Context, tx *store.Tx, in *closeInput, basis string, receiver *uuid.UUID) error {
	c := in.Body
	if basis != basisDeath {
		_, err := tx.Exec(ctx, insertReturnPlanSQL, pgx.NamedArgs{
			"episode": in.ID, "summary": c.ReturnPlan.Summary, "how_to_return": c.ReturnPlan.HowToReturn,
			"valid_until": c.ReturnPlan.ValidUntil, "subject": tx.Caller.Subject,
		})
		if err != nil {
			return fmt.Errorf("recording a return plan: %w", err)
		}
	}
	args := pgx.NamedArgs{
		"episode": in.ID, "reason": c.Reason, "basis": basis, "subject": tx.Caller.Subject,
		"recorded_as": nil, "receiver_service": receiver, "receiver_name": nil, "receiver_organisation": nil, "agreed_on": nil, "channel": nil,
		"told_how": nil, "capacity": nil, "signed_off_by": nil, "died_on": nil, "death_source": nil, "handover": nil,
	}
	if a := c.Acceptance; a != nil && basis == basisAcceptance {
		args["recorded_as"], args["channel"], args["handover"] = a.RecordedBy, optional(a.Channel), a.Handover
		args["receiver_name"], args["receiver_organisation"], args["agreed_on"] = a.Name, a.Organisation, a.On
	}
	if c.Choice != nil {
		args["told_how"], args["capacity"] = optional(c.Choice.ToldHow), optional(c.Choice.Capacity)
	}
	if h := c.Holder; h != nil && basis == basisHolder {
		args["receiver_name"], args["receiver_organisation"], args["agreed_on"] = h.Name, h.Organisation, h.AgreedOn
		args["signed_off_by"] = tx.Caller.Subject
	}
	if d := c.Death; d != nil && basis == basisDeath {
		args["died_on"], args["death_source"] = d.On, d.Source
	}
	if _, err := tx.Exec(ctx, insertClosureSQL, args); err != nil {
		return fmt.Errorf("recording a closure: %w", err)
	}
	return nil
}
