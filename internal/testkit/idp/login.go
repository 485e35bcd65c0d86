package idp

import (
	"bytes"
	_ "embed"
	"html/template"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/zitadel/oidc/v3/pkg/op"
)

const (
	loginPath     = "/login"
	signedOutPath = "/signed-out"
	sessionCookie = "cmhf_idp_session"
	// sessionLifetime is how long a browser stays signed in.
	sessionLifetime = 8 * time.Hour
	// maxFormBytes bounds the sign-in form.
	maxFormBytes = 16 << 10
)

//go:embed login.html
var loginHTML string

//go:embed signed-out.html
var signedOutHTML []byte

var loginTemplate = template.Must(template.New("login").Parse(loginHTML))

// session is a browser that is signed in.
type session struct {
	subject  string
	authTime time.Time
}

// login is the sign-in form and the browser's session. It works without JavaScript.
type login struct {
	storage  *storage
	callback func(requestID string) string
	secure   bool
}

func (l *login) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+loginPath, l.show)
	mux.HandleFunc("POST "+loginPath, l.submit)
	mux.HandleFunc("GET "+signedOutPath, func(w http.ResponseWriter, _ *http.Request) {
		pageHeaders(w)
		_, _ = w.Write(signedOutHTML) // a broken connection has no one to tell
	})
}

func (l *login) show(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("request")
	request, err := l.storage.request(id)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if s, ok := l.session(r); ok && !request.wantsFreshLogin(time.Since(s.authTime)) {
		l.finish(w, r, id, s)
		return
	}
	if len(request.original.Prompt) == 1 && request.original.Prompt[0] == "none" {
		http.Redirect(w, r, l.callback(id), http.StatusSeeOther) // unfinished: the library answers interaction_required
		return
	}
	l.form(w, http.StatusOK, id, "")
}

func (l *login) submit(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxFormBytes)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the form could not be read", http.StatusBadRequest)
		return
	}
	id := r.PostForm.Get("request")
	subject, ok := l.storage.authenticate(strings.TrimSpace(r.PostForm.Get("username")), r.PostForm.Get("password"))
	if !ok {
		l.form(w, http.StatusUnauthorized, id, "The user name or password is wrong.")
		return
	}
	s := session{subject: subject, authTime: time.Now()}
	key := uuid.NewString()
	l.storage.mu.Lock()
	maps.DeleteFunc(l.storage.sessions, func(_ string, old session) bool { return time.Since(old.authTime) > sessionLifetime })
	l.storage.sessions[key] = s
	l.storage.mu.Unlock()
	http.SetCookie(w, l.cookie(key, int(sessionLifetime.Seconds())))
	l.finish(w, r, id, s)
}

func (l *login) finish(w http.ResponseWriter, r *http.Request, id string, s session) {
	if err := l.storage.complete(id, s.subject, s.authTime); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	http.Redirect(w, r, l.callback(id), http.StatusSeeOther)
}

func (l *login) form(w http.ResponseWriter, status int, id, problem string) {
	var page bytes.Buffer
	if err := loginTemplate.Execute(&page, map[string]string{"Request": id, "Problem": problem}); err != nil {
		slog.Error("drawing the sign-in page", "error", err)
		http.Error(w, "the sign-in page could not be drawn", http.StatusInternalServerError)
		return
	}
	pageHeaders(w)
	w.WriteHeader(status)
	_, _ = page.WriteTo(w) // a broken connection has no one to tell
}

// pageHeaders leaves form-action open on purpose: browsers apply it to the redirects that follow the form, which lead to
// the client's site.
func pageHeaders(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
}

func (l *login) session(r *http.Request) (session, bool) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return session{}, false
	}
	l.storage.mu.Lock()
	defer l.storage.mu.Unlock()
	s, ok := l.storage.sessions[cookie.Value]
	return s, ok && time.Since(s.authTime) <= sessionLifetime
}

func (l *login) cookie(value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: sessionCookie, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: l.secure, SameSite: http.SameSiteLaxMode,
	}
}

// endBrowserSession forgets the browser's session before the library handles the end of the client's session.
func (l *login) endBrowserSession(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if cookie, err := r.Cookie(sessionCookie); err == nil {
			l.storage.mu.Lock()
			delete(l.storage.sessions, cookie.Value)
			l.storage.mu.Unlock()
			http.SetCookie(w, l.cookie("", -1))
		}
		next.ServeHTTP(w, r)
	})
}

func callbackURL(issuer string) func(string) string {
	return func(id string) string {
		return issuer + op.DefaultEndpoints.Authorization.Relative() + "/callback?id=" + id
	}
}
