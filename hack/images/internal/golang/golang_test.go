package golang

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cmhf/operator/hack/images/internal/image"
)

// repo makes a repository with two of the programs in it.
func repo(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range map[string]string{
		"go.mod":                "module example.test/x\n\ngo 1.26.0\n",
		"cmd/manager/main.go":   "package main\n\nvar version = \"none\"\n\nfunc main() { println(\"manager\", version) }\n",
		"cmd/dashboard/main.go": "package main\n\nfunc main() { println(\"dashboard\") }\n",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// reference builds manager from the repository and returns its full name.
func reference(t *testing.T, repo, cache, version string) string {
	t.Helper()
	binaries, err := Build(t.Context(), Config{Repo: repo, Cache: cache, Version: version, Names: []string{"manager", "dashboard"}})
	if err != nil {
		t.Fatal(err)
	}
	spec, err := Image(binaries["manager"], "manager", version)
	if err != nil {
		t.Fatal(err)
	}
	spec.Name = "localhost/test/manager:" + spec.Tag
	result, err := image.Write(spec, filepath.Join(t.TempDir(), "manager.tar"), "")
	if err != nil {
		t.Fatal(err)
	}
	return result.Reference
}

func TestSameInputGivesTheSameImage(t *testing.T) {
	first := reference(t, repo(t), t.TempDir(), "1.2.3")
	// Elsewhere, and with nothing compiled before, as on another machine.
	t.Setenv("GOCACHE", t.TempDir())
	second := reference(t, repo(t), t.TempDir(), "1.2.3")
	if first != second {
		t.Errorf("the same sources gave\n%s and\n%s", first, second)
	}
	if !strings.HasPrefix(first, "localhost/test/manager:1.2.3-") {
		t.Errorf("tag of %s does not begin with the version", first)
	}
}

func TestAChangedProgramChangesTheTag(t *testing.T) {
	sources, cache := repo(t), t.TempDir()
	before := reference(t, sources, cache, "1.2.3")
	main := filepath.Join(sources, "cmd/manager/main.go")
	if err := os.WriteFile(main, []byte("package main\n\nfunc main() { println(\"changed\") }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	after := reference(t, sources, cache, "1.2.3")
	tag := func(reference string) string { name, _, _ := strings.Cut(reference, "@"); return name }
	if tag(before) == tag(after) {
		t.Errorf("both programs have the tag %s", tag(after))
	}
}

func TestAMissingProgramIsNamed(t *testing.T) {
	_, err := Build(t.Context(), Config{Repo: repo(t), Cache: t.TempDir(), Version: "1", Names: []string{"idp"}})
	if err == nil || !strings.Contains(err.Error(), filepath.Join("hack", "idp")) {
		t.Errorf("error = %v", err)
	}
}
