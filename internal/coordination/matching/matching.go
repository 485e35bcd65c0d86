// Package matching is the subject of whose record a record is: the queue of pairs that may be one person, the records officer's decision
// about each, and merging two records and taking them apart again (rule 1).
//
// A merge is a link: every row keeps its id and its person, the canonical record answers for both, and whoever may see one may see the
// other. So taking records apart restores what was. What the records say is not changed here, but for an NHS number that two records
// have and that is taken from one of them.
package matching

import (
	_ "embed"
	"time"

	"github.com/google/uuid"
)

var (
	//go:embed sql/pairs.sql
	pairsSQL string
	//go:embed sql/decide.sql
	decideSQL string
	//go:embed sql/merge.sql
	mergeSQL string
	//go:embed sql/unmerge.sql
	unmergeSQL string
	//go:embed sql/merged_from.sql
	mergedFromSQL string
)

// The decisions about a pair.
const (
	samePerson      = "SamePerson"
	differentPeople = "DifferentPeople"
)

// Record is what tells one person from another.
type Record struct {
	ID                    uuid.UUID `json:"id" format:"uuid"`
	NHSNumber             string    `json:"nhsNumber,omitempty"`
	NHSNumberAbsentReason string    `json:"nhsNumberAbsentReason,omitempty"`
	FamilyName            string    `json:"familyName"`
	GivenName             string    `json:"givenName"`
	BirthDate             string    `json:"birthDate" format:"date"`
	DiedOn                string    `json:"diedOn,omitempty" format:"date"`
}

// Pair is two records that may be one person's.
type Pair struct {
	ID        uuid.UUID `json:"id" format:"uuid"`
	Why       string    `json:"why" enum:"DetailsDiffer,SameDetailsNoNumber" doc:"DetailsDiffer: both have the same NHS number and differ otherwise. SameDetailsNoNumber: the details are the same, and one came without a number."`
	QueuedAt  time.Time `json:"queuedAt"`
	Decision  string    `json:"decision,omitempty" enum:"SamePerson,DifferentPeople,Superseded" doc:"Superseded: the question is asked of another pair now."`
	Person    Record    `json:"person" doc:"The record that came later."`
	Candidate Record    `json:"candidate" doc:"The record that was there."`
	Differing []string  `json:"differing" nullable:"false" enum:"nhsNumber,familyName,givenName,birthDate,diedOn" doc:"The fields in which the two differ."`
}

type pairRow struct {
	ID                uuid.UUID
	Why               string
	QueuedAt          time.Time
	Decision          *string
	Person, Candidate Record
}

func (r pairRow) pair() Pair {
	p := Pair{ID: r.ID, Why: r.Why, QueuedAt: r.QueuedAt, Person: r.Person, Candidate: r.Candidate, Differing: differing(r.Person, r.Candidate)}
	if r.Decision != nil {
		p.Decision = *r.Decision
	}
	return p
}

// differing names the fields in which two records differ, in the order in which they are shown.
func differing(a, b Record) []string {
	fields := []string{}
	for _, field := range []struct{ name, a, b string }{
		{"nhsNumber", a.NHSNumber, b.NHSNumber}, {"familyName", a.FamilyName, b.FamilyName}, {"givenName", a.GivenName, b.GivenName},
		{"birthDate", a.BirthDate, b.BirthDate}, {"diedOn", a.DiedOn, b.DiedOn},
	} {
		if field.a != field.b {
			fields = append(fields, field.name)
		}
	}
	return fields
}
