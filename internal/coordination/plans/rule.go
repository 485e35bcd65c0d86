package plans

import (
	"time"

	"github.com/cmhf/operator/internal/coordination/london"
	"github.com/cmhf/operator/internal/coordination/problem"
)

// What a plan in force rests on.
const (
	byPerson      = "Person"
	notAgreed     = "NotAgreed"
	bestInterests = "BestInterests"
	byAttorney    = "Attorney"
	withAdvocate  = "Advocate"
)

const (
	hasCapacity   = "HasCapacity"
	lacksCapacity = "LacksCapacity"
)

// Parts that a plan can lack to be in force.
const (
	partGoal           = "goal"
	partReviewDate     = "review-date"
	partAgreement      = "agreement"
	partCapacity       = "capacity"
	partWhyNot         = "why-not"
	partBestInterests  = "best-interests"
	partRepresentative = "representative"
)

// PlanAgreement says on what ground a plan comes into force.
type PlanAgreement struct {
	By             string `json:"by" enum:"Person,NotAgreed,BestInterests,Attorney,Advocate" doc:"Person: the person agrees. NotAgreed: they don't, and whyNot says why. Where capacity is lacking: BestInterests, Attorney (or deputy), or Advocate beside a record of best interests."`
	On             string `json:"on" format:"date" doc:"Day of the agreement, or of the decision to go on without one; within the episode, and not in the future."`
	Capacity       string `json:"capacity" enum:"HasCapacity,LacksCapacity" doc:"Whether the person has capacity to decide about their plan. It is assumed unless it was assessed that they lack it."`
	WhyNot         string `json:"whyNot,omitempty" maxLength:"1000" doc:"Needed for NotAgreed: why the person does not agree, in their words where they said so."`
	BestInterests  string `json:"bestInterests,omitempty" maxLength:"4000" doc:"Needed for BestInterests and Advocate: what was decided, who was asked, and what the person wishes."`
	Representative string `json:"representative,omitempty" maxLength:"200" doc:"Needed for Attorney and Advocate: who that is."`
}

// facts are what the rule needs to know beyond the agreement.
type facts struct {
	today, begins time.Time
	goals         []PlanGoal
	reviewOn      *string
	// assessedAsLacking tells that the latest assessment of the person's capacity to decide about their plan found that they lack it.
	assessedAsLacking bool
}

// verdict collects what a plan lacks.
type verdict struct {
	missing []string
	fields  []problem.Field
}

func (v *verdict) lacks(part, location, message string) {
	v.missing = append(v.missing, part)
	v.fields = append(v.fields, problem.Field{Location: location, Message: message})
}

// judge says what a plan lacks to be in force (rule 7).
func judge(a PlanAgreement, f facts) verdict {
	var v verdict
	if !ownGoal(f.goals) {
		v.lacks(partGoal, "plan.goals", "write at least one goal in the person's own words")
	}
	on, err := london.ParseDay(a.On)
	if err != nil || on.After(f.today) || on.Before(f.begins) {
		v.lacks(partAgreement, "body.on", "give a day within the episode that is not in the future")
		on = f.today
	}
	if !reviewed(f, on) {
		v.lacks(partReviewDate, "plan.reviewOn", "give a day from today on, after the agreement and within a year of it")
	}
	v.judgeCapacity(a, f)
	if a.By == notAgreed && blank(a.WhyNot) {
		v.lacks(partWhyNot, "body.whyNot", "say why the person does not agree")
	}
	if (a.By == bestInterests || a.By == withAdvocate) && blank(a.BestInterests) {
		v.lacks(partBestInterests, "body.bestInterests", "record what was decided, who was asked, and what the person wishes")
	}
	if (a.By == byAttorney || a.By == withAdvocate) && blank(a.Representative) {
		v.lacks(partRepresentative, "body.representative", "name the attorney or the advocate")
	}
	return v
}

func (v *verdict) judgeCapacity(a PlanAgreement, f facts) {
	switch decides := a.By == byPerson || a.By == notAgreed; {
	case decides && a.Capacity == lacksCapacity:
		v.lacks(partCapacity, "body.by", "where capacity is lacking, a plan rests on BestInterests, an Attorney or an Advocate")
	case decides && f.assessedAsLacking:
		v.lacks(partCapacity, "body.capacity", "the latest assessment of capacity about the care plan found that the person lacks it: assess again and record it (POST /v1/people/{id}/capacity-assessments), or let the plan rest on BestInterests, an Attorney or an Advocate")
	case !decides && a.Capacity == hasCapacity:
		v.lacks(partCapacity, "body.by", "nobody decides for a person who has capacity: record whether they agree")
	}
}

func ownGoal(goals []PlanGoal) bool {
	for _, g := range goals {
		if g.OwnWords && !blank(g.Goal) {
			return true
		}
	}
	return false
}

// reviewed tells whether the plan has a day of review that can still come.
func reviewed(f facts, on time.Time) bool {
	if f.reviewOn == nil {
		return false
	}
	day, err := london.ParseDay(*f.reviewOn)
	return err == nil && !day.Before(f.today) && day.After(on) && !day.After(london.YearAfter(on))
}
