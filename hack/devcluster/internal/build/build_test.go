package build

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, folder, name, content string) {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func key(t *testing.T, folder string, parts ...string) string {
	t.Helper()
	k, err := Key(folder, parts...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKeyFollowsContent(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, "go.mod", "module x\n")
	write(t, folder, "main.go", "package main\n")
	first := key(t, folder, "go1", "-s")

	if again := key(t, folder, "go1", "-s"); again != first {
		t.Errorf("same input gave %s and %s", first, again)
	}
	if other := key(t, folder, "go2", "-s"); other == first {
		t.Error("another compiler gave the same key")
	}
	if other := key(t, folder, "go1-s"); other == first {
		t.Error("parts are not kept apart")
	}
	write(t, folder, "main_test.go", "package main\n")
	if again := key(t, folder, "go1", "-s"); again != first {
		t.Error("a test file changed the key")
	}
	write(t, folder, "sub/more.go", "package sub\n")
	if other := key(t, folder, "go1", "-s"); other == first {
		t.Error("a new source file did not change the key")
	}
}

func TestGetBuildsOnce(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, "go.mod", "module example.test/x\n\ngo 1.26.0\n")
	write(t, folder, "main.go", "package main\n\nfunc main() { println(\"one\") }\n")
	cache := Cache(t.TempDir())
	program := Program{Name: "x", Folder: folder, Links: []string{"alias"}}

	if path, found := cache.Find(program); found {
		t.Errorf("an empty cache has %s", path)
	}
	first, err := cache.Get(program)
	if err != nil {
		t.Fatal(err)
	}
	output, err := exec.Command(filepath.Join(filepath.Dir(first), "alias")).CombinedOutput()
	if err != nil || string(output) != "one\n" {
		t.Errorf("the link printed %q, error %v", output, err)
	}
	before := modified(t, first)
	second, err := cache.Get(program)
	if err != nil {
		t.Fatal(err)
	}
	if second != first || modified(t, second) != before {
		t.Errorf("second Get built %s again (first was %s)", second, first)
	}
	if found, ok := cache.Find(program); !ok || found != first {
		t.Errorf("Find = %s, %t", found, ok)
	}
}

func modified(t *testing.T, path string) time.Time {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime()
}

func TestGetShowsTheCompilersWords(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, "go.mod", "module example.test/x\n\ngo 1.26.0\n")
	write(t, folder, "main.go", "package main\n\nfunc main() { undefinedName() }\n")
	cache := Cache(t.TempDir())
	for range 2 { // a failed build leaves nothing that looks like a program
		_, err := cache.Get(Program{Name: "x", Folder: folder})
		if err == nil || !strings.Contains(err.Error(), "undefined: undefinedName") {
			t.Fatalf("error = %v", err)
		}
	}
}

func TestKubeTakesItsVersionFromGoMod(t *testing.T) {
	repo := t.TempDir()
	write(t, repo, "hack/kube/go.mod", "module x\n\nrequire (\n\tk8s.io/kubernetes v1.37.1\n)\n")
	program, err := Kube(repo)
	if err != nil {
		t.Fatal(err)
	}
	const want = "-X k8s.io/component-base/version.gitVersion=v1.37.1"
	if got := program.LDFlags; got[:len(want)] != want {
		t.Errorf("link flags = %q", got)
	}
}
