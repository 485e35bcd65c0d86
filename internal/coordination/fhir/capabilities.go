package fhir

import (
	"net/http"
	"slices"

	"github.com/cmhf/operator/internal/coordination/rest"
)

type capabilityStatement struct {
	base
	Status      string       `json:"status"`
	Date        string       `json:"date"`
	Kind        string       `json:"kind"`
	Software    software     `json:"software"`
	FHIRVersion string       `json:"fhirVersion"`
	Format      []string     `json:"format"`
	Rest        []capability `json:"rest"`
}

type software struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type capability struct {
	Mode     string       `json:"mode"`
	Security security     `json:"security"`
	Resource []capableFor `json:"resource"`
}

type security struct {
	Service     []concept `json:"service"`
	Description string    `json:"description"`
}

type capableFor struct {
	Type              string        `json:"type"`
	Interaction       []interaction `json:"interaction"`
	Versioning        string        `json:"versioning"`
	ReadHistory       bool          `json:"readHistory"`
	UpdateCreate      bool          `json:"updateCreate"`
	ConditionalCreate bool          `json:"conditionalCreate"`
	SearchParam       []searchable  `json:"searchParam,omitempty"`
}

type interaction struct {
	Code string `json:"code"`
}

type searchable struct {
	Name          string `json:"name"`
	Type          string `json:"type"`
	Documentation string `json:"documentation"`
}

// publishedOn is when what the statement says changed last.
const publishedOn = "2026-11-27"

// capabilities are the routing table and nothing else.
func (s *server) capabilities() capabilityStatement {
	var kinds []capableFor
	for _, r := range s.routes {
		i := slices.IndexFunc(kinds, func(k capableFor) bool { return k.Type == r.kind })
		if i < 0 {
			i = len(kinds)
			kinds = append(kinds, capableFor{Type: r.kind, Versioning: "versioned"})
		}
		k := &kinds[i]
		if !slices.Contains(k.Interaction, interaction{r.interaction}) {
			k.Interaction = append(k.Interaction, interaction{r.interaction})
			for _, p := range r.search {
				k.SearchParam = append(k.SearchParam, searchable{p.name, p.kind, p.doc})
			}
		}
		k.ConditionalCreate = k.ConditionalCreate || r.conditionalMake
	}
	return capabilityStatement{
		base: base{ResourceType: "CapabilityStatement"}, Status: "active", Date: publishedOn, Kind: "capability",
		Software: software{"CMHF coordination API", rest.Version}, FHIRVersion: "4.0.1", Format: []string{"json"},
		Rest: []capability{{Mode: "server", Resource: kinds, Security: security{
			Service:     []concept{{Coding: []coding{{System: "http://terminology.hl7.org/CodeSystem/restful-security-service", Code: "OAuth", Display: "OAuth"}}}},
			Description: "A bearer token of the ICS's identity provider. Every request has an X-Request-ID.",
		}}},
	}
}

// publish comes last: the statement is made of what is registered by then.
func (s *server) publish() {
	statement := reply(http.StatusOK, s.capabilities())
	rest.HandleOpen(s.api, http.MethodGet, root+"metadata", func(r *http.Request) *rest.Reply {
		if err := acceptable(r); err != nil {
			o, status := outcome(asProblem(err))
			return reply(status, o)
		}
		return statement
	})
}
