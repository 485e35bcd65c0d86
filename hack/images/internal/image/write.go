// Package image turns layers and a configuration into an OCI image layout in a
// tar archive, and keeps the list of images that were built.
//
// In: a Spec. Out: an archive whose digest depends on the spec alone. It knows
// nothing of what the images hold.
package image

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/cmhf/operator/hack/images/internal/layer"
)

// Spec is an image to be written.
type Spec struct {
	Name   string // full name with tag; set by the caller of Write
	Tag    string // what the maker of the layers proposes as tag
	Layers []string
	Config v1.Config
}

// Result is a written image.
type Result struct {
	Reference string // name:tag@digest
	Size      int64  // of the archive, in bytes
	Unchanged bool   // the archive was there already
}

// The first is of the OCI specification, the second containerd's own for the
// full name.
const (
	refName  = "org.opencontainers.image.ref.name"
	fullName = "io.containerd.image.name"
)

// Write writes the image's archive at path. When previous is the image's
// reference and the archive exists, it is left alone.
func Write(spec Spec, path, previous string) (Result, error) {
	built, err := assemble(spec)
	if err != nil {
		return Result{}, err
	}
	digest, err := built.Digest()
	if err != nil {
		return Result{}, fmt.Errorf("work out the digest: %w", err)
	}
	result := Result{Reference: spec.Name + "@" + digest.String()}
	if info, err := os.Stat(path); err == nil && previous == result.Reference {
		result.Size, result.Unchanged = info.Size(), true
		return result, nil
	}
	folder, err := os.MkdirTemp(filepath.Dir(path), ".layout-")
	if err != nil {
		return Result{}, fmt.Errorf("make a folder to work in: %w", err)
	}
	defer os.RemoveAll(folder)
	root, err := layout.Write(folder, empty.Index)
	if err != nil {
		return Result{}, fmt.Errorf("write the layout: %w", err)
	}
	tag := spec.Name[strings.LastIndexByte(spec.Name, ':')+1:]
	err = root.AppendImage(built, layout.WithAnnotations(map[string]string{refName: tag, fullName: spec.Name}))
	if err != nil {
		return Result{}, fmt.Errorf("write the layout: %w", err)
	}
	if result.Size, err = pack(folder, path); err != nil {
		return Result{}, fmt.Errorf("pack the layout: %w", err)
	}
	return result, nil
}

func assemble(spec Spec) (v1.Image, error) {
	built := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	for _, path := range spec.Layers {
		l, err := layer.Open(path)
		if err != nil {
			return nil, fmt.Errorf("open layer: %w", err)
		}
		if built, err = mutate.AppendLayers(built, l); err != nil {
			return nil, fmt.Errorf("add layer: %w", err)
		}
	}
	config, err := built.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS = "linux"
	config.Architecture = runtime.GOARCH
	config.Config = spec.Config
	config.Created = v1.Time{Time: time.Unix(layer.Epoch, 0).UTC()}
	config.History = nil
	return mutate.ConfigFile(built, config)
}

// pack writes the folder as a tar file. The two small files that say what is in
// it come first, so that readers need not pass over the layers.
func pack(folder, to string) (int64, error) {
	var names []string
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		names = append(names, filepath.ToSlash(name))
		return err
	})
	if err != nil {
		return 0, err
	}
	slices.Sort(names)
	first := []string{"oci-layout", "index.json"}
	names = slices.DeleteFunc(names, func(name string) bool { return slices.Contains(first, name) })
	names = append(first, names...)
	file, err := os.Create(to + ".new")
	if err != nil {
		return 0, err
	}
	defer file.Close()
	archive := tar.NewWriter(file)
	for _, name := range names {
		if err := add(archive, folder, name); err != nil {
			return 0, fmt.Errorf("add %s: %w", name, err)
		}
	}
	if err := archive.Close(); err != nil {
		return 0, err
	}
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	if err := file.Close(); err != nil {
		return 0, err
	}
	return info.Size(), os.Rename(to+".new", to)
}

func add(archive *tar.Writer, folder, name string) error {
	source, err := os.Open(filepath.Join(folder, name))
	if err != nil {
		return err
	}
	defer source.Close()
	info, err := source.Stat()
	if err != nil {
		return err
	}
	header := &tar.Header{Name: name, Mode: 0o644, Size: info.Size(), ModTime: time.Unix(layer.Epoch, 0), Format: tar.FormatPAX}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err = io.Copy(archive, source)
	return err
}
