package fhir

import (
	_ "embed"
	"fmt"

	"github.com/google/uuid"
)

var (
	//go:embed sql/care_plan.sql
	planSQL string
	//go:embed sql/goal.sql
	goalSQL string
)

type carePlan struct {
	base
	Extension      []extension  `json:"extension,omitempty"`
	Replaces       []reference  `json:"replaces,omitempty"`
	Status         string       `json:"status"`
	Intent         string       `json:"intent"`
	Category       []concept    `json:"category,omitempty"`
	Title          string       `json:"title,omitempty"`
	Description    string       `json:"description,omitempty"`
	Subject        *reference   `json:"subject"`
	Period         *period      `json:"period,omitempty"`
	Created        string       `json:"created,omitempty"`
	Author         *reference   `json:"author,omitempty"`
	CareTeam       []reference  `json:"careTeam,omitempty"`
	Addresses      []reference  `json:"addresses,omitempty"`
	SupportingInfo []reference  `json:"supportingInfo,omitempty"`
	Goal           []reference  `json:"goal,omitempty"`
	Activity       []activity   `json:"activity,omitempty"`
	Note           []annotation `json:"note,omitempty"`
}

type activity struct {
	Detail activityDetail `json:"detail"`
}

type activityDetail struct {
	Status          string      `json:"status"`
	ScheduledPeriod *period     `json:"scheduledPeriod,omitempty"`
	Performer       []reference `json:"performer,omitempty"`
	Description     string      `json:"description,omitempty"`
}

type planRow struct {
	Stamp
	EpisodeID             uuid.UUID
	Kind, State           string
	Summary               *string
	Edition               int32
	InForceFrom, ReviewOn *string
	Agreement             *string
	PreviousID            *uuid.UUID
	ODS, Provider         string
	Goals                 []uuid.UUID
	Needs                 []struct{ Domain, Need string }
	Actions               []struct{ What, Who, By string }
	Links                 []struct {
		Kind, HeldBy string
		Reference    *string
	}
}

var (
	planStatus = map[string]string{"Draft": "draft", "InForce": "active", "Superseded": "completed", "EnteredInError": "entered-in-error"}
	// goalStatus: a goal of a superseded version lives on in the next one, if the person still seeks it.
	goalStatus = map[string]string{"Draft": "proposed", "InForce": "active", "Superseded": "completed", "EnteredInError": "entered-in-error"}
)

func (r planRow) resource() any {
	p := carePlan{
		base: r.base("CarePlan"), Status: planStatus[r.State], Intent: "plan", Subject: r.patient(), Created: instant(r.At),
		Category: []concept{{Coding: []coding{ownCode("plan-kind", r.Kind, "")}}},
		Title:    fmt.Sprintf("The person's plan, version %d", r.Edition), Description: text(r.Summary),
		Author: toOrganisation(r.ODS, r.Provider), CareTeam: []reference{*to("CareTeam", r.EpisodeID, "")}, Goal: toEach("Goal", r.Goals),
	}
	episode := ownExtension("episode")
	episode.ValueReference = to("EpisodeOfCare", r.EpisodeID, "")
	p.Extension = []extension{episode}
	if r.ReviewOn != nil {
		review := ownExtension("review-on")
		review.ValueDate = *r.ReviewOn
		p.Extension = append(p.Extension, review)
	}
	if r.Agreement != nil {
		p.Extension = append(p.Extension, extensionCode("agreement", *r.Agreement))
	}
	if r.InForceFrom != nil {
		p.Period = &period{Start: *r.InForceFrom}
	}
	if r.PreviousID != nil {
		p.Replaces = []reference{*to("CarePlan", *r.PreviousID, "")}
	}
	for _, n := range r.Needs {
		p.Addresses = append(p.Addresses, reference{Type: "Condition", Display: n.Domain + ": " + n.Need})
	}
	for _, a := range r.Actions {
		p.Activity = append(p.Activity, activity{activityDetail{
			Status: "unknown", ScheduledPeriod: &period{End: a.By}, Performer: []reference{{Display: a.Who}}, Description: a.What,
		}})
	}
	for _, l := range r.Links {
		display := l.Kind + ", held by " + l.HeldBy
		if l.Reference != nil {
			display += ", " + *l.Reference
		}
		p.SupportingInfo = append(p.SupportingInfo, reference{Display: display})
	}
	return p
}

type goal struct {
	base
	LifecycleStatus string     `json:"lifecycleStatus"`
	Description     concept    `json:"description"`
	Subject         *reference `json:"subject"`
	StartDate       string     `json:"startDate,omitempty"`
	ExpressedBy     *reference `json:"expressedBy,omitempty"`
}

type goalRow struct {
	Stamp
	State       string
	InForceFrom *string
	Goal        string
	OwnWords    bool
}

func (r goalRow) resource() any {
	g := goal{
		base: r.base("Goal"), LifecycleStatus: goalStatus[r.State], Description: concept{Text: r.Goal}, Subject: r.patient(), StartDate: text(r.InForceFrom),
	}
	if r.OwnWords {
		g.ExpressedBy = r.patient()
	}
	return g
}
