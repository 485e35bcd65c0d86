package episodes

import (
	"slices"
	"testing"
	"time"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	plan := &ReturnPlanInput{Summary: "walks help", HowToReturn: "call the service", ValidUntil: "2027-11-21"}
	acceptance := &Acceptance{RecordedBy: "OnBehalf", Name: "Dr Example", Organisation: "Example Surgery", On: "2026-11-20", Channel: "Phone"}
	choice := &Choice{ToldHow: "face to face", Capacity: "HasCapacity"}
	holder := &Holder{Name: "Dr Example", Organisation: "Example Surgery", AgreedOn: "2026-11-20"}
	channel := func(s string) *string { return &s }
	steps := []ReachingStep{
		{Kind: kindAttempt, Channel: channel("Phone")}, {Kind: kindAttempt, Channel: channel("Visit")},
		{Kind: kindGPContacted}, {Kind: kindRiskReview},
	}
	duty := facts{legalDuties: []string{"Section117Aftercare"}}
	for name, test := range map[string]struct {
		closure Closure
		facts   facts
		basis   string
		missing []string
	}{
		"support complete, accepted":   {Closure{Reason: "SupportComplete", ReturnPlan: plan, Acceptance: acceptance}, facts{}, basisAcceptance, nil},
		"support complete, own choice": {Closure{Reason: "SupportComplete", ReturnPlan: plan, Choice: choice}, facts{}, basisChoice, nil},
		"support complete, neither":    {Closure{Reason: "SupportComplete", ReturnPlan: plan}, facts{}, basisAcceptance, []string{partAcceptance}},
		"nothing at all":               {Closure{}, facts{}, "", []string{partReason, partReturnPlan}},
		"did not attend":               {Closure{Reason: "DidNotAttend", ReturnPlan: plan, Acceptance: acceptance, Choice: choice}, facts{}, "", []string{partReason}},
		"in hospital":                  {Closure{Reason: "Hospital", ReturnPlan: plan, Acceptance: acceptance}, facts{}, "", []string{partReason}},
		"no return plan":               {Closure{Reason: "PersonChose", Choice: choice}, facts{}, basisChoice, []string{partReturnPlan}},
		"return plan over": {Closure{Reason: "PersonChose", Choice: choice, ReturnPlan: &ReturnPlanInput{Summary: "a", HowToReturn: "b", ValidUntil: "2026-11-20"}}, facts{},
			basisChoice, []string{partReturnPlan}},
		"choice under section 117":     {Closure{Reason: "PersonChose", ReturnPlan: plan, Choice: choice}, duty, basisChoice, []string{partAcceptance}},
		"acceptance under section 117": {Closure{Reason: "SupportElsewhere", ReturnPlan: plan, Acceptance: acceptance, Choice: choice}, duty, basisAcceptance, nil},
		"choice without capacity": {Closure{Reason: "PersonChose", ReturnPlan: plan, Choice: &Choice{ToldHow: "x", Capacity: "LacksCapacity"}}, facts{},
			basisChoice, []string{partAcceptance}},
		"choice against an assessment":    {Closure{Reason: "PersonChose", ReturnPlan: plan, Choice: choice}, facts{assessedAsLacking: true}, basisChoice, []string{partCapacity}},
		"acceptance beside an assessment": {Closure{Reason: "SupportElsewhere", ReturnPlan: plan, Acceptance: acceptance}, facts{assessedAsLacking: true}, basisAcceptance, nil},
		"capacity not considered":         {Closure{Reason: "PersonChose", ReturnPlan: plan, Choice: &Choice{ToldHow: "x"}}, facts{}, basisChoice, []string{partCapacity}},
		"acceptance without a name": {Closure{Reason: "MovedAway", ReturnPlan: plan, Acceptance: &Acceptance{RecordedBy: "OnBehalf", Organisation: "x", On: "2026-11-20", Channel: "Phone"}}, facts{},
			basisAcceptance, []string{partAcceptance}},
		"acceptance in the future": {Closure{Reason: "MovedAway", ReturnPlan: plan, Acceptance: &Acceptance{RecordedBy: "OnBehalf", Name: "y", Organisation: "x", On: "2026-11-22", Channel: "Phone"}}, facts{},
			basisAcceptance, []string{partAcceptance}},
		"moved away by choice": {Closure{Reason: "MovedAway", ReturnPlan: plan, Choice: choice}, facts{}, basisAcceptance, []string{partAcceptance}},
		"receiver of another's": {Closure{Reason: "SupportElsewhere", ReturnPlan: plan, Acceptance: &Acceptance{RecordedBy: "Receiver", Service: "south", Name: "y", Organisation: "x", On: "2026-11-20"}}, facts{},
			basisAcceptance, []string{partAcceptance}},
		"receiver of the caller's": {Closure{Reason: "SupportElsewhere", ReturnPlan: plan, Acceptance: &Acceptance{RecordedBy: "Receiver", Service: "south", Name: "y", Organisation: "x", On: "2026-11-20"}},
			facts{receiverIsCaller: true}, basisAcceptance, nil},
		"not engaging at once": {Closure{Reason: "NotEngaging", ReturnPlan: plan}, facts{}, basisHolder,
			[]string{partAttempts, partCarerOrGP, partRiskReview, partSeniorSignOff, partHolder}},
		"not engaging, one channel only": {Closure{Reason: "NotEngaging", ReturnPlan: plan, Holder: holder}, facts{steps: append([]ReachingStep{steps[0], steps[0]}, steps[2:]...), senior: true},
			basisHolder, []string{partAttempts}},
		"not engaging, no sign-off":      {Closure{Reason: "NotEngaging", ReturnPlan: plan, Holder: holder}, facts{steps: steps}, basisHolder, []string{partSeniorSignOff}},
		"not engaging, all done":         {Closure{Reason: "NotEngaging", ReturnPlan: plan, Holder: holder}, facts{steps: steps, senior: true}, basisHolder, nil},
		"not engaging under section 117": {Closure{Reason: "NotEngaging", ReturnPlan: plan, Holder: holder}, facts{steps: steps, senior: true, legalDuties: duty.legalDuties}, basisHolder, []string{partAcceptance}},
		"holder agreed before the episode": {Closure{Reason: "NotEngaging", ReturnPlan: plan, Holder: holder}, facts{steps: steps, senior: true, openedOn: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)},
			basisHolder, []string{partHolder}},
		"return plan without an end": {Closure{Reason: "PersonChose", Choice: choice, ReturnPlan: &ReturnPlanInput{Summary: "a", HowToReturn: "b", ValidUntil: "2029-11-22"}}, facts{},
			basisChoice, []string{partReturnPlan}},
		"died":              {Closure{Reason: "Died", Death: &DeathInput{On: "2026-11-01", Source: "GP"}}, facts{}, basisDeath, nil},
		"died before birth": {Closure{Reason: "Died", Death: &DeathInput{On: "1970-11-01", Source: "GP"}}, facts{}, basisDeath, []string{partDeath}},
		"died, no source":   {Closure{Reason: "Died", Death: &DeathInput{On: "2026-11-01"}}, facts{}, basisDeath, []string{partDeath}},
		"died, no date":     {Closure{Reason: "Died"}, facts{}, basisDeath, []string{partDeath}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.facts.today = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
			test.facts.birthDate = "1984-02-29"
			v := judge(test.closure, test.facts)
			if v.basis != test.basis || !slices.Equal(v.missing, test.missing) {
				t.Fatalf("basis %q, missing %v; want %q, %v", v.basis, v.missing, test.basis, test.missing)
			}
			if len(v.fields) != len(v.missing) {
				t.Fatalf("%d parts are missing and %d explained", len(v.missing), len(v.fields))
			}
		})
	}
}
