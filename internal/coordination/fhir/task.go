package fhir

import (
	_ "embed"

	"github.com/google/uuid"
)

//go:embed sql/task.sql
var taskSQL string

type task struct {
	base
	BasedOn        []reference  `json:"basedOn,omitempty"`
	Status         string       `json:"status"`
	StatusReason   *concept     `json:"statusReason,omitempty"`
	BusinessStatus *concept     `json:"businessStatus,omitempty"`
	Intent         string       `json:"intent"`
	Priority       string       `json:"priority"`
	Code           concept      `json:"code"`
	Description    string       `json:"description,omitempty"`
	Focus          *reference   `json:"focus"`
	For            *reference   `json:"for"`
	AuthoredOn     string       `json:"authoredOn"`
	LastModified   string       `json:"lastModified"`
	Requester      *reference   `json:"requester"`
	Owner          *reference   `json:"owner"`
	ReasonCode     *concept     `json:"reasonCode,omitempty"`
	Restriction    *restriction `json:"restriction,omitempty"`
}

type restriction struct {
	Period period `json:"period"`
}

type taskRow struct {
	Stamp
	EpisodeID              uuid.UUID
	Direction, Urgency     string
	Reason, Summary, State string
	AnswerDueOn            string
	ArrivedOn              *string
	EnteredInError         bool
	DeclineReason          *string
	ToServiceID            *uuid.UUID
	ToService              *string
	ToOrganisation         *string
	ToODSCode              *string `db:"to_ods_code"`
	TransferOf             *uuid.UUID
	ODS, Provider          string
	// Name and NHSNumber are told to the sender and the receiver, as /v1 does: a receiver outside the directory reads no Patient.
	Name, NHSNumber *string
}

var priorities = map[string]string{"Routine": "routine", "Urgent": "urgent", "Crisis": "stat"}

// status: accepted is not arrived, and only who has arrived has been handed over.
func (r taskRow) status() string {
	switch {
	case r.EnteredInError:
		return "entered-in-error"
	case r.State == "Offered":
		return "requested"
	case r.State == "Accepted" && r.ArrivedOn != nil:
		return "completed"
	case r.State == "Accepted":
		return "accepted"
	case r.State == "Declined":
		return "rejected"
	}
	return "cancelled"
}

// whom is the person, with as much as /v1 tells of them beside a handover.
func (r taskRow) whom() *reference {
	whom := r.patient()
	whom.Display = text(r.Name)
	if r.NHSNumber != nil {
		whom.Identifier = &identifier{System: nhsNumberSystem, Value: *r.NHSNumber}
	}
	return whom
}

func (r taskRow) resource() any { return r.task() }

func (r taskRow) task() task {
	t := task{
		base: r.base("Task"), Status: r.status(), Intent: "order", Priority: priorities[r.Urgency],
		Code:        concept{Coding: []coding{ownCode("handover-direction", r.Direction, "")}, Text: "Handover of a person to another service"},
		Description: r.Summary, Focus: to("EpisodeOfCare", r.EpisodeID, ""), For: r.whom(), AuthoredOn: instant(r.At), LastModified: instant(r.UpdatedAt),
		Requester: toOrganisation(r.ODS, r.Provider), ReasonCode: &concept{Text: r.Reason}, Restriction: &restriction{period{End: r.AnswerDueOn}},
		BusinessStatus: &concept{Coding: []coding{ownCode("handover-state", r.State, "")}},
	}
	if r.ToServiceID != nil {
		t.Owner = toService(*r.ToServiceID, text(r.ToService))
	} else {
		t.Owner = &reference{Type: "Organization", Display: text(r.ToOrganisation)}
		if r.ToODSCode != nil {
			t.Owner.Identifier = &identifier{System: odsSystem, Value: *r.ToODSCode}
		}
	}
	if r.DeclineReason != nil {
		t.StatusReason = &concept{Text: *r.DeclineReason}
	}
	if r.TransferOf != nil {
		t.BasedOn = []reference{*to("Task", *r.TransferOf, "")}
	}
	return t
}

// ownedTask is one of those that an owner is asked to take over. Like the list of /v1 it does not say who the person is, and as FHIR has it,
// it is marked as a part of what a read gives.
type ownedTask struct{ taskRow }

func (o ownedTask) resource() any {
	o.Name, o.NHSNumber = nil, nil
	t := o.task()
	t.Meta.Tag = []coding{{System: "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", Code: "SUBSETTED", Display: "subsetted"}}
	return t
}
