package plans

import (
	"slices"
	"testing"
	"time"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	own := []PlanGoal{{Goal: "Sleep through a night", OwnWords: true}}
	review := func(day string) *string { return &day }
	for name, test := range map[string]struct {
		agreement PlanAgreement
		goals     []PlanGoal
		reviewOn  *string
		missing   []string
	}{
		"agreed":                  {PlanAgreement{By: "Person", On: "2026-11-20", Capacity: "HasCapacity"}, own, review("2027-05-20"), nil},
		"reviewed a year later":   {PlanAgreement{By: "Person", On: "2026-11-20", Capacity: "HasCapacity"}, own, review("2027-11-20"), nil},
		"reviewed too late":       {PlanAgreement{By: "Person", On: "2026-11-20", Capacity: "HasCapacity"}, own, review("2027-11-21"), []string{partReviewDate}},
		"reviewed before today":   {PlanAgreement{By: "Person", On: "2026-11-01", Capacity: "HasCapacity"}, own, review("2026-11-20"), []string{partReviewDate}},
		"reviewed on the day":     {PlanAgreement{By: "Person", On: "2026-11-21", Capacity: "HasCapacity"}, own, review("2026-11-21"), []string{partReviewDate}},
		"no review":               {PlanAgreement{By: "Person", On: "2026-11-20", Capacity: "HasCapacity"}, own, nil, []string{partReviewDate}},
		"no goal":                 {PlanAgreement{By: "Person", On: "2026-11-20", Capacity: "HasCapacity"}, nil, review("2027-05-20"), []string{partGoal}},
		"goals of others only":    {PlanAgreement{By: "Person", On: "2026-11-20", Capacity: "HasCapacity"}, []PlanGoal{{Goal: "Engage"}}, review("2027-05-20"), []string{partGoal}},
		"agreed tomorrow":         {PlanAgreement{By: "Person", On: "2026-11-22", Capacity: "HasCapacity"}, own, review("2027-05-20"), []string{partAgreement}},
		"agreed before the start": {PlanAgreement{By: "Person", On: "2026-10-31", Capacity: "HasCapacity"}, own, review("2027-05-20"), []string{partAgreement}},
		"agreed on no day":        {PlanAgreement{By: "Person", On: "0000-01-01", Capacity: "HasCapacity"}, own, review("2027-05-20"), []string{partAgreement}},
		"agreed without capacity": {PlanAgreement{By: "Person", On: "2026-11-20", Capacity: "LacksCapacity"}, own, review("2027-05-20"), []string{partCapacity}},
		"not agreed, no reason":   {PlanAgreement{By: "NotAgreed", On: "2026-11-20", Capacity: "HasCapacity", WhyNot: " "}, own, review("2027-05-20"), []string{partWhyNot}},
		"not agreed, with reason": {PlanAgreement{By: "NotAgreed", On: "2026-11-20", Capacity: "HasCapacity", WhyNot: "x"}, own, review("2027-05-20"), nil},
		"best interests":          {PlanAgreement{By: "BestInterests", On: "2026-11-20", Capacity: "LacksCapacity", BestInterests: "x"}, own, review("2027-05-20"), nil},
		"best interests, unsaid":  {PlanAgreement{By: "BestInterests", On: "2026-11-20", Capacity: "LacksCapacity"}, own, review("2027-05-20"), []string{partBestInterests}},
		"decided over the person": {PlanAgreement{By: "BestInterests", On: "2026-11-20", Capacity: "HasCapacity", BestInterests: "x"}, own, review("2027-05-20"), []string{partCapacity}},
		"attorney":                {PlanAgreement{By: "Attorney", On: "2026-11-20", Capacity: "LacksCapacity", Representative: "x"}, own, review("2027-05-20"), nil},
		"attorney without a name": {PlanAgreement{By: "Attorney", On: "2026-11-20", Capacity: "LacksCapacity"}, own, review("2027-05-20"), []string{partRepresentative}},
		"advocate":                {PlanAgreement{By: "Advocate", On: "2026-11-20", Capacity: "LacksCapacity", Representative: "x", BestInterests: "x"}, own, review("2027-05-20"), nil},
		"advocate without record": {PlanAgreement{By: "Advocate", On: "2026-11-20", Capacity: "LacksCapacity", Representative: "x"}, own, review("2027-05-20"), []string{partBestInterests}},
		"nothing that is asked for": {PlanAgreement{By: "Advocate", On: "soon", Capacity: "HasCapacity"}, nil, nil,
			[]string{partGoal, partAgreement, partReviewDate, partCapacity, partBestInterests, partRepresentative}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := judge(test.agreement, facts{
				today: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC), begins: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), goals: test.goals, reviewOn: test.reviewOn,
			})
			if !slices.Equal(v.missing, test.missing) || len(v.fields) != len(v.missing) {
				t.Errorf("missing %v (%d explained), want %v", v.missing, len(v.fields), test.missing)
			}
		})
	}
}

// A recorded lack of capacity binds what the person would decide themselves, and nothing else.
func TestAgreementAgainstAnAssessment(t *testing.T) {
	t.Parallel()
	today := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	review := "2027-05-20"
	f := facts{today: today, begins: today, goals: []PlanGoal{{Goal: "Sleep", OwnWords: true}}, reviewOn: &review, assessedAsLacking: true}
	for name, test := range map[string]struct {
		agreement PlanAgreement
		missing   []string
	}{
		"agreed":         {PlanAgreement{By: "Person", On: "2026-11-21", Capacity: "HasCapacity"}, []string{partCapacity}},
		"not agreed":     {PlanAgreement{By: "NotAgreed", On: "2026-11-21", Capacity: "HasCapacity", WhyNot: "x"}, []string{partCapacity}},
		"best interests": {PlanAgreement{By: "BestInterests", On: "2026-11-21", Capacity: "LacksCapacity", BestInterests: "x"}, nil},
	} {
		if v := judge(test.agreement, f); !slices.Equal(v.missing, test.missing) {
			t.Errorf("%s: missing %v, want %v", name, v.missing, test.missing)
		}
	}
}
