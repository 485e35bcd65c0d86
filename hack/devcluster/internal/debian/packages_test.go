package debian

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestMissing(t *testing.T) {
	there := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(there, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	needs := []Need{
		{Package: "a", Paths: []string{"/nonexistent/a", there}},
		{Package: "b", Paths: []string{"/nonexistent/b"}},
		{Package: "b", Paths: []string{"/nonexistent/b2"}},
	}
	if got, want := Missing(needs), []string{"b"}; !slices.Equal(got, want) {
		t.Errorf("Missing = %v, want %v", got, want)
	}
}
