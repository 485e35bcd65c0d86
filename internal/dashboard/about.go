package dashboard

import (
	"net/http"

	"github.com/cmhf/operator/internal/dashboard/figures"
)

// about draws the page "About the data".
func (d *Dashboard) about(w http.ResponseWriter, r *http.Request, v visit) error {
	call := figures.Call{AccessToken: v.user.AccessToken, RequestID: v.reference}
	catalogue, err := observed(d, r.Context(), "measures", call, d.figures.Catalogue)
	if err != nil {
		return d.unanswered(w, r, v, err)
	}
	return d.pages.About(w, *v.viewer(), catalogue)
}
