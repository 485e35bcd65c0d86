package clocks

import (
	"testing"
	"time"
)

// day counts days of 2025 from 1 January, which is day 1.
func day(n int) Day {
	return DayOf(time.Date(2025, time.January, n, 0, 0, 0, 0, time.UTC))
}

func date(year int, month time.Month, d int) Day { return on(year, month, d) }

const trust, other = "RT1", "RT2"

func referral(id, provider string, received, ended Day) Referral {
	return Referral{ID: id, Provider: provider, InScope: true, Received: received, Ended: ended}
}

func contact(on Day) ContactMade {
	return ContactMade{Provider: trust, InScope: true, On: on, Attended: true, Medium: FaceToFace}
}

func assessment(on Day) Activity {
	return Activity{Kind: AssessmentDone, Provider: trust, InScope: true, On: on, Coded: true}
}

func intervention(on Day) Activity {
	return Activity{Provider: trust, InScope: true, On: on, Coded: true}
}

func score(on Day) ScoreTaken { return ScoreTaken{Provider: trust, InScope: true, On: on} }

// history is an adult with one open referral of day 1 and all parts, the last of them on day 20.
func history() History {
	return History{
		Born: date(1984, time.February, 29), Died: Never,
		Referrals:  []Referral{referral("a", trust, day(1), Never)},
		Contacts:   []ContactMade{contact(day(5))},
		Scores:     []ScoreTaken{score(day(6))},
		Activities: []Activity{assessment(day(7)), intervention(day(20))},
	}
}

// Each case names the sentence of the facts page (section d3 unless it says otherwise) or of care rule 9 that it comes from.
func TestWaits(t *testing.T) {
	t.Parallel()
	const none = Never
	for name, test := range map[string]struct {
		change func(*History)
		// When the national clock of the spell that starts first stopped, and the person's.
		national, person Day
	}{
		"the latest first date of all parts stops it": {func(*History) {}, day(20), day(20)},
		"attended contact: not attended, no part": {func(h *History) {
			h.Contacts[0].Attended = false
		}, none, none},
		"mechanisms 01, 02, 04, 11: another medium is none": {func(h *History) {
			h.Contacts[0].Medium = "Email"
		}, none, none},
		"baseline outcome score is required": {func(h *History) { h.Scores = nil }, none, none},
		"assessment from 1 April 2024":       {func(h *History) { h.Activities = h.Activities[1:] }, none, none},
		"spell started and first met before April 2024: no assessment": {func(h *History) {
			h.Activities = []Activity{intervention(date(2024, time.March, 30))}
			h.Referrals[0].Received = date(2024, time.March, 1)
			h.Contacts = []ContactMade{contact(date(2024, time.March, 31))}
			h.Scores = []ScoreTaken{score(date(2024, time.April, 2))}
		}, date(2024, time.April, 2), date(2024, time.April, 2)},
		"spell started before, first met from April 2024: assessment": {func(h *History) {
			h.Activities = []Activity{intervention(date(2024, time.March, 30))}
			h.Referrals[0].Received = date(2024, time.March, 1)
			h.Contacts = []ContactMade{contact(date(2024, time.April, 1))}
			h.Scores = []ScoreTaken{score(date(2024, time.April, 2))}
		}, none, none},
		"a SNOMED-coded intervention: the code differs from sense where there is none": {func(h *History) {
			h.Activities[1].Coded = false
		}, none, day(20)},
		"consultation, signposting, discussion excluded": {func(h *History) {
			h.Activities[1].Slight = true
		}, none, none},
		"interventions on missed appointments count": {func(h *History) {
			h.Activities[1].Appointment = Missed
		}, day(20), none},
		"indirect work counts": {func(h *History) {
			h.Activities[0].Appointment = Indirect
		}, day(20), none},
		"a plan created but never updated never stops the clock": {func(h *History) {
			h.Activities = h.Activities[:1]
			h.Plans = []Plan{{Provider: trust, Created: day(9), Updated: Never, Agreed: day(11)}}
		}, none, day(11)},
		"an updated plan counts from its creation, the agreement is never read": {func(h *History) {
			h.Activities = h.Activities[:1]
			h.Plans = []Plan{{Provider: trust, Created: day(9), Updated: day(40), Agreed: day(11)}}
		}, day(9), day(11)},
		"a plan from before the spell counts by its update in it": {func(h *History) {
			h.Activities = h.Activities[:1]
			h.Plans = []Plan{{Provider: trust, Created: day(-30), Updated: day(12), Agreed: day(-20)}}
		}, day(12), none},
		"care plan agreed: one that nobody agreed to is none": {func(h *History) {
			h.Activities = h.Activities[:1]
			h.Plans = []Plan{{Provider: trust, Created: day(9), Updated: day(12), Agreed: Never}}
		}, none, none},
		"parts within the spell: what is later at the provider counts for the person only": {func(h *History) {
			h.Referrals[0].Ended = day(15)
		}, none, day(20)},
		"per person and provider: parts elsewhere count for the person only": {func(h *History) {
			h.Activities[1].Provider = other
		}, none, day(20)},
		"teams: what another team type did counts for the person only": {func(h *History) {
			h.Activities[1].InScope = false
		}, none, day(20)},
		"deaths are unknown to it; a death ends the person's as died waiting": {func(h *History) {
			h.Died = day(19)
		}, day(20), none},
		"a death on the day of the last part": {func(h *History) { h.Died = day(20) }, day(20), day(20)},
		"referrals with gaps of 5 days are one spell": {func(h *History) {
			h.Referrals = []Referral{referral("a", trust, day(1), day(8)), referral("b", trust, day(13), Never)}
		}, day(20), day(20)},
		"a gap of 6 days makes two": {func(h *History) {
			h.Referrals = []Referral{referral("a", trust, day(1), day(8)), referral("b", trust, day(14), Never)}
		}, none, day(20)},
		"an earlier request elsewhere is the person's first": {func(h *History) {
			h.Referrals = append(h.Referrals, referral("b", other, day(-50), day(-40)))
		}, none, day(20)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := history()
			test.change(&h)
			waits := National(h, NationalRule())
			if len(waits) == 0 || waits[0].Stop != test.national {
				t.Errorf("national: %+v, want a stop on %v", waits, test.national)
			}
			if wait, ok := Person(h, PersonRule()); !ok || wait.Stop != test.person {
				t.Errorf("person: %+v, want a stop on %v", wait, test.person)
			}
		})
	}
}

func TestWhoHasAClock(t *testing.T) {
	t.Parallel()
	eighteen := date(1984+18, time.March, 1) // who is born on 29 February is 18 on 1 March
	for name, test := range map[string]struct {
		change func(*History)
		spells int
		start  Day // of the person's clock; Never for none
	}{
		"18 or over":                {func(*History) {}, 1, day(1)},
		"the 18th birthday":         {func(h *History) { h.Referrals[0].Received = eighteen }, 0, eighteen}, // and before 2016
		"the day before":            {func(h *History) { h.Referrals[0].Received = eighteen - 1 }, 0, Never},
		"spells before 2016":        {func(h *History) { h.Referrals[0].Received = date(2015, time.December, 31) }, 0, date(2015, time.December, 31)},
		"the first day of 2016":     {func(h *History) { h.Referrals[0].Received = date(2016, time.January, 1) }, 1, date(2016, time.January, 1)},
		"other team types":          {func(h *History) { h.Referrals[0].InScope = false }, 0, day(1)},
		"linked to a hospital stay": {func(h *History) { h.Referrals[0].HospitalSpell = true }, 0, day(1)},
		"referred after the death":  {func(h *History) { h.Died = day(0) }, 1, Never},
		"asked before and after 18": {func(h *History) {
			h.Referrals = append(h.Referrals, referral("child", trust, date(2000, time.May, 5), Never))
		}, 1, day(1)},
		"two providers": {func(h *History) { h.Referrals = append(h.Referrals, referral("b", other, day(3), Never)) }, 2, day(1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := history()
			test.change(&h)
			if waits := National(h, NationalRule()); len(waits) != test.spells {
				t.Errorf("%d spells, want %d: %+v", len(waits), test.spells, waits)
			}
			wait, ok := Person(h, PersonRule())
			if ok != (test.start != Never) || (ok && wait.Start != test.start) {
				t.Errorf("person: %+v, %v; want a start on %v", wait, ok, test.start)
			}
		})
	}
}

func TestStates(t *testing.T) {
	t.Parallel()
	open := Wait{Start: day(1), End: Never, Stop: Never, Died: Never}
	ended := open
	ended.End = day(10)
	stopped := open
	stopped.Stop = day(29)
	died := open
	died.Died = day(9)
	for name, test := range map[string]struct {
		wait  Wait
		at    Day
		rule  Rule
		state State
		days  int
	}{
		"not started":                  {open, day(0), NationalRule(), NotStarted, 0},
		"the first day":                {open, day(1), NationalRule(), Waiting, 0},
		"ended 5 days ago counts open": {ended, day(15), NationalRule(), Waiting, 14},
		"ended 6 days ago":             {ended, day(16), NationalRule(), Left, 15},
		"the person's has no grace":    {ended, day(11), PersonRule(), Left, 10},
		"the day before it stopped":    {stopped, day(28), NationalRule(), Waiting, 27},
		"stopped after 28 days":        {stopped, day(29), NationalRule(), Stopped, FourWeeks},
		"long after":                   {stopped, day(300), PersonRule(), Stopped, 28},
		"died waiting":                 {died, day(100), PersonRule(), DiedWaiting, 8},
	} {
		if state, days := test.wait.At(test.at, test.rule), test.wait.Days(test.at); state != test.state || days != test.days {
			t.Errorf("%s: state %v after %d days, want %v after %d", name, state, days, test.state, test.days)
		}
	}
}

// Within four weeks is 28 days or fewer, as in the published code, and so is the end of a band.
func TestBands(t *testing.T) {
	t.Parallel()
	for days, want := range map[int]string{0: "0-6", 6: "0-6", 7: "7-13", 13: "7-13", 14: "14-28", 28: "14-28", 29: "29-182", 182: "29-182", 183: "over-182", 100000: "over-182"} {
		if got := BandOf(days).ID; got != want {
			t.Errorf("%d days: band %s, want %s", days, got, want)
		}
	}
}

// Days are London's: the day on which the clocks change is one day long, and no time of day is left over.
func TestDays(t *testing.T) {
	t.Parallel()
	before := time.Date(2026, time.March, 28, 0, 0, 0, 0, time.UTC)
	if got := DayOf(before.AddDate(0, 0, 2)) - DayOf(before); got != 2 {
		t.Errorf("over the change of the clocks: %d days, want 2", got)
	}
	if got := DayOf(before).Date(); !got.Equal(before) {
		t.Errorf("%v became %v", before, got)
	}
}

func TestSecondContact(t *testing.T) {
	t.Parallel()
	h := history()
	h.Contacts = []ContactMade{contact(day(40)), contact(day(12)), contact(day(5)), contact(day(0))}
	if wait := National(h, NationalRule())[0]; wait.First[Contact] != day(5) || wait.SecondContact != day(12) {
		t.Errorf("first %v, second %v", wait.First[Contact], wait.SecondContact)
	}
	h.Contacts = []ContactMade{contact(day(5)), contact(day(5))} // two on one day are two
	if wait := National(h, NationalRule())[0]; wait.SecondContact != day(5) {
		t.Errorf("second %v", wait.SecondContact)
	}
}
