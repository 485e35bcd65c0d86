// Package docpage serves the pages on which people read the OpenAPI document and try its operations: Swagger UI, embedded, so that nothing is
// loaded from elsewhere. A token that a reader gives stays in the page's memory and goes to this server only.
package docpage

import (
	"embed"
	"net/http"

	"github.com/swaggest/swgui/v5/static"
	"github.com/vearutop/statigz"
)

// Path is where the page is.
const Path = "/docs"

// policy keeps the page to this server. Swagger UI draws its icons from data: addresses in its style sheet.
const policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

//go:embed page
var page embed.FS

// Pages serves the page and what it loads. The page asks for /openapi.json.
func Pages(mux *http.ServeMux) {
	index := file("page/index.html", "text/html; charset=utf-8")
	mux.Handle("GET "+Path, index)
	mux.Handle("GET "+Path+"/{$}", http.RedirectHandler(Path, http.StatusMovedPermanently))
	mux.Handle("GET "+Path+"/start.js", file("page/start.js", "text/javascript; charset=utf-8"))
	// The page uses these two of what the module holds.
	parts := secured(http.StripPrefix(Path, statigz.FileServer(static.FS)))
	mux.Handle("GET "+Path+"/swagger-ui-bundle.js", parts)
	mux.Handle("GET "+Path+"/swagger-ui.css", parts)
	mux.Handle("GET "+Path+"/favicon-32x32.png", parts)
}

func file(name, contentType string) http.Handler {
	content, err := page.ReadFile(name)
	if err != nil {
		panic(err) // the name is one of the embedded ones above
	}
	return secured(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(content) // a broken connection has no one to tell
	}))
}

func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	})
}
