package ociarchive

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWriteThenRead(t *testing.T) {
	program := filepath.Join(t.TempDir(), "hello")
	if err := os.WriteFile(program, []byte("not really a program"), 0o755); err != nil {
		t.Fatal(err)
	}
	var first, second bytes.Buffer
	for _, archive := range []*bytes.Buffer{&first, &second} {
		if err := Write(archive, "localhost/test/hello:1", program, "65532:65532"); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the same program gave two different archives")
	}
	path := filepath.Join(t.TempDir(), "hello.tar")
	if err := os.WriteFile(path, first.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	images, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(images) != 1 || images[0].Name != "localhost/test/hello:1" {
		t.Fatalf("images = %v", images)
	}
	if got := images[0].ByDigest(); !strings.HasPrefix(got, "localhost/test/hello@sha256:") {
		t.Errorf("name by digest = %s", got)
	}
}

func TestReadSaysWhatIsWrong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.tar")
	var archive bytes.Buffer
	if err := writeTar(&archive, []file{{"manifest.json", 0o644, []byte("[]")}}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, archive.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); err == nil || !strings.Contains(err.Error(), "not an OCI image layout") {
		t.Errorf("error = %v", err)
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"hello:1":             "docker.io/library/hello:1",
		"team/hello:1":        "docker.io/team/hello:1",
		"localhost/hello:1":   "localhost/hello:1",
		"host:5000/a/hello:1": "host:5000/a/hello:1",
	} {
		if got := fullName(name); got != want {
			t.Errorf("fullName(%s) = %s, want %s", name, got, want)
		}
	}
	if got := tag("host:5000/hello"); got != "" {
		t.Errorf("tag of a name without one = %q", got)
	}
}
