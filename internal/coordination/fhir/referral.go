package fhir

import (
	_ "embed"
	"encoding/json"

	"github.com/google/uuid"
)

//go:embed sql/service_request.sql
var serviceRequestSQL string

type serviceRequest struct {
	base
	Contained   []json.RawMessage `json:"contained,omitempty"`
	Extension   []extension       `json:"extension,omitempty"`
	Identifier  []identifier      `json:"identifier,omitempty"`
	BasedOn     []reference       `json:"basedOn,omitempty"`
	Replaces    []reference       `json:"replaces,omitempty"`
	Status      string            `json:"status"`
	Intent      string            `json:"intent"`
	Category    []concept         `json:"category,omitempty"`
	Priority    string            `json:"priority,omitempty"`
	Code        *concept          `json:"code,omitempty"`
	Subject     *reference        `json:"subject,omitempty"`
	Occurrence  string            `json:"occurrenceDateTime,omitempty"`
	AuthoredOn  string            `json:"authoredOn,omitempty"`
	Requester   *reference        `json:"requester,omitempty"`
	Performer   []reference       `json:"performer,omitempty"`
	ReasonCode  []concept         `json:"reasonCode,omitempty"`
	Note        []annotation      `json:"note,omitempty"`
	Instruction string            `json:"patientInstruction,omitempty"`
}

type serviceRequestRow struct {
	Stamp
	ServiceID, ResponsibleServiceID uuid.UUID
	Service, Responsible            string
	Route, Reason, ReceivedOn       string
	State                           string
	RedirectedFrom, CorrectionOf    *uuid.UUID
	EpisodeID                       *uuid.UUID
	// Sent is the resource from which the referral was made, if it came by FHIR.
	Sent *string
}

// requestStatus: an accepted referral has done its work, and the support goes on in the episode.
func requestStatus(state string) string {
	switch state {
	case "Open", "Reaching":
		return "active"
	case "Accepted":
		return "completed"
	case "EnteredInError":
		return "entered-in-error"
	}
	return "revoked"
}

func (r serviceRequestRow) resource() any {
	s := serviceRequest{
		base:   r.base("ServiceRequest"),
		Status: requestStatus(r.State), Intent: "order", Subject: r.patient(), AuthoredOn: r.ReceivedOn,
		Performer:  []reference{*toService(r.ServiceID, r.Service)},
		ReasonCode: []concept{{Text: r.Reason}},
		Extension: []extension{
			extensionCode("referral-route", r.Route), extensionCode("referral-state", r.State),
			extensionService("responsible-service", r.ResponsibleServiceID, r.Responsible),
		},
	}
	if r.EpisodeID != nil {
		e := ownExtension("episode")
		e.ValueReference = to("EpisodeOfCare", *r.EpisodeID, "")
		s.Extension = append(s.Extension, e)
	}
	if r.RedirectedFrom != nil {
		s.BasedOn = []reference{*to("ServiceRequest", *r.RedirectedFrom, "")}
	}
	if r.CorrectionOf != nil {
		s.Replaces = []reference{*to("ServiceRequest", *r.CorrectionOf, "")}
	}
	var sent serviceRequest
	if r.Sent == nil || json.Unmarshal([]byte(*r.Sent), &sent) != nil { // it was decoded before it was kept
		return s
	}
	s.Identifier, s.Category, s.Priority, s.Code, s.ReasonCode, s.Note = sent.Identifier, sent.Category, sent.Priority, sent.Code, sent.ReasonCode, sent.Note
	s.Occurrence, s.Instruction = sent.Occurrence, sent.Instruction
	if sent.AuthoredOn != "" {
		s.AuthoredOn = sent.AuthoredOn
	}
	if sent.Requester != nil && !isLocal(sent.Requester.Reference) {
		s.Requester = &reference{Type: sent.Requester.Type, Identifier: sent.Requester.Identifier, Display: sent.Requester.Display}
		if s.Requester.Type == "" {
			s.Requester.Type = referenceType(sent.Requester.Reference)
		}
	}
	return s
}

// toService refers to a service by its address here and by its name.
func toService(id uuid.UUID, name string) *reference {
	r := to("HealthcareService", id, name)
	r.Identifier = &identifier{System: serviceNameSystem, Value: name}
	return r
}
