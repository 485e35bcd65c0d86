package fhir

import (
	_ "embed"

	"github.com/google/uuid"
)

var (
	//go:embed sql/related_person.sql
	relatedSQL string
	//go:embed sql/practitioner_role.sql
	roleSQL string
)

// relatedPerson is a carer, or somebody else close to the person. How they are reached and what they said in confidence are read by /v1.
type relatedPerson struct {
	base
	Extension    []extension `json:"extension,omitempty"`
	Active       bool        `json:"active"`
	Patient      *reference  `json:"patient"`
	Relationship []concept   `json:"relationship,omitempty"`
	Name         []humanName `json:"name,omitempty"`
	Period       *period     `json:"period,omitempty"`
}

type relatedRow struct {
	Stamp
	Kind, Name, Relationship string
	MayBeTold                []string
	EndedOn                  *string
}

func (r relatedRow) resource() any {
	p := relatedPerson{
		base: r.base("RelatedPerson"), Active: r.EndedOn == nil, Patient: r.patient(), Name: []humanName{{Text: r.Name}},
		Relationship: []concept{{Coding: []coding{ownCode("relationship", r.Relationship, "")}}, {Coding: []coding{ownCode("related-as", r.Kind, "")}}},
	}
	for _, what := range r.MayBeTold {
		p.Extension = append(p.Extension, extensionCode("may-be-told", what))
	}
	if r.EndedOn != nil {
		p.Period = &period{End: *r.EndedOn}
	}
	return p
}

// practitionerRole is somebody at work around one person: the key worker or another of the team. The API keeps no list of staff, so the role is that
// within an episode, and is found by the references of EpisodeOfCare and CareTeam.
type practitionerRole struct {
	base
	Active            bool        `json:"active"`
	Period            *period     `json:"period,omitempty"`
	Practitioner      *reference  `json:"practitioner,omitempty"`
	Organization      *reference  `json:"organization,omitempty"`
	Code              []concept   `json:"code,omitempty"`
	HealthcareService []reference `json:"healthcareService,omitempty"`
}

type roleRow struct {
	Stamp
	Holder        *string
	Name, Role    string
	KeyWorker     bool
	Organisation  *string
	Since         string
	Until         *string
	ServiceID     uuid.UUID
	ServiceName   string
	ODS, Provider string
	EpisodeState  string
}

func (r roleRow) resource() any {
	p := practitionerRole{
		base: r.base("PractitionerRole"), Active: r.Until == nil && r.EpisodeState == "Open", Period: &period{r.Since, text(r.Until)},
		Practitioner: professional(text(r.Holder), r.Name), Code: []concept{{Text: r.Role}},
	}
	if !r.KeyWorker {
		p.Organization = &reference{Type: "Organization", Display: text(r.Organisation)}
		return p
	}
	p.Code = append(p.Code, concept{Coding: []coding{ownCode("team-role", "key-worker", "Key worker")}})
	p.Organization, p.HealthcareService = toOrganisation(r.ODS, r.Provider), []reference{*to("HealthcareService", r.ServiceID, r.ServiceName)}
	return p
}

// toRole refers to somebody's role around the person.
func toRole(id uuid.UUID, name string) *reference { return to("PractitionerRole", id, name) }

// professional names a person at work, of whom there is no resource.
func professional(subject, name string) *reference {
	r := &reference{Type: "Practitioner", Display: name}
	if subject != "" {
		r.Identifier = &identifier{System: subjectSystem, Value: subject}
	}
	return r
}
