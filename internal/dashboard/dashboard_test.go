package dashboard_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestSigningInShowsTheFiguresAndSigningOutEndsBothSessions(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser(t)

	p := b.get("/")
	p.holds(t, "Sign in to see", `href="/auth/sign-in"`, "!Sign out")

	p = b.signIn("/auth/sign-in", "lead")
	if p.status != http.StatusOK || p.url.Path != "/at-a-glance" {
		t.Fatalf("signing in leads to %s with status %d", p.url, p.status)
	}
	p.holds(t, "1,250", "Hidden", "!ewer than 5", "No data", "Salford East", "No new referrals", "early intervention psychosis", "!<strong>*",
		"Synthetic data.", "12 months to 21 November 2026", "21 November 2026 at 9:04am", "rounded to the nearest 5", "Account Of A Lead",
		"not made, run or approved by the NHS")

	if p = b.get("/"); p.url.Path != "/at-a-glance" {
		t.Errorf("a signed-in person's front page is %s", p.url.Path)
	}
	csrf := csrfField.FindStringSubmatch(p.body)
	if csrf == nil {
		t.Fatal("the page has no form to sign out")
	}
	p = b.do(http.MethodPost, "/auth/sign-out", url.Values{"csrf": {csrf[1]}})
	p.holds(t, "Sign in to see", "!Sign out")
	if p.url.String() != s.server.URL+"/" {
		t.Errorf("signing out leads to %s", p.url)
	}
	if p = b.get("/at-a-glance"); !strings.HasPrefix(p.url.String(), s.issuer) || !requestField.MatchString(p.body) {
		t.Errorf("the identity provider still knows the browser: %s", p.url)
	}
}

func TestALinkLeadsThroughSignInToItsPage(t *testing.T) {
	t.Parallel()
	b := newSite(t).browser(t)
	p := b.signIn("/at-a-glance?place=Salford", "lead")
	if got := p.url.RequestURI(); got != "/at-a-glance?place=Salford" {
		t.Errorf("sign-in leads to %s", got)
	}
	if p = b.get("/auth/sign-in?return=" + url.QueryEscape("https://evil.example/")); p.url.Path != "/at-a-glance" || strings.Contains(p.url.Host, "evil") {
		t.Errorf("sign-in leads to another site: %s", p.url)
	}
}

func TestAnExpiredSessionGoesThroughSignInAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser(t)
	p := b.signIn("/at-a-glance", "lead")
	s.ahead.Store(int64(16 * time.Minute))
	again := b.stay().get("/at-a-glance?place=Salford")
	if got, want := again.header.Get("Location"), "/auth/sign-in?return=%2Fat-a-glance%3Fplace%3DSalford"; again.status != http.StatusSeeOther || got != want {
		t.Errorf("status %d to %q, want %q", again.status, got, want)
	}
	// A page that was left open can still end the identity provider's session.
	form := url.Values{"csrf": {csrfField.FindStringSubmatch(p.body)[1]}}
	if out := b.stay().do(http.MethodPost, "/auth/sign-out", form); !strings.HasPrefix(out.header.Get("Location"), s.issuer) {
		t.Errorf("signing out after expiry leads to %q", out.header.Get("Location"))
	}
}

func TestAnAccountWithoutARole(t *testing.T) {
	t.Parallel()
	p := newSite(t).browser(t).signIn("/at-a-glance", "visitor")
	if p.status != http.StatusForbidden {
		t.Errorf("status %d, want 403", p.status)
	}
	p.holds(t, "Your account has no role in this ICS", "digital lead, service lead or practitioner", "Sign out", "!1,250")
}

// A token that the API refuses is replaced once; a second refusal is said, and does not go round in circles.
func TestTheAPIRefusesTheToken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser(t)
	b.signIn("/at-a-glance", "lead")
	s.api.Fail("/v1/statistics/at-a-glance", http.StatusUnauthorized)
	first := b.stay().get("/at-a-glance?place=Salford")
	if first.status != http.StatusSeeOther || !strings.HasPrefix(first.header.Get("Location"), "/auth/sign-in?return=%2Fat-a-glance%3Fplace%3DSalford") {
		t.Fatalf("status %d to %q, want sign-in", first.status, first.header.Get("Location"))
	}
	b.get("/").holds(t, "Sign in to see", "!Sign out") // the session is gone
	p := b.get(first.header.Get("Location"))           // the identity provider still knows the browser
	if p.status != http.StatusBadGateway || p.url.RequestURI() != "/at-a-glance?place=Salford" {
		t.Errorf("status %d at %s, want 502", p.status, p.url)
	}
	p.holds(t, "not accepted by the service that holds the figures", "Reference for your support team", "Sign out", "!no role")
	s.api.Fail("/v1/statistics/at-a-glance", 0)
	if p = b.get("/at-a-glance"); p.status != http.StatusOK {
		t.Errorf("when the API accepts the token again: status %d", p.status)
	}
}

func TestLongAccessTokens(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser(t)
	p := b.signIn("/at-a-glance", "member")
	if p.status != http.StatusOK {
		t.Errorf("a token that takes two cookies: status %d", p.status)
	}
	p.holds(t, "1,250", "Account Of Many Groups")
	csrf := csrfField.FindStringSubmatch(p.body)
	if csrf == nil {
		t.Fatal("the page has no form to sign out")
	}
	b.do(http.MethodPost, "/auth/sign-out", url.Values{"csrf": {csrf[1]}})
	if address, err := url.Parse(s.server.URL); err != nil || len(b.client.Jar.Cookies(address)) != 0 {
		t.Errorf("cookies are left after signing out (%v)", err)
	}
	p = s.browser(t).signIn("/at-a-glance", "joiner")
	if p.status != http.StatusInternalServerError {
		t.Errorf("a token that is too long: status %d", p.status)
	}
	p.holds(t, "larger than browsers keep", "Reference for your support team", "!1,250")
}

func TestTheAPIIsAway(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser(t)
	b.signIn("/at-a-glance", "lead")
	for _, status := range []int{http.StatusInternalServerError, http.StatusTooManyRequests, http.StatusBadGateway} {
		s.api.Fail("/v1/statistics/at-a-glance", status)
		p := b.get("/at-a-glance")
		if p.status != http.StatusServiceUnavailable || p.header.Get("Retry-After") == "" {
			t.Errorf("API status %d: page status %d, Retry-After %q", status, p.status, p.header.Get("Retry-After"))
		}
		p.holds(t, "cannot be shown at the moment", "Try again", "Reference for your support team", `aria-label="Menu"`, "Sign out", "!goroutine", "!status 5")
	}
	s.api.Fail("/v1/statistics/at-a-glance", 0)
	s.api.Fail("/v1/services", http.StatusBadGateway)
	p := b.get("/at-a-glance")
	if p.status != http.StatusOK {
		t.Errorf("without the list of services: status %d", p.status)
	}
	p.holds(t, "1,250", "The list of services cannot be shown", "!Salford East")
}

func TestTheIdentityProviderIsAwayAndComesBack(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser(t)
	s.providerAway.Store(true)
	p := b.get("/at-a-glance?place=Salford")
	if p.status != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503", p.status)
	}
	p.holds(t, "Sign-in is not available at the moment", `href="/auth/sign-in?return=%2Fat-a-glance%3Fplace%3DSalford"`)
	s.providerAway.Store(false)
	s.ahead.Store(int64(5 * time.Second)) // attempts are spaced
	if p = b.signIn("/at-a-glance", "lead"); p.status != http.StatusOK {
		t.Errorf("after its return: status %d", p.status)
	}
}

func TestAnswersThatBelongToNoSignIn(t *testing.T) {
	t.Parallel()
	b := newSite(t).browser(t)
	for _, query := range []string{"", "?code=x&state=y", "?error=access_denied&state=unknown-state-of-some-length"} {
		p := b.get("/auth/callback" + query)
		if p.status != http.StatusBadRequest {
			t.Errorf("%q: status %d, want 400", query, p.status)
		}
		p.holds(t, "could not be finished", "Sign in again")
	}
}

func TestTheProvidersRefusal(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser(t)
	to, err := url.Parse(b.stay().get("/auth/sign-in").header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	answer := "/auth/callback?error=access_denied&error_description=secret-text&state=" + url.QueryEscape(to.Query().Get("state"))
	p := b.get(answer)
	if p.status != http.StatusForbidden {
		t.Errorf("status %d, want 403", p.status)
	}
	p.holds(t, "You are not signed in", "!secret-text")
	if p = b.get(answer); p.status != http.StatusBadRequest {
		t.Errorf("an answer was taken twice: status %d", p.status)
	}
}

// A stolen code is worth nothing: the code of one sign-in does not complete another, because each has its own PKCE verifier.
func TestACodeOfAnotherSignIn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	thief, victim := s.browser(t), s.browser(t)
	victim.signIn("/at-a-glance", "lead")
	// With the identity provider's session, a new sign-in comes back at once with a code; the victim's browser stops before using it.
	var stolen *url.URL
	victim.client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/auth/callback" {
			stolen = r.URL
			return http.ErrUseLastResponse
		}
		return nil
	}
	victim.get("/auth/sign-in")
	if stolen == nil {
		t.Fatal("no code was issued")
	}
	own, err := url.Parse(thief.stay().get("/auth/sign-in").header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	p := thief.get("/auth/callback?" + url.Values{"code": {stolen.Query().Get("code")}, "state": {own.Query().Get("state")}}.Encode())
	if p.status != http.StatusForbidden {
		t.Errorf("status %d, want 403", p.status)
	}
	if p = thief.get("/"); strings.Contains(p.body, "Sign out") {
		t.Error("the thief is signed in")
	}
}

func TestSigningOutNeedsTheFormOfThisSession(t *testing.T) {
	t.Parallel()
	b := newSite(t).browser(t)
	b.signIn("/at-a-glance", "lead")
	for _, form := range []url.Values{{}, {"csrf": {"guess"}}} {
		if p := b.do(http.MethodPost, "/auth/sign-out", form); p.status != http.StatusForbidden {
			t.Errorf("form %v: status %d, want 403", form, p.status)
		}
	}
	if p := b.do(http.MethodPost, "/auth/sign-out?csrf="+csrfField.FindStringSubmatch(b.get("/at-a-glance").body)[1], url.Values{}); p.status != http.StatusForbidden {
		t.Errorf("a secret in the address was taken: status %d", p.status)
	}
	if p := b.get("/at-a-glance"); p.status != http.StatusOK {
		t.Errorf("the session was ended: status %d", p.status)
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser(t)
	for _, p := range []page{b.get("/"), b.get("/no-such-page"), b.signIn("/at-a-glance", "lead")} {
		for name, want := range map[string]string{
			"Cache-Control":             "no-store",
			"X-Content-Type-Options":    "nosniff",
			"Referrer-Policy":           "same-origin",
			"Strict-Transport-Security": "max-age=31536000",
			"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' " + s.issuer +
				"; base-uri 'none'; frame-ancestors 'none'",
		} {
			if got := p.header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", p.url.Path, name, got, want)
			}
		}
		p.holds(t, "!<script", "! style=", "!http://www.nhs", "!https://")
	}
	if p := b.get("/no-such-page"); p.status != http.StatusNotFound {
		t.Errorf("an unknown page has status %d", p.status)
	}
}

func TestLogsAndMetricsHoldNothingPersonal(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser(t)
	b.signIn("/at-a-glance?place=Salford", "lead")
	b.get("/auth/callback?code=a-stray-code&state=a-stray-state")
	s.api.Fail("/v1/statistics/at-a-glance", http.StatusInternalServerError)
	b.get("/at-a-glance")

	w := httptest.NewRecorder()
	s.dashboard.Internal.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	for where, text := range map[string]string{"logs": s.log.String(), "metrics": w.Body.String()} {
		for _, unwanted := range []string{"Account Of A Lead", "eyJ", "stray", "Salford", "code=a"} {
			if strings.Contains(text, unwanted) {
				t.Errorf("the %s contain %q", where, unwanted)
			}
		}
	}
	for text, wanted := range map[string][]string{
		s.log.String():  {`"route":"GET /at-a-glance"`, `"reference":`, "status 500"},
		w.Body.String(): {`cmhf_dashboard_sign_ins_total{outcome="ok"} 1`, `outcome="failed"`, `route="GET /at-a-glance"`},
	} {
		for _, part := range wanted {
			if !strings.Contains(text, part) {
				t.Errorf("%q is missing", part)
			}
		}
	}
}
