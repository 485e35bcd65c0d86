// Package layer makes image layers: tar files whose bytes depend on nothing but
// the content of their files.
//
// In: files in memory or a tar archive made elsewhere. Out: an uncompressed tar
// with sorted entries, one fixed time, numeric owners and no extended
// attributes, and its digest. Layers are not compressed: archives stay on the
// machine, loading is quicker, and digests do not hang on a compressor's version.
package layer

import (
	"archive/tar"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Epoch is the time of every file: the value of SOURCE_DATE_EPOCH in seconds.
const Epoch = 1767225600 // 2026-01-01T00:00:00Z

// File is an entry of a layer. Names are relative; folders end in a slash.
type File struct {
	Name    string
	Mode    int64
	Content []byte
	Source  string // path to read the content from, instead of Content
	Link    string // target, which makes the entry a symbolic link
}

// Write writes the files, in order of name, as a tar file at path.
func Write(to string, files []File) error {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return create(to, func(archive *tar.Writer) error {
		for _, f := range files {
			if err := writeFile(archive, f); err != nil {
				return fmt.Errorf("add %s: %w", f.Name, err)
			}
		}
		return nil
	})
}

func writeFile(archive *tar.Writer, f File) error {
	header := &tar.Header{Name: f.Name, Mode: f.Mode, ModTime: time.Unix(Epoch, 0), Format: tar.FormatPAX, Typeflag: tar.TypeReg}
	if strings.HasSuffix(f.Name, "/") {
		header.Typeflag = tar.TypeDir
		return archive.WriteHeader(header)
	}
	if f.Link != "" {
		header.Typeflag, header.Linkname, header.Mode = tar.TypeSymlink, f.Link, 0o777
		return archive.WriteHeader(header)
	}
	if f.Source == "" {
		header.Size = int64(len(f.Content))
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		_, err := archive.Write(f.Content)
		return err
	}
	source, err := os.Open(f.Source)
	if err != nil {
		return err
	}
	defer source.Close()
	info, err := source.Stat()
	if err != nil {
		return err
	}
	header.Size = info.Size()
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err = io.Copy(archive, source)
	return err
}

// Normalise copies a tar file: entries that keep refuses are left out, the rest
// is sorted and stripped of times, names of owners and attributes. The copy
// holds one entry's content at a time in memory.
func Normalise(from, to string, keep func(name string) bool) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	type place struct {
		header *tar.Header
		offset int64
	}
	var places []place
	reader := tar.NewReader(source)
	for {
		header, err := reader.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", from, err)
		}
		name := strings.TrimPrefix(path.Clean("/"+header.Name), "/")
		if name == "" || !keep(name) {
			continue
		}
		offset, err := source.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		places = append(places, place{plain(header, name), offset})
	}
	slices.SortFunc(places, func(a, b place) int { return strings.Compare(a.header.Name, b.header.Name) })
	return create(to, func(archive *tar.Writer) error {
		for _, p := range places {
			if err := archive.WriteHeader(p.header); err != nil {
				return fmt.Errorf("copy %s: %w", p.header.Name, err)
			}
			if _, err := io.Copy(archive, io.NewSectionReader(source, p.offset, p.header.Size)); err != nil {
				return fmt.Errorf("copy %s: %w", p.header.Name, err)
			}
		}
		return nil
	})
}

// plain reduces a header to what matters inside a container.
func plain(h *tar.Header, name string) *tar.Header {
	if h.Typeflag == tar.TypeDir {
		name += "/"
	}
	link := h.Linkname
	if h.Typeflag == tar.TypeLink {
		link = strings.TrimPrefix(path.Clean("/"+link), "/")
	}
	return &tar.Header{
		Typeflag: h.Typeflag,
		Name:     name,
		Linkname: link,
		Size:     h.Size,
		Mode:     h.Mode,
		Uid:      h.Uid,
		Gid:      h.Gid,
		ModTime:  time.Unix(Epoch, 0),
		Format:   tar.FormatPAX,
	}
}

func create(to string, fill func(*tar.Writer) error) error {
	file, err := os.Create(to)
	if err != nil {
		return err
	}
	defer file.Close()
	archive := tar.NewWriter(file)
	if err := fill(archive); err != nil {
		return err
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return file.Close()
}

// Open returns the tar file at path as a layer of an image.
func Open(path string) (v1.Layer, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	sum := sha256.New()
	size, err := io.Copy(sum, file)
	if err != nil {
		return nil, fmt.Errorf("hash %s: %w", path, err)
	}
	hash, err := v1.NewHash(fmt.Sprintf("sha256:%x", sum.Sum(nil)))
	if err != nil {
		return nil, err
	}
	return &uncompressed{path: path, hash: hash, size: size}, nil
}

// uncompressed is a tar file served as it is. (The library's own file layers
// always compress.)
type uncompressed struct {
	path string
	hash v1.Hash
	size int64
}

func (u *uncompressed) Digest() (v1.Hash, error)             { return u.hash, nil }
func (u *uncompressed) DiffID() (v1.Hash, error)             { return u.hash, nil }
func (u *uncompressed) Compressed() (io.ReadCloser, error)   { return os.Open(u.path) }
func (u *uncompressed) Uncompressed() (io.ReadCloser, error) { return os.Open(u.path) }
func (u *uncompressed) Size() (int64, error)                 { return u.size, nil }
func (u *uncompressed) MediaType() (types.MediaType, error)  { return types.OCIUncompressedLayer, nil }

// HashFile gives the SHA-256 of a file's content in hexadecimal.
func HashFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", fmt.Errorf("hash %s: %w", path, err)
	}
	return fmt.Sprintf("%x", sum.Sum(nil)), nil
}
