package details

// Two records that were merged may have a sheet each. The newer one answers; what it leaves open is answered by the older one. Questions
// that belong together are taken together, so that no language stands beside another sheet's interpreter.

func (d *PersonDetails) fill(older PersonDetails) {
	if d.PreferredName == nil {
		d.PreferredName = older.PreferredName
	}
	if d.Language == nil && d.Interpreter == nil {
		d.Language, d.Interpreter = older.Language, older.Interpreter
	}
	if len(d.CommunicationNeeds) == 0 && d.CommunicationNote == nil {
		d.CommunicationNeeds, d.CommunicationNote = older.CommunicationNeeds, older.CommunicationNote
	}
	if len(d.ReasonableAdjustments) == 0 && d.AdjustmentsNote == nil {
		d.ReasonableAdjustments, d.AdjustmentsNote = older.ReasonableAdjustments, older.AdjustmentsNote
	}
	if d.Gender == nil && d.GenderAsAtBirth == nil {
		d.Gender, d.GenderAsAtBirth = older.Gender, older.GenderAsAtBirth
	}
	if d.Disability == nil && len(d.Impairments) == 0 {
		d.Disability, d.Impairments = older.Disability, older.Impairments
	}
	for _, answer := range []struct{ mine, theirs **string }{
		{&d.Ethnicity, &older.Ethnicity}, {&d.SexualOrientation, &older.SexualOrientation}, {&d.Religion, &older.Religion},
		{&d.Employment, &older.Employment}, {&d.Accommodation, &older.Accommodation}, {&d.Caring, &older.Caring},
	} {
		if *answer.mine == nil {
			*answer.mine = *answer.theirs
		}
	}
	if len(d.LongTermConditions) == 0 {
		d.LongTermConditions = older.LongTermConditions
	}
}

// fill keeps to the stricter answer about messages: one that is left where others hear it can't be taken back.
func (c *ContactDetails) fill(older ContactDetails) {
	if c.LeaveMessage == nil || is(older.LeaveMessage, "NotAllowed") {
		c.LeaveMessage = older.LeaveMessage
	}
	if c.Preferred == nil {
		c.Preferred = older.Preferred
	}
	for _, answer := range []struct{ mine, theirs **string }{
		{&c.Mobile, &older.Mobile}, {&c.Landline, &older.Landline}, {&c.Email, &older.Email}, {&c.Note, &older.Note},
	} {
		if *answer.mine == nil {
			*answer.mine = *answer.theirs
		}
	}
}
