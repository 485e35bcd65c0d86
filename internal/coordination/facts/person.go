package facts

import (
	"time"

	"github.com/google/uuid"

	"github.com/cmhf/operator/internal/coordination/clocks"
)

// person is a row of clock_people.
type person struct {
	PersonID                                      uuid.UUID
	BornOn                                        time.Time
	DiedOn                                        *time.Time
	Neighbourhood, Ethnicity, Gender, Deprivation *string
}

// event is a row of clock_events.
type event struct {
	PersonID                uuid.UUID
	Kind                    string
	SourceID                uuid.UUID
	ServiceID               uuid.UUID
	Provider                string
	InScope                 bool
	OnDay                   time.Time
	UntilDay, AgreedDay     *time.Time
	Route, Detail           string
	Attended, Coded, Slight bool
}

// fact is a row of spell_facts; its JSON names are the columns.
type fact struct {
	Clock           string    `json:"clock"`
	PersonID        uuid.UUID `json:"person_id"`
	Provider        string    `json:"provider"`
	StartedOn       *string   `json:"started_on"`
	RuleVersion     string    `json:"rule_version"`
	ReferralID      uuid.UUID `json:"referral_id"`
	ServiceID       uuid.UUID `json:"service_id"`
	Route           string    `json:"route"`
	EndedOn         *string   `json:"ended_on"`
	FirstContactOn  *string   `json:"first_contact_on"`
	SecondContactOn *string   `json:"second_contact_on"`
	ScoredOn        *string   `json:"scored_on"`
	PlannedOn       *string   `json:"planned_on"`
	AssessedOn      *string   `json:"assessed_on"`
	StoppedOn       *string   `json:"stopped_on"`
	DiedOn          *string   `json:"died_on"`
	BornOn          string    `json:"born_on"`
	Neighbourhood   *string   `json:"neighbourhood"`
	Ethnicity       *string   `json:"ethnicity"`
	Gender          *string   `json:"gender"`
	Deprivation     *string   `json:"deprivation"`
}

// facts are a person's waits by both rules.
func (p person) facts(events []event) []fact {
	h := p.history(events)
	referrals := map[string]event{}
	for _, e := range events {
		if e.Kind == "Referral" {
			referrals[e.SourceID.String()] = e
		}
	}
	var all []fact
	national := clocks.NationalRule()
	for _, wait := range clocks.National(h, national) {
		all = append(all, p.fact(wait, national, referrals[wait.Referral]))
	}
	own := clocks.PersonRule()
	if wait, ok := clocks.Person(h, own); ok {
		all = append(all, p.fact(wait, own, referrals[wait.Referral]))
	}
	return all
}

func (p person) fact(w clocks.Wait, rule clocks.Rule, first event) fact {
	return fact{
		Clock: rule.Name, PersonID: p.PersonID, Provider: w.Provider, StartedOn: written(w.Start), RuleVersion: rule.Version,
		ReferralID: first.SourceID, ServiceID: first.ServiceID, Route: first.Route, EndedOn: written(w.End),
		FirstContactOn: written(w.First[clocks.Contact]), SecondContactOn: written(w.SecondContact), ScoredOn: written(w.First[clocks.Score]),
		PlannedOn: written(w.First[clocks.PlanOrIntervention]), AssessedOn: written(w.First[clocks.Assessment]),
		StoppedOn: written(w.Stop), DiedOn: written(w.Died), BornOn: p.BornOn.Format(time.DateOnly),
		Neighbourhood: p.Neighbourhood, Ethnicity: p.Ethnicity, Gender: p.Gender, Deprivation: p.Deprivation,
	}
}

func written(d clocks.Day) *string {
	if d == clocks.Never {
		return nil
	}
	s := d.Date().Format(time.DateOnly)
	return &s
}

func (p person) history(events []event) clocks.History {
	h := clocks.History{Born: clocks.DayOf(p.BornOn), Died: orNever(p.DiedOn)}
	appointments := map[string]clocks.Appointment{"Missed": clocks.Missed, "Indirect": clocks.Indirect}
	for _, e := range events {
		on, until := clocks.DayOf(e.OnDay), orNever(e.UntilDay)
		switch e.Kind {
		case "Referral":
			h.Referrals = append(h.Referrals, clocks.Referral{ID: e.SourceID.String(), Provider: e.Provider, InScope: e.InScope, Received: on, Ended: until})
		case "Contact":
			h.Contacts = append(h.Contacts, clocks.ContactMade{Provider: e.Provider, InScope: e.InScope, On: on, Attended: e.Attended, Medium: clocks.Medium(e.Detail)})
		case "Score":
			h.Scores = append(h.Scores, clocks.ScoreTaken{Provider: e.Provider, InScope: e.InScope, On: on})
		case "Plan":
			h.Plans = append(h.Plans, clocks.Plan{Provider: e.Provider, Created: on, Updated: until, Agreed: orNever(e.AgreedDay)})
		case "Intervention", "Assessment":
			a := clocks.Activity{Provider: e.Provider, InScope: e.InScope, On: on, Appointment: appointments[e.Detail], Coded: e.Coded, Slight: e.Slight}
			if e.Kind == "Assessment" {
				a.Kind = clocks.AssessmentDone
			}
			h.Activities = append(h.Activities, a)
		}
	}
	return h
}

func orNever(day *time.Time) clocks.Day {
	if day == nil {
		return clocks.Never
	}
	return clocks.DayOf(*day)
}
