package measures

import "github.com/cmhf/operator/internal/coordination/clocks"

// Kind says what the value of a measure is.
type Kind string

// The kinds.
const (
	Count   Kind = "Count"
	Percent Kind = "Percent"
	// Rate is another measure's numerator for each 100,000 people of a population that was uploaded, or for each key worker.
	Rate Kind = "Rate"
)

// Measure is what a figure measures, and how.
type Measure struct {
	ID          string `json:"id" example:"national-wait-completed"`
	Title       string `json:"title"`
	Definition  string `json:"definition" doc:"What is counted, in plain words."`
	Kind        Kind   `json:"kind" enum:"Count,Percent,Rate" doc:"Whether the value is the numerator, a whole percentage of the denominator, or a number for each 100,000 of it, or for each where the unit says so."`
	Numerator   string `json:"numerator"`
	Denominator string `json:"denominator,omitempty"`
	Unit        string `json:"unit" example:"referral spells"`
	BetterWhen  string `json:"betterWhen" enum:"Higher,Lower,Neither"`
	Source      string `json:"source" enum:"Indicator" doc:"Counted by this API from what is recorded."`
	Rule        string `json:"rule" doc:"The rule that the counts follow, in words."`
	RuleVersion string `json:"ruleVersion" example:"national-1" doc:"The rule's version now; each figure says by which it was counted."`

	// bands: it has a breakdown by how long the wait was.
	bands bool
	// adults only are counted, so there is no age band below 18.
	adults bool
	// rateOf names the measure whose numerators a Rate has; per is what it is for.
	rateOf string
	per    per
}

// per is what a Rate is for.
type per int

const (
	perHead per = iota // each 100,000 people of the population that was uploaded
	perKeyWorker
)

const (
	recordsVersion = "records-1"
	recordsRule    = "Records as they stood when the figures were published; days are days in London."
)

// ofRecords completes a measure that is counted from records as they stand.
func ofRecords(m Measure) Measure {
	m.Rule, m.RuleVersion = recordsRule, recordsVersion
	return m
}

// Measures are all measures that this API counts. The ids are those of measure_units and care_units in the database.
func Measures() []Measure {
	national, own := clocks.NationalRule(), clocks.PersonRule()
	wait := func(rule clocks.Rule, m Measure) Measure {
		m.Rule, m.RuleVersion, m.adults = rule.Words, rule.Version, true
		return m
	}
	all := []Measure{
		ofRecords(Measure{
			ID: "referrals-received", Title: "Referrals received", Kind: Count, Unit: "referrals", BetterWhen: "Neither",
			Definition: "Requests for help that were received in the period, by any route, the person's own included.",
			Numerator:  "referrals received in the period",
		}),
		wait(national, Measure{
			ID: "national-spells-started", Title: "Referral spells started", Kind: Count, Unit: "referral spells", BetterWhen: "Neither",
			Definition: "Referral spells of adults that began in the period.", Numerator: "spells that began in the period",
		}),
		wait(national, Measure{
			ID: "national-spells-started-rate", Title: "Referral spells started, for each 100,000 people", Kind: Rate, Unit: "referral spells for each 100,000 people", BetterWhen: "Neither",
			Definition: "Referral spells of adults that began in the period, for each 100,000 people of the population that was uploaded.",
			Numerator:  "spells that began in the period", Denominator: "people, by the uploaded population", rateOf: "national-spells-started",
		}),
		wait(national, Measure{
			ID: "national-wait-completed", Title: "Waits completed within four weeks (national rule)", Kind: Percent, Unit: "% of completed waits", BetterWhen: "Higher", bands: true,
			Definition: "Of the referral spells whose clock stopped in the period, those that waited 28 days or fewer.",
			Numerator:  "spells whose clock stopped in the period after 28 days or fewer", Denominator: "spells whose clock stopped in the period",
		}),
		wait(national, Measure{
			ID: "national-wait-open", Title: "Waits still open (national rule)", Kind: Count, Unit: "referral spells", BetterWhen: "Lower", bands: true,
			Definition: "Referral spells that are open at the end of the period and whose clock has not stopped.",
			Numerator:  "open spells whose clock runs at the end of the period",
		}),
		wait(own, Measure{
			ID: "person-wait-completed", Title: "Waits completed within four weeks (the person's own)", Kind: Percent, Unit: "% of completed waits", BetterWhen: "Higher", bands: true,
			Definition: "Of the people whose own clock stopped in the period, those who had waited 28 days or fewer since their first request for help.",
			Numerator:  "people whose clock stopped in the period after 28 days or fewer", Denominator: "people whose clock stopped in the period",
		}),
		wait(own, Measure{
			ID: "person-wait-open", Title: "People still waiting (the person's own)", Kind: Count, Unit: "people", BetterWhen: "Lower", bands: true,
			Definition: "People whose own clock runs at the end of the period while a referral or an episode is open.",
			Numerator:  "people who wait at the end of the period",
		}),
		wait(own, Measure{
			ID: "person-left-waiting", Title: "People whom nobody supports and who never got all parts of help", Kind: Count, Unit: "people", BetterWhen: "Lower", bands: true,
			Definition: "People whose own clock runs at the end of the period although no referral or episode is open. Who comes back goes on waiting from the first day.",
			Numerator:  "people whose clock runs and for whom nothing is open at the end of the period",
		}),
		wait(own, Measure{
			ID: "person-died-waiting", Title: "People who died waiting", Kind: Count, Unit: "people", BetterWhen: "Lower", bands: true,
			Definition: "People who died in the period while their own clock was running.", Numerator: "people who died in the period while waiting",
		}),
		ofRecords(Measure{
			ID: "episodes-open", Title: "Episodes of care open", Kind: Count, Unit: "episodes", BetterWhen: "Neither",
			Definition: "Episodes that are open at the end of the period, of people whose death is not recorded.", Numerator: "open episodes at the end of the period",
		}),
		ofRecords(Measure{
			ID: "closures-with-support", Title: "Endings with accepted support or by the person's choice", Kind: Percent, Unit: "% of closures", BetterWhen: "Neither",
			Definition:  "Of the episodes that closed in the period, those that closed with support accepted by a receiver or by the person's own choice. Deaths are not counted.",
			Numerator:   "closures in the period with acceptance or by choice",
			Denominator: "closures in the period, other than deaths",
		}),
	}
	all = append(all, care()...)
	for i := range all {
		all[i].Source = "Indicator"
	}
	return all
}

// breakdown is one way to split a measure; its classes do not overlap and leave nobody out.
type breakdown struct {
	kind    string
	classes []string
}

const (
	notKnown = "NotKnown"
	underage = "under-18"
	byBand   = "waitBand"
)

func people() []breakdown {
	return []breakdown{
		{"ageBand", []string{underage, "18-25", "26-39", "40-64", "65-and-over"}},
		{"ethnicity", []string{"WhiteBritish", "WhiteOther", "Mixed", "Asian", "Black", "Other", notKnown}},
		{"gender", []string{"Female", "Male", "NonBinary", "Other", notKnown}},
		{"deprivation", []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", notKnown}},
		{"route", []string{"Self", "Carer", "GP", "VCSE", "SocialCare", "Crisis", "Inpatient", "Online", "WalkIn", notKnown}},
	}
}

// breakdowns of a measure; the waiting bands come last.
func (m Measure) breakdowns() []breakdown {
	all := people()
	if m.adults {
		all[0].classes = all[0].classes[1:]
	}
	if m.bands {
		bands := breakdown{kind: byBand}
		for _, b := range clocks.Bands() {
			bands.classes = append(bands.classes, b.ID)
		}
		all = append(all, bands)
	}
	return all
}

// Classes lists the classes of a breakdown of people.
func Classes(kind string) []string {
	for _, b := range people() {
		if b.kind == kind {
			return b.classes
		}
	}
	return nil
}
