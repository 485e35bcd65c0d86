package dashboard

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"

	"github.com/cmhf/operator/internal/dashboard/session"
	"github.com/cmhf/operator/internal/dashboard/signin"
)

// renewal marks a sign-in that replaces a session whose token the API refused. Coming by a link of somebody else's it does no
// harm: it only makes a refusal show a message at once.
const renewal = "renew"

// renew forgets a session whose token the API refuses and signs in again. The new session remembers this, so that a second
// refusal is said and does not go round in circles.
func (d *Dashboard) renew(w http.ResponseWriter, r *http.Request, v visit, cause error) error {
	d.log.WarnContext(r.Context(), "the coordination API refused a session's token; signing in again", "route", r.Pattern, "reference", v.reference, "error", cause)
	d.signin.Forget(w, r)
	http.Redirect(w, r, signInPath(r)+"&"+renewal, http.StatusSeeOther)
	return nil
}

// beginSignIn sends the browser to the identity provider.
func (d *Dashboard) beginSignIn(w http.ResponseWriter, r *http.Request, v visit) error {
	query := r.URL.Query()
	err := d.signin.Begin(w, r, query.Get("return"), query.Has(renewal))
	if err != nil {
		return d.signInFailed(w, r, v, err)
	}
	return nil
}

// completeSignIn takes the identity provider's answer.
func (d *Dashboard) completeSignIn(w http.ResponseWriter, r *http.Request, v visit) error {
	next, err := d.signin.Complete(w, r)
	switch {
	case errors.Is(err, signin.ErrStale) && v.user != nil:
		next = "/" // the sign-in was finished before: someone went back in the history
	case err != nil:
		return d.signInFailed(w, r, v, err)
	default:
		d.metrics.signIns.WithLabelValues("ok").Inc()
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
	return nil
}

func (d *Dashboard) signInFailed(w http.ResponseWriter, r *http.Request, v visit, err error) error {
	again := "/auth/sign-in?" + url.Values{"return": {signin.LocalPath(r.URL.Query().Get("return"))}}.Encode()
	outcome, message := "failed", d.pages.Broken(v.reference)
	switch {
	case errors.Is(err, signin.ErrUnavailable):
		outcome, message = "unavailable", d.pages.SignInAway(again, v.reference)
	case errors.Is(err, signin.ErrStale):
		outcome, message = "stale", d.pages.SignInStale(again)
	case errors.Is(err, session.ErrTooLarge):
		outcome, message = "too_large", d.pages.SignInTooLarge(v.reference)
	case errors.Is(err, signin.ErrRefused):
		outcome, message = "refused", d.pages.SignInRefused(again, v.reference)
	}
	d.metrics.signIns.WithLabelValues(outcome).Inc()
	return d.failure(w, r, v, message, err)
}

// signOut ends the session here and at the identity provider.
func (d *Dashboard) signOut(w http.ResponseWriter, r *http.Request, v visit) error {
	const formLimit = 4 << 10
	user := cmp.Or(v.user, v.expired)
	if user == nil { // signed out already, in another window
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	r.Body = http.MaxBytesReader(w, r.Body, formLimit)
	if !user.CSRFMatches(r.PostFormValue("csrf")) {
		return d.failure(w, r, v, d.pages.FormRefused(), errors.New("the form's secret does not match the session"))
	}
	http.Redirect(w, r, d.signin.End(w, r), http.StatusSeeOther)
	return nil
}
