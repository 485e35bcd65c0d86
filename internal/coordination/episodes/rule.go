package episodes

import (
	"slices"
	"strings"
	"time"

	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/problem"
)

// Reasons for which an episode may close. Not attending is not among them, and a stay elsewhere (hospital, prison, abroad)
// keeps the episode open.
const (
	reasonSupportComplete  = "SupportComplete"
	reasonSupportElsewhere = "SupportElsewhere"
	reasonPersonChose      = "PersonChose"
	reasonMovedAway        = "MovedAway"
	reasonNotEngaging      = "NotEngaging"
	reasonDied             = "Died"
)

const reasonList = "SupportComplete, SupportElsewhere, PersonChose, MovedAway, NotEngaging or Died"

// What a closure rests on.
const (
	basisAcceptance = "Acceptance"
	basisChoice     = "Choice"
	basisHolder     = "Holder"
	basisDeath      = "Death"
)

// Parts that a closure can lack; the database's list in closure_refusals is the same.
const (
	partReason        = "reason"
	partReturnPlan    = "return-plan"
	partAcceptance    = "acceptance"
	partChoice        = "choice"
	partCapacity      = "capacity"
	partAttempts      = "reaching-attempts"
	partCarerOrGP     = "carer-or-gp-contact"
	partRiskReview    = "risk-review"
	partSeniorSignOff = "senior-sign-off"
	partHolder        = "named-holder"
	partDeath         = "death"
)

// Words of the closure that the rule asks for; the database's lists are the same.
const (
	recordedByReceiver = "Receiver"
	recordedOnBehalf   = "OnBehalf"
	hasCapacity        = "HasCapacity"
	lacksCapacity      = "LacksCapacity"
)

var (
	acceptanceChannels = []string{"InPerson", "Phone", "Email", "Letter", "System"}
	deathSources       = []string{"Family", "GP", "Hospital", "Coroner", "NationalRecord"}
)

// planYears is how long a return plan may be valid: it bounds how long the service sees the person after the closure.
const planYears = 3

// facts are what the rule needs to know beyond the request.
type facts struct {
	today       time.Time
	openedOn    time.Time
	birthDate   string
	legalDuties []string
	steps       []ReachingStep
	// senior tells that the caller may sign off for the service.
	senior bool
	// assessedAsLacking tells that the latest assessment of the person's capacity for this kind of decision found that they lack it.
	assessedAsLacking bool
	// receiverIsCaller tells that the accepting service is the caller's and not the one that closes.
	receiverIsCaller bool
}

// verdict collects what a closure lacks.
type verdict struct {
	basis   string
	missing []string
	fields  []problem.Field
}

func (v *verdict) lacks(part, location, message string) {
	v.missing = append(v.missing, part)
	v.fields = append(v.fields, problem.Field{Location: location, Message: message})
}

// judge applies rule 4: nobody is discharged to no support. It is pure; the database holds the same rule as constraints.
func judge(c Closure, f facts) verdict {
	v := verdict{}
	switch c.Reason {
	case reasonSupportComplete, reasonSupportElsewhere:
		v.basis = basisAcceptance
		if c.Acceptance == nil && c.Choice != nil {
			v.basis = basisChoice
		}
	case reasonPersonChose:
		v.basis = basisChoice
	case reasonMovedAway:
		v.basis = basisAcceptance
	case reasonNotEngaging:
		v.basis = basisHolder
	case reasonDied:
		v.basis = basisDeath
	default:
		v.lacks(partReason, "body.reason", reasonHint(c.Reason))
	}
	if v.basis != basisDeath {
		v.judgeReturnPlan(c.ReturnPlan, f)
	}
	switch v.basis {
	case basisAcceptance:
		v.judgeAcceptance(c.Acceptance, f)
	case basisChoice:
		v.judgeChoice(c.Choice, f)
	case basisHolder:
		v.judgeHolder(c.Holder, f)
	case basisDeath:
		v.judgeDeath(c.Death, f)
	}
	if v.basis != basisChoice && c.Choice != nil && c.Choice.Capacity != "" {
		v.judgeCapacityWord(c.Choice) // a choice beside another basis is recorded too
	}
	return v
}

// within tells whether s is a day between the two, both included.
func within(s string, first, last time.Time) bool {
	day, err := london.ParseDay(s)
	return err == nil && !day.Before(first) && !day.After(last)
}

func reasonHint(reason string) string {
	switch strings.ToLower(reason) {
	case "didnotattend", "did not attend", "dna":
		return "not attending is never a reason to close an episode; try to reach the person (POST …/reaching-steps)"
	case "hospital", "prison", "abroad", "inpatient":
		return "the episode stays open while the person is elsewhere"
	}
	return "give one of " + reasonList
}

func (v *verdict) judgeReturnPlan(p *ReturnPlanInput, f facts) {
	switch {
	case p == nil:
		v.lacks(partReturnPlan, "body.returnPlan", "say how the person comes back without starting again")
	case blank(p.Summary):
		v.lacks(partReturnPlan, "body.returnPlan.summary", "say what helps and what was agreed")
	case blank(p.HowToReturn):
		v.lacks(partReturnPlan, "body.returnPlan.howToReturn", "say whom the person, or anyone near them, contacts")
	case !within(p.ValidUntil, f.today, f.today.AddDate(planYears, 0, 0)):
		v.lacks(partReturnPlan, "body.returnPlan.validUntil", "give a day from today on, within three years")
	}
}

func (v *verdict) judgeAcceptance(a *Acceptance, f facts) {
	switch {
	case a == nil:
		v.lacks(partAcceptance, "body.acceptance", "name who has taken over the support; the person's own choice can stand in its place")
	case a.Handover != nil && blank(a.Name):
		v.lacks(partAcceptance, "body.acceptance.handover", "name a handover of this episode that an organisation outside the directory has accepted")
	case blank(a.Name):
		v.lacks(partAcceptance, "body.acceptance.name", "name the person who accepted")
	case blank(a.Organisation):
		v.lacks(partAcceptance, "body.acceptance.organisation", "name the organisation that accepted")
	case !within(a.On, time.Time{}, f.today):
		v.lacks(partAcceptance, "body.acceptance.on", "give the day of the acceptance; it is not in the future")
	case a.RecordedBy != recordedByReceiver && a.RecordedBy != recordedOnBehalf:
		v.lacks(partAcceptance, "body.acceptance.recordedBy", "say whether the Receiver records this or you do so OnBehalf of it")
	case a.RecordedBy == recordedByReceiver && !f.receiverIsCaller:
		v.lacks(partAcceptance, "body.acceptance.service", "a receiver that records its own acceptance is another of your services; otherwise record it OnBehalf")
	case (a.RecordedBy == recordedOnBehalf || a.Channel != "") && !slices.Contains(acceptanceChannels, a.Channel):
		v.lacks(partAcceptance, "body.acceptance.channel", "say by which channel the acceptance was given: "+strings.Join(acceptanceChannels, ", "))
	}
}

func (v *verdict) judgeChoice(c *Choice, f facts) {
	switch {
	case len(f.legalDuties) > 0:
		v.lacks(partAcceptance, "body.acceptance", "the person's choice does not suffice"+f.whileLegalDuty())
	case c == nil:
		v.lacks(partChoice, "body.choice", "record the person's own choice")
	case blank(c.ToldHow):
		v.lacks(partChoice, "body.choice.toldHow", "say how the person was told what the choice means")
	case c.Capacity == hasCapacity && f.assessedAsLacking:
		v.lacks(partCapacity, "body.choice.capacity", "the latest assessment of capacity about a closure found that the person lacks it: assess again and record it (POST /v1/people/{id}/capacity-assessments), or give the acceptance of a receiver, with the reason SupportElsewhere")
	case c.Capacity == lacksCapacity:
		v.lacks(partAcceptance, "body.acceptance", "a choice does not suffice where capacity is lacking: give the acceptance of a receiver, with the reason SupportElsewhere")
	default:
		v.judgeCapacityWord(c)
	}
}

func (v *verdict) judgeCapacityWord(c *Choice) {
	if c.Capacity != hasCapacity && c.Capacity != lacksCapacity {
		v.lacks(partCapacity, "body.choice.capacity", "say whether the person has capacity for this decision: HasCapacity or LacksCapacity")
	}
}

func (f facts) whileLegalDuty() string {
	return " while there is a legal duty (" + strings.Join(f.legalDuties, ", ") + "): give the acceptance of a receiver, with the reason SupportElsewhere"
}

func (v *verdict) judgeHolder(h *Holder, f facts) {
	channels, contacted, reviewed := map[string]bool{}, false, false
	for _, step := range f.steps {
		switch step.Kind {
		case kindAttempt:
			channels[*step.Channel] = true
		case kindCarerContacted, kindGPContacted:
			contacted = true
		case kindRiskReview:
			reviewed = true
		}
	}
	if len(f.legalDuties) > 0 {
		v.lacks(partAcceptance, "body.acceptance", "that the person does not engage does not suffice"+f.whileLegalDuty())
	}
	if len(channels) < 2 {
		v.lacks(partAttempts, "body.reason", "record attempts to reach the person by two or more channels first")
	}
	if !contacted {
		v.lacks(partCarerOrGP, "body.reason", "contact a carer or the GP first")
	}
	if !reviewed {
		v.lacks(partRiskReview, "body.reason", "review the risk in the team first")
	}
	if !f.senior {
		v.lacks(partSeniorSignOff, "body.reason", "a service lead must sign this closure off by recording it")
	}
	switch {
	case h == nil:
		v.lacks(partHolder, "body.holder", "name who keeps an eye on the person")
	case blank(h.Name) || blank(h.Organisation):
		v.lacks(partHolder, "body.holder", "give the holder's name and organisation")
	case !within(h.AgreedOn, f.openedOn, f.today):
		v.lacks(partHolder, "body.holder.agreedOn", "give the day the holder agreed; it lies between the opening of the episode and today")
	}
}

func (v *verdict) judgeDeath(d *DeathInput, f facts) {
	switch {
	case d == nil:
		v.lacks(partDeath, "body.death", "give the day of death and how it is known")
	case !within(d.On, time.Time{}, f.today) || d.On < f.birthDate:
		v.lacks(partDeath, "body.death.on", "give the day of death; it lies between birth and today")
	case !slices.Contains(deathSources, d.Source):
		v.lacks(partDeath, "body.death.source", "say how the death is known: "+strings.Join(deathSources, ", "))
	}
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }
