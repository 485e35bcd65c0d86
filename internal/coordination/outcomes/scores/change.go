package scores

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Score is one valid score of one item within one spell of care. Days are midnight UTC (package london).
type Score struct {
	Tool  Tool
	Item  int
	Score int
	On    time.Time
	// ID of the assessment decides between two scores of one day.
	ID uuid.UUID
}

// Class says whether a change is more than chance.
type Class string

// The classes of the national dashboard (facts a6).
const (
	Improvement   Class = "ReliableImprovement"
	NoChange      Class = "NoReliableChange"
	Deterioration Class = "ReliableDeterioration"
)

// Result is what became of one item: its first score and, when there is a later one, the latest and the change between them.
type Result struct {
	Tool     Tool
	Item     int
	Baseline Score
	// FollowUp is nil while there is no score of a later day; Change, Class and Recovered mean nothing then.
	FollowUp *Score
	// Change is follow-up minus baseline: positive is better.
	Change int
	Class  Class
	// Recovered is for ReQoL-10 only: below 25 at first, 25 or more now, and reliably improved.
	Recovered bool
}

// Compare pairs the scores of one spell: for each item the first score with the latest one of a later day. Scores that are not valid are
// left out. The order in which they come does not matter; the results are in the order of tools and items.
func Compare(all []Score) []Result {
	valid := slices.DeleteFunc(slices.Clone(all), func(s Score) bool { return Check(s.Tool, s.Item, s.Score) != nil })
	slices.SortFunc(valid, func(a, b Score) int {
		return cmp.Or(cmp.Compare(order(a.Tool), order(b.Tool)), cmp.Compare(a.Item, b.Item), a.On.Compare(b.On), bytes.Compare(a.ID[:], b.ID[:]), cmp.Compare(a.Score, b.Score))
	})
	var results []Result
	for len(valid) > 0 {
		first := valid[0]
		length := slices.IndexFunc(valid, func(s Score) bool { return s.Tool != first.Tool || s.Item != first.Item })
		if length < 0 {
			length = len(valid)
		}
		result := Result{Tool: first.Tool, Item: first.Item, Baseline: first}
		if latest := valid[length-1]; latest.On.After(first.On) {
			result.FollowUp = &latest
			result.Change = latest.Score - first.Score
			result.Class = Classify(first.Tool, result.Change)
			result.Recovered = Recovered(first.Tool, first.Score, latest.Score)
		}
		results = append(results, result)
		valid = valid[length:]
	}
	return results
}

// Classify compares a change with the smallest that is more than chance: 1 point of a DIALOG item, 5 of ReQoL-10, 3 of a goal.
func Classify(tool Tool, change int) Class {
	reliable := scales[tool].reliable
	switch {
	case change >= reliable:
		return Improvement
	case change <= -reliable:
		return Deterioration
	}
	return NoChange
}

// Recovered tells whether ReQoL-10 rose from below 25 to 25 or more by a reliable improvement. The other tools have no such line.
func Recovered(tool Tool, baseline, followUp int) bool {
	return tool == ReQoL && baseline < reqolRecoveryFrom && followUp >= reqolRecoveryFrom && Classify(tool, followUp-baseline) == Improvement
}

// Words say a result in a sentence, for people without the tables.
func (r Result) Words() string {
	topic := Topic(r.Tool, r.Item)
	if r.FollowUp == nil {
		return fmt.Sprintf("%s: one score so far, nothing to compare yet.", topic)
	}
	var verdict string
	switch {
	case r.Recovered:
		verdict = "reliably better, and across the recovery line of 25"
	case r.Class == Improvement:
		verdict = "reliably better"
	case r.Class == Deterioration:
		verdict = "reliably worse"
	case r.Change == 0:
		verdict = "the same"
	default:
		verdict = "no more different than by chance"
	}
	return fmt.Sprintf("%s: from %d to %d, %s.", topic, r.Baseline.Score, r.FollowUp.Score, verdict)
}

// Spell is what decides whether a spell's changes count in measures.
type Spell struct {
	OpenedOn time.Time
	// ClosedOn is nil while the spell is open.
	ClosedOn *time.Time
	// Contacts that the person attended within the spell.
	Contacts int
}

// Why a spell's changes do not count, or Counts.
type Why string

// The reasons.
const (
	Counts         Why = "Counts"
	TooFewContacts Why = "TooFewContacts"
	OpenTooShort   Why = "OpenTooShort"
)

const (
	contactsNeeded = 2
	openDaysNeeded = 180
)

// Counted tells whether a spell's changes count in measures on a day: closed spells with two or more contacts, open ones with two or more
// contacts that have been open for 180 days or more (facts a6).
func (s Spell) Counted(on time.Time) Why {
	switch {
	case s.Contacts < contactsNeeded:
		return TooFewContacts
	case s.ClosedOn == nil && on.Sub(s.OpenedOn) < openDaysNeeded*24*time.Hour:
		return OpenTooShort
	}
	return Counts
}
