package fhir

import (
	_ "embed"
	"time"

	"github.com/google/uuid"
)

//go:embed sql/encounter.sql
var encounterSQL string

type encounter struct {
	base
	Extension       []extension            `json:"extension,omitempty"`
	Status          string                 `json:"status"`
	Class           coding                 `json:"class"`
	Type            []concept              `json:"type,omitempty"`
	Subject         *reference             `json:"subject"`
	EpisodeOfCare   []reference            `json:"episodeOfCare,omitempty"`
	BasedOn         []reference            `json:"basedOn,omitempty"`
	Participant     []encounterParticipant `json:"participant,omitempty"`
	Period          *period                `json:"period,omitempty"`
	ServiceProvider *reference             `json:"serviceProvider,omitempty"`
}

type encounterParticipant struct {
	Individual *reference `json:"individual"`
}

type encounterRow struct {
	Stamp
	EpisodeID, ReferralID *uuid.UUID
	HappenedAt            time.Time
	DurationMinutes       *int32
	Medium, Attendance    string
	HeldWith              string
	Professional          *string
	InError               bool
	ODS, Provider         string
}

func (r encounterRow) status() string {
	switch {
	case r.InError:
		return "entered-in-error"
	case r.Attendance == "Attended":
		return "finished"
	}
	return "cancelled"
}

func (r encounterRow) resource() any {
	class := coding{System: "http://terminology.hl7.org/CodeSystem/v3-ActCode", Code: "VR", Display: "virtual"}
	if r.Medium == "FaceToFace" {
		class.Code, class.Display = "AMB", "ambulatory"
	}
	e := encounter{
		base: r.base("Encounter"), Status: r.status(), Class: class, Subject: r.patient(), ServiceProvider: toOrganisation(r.ODS, r.Provider),
		Type:      []concept{{Coding: []coding{ownCode("contact-medium", r.Medium, "")}}},
		Extension: []extension{extensionCode("attendance", r.Attendance), extensionCode("held-with", r.HeldWith)},
		Period:    &period{Start: instant(r.HappenedAt)},
	}
	if r.DurationMinutes != nil {
		e.Period.End = instant(r.HappenedAt.Add(time.Duration(*r.DurationMinutes) * time.Minute))
	}
	if r.EpisodeID != nil {
		e.EpisodeOfCare = []reference{*to("EpisodeOfCare", *r.EpisodeID, "")}
	}
	if r.ReferralID != nil {
		e.BasedOn = []reference{*to("ServiceRequest", *r.ReferralID, "")}
	}
	if r.Professional != nil {
		e.Participant = []encounterParticipant{{professional("", *r.Professional)}}
	}
	return e
}
