package pages

import (
	"net/http"

	"github.com/cmhf/operator/internal/dashboard/figures"
	"github.com/cmhf/operator/internal/dashboard/progress"
)

// AboutPath is the address of the page "About the data".
const AboutPath = "/about-the-data"

type aboutPage struct {
	Rule, Change string
	Publications []publication
	Measures     []figures.Measure
}

type publication struct{ Month, Published, Records, Revision string }

// About draws the page "About the data".
func (r *Renderer) About(w http.ResponseWriter, viewer Viewer, g figures.Catalogue) error {
	page := aboutPage{Rule: g.Rule, Change: progress.Rule, Measures: g.Items}
	for _, p := range g.Publications {
		revision := "first"
		if p.Revision > 1 {
			revision = british.Sprintf("revised, version %d", p.Revision)
		}
		page.Publications = append(page.Publications, publication{monthName(p.From.Time), moment(p.PublishedAt), moment(p.FactsAsOf), revision})
	}
	return r.write(w, http.StatusOK, "about", frame{Title: "About the data", Viewer: &viewer, Nav: navigation(AboutPath), Synthetic: g.Synthetic, Page: page})
}
