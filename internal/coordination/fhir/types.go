package fhir

import (
	"time"

	"github.com/google/uuid"
)

// The data types of R4, with the elements that this API fills or understands and no others.

type meta struct {
	VersionID   string   `json:"versionId,omitempty"`
	LastUpdated string   `json:"lastUpdated,omitempty"`
	Security    []coding `json:"security,omitempty"`
	Tag         []coding `json:"tag,omitempty"`
}

type base struct {
	ResourceType string `json:"resourceType"`
	ID           string `json:"id,omitempty"`
	Meta         *meta  `json:"meta,omitempty"`
}

type extension struct {
	URL            string     `json:"url"`
	ValueCode      string     `json:"valueCode,omitempty"`
	ValueDate      string     `json:"valueDate,omitempty"`
	ValueConcept   *concept   `json:"valueCodeableConcept,omitempty"`
	ValueReference *reference `json:"valueReference,omitempty"`
}

type coding struct {
	System  string `json:"system,omitempty"`
	Version string `json:"version,omitempty"`
	Code    string `json:"code,omitempty"`
	Display string `json:"display,omitempty"`
}

type concept struct {
	Coding []coding `json:"coding,omitempty"`
	Text   string   `json:"text,omitempty"`
}

// absent are the extensions of a primitive element that has no value.
type absent struct {
	Extension []extension `json:"extension"`
}

type identifier struct {
	Extension []extension `json:"extension,omitempty"`
	System    string      `json:"system,omitempty"`
	Value     string      `json:"value,omitempty"`
	NoValue   *absent     `json:"_value,omitempty"`
}

type reference struct {
	Reference  string      `json:"reference,omitempty"`
	Type       string      `json:"type,omitempty"`
	Identifier *identifier `json:"identifier,omitempty"`
	Display    string      `json:"display,omitempty"`
}

type period struct {
	Start string `json:"start,omitempty"`
	End   string `json:"end,omitempty"`
}

type annotation struct {
	Author string `json:"authorString,omitempty"`
	Time   string `json:"time,omitempty"`
	Text   string `json:"text"`
}

type humanName struct {
	Use    string   `json:"use,omitempty"`
	Text   string   `json:"text,omitempty"`
	Family string   `json:"family,omitempty"`
	Given  []string `json:"given,omitempty"`
}

type contactPoint struct {
	System string `json:"system"`
	Value  string `json:"value"`
	Use    string `json:"use,omitempty"`
}

type address struct {
	Use        string   `json:"use,omitempty"`
	Line       []string `json:"line,omitempty"`
	PostalCode string   `json:"postalCode,omitempty"`
	Period     *period  `json:"period,omitempty"`
}

type bundle struct {
	base
	Type  string  `json:"type"`
	Link  []link  `json:"link,omitempty"`
	Entry []entry `json:"entry,omitempty"`
}

type link struct {
	Relation string `json:"relation"`
	URL      string `json:"url"`
}

type entry struct {
	FullURL  string            `json:"fullUrl"`
	Resource any               `json:"resource"`
	Search   map[string]string `json:"search"`
}

// Systems of identifiers and codes. Those of the NHS and of HL7 are spelt as published; own are this product's, for words that no
// published list has.
const (
	own               = "https://cmhf.health/fhir/"
	nhsNumberSystem   = "https://fhir.nhs.uk/Id/nhs-number"
	odsSystem         = "https://fhir.nhs.uk/Id/ods-organization-code"
	serviceNameSystem = own + "Id/service-name"
	subjectSystem     = own + "Id/subject"
)

// instant is a moment in the form of FHIR.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

func ownCode(list, code, display string) coding {
	return coding{System: own + "CodeSystem/" + list, Code: code, Display: display}
}

func ownExtension(name string) extension { return extension{URL: own + "StructureDefinition/" + name} }

func extensionCode(name, code string) extension {
	e := ownExtension(name)
	e.ValueCode = code
	return e
}

func extensionService(name string, id uuid.UUID, display string) extension {
	e := ownExtension(name)
	e.ValueReference = to("HealthcareService", id, display)
	return e
}

func to(kind string, id uuid.UUID, display string) *reference {
	return &reference{Reference: kind + "/" + id.String(), Display: display}
}

func toEach(kind string, ids []uuid.UUID) (all []reference) {
	for _, id := range ids {
		all = append(all, *to(kind, id, ""))
	}
	return all
}

// toOrganisation refers to a lead provider, whose id is its ODS code.
func toOrganisation(ods, name string) *reference {
	return &reference{Reference: "Organization/" + ods, Display: name}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
