package seed

import (
	"time"

	"github.com/cmhf/operator/internal/coordination/london"
)

// makePerson tells one person's years: the first few people are the personas, the others as the dice fall.
func makePerson(r *run, t *timeline, n int) {
	s := &story{r: r, t: t, d: diceOf(r.Seed, n)}
	if n < len(personas) {
		personas[n].tell(s, r.numbers[n])
		return
	}
	first := days(r.first, s.d.IntN(len(t.days)))
	age := s.r.directory.age(s.d)
	s.meet(r.numbers[n], one(s.d, givenNames), one(s.d, familyRoots), first, days(first.AddDate(-age, 0, 0), -s.d.IntN(365)))
	s.live(first)
}

// live goes through up to three spells of support.
func (s *story) live(received time.Time) {
	spells := pick(s.d, []share[int]{{1, 68}, {2, 24}, {3, 8}})
	back := false
	for range spells {
		ended, reason := s.spell(received, back)
		if ended.IsZero() || reason == "Died" || reason == "MovedAway" {
			return
		}
		received = days(ended, max(3, s.d.around(150, 0.8)))
		// The door stands open while the return plan is valid, to people whom the service still takes.
		back = reason != "" && received.Before(days(ended, 730)) && s.service.takes(london.Age(s.p.born, received)) && s.d.chance(0.6)
	}
}

// spell goes from a request for help to its end. No day: it is not over. No reason: it never became an episode.
func (s *story) spell(received time.Time, back bool) (ended time.Time, reason string) {
	s.planID, s.worker, s.arriving = identifier{}, "", false
	wait := min(max(s.d.around(32, 0.65), 0), 400) // half within four to five weeks, with a long tail, as in England
	var accepted time.Time
	if back {
		wait = min(wait/3, 21)
		accepted = received
		s.comeBack(received, "Came back as the return plan says.")
		if s.d.chance(0.92) {
			s.safetyCheck(days(received, s.d.between(0, 6)))
		}
	} else {
		route := pick(s.d, routes)
		to := s.r.directory.serviceFor(s.d, s.p, received, route)
		if to == nil {
			return time.Time{}, ""
		}
		s.refer(received, to, route, one(s.d, reasonsForReferral))
		if s.d.chance(0.05) {
			s.reachReferral(received, "Attempt", "Phone", 7)
		}
		accepted = days(received, min(wait, max(0, s.d.around(6, 0.8))))
		if s.d.chance(0.13) {
			if decided := s.decideOtherwise(days(received, s.d.between(1, 21)), route); !decided.IsZero() {
				return decided, ""
			}
			accepted = days(received, max(22, min(wait, 40)))
			wait = max(wait, 23)
		}
		s.accept(accepted)
	}
	first := days(received, wait)
	if first.Before(accepted) {
		first = accepted
	}
	if s.d.chance(0.95) {
		named := days(accepted, min(s.d.around(6, 0.6), 60))
		if named.After(first) {
			named = first
		}
		s.nameKeyWorker(named, "Mental health practitioner")
	}
	return s.support(first)
}

// decideOtherwise gives the referral another outcome than acceptance; no day when it was sent on and goes on.
func (s *story) decideOtherwise(day time.Time, route string) time.Time {
	kind := pick(s.d, outcomesBesideAcceptance)
	if kind == "Withdrawn" && (route == "Self" || route == "Online" || route == "WalkIn") {
		kind = "PersonChose" // nobody else has referred who could withdraw
	}
	if kind == "Redirected" {
		if other := s.r.directory.another(s.d, s.p, day, s.service, "Core"); other != nil {
			s.sendOn(day, other, "Better placed to help with what the person asks for.")
			return time.Time{}
		}
		kind = "PersonChose"
	}
	s.refOutcome(day, kind)
	return day
}

// support goes from contact to contact until the episode ends.
func (s *story) support(first time.Time) (ended time.Time, reason string) {
	planned := s.d.between(2, 12)
	handover := -1
	if s.d.chance(0.16) {
		handover = s.d.between(2, 5)
	}
	baseline := s.d.between(24, 45) // tenths of a point on the items of DIALOG
	day, before := first, first
	for visit := 0; visit < planned && !day.After(s.t.last); visit++ {
		attendance := pick(s.d, attendances)
		if visit == 0 || s.arriving {
			attendance = "Attended"
		}
		if s.see(day, pick(s.d, media), attendance, "How the weeks were, and what comes next.") {
			s.atVisit(day, visit, baseline)
		}
		before, day = day, days(day, max(2, s.d.around(19, 0.45)))
		if visit == handover {
			answered, arrives := s.handOver(before)
			if !arrives {
				return time.Time{}, ""
			}
			if !day.After(answered) {
				day = days(answered, s.d.between(1, 14))
			}
			before = answered
			planned = max(planned, visit+3)
		}
	}
	if s.d.chance(0.2) {
		return time.Time{}, "" // support goes on
	}
	reason = pick(s.d, endings)
	ended = days(before, s.d.between(22, 40)) // room for the steps to reach somebody
	s.close(ended, reason)
	if reason != "Died" && s.d.chance(0.15) {
		s.hear(days(ended, s.d.between(1, 20)))
	}
	return ended, reason
}

// atVisit is what comes with a contact that the person came to.
func (s *story) atVisit(day time.Time, visit, baseline int) {
	if s.d.chance(0.4) {
		s.give(day, pick(s.d, kindsOfIntervention), pick(s.d, themes), "Given at the meeting.")
	}
	switch {
	case visit == 0:
		if s.d.chance(0.8) {
			s.decideLevel(day)
		}
		if s.d.chance(0.35) {
			s.need(day, one(s.d, []string{"Money", "Debt", "Benefits", "Housing", "Work", "Isolation"}), "Named by the person at the first meeting.", one(s.d, []string{"", "Introduced to the advice service."}))
		}
		if s.d.chance(0.25) {
			s.safetyPlan(day)
		}
	case visit == 1:
		agreement := pick(s.d, []share[string]{{"Person", 88}, {"NotAgreed", 4}, {"", 8}})
		s.plan(day, one(s.d, goalsInOwnWords), agreement, s.d.between(90, 360))
		if s.d.chance(0.3) {
			s.joinTeam(day, one(s.d, []string{"Social worker", "Peer support worker", "Pharmacist", "Psychologist"}), one(s.d, []string{s.service.provider, "The council", "A charity of the neighbourhood"}))
		}
		if s.d.chance(0.35) {
			s.work(day, pick(s.d, []share[string]{{"Employed", 30}, {"UnemployedSeeking", 20}, {"LongTermSick", 30}, {"Student", 8}, {"Volunteering", 12}}), s.d.chance(0.3))
		}
	case visit == 2 && s.d.chance(0.35):
		s.checkHealth(day)
	case visit == 3 && s.d.chance(0.3) && len(s.r.directory.assets) > 0:
		s.putInTouch(day, one(s.d, s.r.directory.assets))
	}
	if s.planID != (identifier{}) && visit > 1 && !day.Before(s.reviewOn) {
		s.plan(day, one(s.d, goalsInOwnWords), "Person", s.d.between(150, 360))
	}
	if visit == 1 || visit%4 == 1 {
		s.measure(day, visit, baseline)
	}
}

// measure asks how it is going: better on the whole, and worse for some.
func (s *story) measure(day time.Time, visit, baseline int) {
	gain := 0.0
	if visit > 1 {
		gain = 0.7 + s.d.NormFloat64()*0.9
	}
	within := func(mean float64, low, high int) int { return min(high, max(low, int(mean+s.d.NormFloat64()*1.1+0.5))) }
	switch pick(s.d, []share[string]{{"DIALOG", 60}, {"ReQoL-10", 25}, {"GBO", 15}}) {
	case "DIALOG":
		values := make([]int, 11)
		for i := range values {
			values[i] = within(float64(baseline)/10+gain, 1, 7)
		}
		s.score(day, "DIALOG", 1, values...)
	case "ReQoL-10":
		s.score(day, "ReQoL-10", 0, within(float64(baseline)/2+gain*7, 0, 40))
	default:
		s.score(day, "GBO", 1, within(3+gain*2.5, 0, 10), within(2.5+gain*2.5, 0, 10))
	}
}

// handOver passes the person on, to a crisis service or sideways. It gives the day of the answer, and whether the person goes on being seen.
func (s *story) handOver(day time.Time) (answered time.Time, arrives bool) {
	function, direction, urgency := "Core", "Sideways", "Routine"
	if s.d.chance(0.3) {
		function, direction, urgency = "CrisisLink", "Up", "Urgent"
	}
	answered = days(day, s.d.between(1, 6))
	to := s.r.directory.another(s.d, s.p, answered, s.service, function)
	if to == nil {
		return day, true
	}
	if !to.does("CrisisLink") {
		direction, urgency = "Sideways", "Routine"
	}
	offered := s.offer(day, to, direction, urgency, "What the person needs now is closer to what this service does.")
	if s.d.chance(0.16) {
		s.decline(answered, offered, "Cannot begin soon enough.", "A joint appointment with the neighbourhood team within the week.")
		return answered, true
	}
	s.takeOver(answered, offered, to)
	if s.d.chance(0.9) {
		s.nameKeyWorker(answered, "Mental health practitioner")
	}
	return answered, s.d.chance(0.88)
}

// hear is what people or carers say of the service, without a name.
func (s *story) hear(day time.Time) {
	answers := make([]any, 6)
	for i := range answers {
		answers[i] = pick(s.d, []share[int]{{1, 4}, {2, 8}, {3, 18}, {4, 35}, {5, 35}})
	}
	whom := pick(s.d, []share[string]{{"Person", 80}, {"Carer", 20}})
	s.t.add(day, feedback, append([]any{s.d.newID(day), s.service.id, whom, day}, answers...)...)
}
