package dashboard

import (
	"net/http"
	"strings"
)

// secure sets the headers that keep pages from being framed, altered or stored. Pages run no script at all.
func (d *Dashboard) secure(w http.ResponseWriter) {
	// Browsers check where a form leads, redirects included: signing out goes on to the identity provider.
	forms := strings.Join(append([]string{"'self'"}, d.signin.ProviderOrigins()...), " ")
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action "+forms+"; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	if d.settings.PublicURL.Scheme == "https" {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}
