package measures

import "strconv"

const (
	outcomesVersion = "spells-1"
	outcomesRule    = "Spells that ended in the period with two or more attended contacts; for each item the first score and the latest one of a later day. " +
		"Reliable is 1 point for a DIALOG item, 5 for ReQoL-10, 3 for a goal. A spell with several items is better where more of them are reliably better than worse."
)

// care are the measures of what is done with and for people, counted by care_units in the database.
func care() []Measure {
	outcome := func(m Measure) Measure {
		m.Kind, m.Rule, m.RuleVersion = Percent, outcomesRule, outcomesVersion
		return m
	}
	all := []Measure{
		ofRecords(Measure{
			ID: "people-second-contact", Title: "People who had a second contact", Kind: Count, Unit: "people", BetterWhen: "Higher", adults: true,
			Definition: "People whose second attended contact since their first request for help was in the period: with it they count as having had two or more.",
			Numerator:  "people with a second attended contact in the period",
		}),
		ofRecords(Measure{
			ID: "key-worker-cover", Title: "Episodes with a key worker", Kind: Percent, Unit: "% of open episodes", BetterWhen: "Higher",
			Definition: "Of the episodes open at the end of the period, those with a named key worker on that day.",
			Numerator:  "open episodes with a key worker", Denominator: "episodes open at the end of the period",
		}),
		ofRecords(Measure{
			ID: "people-per-key-worker", Title: "People for each key worker", Kind: Rate, Unit: "people for each key worker", BetterWhen: "Lower", rateOf: "key-worker-cover", per: perKeyWorker,
			Definition: "Open episodes with a key worker at the end of the period, for each person who is key worker to somebody on that day.",
			Numerator:  "open episodes with a key worker", Denominator: "key workers",
		}),
		ofRecords(Measure{
			ID: "plan-cover", Title: "Episodes with a plan in force", Kind: Percent, Unit: "% of open episodes", BetterWhen: "Higher",
			Definition: "Of the episodes open at the end of the period, those whose one plan was in force on that day.",
			Numerator:  "open episodes with a plan in force", Denominator: "episodes open at the end of the period",
		}),
		ofRecords(Measure{
			ID: "plans-agreed", Title: "Plans that the person agreed to", Kind: Percent, Unit: "% of people with a new plan", BetterWhen: "Higher",
			Definition: "Of the people for whom a plan or a new version of it came into force in the period, those who agreed to one themselves.",
			Numerator:  "people who agreed to their plan", Denominator: "people for whom a plan came into force in the period",
		}),
		ofRecords(Measure{
			ID: "handovers-accepted", Title: "Handovers accepted", Kind: Percent, Unit: "% of people handed over", BetterWhen: "Higher",
			Definition: "Of the people whose handover to another service or organisation was answered in the period, those for whom one was accepted.",
			Numerator:  "people with an accepted handover", Denominator: "people with a handover answered in the period",
		}),
		ofRecords(Measure{
			ID: "handovers-arrived", Title: "Handovers that arrived", Kind: Percent, Unit: "% of people with an accepted handover", BetterWhen: "Higher",
			Definition: "Of the people whose handover was accepted in the period, those who had arrived, at a first attended contact, when the figures were published.",
			Numerator:  "people who arrived", Denominator: "people with a handover accepted in the period",
		}),
		ofRecords(Measure{
			ID: "re-entries", Title: "People who came back", Kind: Count, Unit: "episodes", BetterWhen: "Neither",
			Definition: "Episodes that opened in the period because somebody came back after an earlier one. That they could is a promise kept, not a failure.",
			Numerator:  "episodes that name an earlier one and opened in the period",
		}),
		ofRecords(Measure{
			ID: "hospital-follow-up", Title: "Followed up within 72 hours of leaving hospital", Kind: Percent, Unit: "% of people who left hospital", BetterWhen: "Higher",
			Definition: "Of the people with an open episode whose stay in hospital ended in the period, those who attended a contact on that day or the three days after, after each stay.",
			Numerator:  "people met within three days", Denominator: "people whose stay in hospital ended in the period",
		}),
		ofRecords(Measure{
			ID: "carers-involved", Title: "Carers involved", Kind: Percent, Unit: "% of people who were met", BetterWhen: "Higher",
			Definition: "Of the people with an attended contact in the period, those for whom a carer took part in at least one.",
			Numerator:  "people with a contact in which a carer took part", Denominator: "people with an attended contact in the period",
		}),
		ofRecords(Measure{
			ID: "health-check-complete", Title: "Physical health check complete", Kind: Percent, Unit: "% of episodes open for a year", BetterWhen: "Higher",
			Definition: "Of the episodes that had been open for a year at the end of the period, those whose person had all six elements of the physical health check measured within that " +
				"year. No register of severe mental illness is kept here, so this is not the national figure.",
			Numerator: "episodes with all six elements within a year", Denominator: "episodes open for a year or more at the end of the period",
		}),
		ofRecords(Measure{
			ID: "needs-met", Title: "Needs met outside health care", Kind: Percent, Unit: "% of people with a need settled", BetterWhen: "Higher",
			Definition: "Of the people of whom a need outside health care was settled in the period, those for whom one was met or partly met.",
			Numerator:  "people with a need met or partly met", Denominator: "people with a need settled in the period",
		}),
		ofRecords(Measure{
			ID: "asset-uptake", Title: "Taking part in the community", Kind: Percent, Unit: "% of people put in touch", BetterWhen: "Higher",
			Definition: "Of the people put in touch with a group or place in the community in the period, those who had gone there when the figures were published.",
			Numerator:  "people who went", Denominator: "people put in touch in the period",
		}),
		ofRecords(Measure{
			ID: "in-work", Title: "In work, learning or volunteering", Kind: Percent, Unit: "% of open episodes", BetterWhen: "Higher",
			Definition: "Of the episodes open at the end of the period whose person has told their work status, those in which the latest is employed, a student or volunteering.",
			Numerator:  "episodes of people in work, learning or volunteering", Denominator: "open episodes of people who told their work status",
		}),
		outcome(Measure{
			ID: "outcomes-paired", Title: "Outcomes measured twice", Unit: "% of spells that ended", BetterWhen: "Higher",
			Definition: "Of the spells of care that ended in the period, deaths aside, those with two scores of the same item on different days.",
			Numerator:  "spells with a pair of scores", Denominator: "spells that ended in the period with two or more attended contacts",
		}),
		outcome(Measure{
			ID: "reqol-recovered", Title: "Recovered (ReQoL-10)", Unit: "% of spells that began below 25", BetterWhen: "Higher",
			Definition: "Of the spells whose first ReQoL-10 total was below 25, those whose latest was 25 or more by a reliable improvement.",
			Numerator:  "spells with recovery", Denominator: "paired spells that began below 25",
		}),
		outcome(Measure{
			ID: "participation-improved", Title: "Leisure, friendships and family reliably better (DIALOG 5 to 7)", Unit: "% of paired spells", BetterWhen: "Higher",
			Definition: "Of the spells with paired scores of DIALOG's items on leisure, friendships, and partner or family, those in which more of them are reliably better than worse.",
			Numerator:  "spells reliably better", Denominator: "spells with paired scores of these items",
		}),
	}
	for _, tool := range []struct{ id, name string }{{"dialog", "DIALOG"}, {"reqol", "ReQoL-10"}, {"goals", "own goals"}} {
		all = append(all, outcome(Measure{
			ID: tool.id + "-improved", Title: "Reliably better (" + tool.name + ")", Unit: "% of paired spells", BetterWhen: "Higher",
			Definition: "Of the spells with paired scores by this tool, those that are reliably better.",
			Numerator:  "spells reliably better", Denominator: "spells with paired scores",
		}), outcome(Measure{
			ID: tool.id + "-deteriorated", Title: "Reliably worse (" + tool.name + ")", Unit: "% of paired spells", BetterWhen: "Lower",
			Definition: "Of the spells with paired scores by this tool, those that are reliably worse.",
			Numerator:  "spells reliably worse", Denominator: "spells with paired scores",
		}))
	}
	for tier, title := range []string{
		"Tackle Underlying Determinants and Promote Equity", "Promote Positive Attitudes, Challenge Stigma and Discrimination",
		"Promote Wellbeing and Resilience through Work", "Promote Wellbeing and Resilience with People & Communities",
		"Promote Wellbeing for People with Long Term Conditions", "Respond Better to Distress",
	} {
		id := strconv.Itoa(tier + 1)
		all = append(all, ofRecords(Measure{
			ID: "people-supported-tier-" + id, Title: "People supported at tier " + id + ", " + title, Kind: Count, Unit: "people", BetterWhen: "Neither",
			Definition: "People with an intervention in the period that belongs to this tier of the Healthy Minds framework.",
			Numerator:  "people with an intervention of the tier in the period",
		}))
	}
	return all
}
