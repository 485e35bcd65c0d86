package clocks

import "time"

// Rule is one way to count, with its name and version. The switches name each point where the published code and its sense differ.
type Rule struct {
	Name string
	// Version is stored with every figure; it changes when any part of the rule does.
	Version string
	// Words say the rule to people.
	Words string

	// Gap is the longest gap, in days, between two referrals of one spell.
	Gap Day
	// OpenGrace: a spell that ended at most so many days ago counts as open.
	OpenGrace Day
	// Since is the first day on which a spell may have started.
	Since Day
	// AssessmentSince is from when a meaningful assessment is one of the parts, for spells that started or were first met then or later.
	AssessmentSince Day

	// WithinSpell: only what happened until the spell's end counts.
	WithinSpell bool
	// ScopedTeamsOnly: only referrals to the team types of the national list, and not those of a stay in hospital.
	ScopedTeamsOnly bool
	// MissedAppointmentsCount: interventions and assessments recorded at an appointment that the person missed count.
	MissedAppointmentsCount bool
	// IndirectWorkCounts: work without the person counts.
	IndirectWorkCounts bool
	// PlanCountsByUpdate: an agreed plan counts by its creation or update and never by its agreement; one that was never updated does not count.
	PlanCountsByUpdate bool
	// UncodedInterventionsCount: an intervention counts without a SNOMED CT code.
	UncodedInterventionsCount bool
	// DeathEndsWait: a death ends the wait as died waiting; otherwise the clock does not know of it.
	DeathEndsWait bool
}

func on(year int, month time.Month, day int) Day {
	return DayOf(time.Date(year, month, day, 0, 0, 0, 0, time.UTC))
}

// NationalRule follows the published code, also where its sense is another (facts, d3).
func NationalRule() Rule {
	return Rule{
		Name: "national", Version: "national-1",
		Words: "As the national statistics count: per person and provider, referrals at most 5 days apart are one spell; it starts with the first referral received and stops when an attended contact, a baseline outcome score, a care plan or intervention and, from 1 April 2024, a meaningful assessment have all happened within the spell. Within four weeks means 28 days or fewer. Adults only.",
		Gap:   5, OpenGrace: 5, Since: on(2016, time.January, 1), AssessmentSince: on(2024, time.April, 1),
		WithinSpell: true, ScopedTeamsOnly: true, MissedAppointmentsCount: true, IndirectWorkCounts: true, PlanCountsByUpdate: true,
	}
}

// PersonRule follows the sense: what the person lived through.
func PersonRule() Rule {
	return Rule{
		Name: "person", Version: "person-1",
		Words:           "From the person's first request for help anywhere in the ICS, at 18 or over. Never reset and never paused. It stops when an attended contact, a baseline outcome score, an agreed care plan or an intervention and, from 1 April 2024, a meaningful assessment have all happened, anywhere in the ICS. A death ends it as died waiting.",
		AssessmentSince: on(2024, time.April, 1), UncodedInterventionsCount: true, DeathEndsWait: true,
	}
}

// FourWeeks is the longest wait, in days, that the published code counts as within four weeks, although its title says less than four.
const FourWeeks = 28

// Band is one of the product's bands of waiting time. The national dashboard's differ (7 to 13, 14 to 27, 28 to 84 …) and are no bands of this product.
type Band struct {
	// ID is how figures name it; Words is for people.
	ID, Words string
	// Last is the longest wait in it, in days; the last band has no end.
	Last int
}

const endless = int(^uint(0) >> 1)

// Bands are all bands, shortest first.
func Bands() []Band {
	return []Band{
		{"0-6", "up to 6 days", 6}, {"7-13", "7 to 13 days", 13}, {"14-28", "14 to 28 days", FourWeeks},
		{"29-182", "29 to 182 days", 182}, {"over-182", "over 182 days", endless},
	}
}

// BandOf is the band of a wait of so many days.
func BandOf(days int) Band {
	bands := Bands()
	for _, b := range bands {
		if days <= b.Last {
			return b
		}
	}
	return bands[len(bands)-1]
}
