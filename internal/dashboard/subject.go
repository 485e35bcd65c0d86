package dashboard

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/cmhf/operator/internal/dashboard/figures"
	"github.com/cmhf/operator/internal/dashboard/pages"
)

// subject draws the page about a subject. Without the breakdowns or the list of services it still shows the rest.
func (d *Dashboard) subject(s pages.Subject) pageHandler {
	return func(w http.ResponseWriter, r *http.Request, v visit) error {
		call := figures.Call{AccessToken: v.user.AccessToken, RequestID: v.reference}
		page := pages.SubjectFigures{Filter: pages.ParseFilter(r.URL.Query())}
		group, ctx := errgroup.WithContext(r.Context())
		fetch := func(q figures.Query) (figures.Figures, error) {
			return observed(d, ctx, "figures", call, func(ctx context.Context, call figures.Call) (figures.Figures, error) {
				return d.figures.Figures(ctx, call, q)
			})
		}
		group.Go(func() (err error) {
			page.Figures, err = fetch(page.Filter.Query("all", "", s.Measures()...))
			return err
		})
		breakdowns := s.Breakdowns(page.Filter)
		page.Breakdowns = make([]*figures.Figures, len(breakdowns))
		for n, b := range breakdowns {
			group.Go(func() error {
				got, err := fetch(page.Filter.Query(page.Filter.Month(), b.Kind, b.Measures...))
				if !d.partly(ctx, v, "figures by "+b.Kind, err) {
					page.Breakdowns[n] = &got
				}
				return nil
			})
		}
		group.Go(func() (err error) {
			page.Services, err = observed(d, ctx, "services", call, d.figures.Services)
			d.partly(ctx, v, "the list of services", err)
			return nil
		})
		if err := group.Wait(); err != nil {
			return d.unanswered(w, r, v, err)
		}
		return d.pages.Subject(w, *v.viewer(), s, page)
	}
}

// partly tells whether something is missing from a page that goes without it, and logs it.
func (d *Dashboard) partly(ctx context.Context, v visit, what string, err error) bool {
	if err != nil && ctx.Err() == nil {
		d.log.WarnContext(ctx, "something is missing from the page", "what", what, "reference", v.reference, "error", err)
	}
	return err != nil
}

// figuresFile hands a measure's figures on as a file, as the API gives them to the signed-in person.
func (d *Dashboard) figuresFile(w http.ResponseWriter, r *http.Request, v visit) error {
	measure, isFile := strings.CutSuffix(r.PathValue("file"), ".csv")
	if !isFile {
		return d.pages.Message(w, v.viewer(), d.pages.NotFound())
	}
	call := figures.Call{AccessToken: v.user.AccessToken, RequestID: v.reference}
	query := pages.ParseFilter(r.URL.Query()).Query("all", "")
	file, err := observed(d, r.Context(), "figures-csv", call, func(ctx context.Context, call figures.Call) (io.ReadCloser, error) {
		return d.figures.CSV(ctx, call, measure, query)
	})
	switch {
	case errors.Is(err, figures.ErrNotFound), errors.Is(err, figures.ErrBadFilter):
		return d.pages.Message(w, v.viewer(), d.pages.NotFound())
	case err != nil:
		return d.unanswered(w, r, v, err)
	}
	defer func() { _ = file.Close() }() // reading is over
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+measure+`.csv"`)
	_, err = io.Copy(w, file)
	return err
}
