// Package ociarchive writes and reads OCI image layouts in tar archives.
//
// Write packs one static binary as an image, for the node's own pause image and
// for tests; the product's images are built by hack/images. Read lists what an
// archive holds: names and the digests of manifests. Neither compresses, and
// the same input gives the same bytes.
package ociarchive

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"runtime"
)

// Media types and annotations of the OCI image specification; the last is
// containerd's own and carries the full name.
const (
	typeIndex    = "application/vnd.oci.image.index.v1+json"
	typeManifest = "application/vnd.oci.image.manifest.v1+json"
	typeConfig   = "application/vnd.oci.image.config.v1+json"
	typeLayer    = "application/vnd.oci.image.layer.v1.tar"
	refName      = "org.opencontainers.image.ref.name"
	imageName    = "io.containerd.image.name"
)

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type index struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Manifests     []descriptor `json:"manifests"`
}

// Write writes an archive of an image called name (with its tag) that holds one
// program and runs it as user (uid:gid).
func Write(w io.Writer, name, program, user string) error {
	content, err := os.ReadFile(program)
	if err != nil {
		return fmt.Errorf("read the program of image %s: %w", name, err)
	}
	base := path.Base(program)
	var layer bytes.Buffer
	if err := writeTar(&layer, []file{{base, 0o755, content}}); err != nil {
		return err
	}
	blobs := map[string][]byte{}
	var order []string
	add := func(mediaType string, content []byte) descriptor {
		digest := fmt.Sprintf("%x", sha256.Sum256(content))
		blobs[digest] = content
		order = append(order, digest)
		return descriptor{MediaType: mediaType, Digest: "sha256:" + digest, Size: len(content)}
	}
	layerAt := add(typeLayer, layer.Bytes())
	config, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH,
		"os":           "linux",
		"config":       map[string]any{"Entrypoint": []string{"/" + base}, "User": user},
		"rootfs":       map[string]any{"type": "layers", "diff_ids": []string{layerAt.Digest}},
	})
	if err != nil {
		return err
	}
	manifest, err := json.Marshal(map[string]any{
		"schemaVersion": 2,
		"mediaType":     typeManifest,
		"config":        add(typeConfig, config),
		"layers":        []descriptor{layerAt},
	})
	if err != nil {
		return err
	}
	manifestAt := add(typeManifest, manifest)
	manifestAt.Annotations = map[string]string{imageName: name, refName: tag(name)}
	root, err := json.Marshal(index{SchemaVersion: 2, MediaType: typeIndex, Manifests: []descriptor{manifestAt}})
	if err != nil {
		return err
	}
	files := []file{
		{"oci-layout", 0o644, []byte(`{"imageLayoutVersion":"1.0.0"}`)},
		{"index.json", 0o644, root},
	}
	for _, digest := range order {
		files = append(files, file{"blobs/sha256/" + digest, 0o644, blobs[digest]})
	}
	return writeTar(w, files)
}

type file struct {
	name    string
	mode    int64
	content []byte
}

func writeTar(w io.Writer, files []file) error {
	archive := tar.NewWriter(w)
	for _, f := range files {
		header := &tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.content)), Format: tar.FormatUSTAR}
		if err := archive.WriteHeader(header); err != nil {
			return fmt.Errorf("write %s: %w", f.name, err)
		}
		if _, err := archive.Write(f.content); err != nil {
			return fmt.Errorf("write %s: %w", f.name, err)
		}
	}
	return archive.Close()
}
