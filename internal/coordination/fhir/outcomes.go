package fhir

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/cmhf/operator/internal/coordination/outcomes/scores"
)

var (
	//go:embed sql/questionnaire_response.sql
	answersSQL string
	//go:embed sql/observation.sql
	scoreSQL string
)

type questionnaireResponse struct {
	base
	Questionnaire string     `json:"questionnaire"`
	Status        string     `json:"status"`
	Subject       *reference `json:"subject"`
	Authored      string     `json:"authored"`
	Source        *reference `json:"source"`
	Item          []item     `json:"item,omitempty"`
}

type item struct {
	LinkID string        `json:"linkId"`
	Text   string        `json:"text,omitempty"`
	Answer []integerItem `json:"answer"`
}

type integerItem struct {
	Value int `json:"valueInteger"`
}

type answersRow struct {
	Stamp
	Tool, AnsweredOn string
	Answers          []int
	Items, Scores    []int
	InError          bool
}

// resource gives the ten answers of ReQoL-10 where they are known; the total is an Observation, not an answer, unless it is all there is.
func (r answersRow) resource() any {
	q := questionnaireResponse{
		base: r.base("QuestionnaireResponse"), Questionnaire: own + "Questionnaire/" + strings.ToLower(r.Tool), Status: "completed",
		Subject: r.patient(), Source: r.patient(), Authored: r.AnsweredOn,
	}
	if r.InError {
		q.Status = "entered-in-error"
	}
	for i, answer := range r.Answers {
		q.Item = append(q.Item, item{LinkID: strconv.Itoa(i + 1), Answer: []integerItem{{answer}}})
	}
	if len(r.Answers) > 0 {
		return q
	}
	for i, number := range r.Items {
		q.Item = append(q.Item, item{LinkID: strconv.Itoa(number), Text: scores.Topic(scores.Tool(r.Tool), number), Answer: []integerItem{{r.Scores[i]}}})
	}
	return q
}

type observation struct {
	base
	Status       string      `json:"status"`
	Category     []concept   `json:"category"`
	Code         concept     `json:"code"`
	Subject      *reference  `json:"subject"`
	Effective    string      `json:"effectiveDateTime"`
	Performer    []reference `json:"performer"`
	ValueInteger int         `json:"valueInteger"`
	DerivedFrom  []reference `json:"derivedFrom"`
}

type scoreRow struct {
	Stamp
	Tool          string
	Item, Score   int
	AnsweredOn    string
	AssessmentID  uuid.UUID
	InError       bool
	ODS, Provider string
}

func (r scoreRow) resource() any {
	o := observation{
		base: r.base("Observation"), Status: "final", Subject: r.patient(), Effective: r.AnsweredOn, ValueInteger: r.Score,
		Category:    []concept{{Coding: []coding{{System: "http://terminology.hl7.org/CodeSystem/observation-category", Code: "survey", Display: "Survey"}}}},
		Code:        concept{Coding: []coding{ownCode("outcome-score", fmt.Sprintf("%s-%d", strings.ToLower(r.Tool), r.Item), "")}, Text: r.Tool + ": " + scores.Topic(scores.Tool(r.Tool), r.Item)},
		Performer:   []reference{*toOrganisation(r.ODS, r.Provider)},
		DerivedFrom: []reference{*to("QuestionnaireResponse", r.AssessmentID, "")},
	}
	if r.InError {
		o.Status = "entered-in-error"
	}
	return o
}
