package pages

import (
	"net/http"

	"github.com/cmhf/operator/internal/dashboard/figures"
)

// Glance is what the page "At a glance" shows.
type Glance struct {
	Statistics figures.AtAGlance
	Services   []figures.Service
	// ServicesMissing is set when the list of services could not be fetched; the figures are shown without it.
	ServicesMissing bool
	// Reference finds this request in the logs.
	Reference string
}

type glancePage struct {
	PeriodLabel, PeriodFrom, PeriodTo string
	WorkedOut                         string
	Rule                              string
	Tiles                             []tile
	Services                          []service
	ServicesMissing                   bool
	Reference                         string
}

type tile struct {
	ID, Title, Description string
	Figure, Kind, Unit     string
}

type service struct {
	Name, Place, Neighbourhoods, LeadProvider, Functions string
	Closing                                              bool
}

// AtAGlance draws the page "At a glance".
func (r *Renderer) AtAGlance(w http.ResponseWriter, viewer Viewer, g Glance) error {
	s := g.Statistics
	page := glancePage{
		PeriodLabel: s.Period.Label, PeriodFrom: day(s.Period.From.Time), PeriodTo: day(s.Period.To.Time),
		WorkedOut: moment(s.GeneratedAt), Rule: s.Rule, ServicesMissing: g.ServicesMissing, Reference: g.Reference,
	}
	for _, t := range s.Tiles {
		text, kind := figure(t)
		page.Tiles = append(page.Tiles, tile{ID: t.ID, Title: t.Title, Description: t.Description, Figure: text, Kind: kind, Unit: t.Unit})
	}
	for _, s := range g.Services {
		page.Services = append(page.Services, newService(s))
	}
	return r.write(w, http.StatusOK, "at-a-glance", frame{
		Title: "At a glance", Viewer: &viewer, Nav: navigation(GlancePath), Synthetic: s.Synthetic, Page: page,
	})
}

func newService(s figures.Service) service {
	functions := make([]string, 0, len(s.Functions))
	for _, f := range s.Functions {
		functions = append(functions, plain(f))
	}
	return service{
		Name: s.DisplayName, Place: s.Place, Neighbourhoods: joinNames(s.Neighbourhoods), LeadProvider: s.LeadProvider.Name,
		Functions: sentence(functions), Closing: s.State == "Closing",
	}
}
