package referrals

import (
	"slices"
	"strings"
	"time"

	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/problem"
)

// Outcomes other than acceptance. Rejecting is not among them, nor not attending, nor not being reachable.
const (
	kindRedirected  = "Redirected"
	kindPersonChose = "PersonChose"
	kindWithdrawn   = "Withdrawn"
	kindDuplicate   = "Duplicate"
	kindDied        = "Died"
	kindMovedAway   = "MovedAway"
)

// Parts that an outcome can lack; the database's list in outcome_refusals is the same.
const (
	partKind       = "kind"
	partReceiver   = "receiver"
	partAcceptance = "acceptance"
	partChoice     = "choice"
	partCapacity   = "capacity"
	partWithdrawal = "withdrawal"
	partDuplicate  = "duplicate"
	partDeath      = "death"
)

// Words of the outcome that the rule asks for; the database's lists are the same.
const (
	hasCapacity   = "HasCapacity"
	lacksCapacity = "LacksCapacity"
)

var (
	partyChannels = []string{"InPerson", "Phone", "Email", "Letter", "System"}
	deathSources  = []string{"Family", "GP", "Hospital", "Coroner", "NationalRecord"}
	// ownRoutes are those by which people ask for help themselves.
	ownRoutes = []string{"Self", "Online", "WalkIn"}
)

// facts are what the rule needs to know beyond the request.
type facts struct {
	today       time.Time
	birthDate   string
	legalDuties []string
	// supported tells that a service has an open episode with the person.
	supported bool
	// assessedAsLacking tells that the latest assessment of the person's capacity for this kind of decision found that they lack it.
	assessedAsLacking bool
	// service is the one to which the person is referred.
	service, route string
	// sentByService tells that a service of the ICS sent the person on, and callerResponsible that the caller acts for it.
	sentByService, callerResponsible bool
	// otherGoesOn tells that the other referral of a duplicate is the same person's and open, or accepted into an open episode.
	otherGoesOn bool
}

// verdict collects what an outcome lacks.
type verdict struct {
	missing []string
	fields  []problem.Field
}

func (v *verdict) lacks(part, location, message string) {
	v.missing = append(v.missing, part)
	v.fields = append(v.fields, problem.Field{Location: location, Message: message})
}

// judge applies rule 2: a referral is never simply rejected. It is pure; the database holds the same rule as constraints.
func judge(o ReferralOutcome, f facts) verdict {
	v := verdict{}
	switch o.Kind {
	case kindRedirected:
		v.judgeRedirect(o, f)
	case kindMovedAway:
		v.judgeParty(partAcceptance, "body.acceptance", "name who has accepted the person where they live now", o.Acceptance, f)
	case kindPersonChose:
		v.judgeChoice(o.Choice, f)
	case kindWithdrawn:
		v.judgeWithdrawal(o.Withdrawal, f)
	case kindDuplicate:
		if o.DuplicateOf == nil || !f.otherGoesOn {
			v.lacks(partDuplicate, "body.duplicateOf", "name another referral of the same person that goes on: open, or accepted into an open episode, and not the one that sent the person here")
		}
	case kindDied:
		v.judgeDeath(o.Death, f)
	default:
		v.lacks(partKind, "body.kind", kindHint(o.Kind))
	}
	return v
}

func kindHint(kind string) string {
	switch strings.ToLower(strings.ReplaceAll(kind, " ", "")) {
	case "didnotattend", "dna", "notreachable", "notengaging", "noresponse":
		return "not attending and not being reachable are no outcomes: the referral stays open as Reaching (POST …/reaching-steps)"
	case "rejected", "declined", "refused", "unsuitable", "notaccepted":
		return "a referral is never simply rejected: send the person on (Redirected)"
	case "accepted":
		return "use POST …/acceptance"
	}
	return "give one of Redirected, PersonChose, Withdrawn, Duplicate, Died or MovedAway"
}

func (v *verdict) judgeRedirect(o ReferralOutcome, f facts) {
	switch {
	case o.Service == "" && o.Acceptance == nil:
		v.lacks(partReceiver, "body.service", "name the service of the ICS to which the person is sent on, or in acceptance who outside of it has accepted them")
	case o.Service != "" && o.Acceptance != nil:
		v.lacks(partReceiver, "body.service", "give either service or acceptance; a service of the ICS accepts by itself")
	case o.Service == f.service:
		v.lacks(partReceiver, "body.service", "the person is referred to this service already: name another one")
	case o.Acceptance != nil:
		v.judgeParty(partAcceptance, "body.acceptance", "", o.Acceptance, f)
	}
}

// judgeParty wants a name, an organisation, a day and a channel; absent says what is wanted when nothing is given.
func (v *verdict) judgeParty(part, at, absent string, p *ReferralParty, f facts) {
	switch {
	case p == nil:
		v.lacks(part, at, absent)
	case blank(p.Name):
		v.lacks(part, at+".name", "give the person's name")
	case blank(p.Organisation):
		v.lacks(part, at+".organisation", "give the name of their organisation")
	case !dayUntil(p.On, f.today):
		v.lacks(part, at+".on", "give the day; it is not in the future")
	case !slices.Contains(partyChannels, p.Channel):
		v.lacks(part, at+".channel", "say how they told you: "+strings.Join(partyChannels, ", "))
	}
}

func (v *verdict) judgeWithdrawal(p *ReferralParty, f facts) {
	switch {
	case f.sentByService && !f.callerResponsible:
		v.lacks(partWithdrawal, "body.withdrawal", "only the service that sent the person may take the referral back: accept, or send the person on")
	case !f.sentByService && slices.Contains(ownRoutes, f.route):
		v.lacks(partChoice, "body.choice", "the person asked for help themselves: record their own choice, with the kind PersonChose")
	default:
		v.judgeParty(partWithdrawal, "body.withdrawal", "name who took the referral back", p, f)
	}
}

func (v *verdict) judgeChoice(c *ReferralChoice, f facts) {
	switch {
	case len(f.legalDuties) > 0 && !f.supported:
		v.lacks(partAcceptance, "body.acceptance", "the person's choice does not suffice while there is a legal duty ("+strings.Join(f.legalDuties, ", ")+") and no service supports them: send the person on")
	case c == nil:
		v.lacks(partChoice, "body.choice", "record the person's own choice")
	case blank(c.ToldHow):
		v.lacks(partChoice, "body.choice.toldHow", "say how the person was told what the choice means")
	case c.Capacity == hasCapacity && f.assessedAsLacking:
		v.lacks(partCapacity, "body.choice.capacity", "the latest assessment of capacity about a closure found that the person lacks it: assess again and record it (POST /v1/people/{id}/capacity-assessments), or send the person on, with the kind Redirected")
	case c.Capacity == lacksCapacity:
		v.lacks(partAcceptance, "body.acceptance", "a choice does not suffice where capacity is lacking: send the person on, with the kind Redirected")
	case c.Capacity != hasCapacity:
		v.lacks(partCapacity, "body.choice.capacity", "say whether the person has capacity for this decision: HasCapacity or LacksCapacity")
	}
}

func (v *verdict) judgeDeath(d *ReferralDeath, f facts) {
	switch {
	case d == nil:
		v.lacks(partDeath, "body.death", "give the day of death and how it is known")
	case !dayUntil(d.On, f.today) || d.On < f.birthDate:
		v.lacks(partDeath, "body.death.on", "give the day of death; it lies between birth and today")
	case !slices.Contains(deathSources, d.Source):
		v.lacks(partDeath, "body.death.source", "say how the death is known: "+strings.Join(deathSources, ", "))
	}
}

// dayUntil tells whether s is a day that is not after the other.
func dayUntil(s string, last time.Time) bool {
	day, err := london.ParseDay(s)
	return err == nil && !day.After(last)
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }
