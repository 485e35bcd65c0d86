// Package dashboard is the web application: it joins sign-in, figures and pages into two HTTP handlers, one for readers and
// one for health and metrics.
//
// It takes settings and gives handlers; Serve runs them. It talks to the coordination API and to the identity provider over
// HTTP only and keeps no state but the keys it has been given, so any number of replicas can stand side by side.
package dashboard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/cmhf/operator/internal/dashboard/assets"
	"github.com/cmhf/operator/internal/dashboard/figures"
	"github.com/cmhf/operator/internal/dashboard/pages"
	"github.com/cmhf/operator/internal/dashboard/session"
	"github.com/cmhf/operator/internal/dashboard/settings"
	"github.com/cmhf/operator/internal/dashboard/signin"
)

// pageTimeout bounds the work for one page, the coordination API's part included.
const pageTimeout = 15 * time.Second

// Dashboard is the web application.
type Dashboard struct {
	// Public answers readers.
	Public http.Handler
	// Internal answers the cluster: health and metrics.
	Internal http.Handler

	settings settings.Settings
	log      *slog.Logger
	metrics  *metrics
	signin   *signin.SignIn
	figures  *figures.Client
	pages    *pages.Renderer
	ready    readiness
}

// New puts the application together without reaching the network. now is time.Now outside tests.
func New(s settings.Settings, log *slog.Logger, now func() time.Time) (*Dashboard, error) {
	static, err := assets.Load()
	if err != nil {
		return nil, err
	}
	renderer, err := pages.New(s.ICSName, s.ODSCode, s.ReadOnly, static.Path)
	if err != nil {
		return nil, err
	}
	var others [][]byte
	if s.OtherSessionKey != nil {
		others = append(others, s.OtherSessionKey)
	}
	jar, err := session.NewJar(s.SessionKey, others...)
	if err != nil {
		return nil, err
	}
	d := &Dashboard{
		settings: s, log: log, metrics: newMetrics(), pages: renderer,
		figures: figures.NewClient(s.APIURL, s.ODSCode),
		signin:  signin.New(signin.Config{Issuer: s.OIDCIssuer, ClientID: s.OIDCClientID, PublicURL: s.PublicURL, Jar: jar, Now: now}),
	}
	d.Public = d.observe(d.routes(static))
	d.Internal = d.internalRoutes()
	return d, nil
}

// routes lists every public address.
func (d *Dashboard) routes(static http.Handler) *http.ServeMux {
	m := http.NewServeMux()
	m.Handle("GET "+assets.Prefix, static)
	page := func(pattern string, h pageHandler) { m.Handle(pattern, d.page(h)) }
	page("GET /{$}", d.home)
	page("GET "+pages.GlancePath, signedIn(d.atAGlance))
	for _, s := range pages.Subjects() {
		page("GET "+s.Path, signedIn(d.subject(s)))
	}
	page("GET "+pages.AboutPath, signedIn(d.about))
	page("GET /figures/{file}", signedIn(d.figuresFile))
	page("GET /auth/sign-in", d.beginSignIn)
	page("GET "+signin.CallbackPath, d.completeSignIn)
	page("POST /auth/sign-out", d.signOut)
	page("/", func(w http.ResponseWriter, _ *http.Request, v visit) error {
		return d.pages.Message(w, v.viewer(), d.pages.NotFound())
	})
	return m
}

// visit is what a page's handler knows about the request.
type visit struct {
	user      *signin.User // nil when nobody is signed in
	expired   *signin.User // who was signed in until the token ran out; nil otherwise
	reference string       // finds the request in the logs
}

// viewer is the visit's person as pages need it.
func (v visit) viewer() *pages.Viewer {
	if v.user == nil {
		return nil
	}
	return &pages.Viewer{Name: v.user.Name, CSRF: v.user.CSRF}
}

type pageHandler func(http.ResponseWriter, *http.Request, visit) error

// page wraps a handler with what every page has in common.
func (d *Dashboard) page(h pageHandler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
		defer cancel()
		r = r.WithContext(ctx)
		d.secure(w)
		v := visit{reference: reference(r.Context())}
		switch user, err := d.signin.User(r); {
		case err == nil:
			v.user = &user
		case errors.Is(err, signin.ErrExpired):
			v.expired = &user
		}
		if err := h(w, r, v); err != nil {
			d.log.ErrorContext(r.Context(), "cannot answer", "route", r.Pattern, "reference", v.reference, "error", err)
		}
	})
}

// signedIn has somebody sign in first and come back.
func signedIn(h pageHandler) pageHandler {
	return func(w http.ResponseWriter, r *http.Request, v visit) error {
		if v.user == nil {
			http.Redirect(w, r, signInPath(r), http.StatusSeeOther)
			return nil
		}
		return h(w, r, v)
	}
}

// signInPath is the address that signs in and comes back to the page of this request.
func signInPath(r *http.Request) string {
	return "/auth/sign-in?" + url.Values{"return": {r.URL.RequestURI()}}.Encode()
}

// failure logs what went wrong and draws the message for it.
func (d *Dashboard) failure(w http.ResponseWriter, r *http.Request, v visit, m pages.Message, cause error) error {
	d.log.WarnContext(r.Context(), m.Title, "route", r.Pattern, "reference", v.reference, "error", cause)
	if m.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "60")
	}
	if err := d.pages.Message(w, v.viewer(), m); err != nil {
		return fmt.Errorf("say what went wrong: %w", err)
	}
	return nil
}
