package contacts

import (
	"time"

	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/problem"
)

// Words that the rules ask for; the database's lists are the same.
const (
	attended          = "Attended"
	didNotAttend      = "DidNotAttend"
	cancelledByPerson = "CancelledByPerson"
	withPerson        = "Person"
	withCarer         = "Carer"
)

// clockSlack is how far ahead a caller's clock may be.
const clockSlack = time.Minute

// check refuses what contradicts itself, whatever the episode.
func (c *ContactInput) check(now time.Time) error {
	switch {
	case c.HappenedAt.After(now.Add(clockSlack)):
		return problem.InvalidField("body.happenedAt", "give a time that is not in the future")
	case c.Attendance != attended && c.Assessment:
		return problem.InvalidField("body.assessment", "nobody is assessed at a contact that was not attended")
	case c.Attendance != attended && c.CarerInvolved:
		return problem.InvalidField("body.carerInvolved", "leave it out when the contact was not attended")
	case c.Attendance != attended && c.Minutes != nil:
		return problem.InvalidField("body.minutes", "leave it out when the contact was not attended")
	case c.ArrivedLate && c.Attendance != attended && c.Attendance != didNotAttend:
		return problem.InvalidField("body.arrivedLate", "leave it out when the contact was cancelled")
	case c.Assessment && c.With != withPerson:
		return problem.InvalidField("body.assessment", "an assessment is made with the person")
	case c.AssessmentCode != "" && !c.Assessment:
		return problem.InvalidField("body.assessmentCode", "leave it out when the contact was no assessment")
	case c.AssessmentCode != "" && !snomedConcept(c.AssessmentCode):
		return problem.InvalidField("body.assessmentCode", "give the SNOMED CT code of a concept; its check digit is wrong or it is no concept")
	}
	return nil
}

// place is where a contact or an intervention is recorded: an episode or a referral.
type place struct {
	noun string
	// begins is the first day, ended the moment after which nothing more happens there.
	begins time.Time
	ended  *time.Time
	died   *time.Time
}

// takes refuses a moment that lies outside the place; at is where it stands in the request.
func (p place) takes(at string, happened time.Time) error {
	if p.ended != nil && happened.After(*p.ended) {
		return problem.New(problem.StateConflict, "The %s had ended by then. What happened before its end can still be recorded.", p.noun)
	}
	return p.takesDay(at, london.Today(happened))
}

// takesDay refuses a day that lies outside the place.
func (p place) takesDay(at string, day time.Time) error {
	switch {
	case p.died != nil && day.After(*p.died):
		return problem.New(problem.PersonDied, "The person's death is recorded, for an earlier day. What happened before it can still be recorded.")
	case p.ended != nil && day.After(london.Today(*p.ended)):
		return problem.New(problem.StateConflict, "The %s had ended by then. What happened before its end can still be recorded.", p.noun)
	case day.Before(p.begins):
		return problem.InvalidField(at, "the %s had not begun by then", p.noun)
	}
	return nil
}
