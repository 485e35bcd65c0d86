package pages

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A reader of a system that is read-only learns of it on every page, and no other reader does.
func TestReadOnlyIsSaid(t *testing.T) {
	t.Parallel()
	for _, readOnly := range []bool{true, false} {
		r, err := New("Test ICS", "QOP", readOnly, func(name string) (string, error) { return "/static/" + name, nil })
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		if err := r.Message(w, nil, r.SignedOut("/auth/sign-in")); err != nil {
			t.Fatal(err)
		}
		if said := strings.Contains(w.Body.String(), "not changed at the moment"); said != readOnly || w.Code != http.StatusOK {
			t.Errorf("read-only %v: status %d, said %v", readOnly, w.Code, said)
		}
	}
}
