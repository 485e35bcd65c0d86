package image

import (
	"archive/tar"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/cmhf/operator/hack/images/internal/layer"
)

func spec(t *testing.T) Spec {
	t.Helper()
	path := filepath.Join(t.TempDir(), "layer.tar")
	if err := layer.Write(path, []layer.File{{Name: "file", Mode: 0o644, Content: []byte("x")}}); err != nil {
		t.Fatal(err)
	}
	return Spec{Name: "localhost/test/x:1", Layers: []string{path}, Config: v1.Config{User: "65532:65532"}}
}

func TestArchiveBeginsWithItsIndex(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.tar")
	result, err := Write(spec(t), path, "")
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	archive := tar.NewReader(file)
	for _, want := range []string{"oci-layout", "index.json"} {
		header, err := archive.Next()
		if err != nil || header.Name != want {
			t.Fatalf("entry %v (%v), want %s", header, err, want)
		}
	}
	var index v1.IndexManifest
	if err := json.NewDecoder(archive).Decode(&index); err != nil {
		t.Fatal(err)
	}
	if len(index.Manifests) != 1 || index.Manifests[0].Annotations[fullName] != "localhost/test/x:1" {
		t.Errorf("index = %+v", index)
	}
	if want := "localhost/test/x:1@" + index.Manifests[0].Digest.String(); result.Reference != want {
		t.Errorf("reference %s, want %s", result.Reference, want)
	}
}

func TestWriteLeavesWhatIsUpToDate(t *testing.T) {
	path, s := filepath.Join(t.TempDir(), "x.tar"), spec(t)
	first, err := Write(s, path, "")
	if err != nil {
		t.Fatal(err)
	}
	second, err := Write(s, path, first.Reference)
	if err != nil {
		t.Fatal(err)
	}
	if first.Unchanged || !second.Unchanged || first.Reference != second.Reference {
		t.Errorf("first %+v, second %+v", first, second)
	}
	s.Config.User = "1:1"
	third, err := Write(s, path, first.Reference)
	if err != nil {
		t.Fatal(err)
	}
	if third.Unchanged || third.Reference == first.Reference {
		t.Errorf("a changed image was left alone: %+v", third)
	}
}

func TestList(t *testing.T) {
	path := filepath.Join(t.TempDir(), "images.json")
	l, err := ReadList(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Set("x", "localhost/x:1@sha256:0"); err != nil {
		t.Fatal(err)
	}
	again, err := ReadList(path)
	if err != nil || again.Get("x") != "localhost/x:1@sha256:0" {
		t.Errorf("got %q, %v", again.Get("x"), err)
	}
	if err := os.WriteFile(path, []byte("not json"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadList(path); err == nil || !strings.Contains(err.Error(), "delete it") {
		t.Errorf("error = %v", err)
	}
}
