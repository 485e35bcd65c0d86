package seed

import (
	"cmp"
	"fmt"
	"time"

	"github.com/cmhf/operator/internal/coordination/london"
)

type identifier = [16]byte

type person struct {
	id            identifier
	born          time.Time
	neighbourhood string
}

// story is one person's way: each of its methods adds what happens on a day to the timeline. It holds what the next step needs to know.
type story struct {
	r *run
	t *timeline
	d dice
	p *person

	service  *service // responsible now
	referral identifier
	episode  identifier
	worker   string

	planKind  string
	planID    identifier // in force, or none
	reviewOn  time.Time
	helped    bool // a first contact has been attended
	arriving  bool // handed over, and not seen by the new service yet
	lastVisit identifier
}

func days(from time.Time, n int) time.Time { return from.AddDate(0, 0, n) }

func (s *story) refer(day time.Time, to *service, route, reason string) {
	s.service, s.referral, s.helped = to, s.d.newID(day), false
	s.t.add(day, referrals, s.referral, s.p.id, to.id, to.id, route, reason, day, nil, false)
}

// sendOn: the first service stays responsible until the other one accepts.
func (s *story) sendOn(day time.Time, to *service, reason string) {
	from := s.referral
	s.referral = s.d.newID(day)
	s.t.add(day, referrals, s.referral, s.p.id, to.id, s.service.id, "GP", reason, day, from, false)
	s.service = to
}

func (s *story) accept(day time.Time) {
	s.episode = s.d.newID(day)
	s.t.add(day, episodes, s.episode, s.p.id, s.service.id, nil, nil)
	s.t.add(day, acceptances, s.referral, s.episode, closeOfDay(day))
}

// comeBack is re-entry by the return plan of the episode before: no new referral to decide on, and a safety check that is due.
func (s *story) comeBack(day time.Time, reason string) {
	before := s.episode
	s.referral, s.helped = s.d.newID(day), false
	s.episode, s.planID = s.d.newID(day), identifier{}
	s.t.add(day, referrals, s.referral, s.p.id, s.service.id, s.service.id, "Self", reason, day, nil, true)
	s.t.add(day, episodes, s.episode, s.p.id, s.service.id, before, days(day, 7))
	s.t.add(day, acceptances, s.referral, s.episode, closeOfDay(day))
}

func (s *story) safetyCheck(day time.Time) {
	s.t.add(day, safetyChecks, s.d.newID(day), s.episode, s.p.id, "No thoughts of ending life; knows whom to ring.", "Takes the tablets as prescribed.", "Address confirmed.", "No concern.", day)
}

func (s *story) refOutcome(day time.Time, kind string) {
	if kind == "PersonChose" {
		s.t.add(day, outcomes, s.d.newID(day), s.referral, kind, nil, nil, nil, nil, "By telephone, and in a letter that names how to come back.", "HasCapacity", day)
		return
	}
	name, organisation := "Duty worker", "A community team outside of this system"
	if kind == "Withdrawn" {
		name, organisation = "Referrer", "The practice that had referred"
	}
	s.t.add(day, outcomes, s.d.newID(day), s.referral, kind, name, organisation, day, "Phone", nil, nil, day)
}

func (s *story) reachReferral(day time.Time, kind string, channel any, next int) {
	s.t.add(day, referralSteps, s.d.newID(day), s.referral, kind, channel, day, days(day, next))
}

func (s *story) reach(day time.Time, kind string, channel any) {
	s.t.add(day, reachingSteps, s.d.newID(day), s.episode, kind, channel, day)
}

func (s *story) nameKeyWorker(day time.Time, role string) {
	n := s.d.IntN(s.service.workers)
	s.worker = fmt.Sprintf("%s %s%s", givenNames[n%len(givenNames)], namePrefix, familyRoots[(n*7+len(s.service.name))%len(familyRoots)])
	s.t.add(day, keyWorkers, s.d.newID(day), s.episode, s.p.id, fmt.Sprintf("synthetic-%s-%d", s.service.name, n), s.worker, role, day)
}

func (s *story) joinTeam(day time.Time, role, organisation string) {
	s.t.add(day, members, s.d.newID(day), s.episode, s.p.id, one(s.d, givenNames)+" "+namePrefix+one(s.d, familyRoots), role, organisation, day)
}

// decideLevel chooses one of the service's own levels.
func (s *story) decideLevel(day time.Time) {
	level := "Standard"
	if len(s.service.levels) > 0 {
		level = one(s.d, s.service.levels)
	}
	s.t.add(day, levels, s.d.newID(day), s.episode, s.p.id, level, "Several needs at once, none of them new.", "To keep the flat and to see friends again.",
		"The family would like one number to ring.", "One key worker and a short plan will do for now.", day)
}

// see is a contact with the person; told whether they came.
func (s *story) see(day time.Time, medium, attendance, summary string) bool {
	s.lastVisit = s.d.newID(day)
	attended := attendance == "Attended"
	var minutes any
	if attended {
		minutes = 15 * s.d.between(1, 5)
	}
	var by any
	if s.worker != "" {
		by = s.worker
	}
	s.t.add(day, contacts, s.lastVisit, s.episode, s.service.id, london.At(day, s.d.between(9, 16), 5*s.d.between(0, 11)), medium, attendance, "Person",
		attended && s.d.chance(0.12), by, minutes, attended && !s.helped, summary)
	if !attended {
		return false
	}
	s.helped, s.arriving = true, false
	return true
}

// give is an intervention at the contact of the day.
func (s *story) give(day time.Time, kind string, t theme, note string) {
	s.t.add(day, interventions, s.d.newID(day), s.episode, s.service.id, s.lastVisit, day, kind, t.name, t.tier, note)
}

// plan is drafted and, unless it stays a draft, agreed on the same day.
func (s *story) plan(day time.Time, goal, agreement string, reviewAfter int) {
	id := s.d.newID(day)
	var previous, whyNot any
	if s.planID != (identifier{}) {
		previous = s.planID
	}
	s.t.add(day, plans, id, s.episode, s.service.id, previous, cmp.Or(s.planKind, "MentalHealth"), "What we agreed to do, who does it and when we look again.", days(day, reviewAfter), subject)
	s.t.add(day, goals, s.d.newID(day), id, 1, goal, true)
	s.t.add(day, needsInPlan, s.d.newID(day), id, 1, one(s.d, []string{"MentalHealth", "PhysicalHealth", "Money", "Housing", "Work", "Relationships", "Community"}), "Named together at the first meetings.")
	s.t.add(day, actions, s.d.newID(day), id, 1, "Meet every other week, and ring between if it gets hard.", "Key worker", days(day, 90), "MentalHealth")
	if agreement == "" {
		return
	}
	if agreement == "NotAgreed" {
		whyNot = "Agrees to the support and not to a written plan; asked again at each meeting."
	}
	s.t.add(day, agreements, id, agreement, day, whyNot)
	s.planID, s.reviewOn = id, days(day, reviewAfter)
}

func (s *story) linkPlan(day time.Time, kind, heldBy string) {
	// Links belong to a draft, and writing them comes before agreeing in the order of a day.
	s.t.add(day, links, s.d.newID(day), s.planID, 1, kind, heldBy)
}

func (s *story) safetyPlan(day time.Time) {
	s.t.add(day, safetyPlans, s.d.newID(day), s.p.id, s.service.id, "Not answering messages, walking at night.", "Music, cold water, the list on the fridge.",
		"The neighbour, and the group on Thursdays.", "The crisis line and the key worker's number.", "Tablets are kept by the pharmacy, a week at a time.", "The dog.", true)
}

// score saves an assessment with its items from 1 on, or from 0 when there is one total.
func (s *story) score(day time.Time, tool string, first int, values ...int) {
	id := s.d.newID(day)
	s.t.add(day, assessments, id, s.p.id, s.episode, s.service.id, tool, day)
	for i, v := range values {
		s.t.add(day, scores, s.d.newID(day), id, first+i, v)
	}
	const personalSafety, low = 7, 2 // the eighth item of DIALOG: an answer that suggests risk alerts the key worker
	if tool == "DIALOG" && len(values) > personalSafety && values[personalSafety] <= low {
		s.t.add(days(day, 1), alertAnswers, id, one(s.d, []string{"SpokeWithPerson", "SafetyPlanReviewed", "ReviewedInTeam", "NoRiskFound"}))
	}
}

// checkHealth records the six elements of a physical health check; some people decline one.
func (s *story) checkHealth(day time.Time) {
	for i, element := range []string{"Alcohol", "Glucose", "BloodPressure", "BodyMass", "Lipids", "Smoking"} {
		values := make([]any, 7) // audit_c, hba1c, systolic, diastolic, bmi, total_cholesterol, smoking
		declined := s.d.chance(0.07)
		if !declined {
			switch i {
			case 0:
				values[0] = s.d.between(0, 9)
			case 1:
				values[1] = s.d.between(30, 62)
			case 2:
				values[2], values[3] = s.d.between(105, 158), s.d.between(62, 98)
			case 3:
				values[4] = float64(s.d.between(190, 410)) / 10
			case 4:
				values[5] = float64(s.d.between(34, 72)) / 10
			case 5:
				values[6] = pick(s.d, []share[string]{{"Never", 38}, {"Former", 22}, {"Current", 40}})
			}
		}
		s.t.add(day, healthChecks, append([]any{s.d.newID(day), s.p.id, s.episode, s.service.id, element, day, declined}, values...)...)
	}
}

func (s *story) need(day time.Time, area, description, action string) {
	var done, on any
	state := "Identified"
	if action != "" {
		done, on, state = action, day, "Acting"
	}
	s.t.add(day, needs, s.d.newID(day), s.p.id, s.episode, s.service.id, area, description, day, done, on, state, day, closeOfDay(day))
}

func (s *story) work(day time.Time, status string, wantsSupport bool) {
	s.t.add(day, workStatuses, s.d.newID(day), s.p.id, s.service.id, status, day, wantsSupport)
}

// putInTouch is a link to something that the community offers.
func (s *story) putInTouch(day time.Time, asset identifier) {
	s.t.add(day, assetLinks, s.d.newID(day), s.p.id, asset, s.service.id, day, nil, closeOfDay(day))
}

// offer hands the person over to another service; accept or decline answers it.
func (s *story) offer(day time.Time, to *service, direction, urgency, reason string) identifier {
	id := s.d.newID(day)
	s.t.add(day, offers, id, s.p.id, s.episode, to.id, nil, direction, urgency, reason, "The plan, what helps, what does not, and whom to ring.")
	return id
}

func (s *story) takeOver(day time.Time, handover identifier, to *service) {
	s.t.add(day, answers, handover, "Accepted", nil, nil, nil, nil, nil, nil)
	s.service, s.worker, s.arriving = to, "", true
}

// outside hands the person over to an organisation that is not in the directory, which accepts in the sender's words; the sender stays
// responsible until the person has arrived.
func (s *story) outside(offered, accepted, arrived time.Time, organisation, direction, urgency, reason string) {
	id := s.d.newID(offered)
	s.t.add(offered, offers, id, s.p.id, s.episode, nil, organisation, direction, urgency, reason, "The plan, what helps, what does not, and whom to ring.")
	s.t.add(accepted, answers, id, "Accepted", accepted, "Duty worker", organisation, "Phone", nil, nil)
	s.t.add(arrived, arrivalsOutside, id, arrived)
}

func (s *story) decline(day time.Time, handover identifier, why, otherwise string) {
	s.t.add(day, answers, handover, "Declined", nil, nil, nil, nil, why, otherwise)
}

func (s *story) goElsewhere(day time.Time, place, name, organisation string, back int) {
	s.t.add(day, staysBegin, s.d.newID(day), s.episode, s.p.id, place, name, organisation, day, days(day, back))
}

func (s *story) planReturn(day time.Time) {
	s.t.add(day, returnPlans, s.episode, "What helped, what the first signs are, and that the door is open.", "Ring, walk in or write: no new referral is needed.", days(day, 730))
}

// close ends the episode with everything that its reason asks for.
func (s *story) close(day time.Time, reason string) {
	values := map[string]any{"reason": reason, "basis": "Acceptance", "closed_on": day}
	switch reason {
	case "PersonChose":
		values["basis"], values["told_how"], values["capacity"] = "Choice", "In person, with the return plan in writing.", "HasCapacity"
	case "NotEngaging":
		s.reach(days(day, -21), "Attempt", "Phone")
		s.reach(days(day, -14), "Attempt", "Letter")
		s.reach(days(day, -10), "GPContacted", nil)
		s.reach(days(day, -3), "RiskReview", nil)
		values["basis"], values["signed_off_by"], values["agreed_on"] = "Holder", "Clinical lead", day
		values["receiver_name"], values["receiver_organisation"] = "Practice mental health nurse", "The person's GP practice"
	case "Died":
		values["basis"], values["died_on"], values["death_source"] = "Death", day, one(s.d, []string{"Family", "GP", "Hospital", "NationalRecord"})
	default:
		values["recorded_as"], values["channel"], values["agreed_on"] = "OnBehalf", one(s.d, []string{"Phone", "Email", "Letter", "InPerson"}), day
		values["receiver_name"], values["receiver_organisation"] = "Practice mental health nurse", "The person's GP practice"
		if reason == "SupportElsewhere" {
			values["receiver_name"], values["receiver_organisation"] = "Community connector", "A charity of the neighbourhood"
		}
	}
	if reason != "Died" {
		s.planReturn(day)
	}
	columns := targets[closures].columns
	row := []any{s.episode}
	for _, column := range columns[1 : len(columns)-2] {
		row = append(row, values[column])
	}
	s.t.add(day, closures, row...)
	s.worker = ""
}
