package ociarchive

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Image is one image of an archive.
type Image struct {
	Name   string // full name with tag, as containerd keeps it
	Digest string // of the manifest or index, sha256:...
}

// ByDigest is the name under which container runtimes look up name:tag@digest:
// the tag does not count there.
func (i Image) ByDigest() string { return strings.TrimSuffix(i.Name, ":"+tag(i.Name)) + "@" + i.Digest }

// Read lists the images of an OCI layout archive.
func Read(path string) ([]Image, error) {
	archive, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer archive.Close()
	root, err := readIndex(archive)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var images []Image
	for _, manifest := range root.Manifests {
		name := manifest.Annotations[imageName]
		if name == "" {
			name = manifest.Annotations[refName]
		}
		if !strings.Contains(name, ":") {
			return nil, fmt.Errorf("%s: image %s has no name: it needs the annotation %s or %s with name and tag", path, manifest.Digest, imageName, refName)
		}
		images = append(images, Image{Name: fullName(name), Digest: manifest.Digest})
	}
	if len(images) == 0 {
		return nil, fmt.Errorf("%s: holds no image", path)
	}
	return images, nil
}

func readIndex(r io.Reader) (index, error) {
	archive := tar.NewReader(r)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return index{}, errors.New("not an OCI image layout: it has no index.json (docker-style archives carry no digest; save it as OCI)")
		}
		if err != nil {
			return index{}, fmt.Errorf("read as tar: %w", err)
		}
		if strings.TrimPrefix(header.Name, "./") != "index.json" {
			continue
		}
		var root index
		if err := json.NewDecoder(archive).Decode(&root); err != nil {
			return index{}, fmt.Errorf("read index.json: %w", err)
		}
		return root, nil
	}
}

// fullName adds the registry that names without one belong to.
func fullName(name string) string {
	first, _, nested := strings.Cut(name, "/")
	switch {
	case !nested:
		return "docker.io/library/" + name
	case !strings.ContainsAny(first, ".:") && first != "localhost":
		return "docker.io/" + name
	default:
		return name
	}
}

func tag(name string) string {
	last := name[strings.LastIndexByte(name, '/')+1:]
	_, tag, _ := strings.Cut(last, ":")
	return tag
}
