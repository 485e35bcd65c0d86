package layer

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func contents(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestWriteDoesNotDependOnOrder(t *testing.T) {
	folder := t.TempDir()
	files := []File{
		{Name: "b", Mode: 0o644, Content: []byte("two")},
		{Name: "a/", Mode: 0o755},
		{Name: "a/one", Mode: 0o600, Content: []byte("one")},
	}
	one, two := filepath.Join(folder, "1.tar"), filepath.Join(folder, "2.tar")
	if err := Write(one, files); err != nil {
		t.Fatal(err)
	}
	slices.Reverse(files)
	if err := Write(two, files); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(contents(t, one), contents(t, two)) {
		t.Error("another order of the same files gave another layer")
	}
}

func TestNormalise(t *testing.T) {
	folder := t.TempDir()
	// The same files as two runs of a tool may leave them: times, names of
	// owners and order differ.
	raw := func(name, owner string, when time.Time, headers ...*tar.Header) string {
		var archive bytes.Buffer
		w := tar.NewWriter(&archive)
		for _, h := range headers {
			h.ModTime, h.Uname, h.Format = when, owner, tar.FormatPAX
			h.PAXRecords = map[string]string{"SCHILY.xattr.user.x": owner}
			if err := w.WriteHeader(h); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write([]byte("text!")[:h.Size]); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, archive.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file := func() *tar.Header { return &tar.Header{Name: "./etc/file", Size: 5, Mode: 0o640, Uid: 26, Gid: 26} }
	hard := func() *tar.Header {
		return &tar.Header{Name: "./etc/same", Typeflag: tar.TypeLink, Linkname: "./etc/file"}
	}
	dirs := func() *tar.Header { return &tar.Header{Name: "./etc/", Typeflag: tar.TypeDir, Mode: 0o755} }
	log := func() *tar.Header { return &tar.Header{Name: "./var/log/x", Size: 5, Mode: 0o644} }
	first := raw("first", "ann", time.Unix(1, 0), dirs(), file(), hard(), log())
	second := raw("second", "bob", time.Unix(2, 0), file(), hard(), dirs())

	one, two := filepath.Join(folder, "1.tar"), filepath.Join(folder, "2.tar")
	keep := func(name string) bool { return name != "var/log/x" }
	for from, to := range map[string]string{first: one, second: two} {
		if err := Normalise(from, to, keep); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(contents(t, one), contents(t, two)) {
		t.Error("the same files gave different layers")
	}
	var names []string
	reader := tar.NewReader(bytes.NewReader(contents(t, one)))
	for {
		h, err := reader.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
		if h.Name == "etc/file" {
			body, _ := io.ReadAll(reader)
			if string(body) != "text!" || h.Uid != 26 || h.Mode != 0o640 {
				t.Errorf("etc/file: %q, owner %d, mode %o", body, h.Uid, h.Mode)
			}
		}
		if h.Name == "etc/same" && h.Linkname != "etc/file" {
			t.Errorf("the hard link leads to %q", h.Linkname)
		}
	}
	if want := []string{"etc/", "etc/file", "etc/same"}; !slices.Equal(names, want) {
		t.Errorf("entries %v, want %v", names, want)
	}
}
