package details

import (
	"reflect"
	"testing"
)

func TestSheetsAreFilledByGroups(t *testing.T) {
	t.Parallel()
	s := func(v string) *string { return &v }
	older := PersonDetails{
		PreferredName: s("Lex"), Language: s("ur"), Interpreter: s("Needed"), CommunicationNeeds: []string{"LargePrint"}, Gender: s("Female"),
		GenderAsAtBirth: s("Yes"), Disability: s("Disabled"), Impairments: []string{"Hearing"}, Ethnicity: s("J"), LongTermConditions: []string{"Diabetes"},
	}
	filled := PersonDetails{}
	if filled.fill(older); !reflect.DeepEqual(filled, older) {
		t.Errorf("an empty sheet becomes %+v, want %+v", filled, older)
	}
	newer := PersonDetails{Language: s("en"), Gender: s("NonBinary"), Disability: s("NotDisabled"), CommunicationNote: s("Speak slowly"), Ethnicity: s("Z")}
	newer.fill(older)
	want := PersonDetails{
		PreferredName: s("Lex"), Language: s("en"), Gender: s("NonBinary"), Disability: s("NotDisabled"), CommunicationNote: s("Speak slowly"), Ethnicity: s("Z"),
		LongTermConditions: []string{"Diabetes"},
	}
	if !reflect.DeepEqual(newer, want) {
		t.Errorf("a newer sheet becomes %+v, want %+v", newer, want)
	}
}

func TestNoMessageIsLeftWhereOneSheetForbidsIt(t *testing.T) {
	t.Parallel()
	s := func(v string) *string { return &v }
	for _, test := range []struct{ newer, older, want *string }{
		{nil, nil, nil}, {nil, s("Allowed"), s("Allowed")}, {s("Allowed"), nil, s("Allowed")}, {s("Allowed"), s("NotAllowed"), s("NotAllowed")},
		{s("NotAllowed"), s("Allowed"), s("NotAllowed")}, {nil, s("NotAllowed"), s("NotAllowed")},
	} {
		sheet := ContactDetails{LeaveMessage: test.newer}
		if sheet.fill(ContactDetails{LeaveMessage: test.older}); !reflect.DeepEqual(sheet.LeaveMessage, test.want) {
			t.Errorf("messages are %v, want %v", sheet.LeaveMessage, test.want)
		}
	}
}
