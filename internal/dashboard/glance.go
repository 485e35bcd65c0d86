package dashboard

import (
	"context"
	"errors"
	"net/http"

	"golang.org/x/sync/errgroup"

	"github.com/cmhf/operator/internal/dashboard/figures"
	"github.com/cmhf/operator/internal/dashboard/pages"
)

// home leads signed-in people to the front page and invites others to sign in.
func (d *Dashboard) home(w http.ResponseWriter, r *http.Request, v visit) error {
	if v.user != nil {
		http.Redirect(w, r, pages.GlancePath, http.StatusSeeOther)
		return nil
	}
	return d.pages.Message(w, nil, d.pages.SignedOut("/auth/sign-in"))
}

// atAGlance draws the front page. Without the list of services the page still shows the figures.
func (d *Dashboard) atAGlance(w http.ResponseWriter, r *http.Request, v visit) error {
	call := figures.Call{AccessToken: v.user.AccessToken, RequestID: v.reference}
	glance := pages.Glance{Reference: v.reference}
	group, ctx := errgroup.WithContext(r.Context())
	group.Go(func() (err error) {
		glance.Statistics, err = observed(d, ctx, "at-a-glance", call, d.figures.AtAGlance)
		return err
	})
	group.Go(func() error {
		var err error
		glance.Services, err = observed(d, ctx, "services", call, d.figures.Services)
		glance.ServicesMissing = d.partly(ctx, v, "the list of services", err)
		return nil
	})
	if err := group.Wait(); err != nil {
		return d.unanswered(w, r, v, err)
	}
	return d.pages.AtAGlance(w, *v.viewer(), glance)
}

// unanswered says why there are no figures, or has somebody sign in again whose token the API refuses.
func (d *Dashboard) unanswered(w http.ResponseWriter, r *http.Request, v visit, err error) error {
	switch {
	case errors.Is(err, figures.ErrNotAllowed):
		return d.failure(w, r, v, d.pages.Forbidden(v.reference), err)
	case errors.Is(err, figures.ErrTokenRefused) && v.user.Renewed:
		return d.failure(w, r, v, d.pages.TokenRefused(v.reference), err)
	case errors.Is(err, figures.ErrTokenRefused):
		return d.renew(w, r, v, err)
	}
	return d.failure(w, r, v, d.pages.FiguresAway(r.URL.RequestURI(), v.reference), err)
}

// observed calls the coordination API and counts how it went.
func observed[T any](d *Dashboard, ctx context.Context, operation string, call figures.Call, fetch func(context.Context, figures.Call) (T, error)) (T, error) {
	done := d.metrics.apiCall(operation)
	answer, err := fetch(ctx, call)
	switch {
	case err == nil:
		done("ok")
	case errors.Is(err, figures.ErrNotAllowed):
		done("not_allowed")
	case errors.Is(err, figures.ErrTokenRefused):
		done("token_refused")
	case ctx.Err() != nil: // the reader has gone, or the other call has failed
		done("cancelled")
	default:
		done("failed")
	}
	return answer, err
}
