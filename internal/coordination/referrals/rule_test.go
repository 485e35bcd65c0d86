package referrals

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	party := &ReferralParty{Name: "Dr Example", Organisation: "Example Surgery", On: "2026-11-20", Channel: "Phone"}
	choice := &ReferralChoice{ToldHow: "face to face", Capacity: hasCapacity}
	other := uuid.New()
	duty := []string{"Section117Aftercare"}
	for name, test := range map[string]struct {
		outcome ReferralOutcome
		facts   facts
		missing []string
	}{
		"sent on to a service":                  {ReferralOutcome{Kind: kindRedirected, Service: "south"}, facts{}, nil},
		"accepted outside":                      {ReferralOutcome{Kind: kindRedirected, Acceptance: party}, facts{}, nil},
		"sent on to nobody":                     {ReferralOutcome{Kind: kindRedirected}, facts{}, []string{partReceiver}},
		"sent on to itself":                     {ReferralOutcome{Kind: kindRedirected, Service: "north"}, facts{}, []string{partReceiver}},
		"sent on to two":                        {ReferralOutcome{Kind: kindRedirected, Service: "south", Acceptance: party}, facts{}, []string{partReceiver}},
		"accepted outside by nobody":            {ReferralOutcome{Kind: kindRedirected, Acceptance: &ReferralParty{}}, facts{}, []string{partAcceptance}},
		"accepted outside tomorrow":             {ReferralOutcome{Kind: kindRedirected, Acceptance: &ReferralParty{Name: "x", Organisation: "x", On: "2026-11-22", Channel: "Phone"}}, facts{}, []string{partAcceptance}},
		"own choice":                            {ReferralOutcome{Kind: kindPersonChose, Choice: choice}, facts{}, nil},
		"own choice, not recorded":              {ReferralOutcome{Kind: kindPersonChose}, facts{}, []string{partChoice}},
		"own choice, not told":                  {ReferralOutcome{Kind: kindPersonChose, Choice: &ReferralChoice{Capacity: hasCapacity}}, facts{}, []string{partChoice}},
		"own choice, capacity not considered":   {ReferralOutcome{Kind: kindPersonChose, Choice: &ReferralChoice{ToldHow: "x"}}, facts{}, []string{partCapacity}},
		"own choice without capacity":           {ReferralOutcome{Kind: kindPersonChose, Choice: &ReferralChoice{ToldHow: "x", Capacity: lacksCapacity}}, facts{}, []string{partAcceptance}},
		"own choice against an assessment":      {ReferralOutcome{Kind: kindPersonChose, Choice: choice}, facts{assessedAsLacking: true}, []string{partCapacity}},
		"sent on beside an assessment":          {ReferralOutcome{Kind: kindRedirected, Service: "south"}, facts{assessedAsLacking: true}, nil},
		"own choice under section 117":          {ReferralOutcome{Kind: kindPersonChose, Choice: choice}, facts{legalDuties: duty}, []string{partAcceptance}},
		"the same, supported elsewhere":         {ReferralOutcome{Kind: kindPersonChose, Choice: choice}, facts{legalDuties: duty, supported: true}, nil},
		"taken back by the GP":                  {ReferralOutcome{Kind: kindWithdrawn, Withdrawal: party}, facts{route: "GP"}, nil},
		"taken back by nobody":                  {ReferralOutcome{Kind: kindWithdrawn}, facts{route: "GP"}, []string{partWithdrawal}},
		"own request taken back":                {ReferralOutcome{Kind: kindWithdrawn, Withdrawal: party}, facts{route: "WalkIn"}, []string{partChoice}},
		"own request, taken back by the sender": {ReferralOutcome{Kind: kindWithdrawn, Withdrawal: party}, facts{route: "Self", sentByService: true, callerResponsible: true}, nil},
		"taken back by the receiving service":   {ReferralOutcome{Kind: kindWithdrawn, Withdrawal: party}, facts{route: "GP", sentByService: true}, []string{partWithdrawal}},
		"duplicate":                             {ReferralOutcome{Kind: kindDuplicate, DuplicateOf: &other}, facts{otherGoesOn: true}, nil},
		"duplicate of what has ended":           {ReferralOutcome{Kind: kindDuplicate, DuplicateOf: &other}, facts{}, []string{partDuplicate}},
		"duplicate of nothing":                  {ReferralOutcome{Kind: kindDuplicate}, facts{}, []string{partDuplicate}},
		"died":                                  {ReferralOutcome{Kind: kindDied, Death: &ReferralDeath{On: "2026-11-01", Source: "GP"}}, facts{}, nil},
		"died before birth":                     {ReferralOutcome{Kind: kindDied, Death: &ReferralDeath{On: "1970-11-01", Source: "GP"}}, facts{}, []string{partDeath}},
		"died, no source":                       {ReferralOutcome{Kind: kindDied, Death: &ReferralDeath{On: "2026-11-01"}}, facts{}, []string{partDeath}},
		"died, nothing given":                   {ReferralOutcome{Kind: kindDied}, facts{}, []string{partDeath}},
		"moved away":                            {ReferralOutcome{Kind: kindMovedAway, Acceptance: party}, facts{}, nil},
		"moved away to nobody":                  {ReferralOutcome{Kind: kindMovedAway}, facts{}, []string{partAcceptance}},
		"rejected":                              {ReferralOutcome{Kind: "Rejected"}, facts{}, []string{partKind}},
		"did not attend":                        {ReferralOutcome{Kind: "DNA", Choice: choice, Acceptance: party}, facts{}, []string{partKind}},
		"nothing at all":                        {ReferralOutcome{}, facts{}, []string{partKind}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.facts.today, test.facts.birthDate, test.facts.service = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC), "1984-02-29", "north"
			v := judge(test.outcome, test.facts)
			if !slices.Equal(v.missing, test.missing) {
				t.Fatalf("missing %v, want %v", v.missing, test.missing)
			}
			if len(v.fields) != len(v.missing) {
				t.Fatalf("%d parts are missing and %d explained", len(v.missing), len(v.fields))
			}
		})
	}
}
