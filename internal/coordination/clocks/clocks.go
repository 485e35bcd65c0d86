// Package clocks measures how long people wait for help, by the two waits of care rule 9. Each has a name and a version that is stored with
// every figure.
//
//   - national: as the published statistics count (facts, section d3: the community mental health part of the national code). One person at
//     one provider; referrals with gaps of at most five days are one spell; the latest first date of all required parts inside the spell stops it.
//   - person: one clock for each person, from their first request for help anywhere in the ICS at 18 or over. It is never reset and never
//     paused, stops when the same parts have happened anywhere in the ICS, and a death ends it as died waiting.
//
// Where the published code and its sense differ, a named switch of the Rule says which is followed. Functions are pure: they take what is
// recorded of one person and give waits. They read no clock, no database, and know nothing of figures.
package clocks

import (
	"cmp"
	"slices"
)

// Part is one of the things that must have happened before a wait is over.
type Part int

// The parts, as the published code has them.
const (
	// Contact is an attended one by a medium that counts.
	Contact Part = iota
	// Score is the baseline of an outcome measure.
	Score
	// PlanOrIntervention is a care plan or an intervention, whichever came first.
	PlanOrIntervention
	// Assessment is a meaningful one; older spells do without.
	Assessment
	parts
)

// Parts are the first days of each part; Never for one that has not happened.
type Parts [parts]Day

// Wait is one wait of one person.
type Wait struct {
	// Provider is empty for the person's own clock.
	Provider string
	// Referral is the id of the one that started it.
	Referral string
	Start    Day
	// End is the last day on which any of the wait's referrals was open; Never while one is.
	End   Day
	First Parts
	// SecondContact is the day of the second contact that counts.
	SecondContact Day
	// Stop is when the last of the required parts first happened.
	Stop Day
	// Died ends a wait that had not stopped; Never otherwise, and under a rule that does not know of deaths.
	Died Day
}

// State says how a wait stands at the end of a day.
type State int

// The states.
const (
	NotStarted State = iota
	// Waiting: the clock runs and a referral is open.
	Waiting
	// Left: the clock runs although no referral is open any more. Who comes back goes on waiting from the first day.
	Left
	Stopped
	DiedWaiting
)

// At tells the state of a wait at the end of a day. A spell that ended within the rule's grace counts as open.
func (w Wait) At(day Day, rule Rule) State {
	switch {
	case day < w.Start:
		return NotStarted
	case w.Stop <= day:
		return Stopped
	case w.Died <= day:
		return DiedWaiting
	case w.End != Never && w.End < day-rule.OpenGrace:
		return Left
	}
	return Waiting
}

// Days is how long the person has waited at the end of a day: until the clock stopped, or until now.
func (w Wait) Days(day Day) int { return max(0, int(min(w.Stop, w.Died, day)-w.Start)) }

// National gives the waits of a person under the national rule, one for each spell at each provider, oldest first.
func National(h History, rule Rule) []Wait {
	byProvider := map[string][]Referral{}
	for _, r := range h.Referrals {
		if rule.counts(h, r) {
			byProvider[r.Provider] = append(byProvider[r.Provider], r)
		}
	}
	var waits []Wait
	for provider, referrals := range byProvider {
		for _, spell := range spells(referrals, rule.Gap) {
			if spell.Start < rule.Since {
				continue
			}
			spell.Provider = provider
			spell.finish(h, rule, func(p string, inScope bool) bool { return p == provider && inScope })
			waits = append(waits, spell)
		}
	}
	slices.SortFunc(waits, func(a, b Wait) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Provider, b.Provider)) })
	return waits
}

// Person gives the person's own wait; there is none for who never asked for help at 18 or over.
func Person(h History, rule Rule) (Wait, bool) {
	wait := Wait{Start: Never}
	for _, r := range h.Referrals {
		if !rule.counts(h, r) {
			continue
		}
		if earlier(r, wait) {
			wait.Start, wait.Referral = r.Received, r.ID
		}
		wait.End = max(wait.End, r.Ended, r.Received)
	}
	if wait.Start == Never {
		return Wait{}, false
	}
	wait.finish(h, rule, func(string, bool) bool { return true })
	return wait, true
}

// earlier tells whether a referral comes before the one that a wait starts with; ids settle which of two on one day.
func earlier(r Referral, w Wait) bool {
	return r.Received < w.Start || (r.Received == w.Start && r.ID < w.Referral)
}

// counts tells whether a referral can start a wait.
func (rule Rule) counts(h History, r Referral) bool {
	switch {
	case r.Received < h.adult():
		return false
	case rule.ScopedTeamsOnly:
		return r.InScope && !r.HospitalSpell
	case rule.DeathEndsWait:
		return r.Received <= h.Died
	}
	return true
}

// spells merges referrals whose gaps are no longer than gap days.
func spells(referrals []Referral, gap Day) []Wait {
	slices.SortFunc(referrals, func(a, b Referral) int { return cmp.Or(cmp.Compare(a.Received, b.Received), cmp.Compare(a.ID, b.ID)) })
	var found []Wait
	for _, r := range referrals {
		end := max(r.Ended, r.Received)
		if last := len(found) - 1; last >= 0 && (found[last].End == Never || r.Received <= found[last].End+gap) {
			found[last].End = max(found[last].End, end)
			continue
		}
		found = append(found, Wait{Referral: r.ID, Start: r.Received, End: end})
	}
	return found
}

// finish finds the parts of a wait and when it stopped. here tells whether what a provider's team did is looked at.
func (w *Wait) finish(h History, rule Rule, here func(provider string, inScope bool) bool) {
	until := Never - 1
	if rule.WithinSpell {
		until = min(until, w.End)
	}
	if rule.DeathEndsWait {
		until = min(until, h.Died)
	}
	w.First, w.SecondContact = rule.firsts(h, w.Start, until, here)
	w.Stop, w.Died = w.Start, Never
	for part, first := range w.First {
		if Part(part) != Assessment || rule.needsAssessment(w.Start, w.First[Contact]) {
			w.Stop = max(w.Stop, first)
		}
	}
	if rule.DeathEndsWait && w.Stop == Never {
		w.Died = h.Died
	}
}

// firsts gives the first day of each part, from a wait's start to the last day that counts.
func (rule Rule) firsts(h History, from, until Day, here func(string, bool) bool) (first Parts, second Day) {
	first, second = Parts{Never, Never, Never, Never}, Never
	note := func(part Part, on Day) {
		if on >= from && on <= until {
			first[part] = min(first[part], on)
		}
	}
	for _, c := range h.Contacts {
		if !c.Attended || !c.Medium.Counts() || !here(c.Provider, c.InScope) || c.On < from || c.On > until {
			continue
		}
		second = min(second, max(first[Contact], c.On))
		first[Contact] = min(first[Contact], c.On)
	}
	for _, s := range h.Scores {
		if here(s.Provider, s.InScope) {
			note(Score, s.On)
		}
	}
	for _, p := range h.Plans {
		if here(p.Provider, true) { // the published code joins plans by person and provider only
			note(PlanOrIntervention, rule.planDay(p, from, until))
		}
	}
	for _, a := range h.Activities {
		switch {
		case !here(a.Provider, a.InScope),
			a.Appointment == Missed && !rule.MissedAppointmentsCount,
			a.Appointment == Indirect && !rule.IndirectWorkCounts:
		case a.Kind == AssessmentDone:
			note(Assessment, a.On)
		case !a.Slight && (a.Coded || rule.UncodedInterventionsCount):
			note(PlanOrIntervention, a.On)
		}
	}
	return first, second
}

// planDay is the day on which a plan counts, Never when it does not.
func (rule Rule) planDay(p Plan, from, until Day) Day {
	switch {
	case p.Agreed == Never:
		return Never
	case !rule.PlanCountsByUpdate:
		return p.Agreed
	case p.Updated == Never || p.Updated < from || p.Updated > until:
		// The published code compares the creation with the last update: without an update the day is missing, whoever agreed and when.
		return Never
	case p.Created >= from && p.Created <= p.Updated:
		return p.Created
	}
	return p.Updated
}

// needsAssessment: what started before the rule's day, and was first met before it, does without.
func (rule Rule) needsAssessment(start, contact Day) bool {
	return start >= rule.AssessmentSince || contact >= rule.AssessmentSince
}
