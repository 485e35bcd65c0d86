package clocks

import (
	"math"
	"time"
)

// Day is a calendar day in Europe/London, counted from 1 January 1970.
type Day int32

// Never is later than every day: it has not happened, or has not ended.
const Never Day = math.MaxInt32

const secondsPerDay = 24 * 60 * 60

// DayOf counts a day that is given as midnight UTC, as package london and the database give it.
func DayOf(midnight time.Time) Day { return Day(midnight.Unix() / secondsPerDay) }

// Date is the day as midnight UTC.
func (d Day) Date() time.Time { return time.Unix(int64(d)*secondsPerDay, 0).UTC() }

// History is what is recorded of one person that the clocks look at. Records entered in error are left out by whoever makes it.
type History struct {
	Born Day
	// Died is Never for the living.
	Died       Day
	Referrals  []Referral
	Contacts   []ContactMade
	Scores     []ScoreTaken
	Plans      []Plan
	Activities []Activity
}

// adult is the first day on which the person is 18.
func (h History) adult() Day { return DayOf(h.Born.Date().AddDate(18, 0, 0)) }

// Referral is a request for help: by whatever route, the person's own included, and with whatever outcome.
type Referral struct {
	ID       string
	Provider string
	// InScope: the team is of a type that the national rule counts (facts, d3: A05 A06 A08 A09 A12 A13 A16 C03 C10).
	InScope bool
	// HospitalSpell: a stay in hospital hangs on the referral.
	HospitalSpell bool
	Received      Day
	// Ended is when the referral, or the episode that it led to, ended; Never while it is open.
	Ended Day
}

// Medium is how a contact was held.
type Medium string

// The media that count (facts, d3: mechanisms 01, 02, 04 and 11). Any other text is one that does not.
const (
	FaceToFace Medium = "FaceToFace"
	Telephone  Medium = "Telephone"
	TalkType   Medium = "TalkType"
	Video      Medium = "Video"
)

// Counts tells whether a contact by this medium can be one of the parts.
func (m Medium) Counts() bool {
	return m == FaceToFace || m == Telephone || m == TalkType || m == Video
}

// ContactMade is a contact, attended or not.
type ContactMade struct {
	Provider string
	InScope  bool
	On       Day
	Attended bool
	Medium   Medium
}

// ScoreTaken is a valid score of an outcome measure.
type ScoreTaken struct {
	Provider string
	InScope  bool
	On       Day
}

// Plan is a care plan over all its versions.
type Plan struct {
	Provider string
	// Created is when its first version was made, Updated when the latest one was; Never when there is only one.
	Created, Updated Day
	// Agreed is when the person first agreed to it, or the reason why not was recorded; Never before.
	Agreed Day
}

// Appointment says what became of the appointment at which something was done.
type Appointment int

// The kinds.
const (
	Attended Appointment = iota
	// Missed: what was recorded at an appointment that the person did not come to.
	Missed
	// Indirect work is about the person, without them.
	Indirect
)

// ActivityKind tells interventions from assessments.
type ActivityKind int

// The kinds.
const (
	InterventionGiven ActivityKind = iota
	// AssessmentDone is a meaningful assessment (facts, d3: reference set 1853441000000109).
	AssessmentDone
)

// Activity is something that was done with or for the person.
type Activity struct {
	Kind        ActivityKind
	Provider    string
	InScope     bool
	On          Day
	Appointment Appointment
	// Coded: it has a SNOMED CT code of the national reference sets.
	Coded bool
	// Slight: consultation, signposting or discussion, which are no intervention under either rule (facts, d3).
	Slight bool
}
