package dashboard_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cmhf/operator/internal/dashboard"
	"github.com/cmhf/operator/internal/dashboard/dashboardtest"
	"github.com/cmhf/operator/internal/dashboard/settings"
	"github.com/cmhf/operator/internal/dashboard/signin"
	"github.com/cmhf/operator/internal/testkit/idp"
)

// site is a dashboard over TLS with a real identity provider and a stand-in for the coordination API.
type site struct {
	dashboard *dashboard.Dashboard
	server    *httptest.Server
	issuer    string
	api       *dashboardtest.API
	log       *logBuffer
	// providerAway makes the identity provider fail while it is set.
	providerAway atomic.Bool
	// ahead moves the dashboard's clock, in nanoseconds.
	ahead atomic.Int64
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{log: &logBuffer{}, server: httptest.NewUnstartedServer(nil)}
	public, err := url.Parse("https://" + s.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}

	var provider http.Handler
	idpServer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.providerAway.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		provider.ServeHTTP(w, r)
	}))
	t.Cleanup(idpServer.Close)
	s.issuer = idpServer.URL
	if provider, err = idp.New(s.issuer, idp.Config{
		Clients: []idp.ClientConfig{{
			ID: "cmhf-qop", RedirectURIs: []string{public.JoinPath(signin.CallbackPath).String()},
			GrantTypes: []string{"authorization_code"}, Audience: []string{"cmhf-qop"},
		}},
		Users: []idp.UserConfig{
			{Username: "lead", Password: "pw", Name: "Account Of A Lead", Claims: map[string]any{"ics": "QOP", "roles": []string{"digital-lead"}}},
			{Username: "member", Password: "pw", Name: "Account Of Many Groups", Claims: map[string]any{"ics": "QOP", "roles": []string{"digital-lead"}, "groups": strings.Repeat("g", 3000)}},
			{Username: "joiner", Password: "pw", Name: "Account Of All Groups", Claims: map[string]any{"ics": "QOP", "roles": []string{"digital-lead"}, "groups": strings.Repeat("g", 5000)}},
			{Username: "visitor", Password: "pw", Name: "Account Without Role", Claims: map[string]any{"ics": "QOP", "roles": []string{}}},
		},
	}); err != nil {
		t.Fatal(err)
	}

	s.api = &dashboardtest.API{Issuer: s.issuer}
	apiServer := httptest.NewServer(s.api)
	t.Cleanup(apiServer.Close)
	apiURL, err := url.Parse(apiServer.URL)
	if err != nil {
		t.Fatal(err)
	}

	s.dashboard, err = dashboard.New(settings.Settings{
		Listen: "127.0.0.1:0", InternalListen: "127.0.0.1:0", ODSCode: "QOP", ICSName: "Greater Manchester Integrated Care System",
		APIURL: apiURL, OIDCIssuer: s.issuer, OIDCClientID: "cmhf-qop", PublicURL: public, SessionKey: bytes.Repeat([]byte{7}, settings.SessionKeySize),
	}, slog.New(slog.NewJSONHandler(s.log, nil)), func() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) })
	if err != nil {
		t.Fatal(err)
	}
	s.server.Config.Handler = s.dashboard.Public
	s.server.StartTLS()
	t.Cleanup(s.server.Close)
	return s
}

// browser follows redirects and keeps cookies, as a browser does.
type browser struct {
	t      *testing.T
	site   *site
	client *http.Client
}

func (s *site) browser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, site: s, client: &http.Client{Jar: jar, Transport: s.server.Client().Transport}}
}

// page is what a browser ends up with.
type page struct {
	status int
	url    *url.URL
	header http.Header
	body   string
}

func (b *browser) get(address string) page {
	b.t.Helper()
	return b.do(http.MethodGet, address, nil)
}

// do sends a request; an address without a host is the dashboard's.
func (b *browser) do(method, address string, form url.Values) page {
	b.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.site.server.URL + address
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return page{status: resp.StatusCode, url: resp.Request.URL, header: resp.Header, body: string(body)}
}

// stay makes the browser stop at redirects.
func (b *browser) stay() *browser {
	client := *b.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &browser{t: b.t, site: b.site, client: &client}
}

var requestField = regexp.MustCompile(`name="request" value="([^"]+)"`)

// signIn opens a page, fills in the identity provider's form and returns the page that it leads to.
func (b *browser) signIn(address, user string) page {
	b.t.Helper()
	form := b.get(address)
	request := requestField.FindStringSubmatch(form.body)
	if request == nil {
		b.t.Fatalf("%s leads to %s, not to the identity provider's form", address, form.url)
	}
	return b.do(http.MethodPost, b.site.issuer+"/login", url.Values{"request": {request[1]}, "username": {user}, "password": {"pw"}})
}

var csrfField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// logBuffer collects logs while requests are being answered.
type logBuffer struct {
	mu    sync.Mutex
	b     bytes.Buffer
	lines chan string // nil unless a test follows the log
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lines != nil {
		l.lines <- string(p) // one line a call, as slog writes them
	}
	return l.b.Write(p)
}

// next waits for a log line that contains text.
func (l *logBuffer) next(t *testing.T, text string) string {
	t.Helper()
	for {
		select {
		case line := <-l.lines:
			if strings.Contains(line, text) {
				return line
			}
		case <-t.Context().Done():
			t.Fatalf("the log ends without %s", text)
		}
	}
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// holds fails the test for every text that the page does not contain; a text with a leading "!" must be absent.
func (p page) holds(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		unwanted, absent := strings.CutPrefix(text, "!")
		if absent && strings.Contains(p.body, unwanted) {
			t.Errorf("%s: the page contains %q", p.url.Path, unwanted)
		}
		if !absent && !strings.Contains(p.body, text) {
			t.Errorf("%s: the page does not contain %q", p.url.Path, text)
		}
	}
}
