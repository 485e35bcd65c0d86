package fhir

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/cmhf/operator/internal/coordination/access"
	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
	"github.com/cmhf/operator/internal/coordination/store"
)

//go:embed sql/services.sql
var servicesSQL string

type healthcareService struct {
	base
	Extension    []extension  `json:"extension,omitempty"`
	Identifier   []identifier `json:"identifier"`
	Active       bool         `json:"active"`
	ProvidedBy   *reference   `json:"providedBy"`
	Type         []concept    `json:"type,omitempty"`
	Name         string       `json:"name"`
	Comment      string       `json:"comment,omitempty"`
	CoverageArea []reference  `json:"coverageArea,omitempty"`
	Eligibility  []eligible   `json:"eligibility,omitempty"`
}

type eligible struct {
	Comment string `json:"comment"`
}

type organization struct {
	base
	Identifier []identifier `json:"identifier"`
	Active     bool         `json:"active"`
	Name       string       `json:"name"`
}

type serviceRow struct {
	ID                       uuid.UUID
	Name, DisplayName, State string
	Place                    string
	Neighbourhoods           []string
	Functions                []string
	MinimumAge, MaximumAge   *int32
	ODS, Provider            string
	Revision                 int64
	CommittedAt              time.Time
}

// service: one that is closing keeps the people it has, so it is active; that it takes no referral stands beside it.
func (r serviceRow) service() healthcareService {
	h := healthcareService{
		base:       base{ResourceType: "HealthcareService", ID: r.ID.String(), Meta: metaOf(r.Revision, r.CommittedAt)},
		Identifier: []identifier{{System: serviceNameSystem, Value: r.Name}}, Active: true, ProvidedBy: toOrganisation(r.ODS, r.Provider), Name: r.DisplayName,
		Extension: []extension{extensionCode("service-state", r.State)},
	}
	for _, f := range r.Functions {
		h.Type = append(h.Type, concept{Coding: []coding{ownCode("service-function", f, "")}})
	}
	for _, n := range r.Neighbourhoods {
		h.CoverageArea = append(h.CoverageArea, reference{Type: "Location", Display: n + ", " + r.Place})
	}
	if r.State == "Closing" {
		h.Comment = "Closing: it takes no new referrals and keeps the people it has."
	}
	switch {
	case r.MinimumAge != nil && r.MaximumAge != nil:
		h.Eligibility = []eligible{{fmt.Sprintf("People from %d to %d years; others are sent on.", *r.MinimumAge, *r.MaximumAge)}}
	case r.MinimumAge != nil:
		h.Eligibility = []eligible{{fmt.Sprintf("People of %d years and over; others are sent on.", *r.MinimumAge)}}
	case r.MaximumAge != nil:
		h.Eligibility = []eligible{{fmt.Sprintf("People up to %d years; others are sent on.", *r.MaximumAge)}}
	}
	return h
}

func (r serviceRow) provider() organization {
	return organization{
		base:       base{ResourceType: "Organization", ID: r.ODS, Meta: metaOf(r.Revision, r.CommittedAt)},
		Identifier: []identifier{{System: odsSystem, Value: r.ODS}}, Active: true, Name: r.Provider,
	}
}

// listed is one resource of the directory.
type listed struct {
	id, identifier string
	resource       any
	revision       int64
}

func registerDirectory(s *server) {
	s.listed("HealthcareService", access.FHIRReadHealthcareService, access.FHIRSearchHealthcareService, serviceNameSystem, func(r serviceRow) listed {
		return listed{r.ID.String(), r.Name, r.service(), r.Revision}
	})
	s.listed("Organization", access.FHIRReadOrganization, access.FHIRSearchOrganization, odsSystem, func(r serviceRow) listed {
		return listed{r.ODS, r.ODS, r.provider(), r.Revision}
	})
}

// listed adds a kind of which there are as many as services at most: they are shown all at once.
func (s *server) listed(kind string, read, search access.Operation, system string, show func(serviceRow) listed) {
	all := func(ctx context.Context, tx *store.Tx) ([]listed, error) {
		rows, err := store.Rows[serviceRow](ctx, tx, servicesSQL, nil)
		if err != nil {
			return nil, fmt.Errorf("reading the directory: %w", err)
		}
		var each []listed
		for _, r := range rows {
			one := show(r)
			if !slices.ContainsFunc(each, func(l listed) bool { return l.id == one.id }) {
				each = append(each, one)
			}
		}
		return each, nil
	}
	s.handle(route{Method: http.MethodGet, Path: root + kind + "/{id}", Operation: read, kind: kind, interaction: "read"},
		func(ctx context.Context, tx *store.Tx, in rest.Request) (*rest.Reply, error) {
			each, err := all(ctx, tx)
			if err != nil {
				return nil, err
			}
			i := slices.IndexFunc(each, func(l listed) bool { return l.id == in.PathValue("id") })
			if i < 0 {
				return nil, notFound()
			}
			return resourceReply(http.StatusOK, each[i].revision, each[i].resource), nil
		})
	params := []searchParam{{"identifier", "token", "As " + system + "|value; without it, all are given."}}
	s.search(kind, search, params, func(ctx context.Context, tx *store.Tx, in rest.Request) (*rest.Reply, error) {
		wanted, err := searchOf(in, params)
		if err != nil {
			return nil, err
		}
		token := wanted.values.Get("identifier")
		value, known := strings.CutPrefix(token, system+"|")
		if token != "" && !known {
			return nil, problem.InvalidField("identifier", "give it as %s|value", system)
		}
		each, err := all(ctx, tx)
		if err != nil {
			return nil, err
		}
		found := results{in: in, kind: kind}
		for _, one := range each {
			if token == "" || one.identifier == value {
				found.add(one.id, one.resource)
			}
		}
		return found.reply(wanted), nil
	})
}
