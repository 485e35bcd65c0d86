package assets_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cmhf/operator/internal/dashboard/assets"
)

func get(t *testing.T, s *assets.Set, path, acceptEncoding string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	r.Header.Set("Accept-Encoding", acceptEncoding)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result()
}

func TestServesHashedCompressedFilesForEver(t *testing.T) {
	t.Parallel()
	s, err := assets.Load()
	if err != nil {
		t.Fatal(err)
	}
	for name, wantType := range map[string]string{"dashboard.css": "text/css; charset=utf-8", "mark.svg": "image/svg+xml"} {
		path, err := s.Path(name)
		if err != nil {
			t.Fatal(err)
		}
		plain := get(t, s, path, "gzip;q=0, br")
		want, err := io.ReadAll(plain.Body)
		if err != nil || plain.StatusCode != http.StatusOK || plain.Header.Get("Content-Encoding") != "" {
			t.Fatalf("%s: status %d, encoding %q, error %v", path, plain.StatusCode, plain.Header.Get("Content-Encoding"), err)
		}
		if got := plain.Header.Get("Content-Type"); got != wantType {
			t.Errorf("%s: content type %q, want %q", path, got, wantType)
		}
		if got := plain.Header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
			t.Errorf("%s: cache control %q is not immutable", path, got)
		}
		packed := get(t, s, path, "br, gzip")
		unpack, err := gzip.NewReader(packed.Body)
		if err != nil {
			t.Fatalf("%s: not compressed: %v", path, err)
		}
		if got, err := io.ReadAll(unpack); err != nil || string(got) != string(want) {
			t.Errorf("%s: the compressed form differs from the plain one (error %v)", path, err)
		}
	}
}

func TestUnknownNames(t *testing.T) {
	t.Parallel()
	s, err := assets.Load()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Path("lost.css"); err == nil {
		t.Error("a template could name a file that does not exist")
	}
	for _, path := range []string{"/assets/dashboard.css", "/assets/", "/assets/../assets.go"} {
		if got := get(t, s, path, "gzip").StatusCode; got != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", path, got)
		}
	}
}
