// The overlay program writes the kustomize overlays that say which images to run: one for the operator, one for the
// development identity provider, and, given its manifest, one for CloudNativePG. kubectl applies them.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"
)

func main() {
	images := flag.String("images", ".build/images/images.json", "file with the image of each program, as the image builder writes it")
	out := flag.String("out", ".build/deploy", "folder for the overlays")
	manifest := flag.String("cloudnativepg", "", "manifest of CloudNativePG, to write its overlay alone")
	flag.Parse()
	write := func() error { return write(*images, *out) }
	if *manifest != "" {
		write = func() error { return cloudNativePG(*images, *manifest, *out) }
	}
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, "overlay:", err)
		os.Exit(1)
	}
}

func read(file string) (map[string]string, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the list of images (make images writes it): %w", err)
	}
	var images map[string]string
	if err := json.Unmarshal(raw, &images); err != nil {
		return nil, fmt.Errorf("decoding %s: %w", file, err)
	}
	return images, nil
}

func write(file, out string) error {
	images, err := read(file)
	if err != nil {
		return err
	}
	manager, err := image("manager", images)
	if err != nil {
		return err
	}
	var forTenants []string
	for _, name := range []string{"coordination-api", "dashboard", "postgres"} {
		if images[name] == "" {
			return fmt.Errorf("%s names no image of %s", file, name)
		}
		forTenants = append(forTenants, name+"="+images[name])
	}
	operator := types.Kustomization{
		Resources: []string{"config/default"},
		Images:    []types.Image{manager},
		ConfigMapGenerator: []types.ConfigMapArgs{{GeneratorArgs: types.GeneratorArgs{
			Namespace: "cmhf-system", Name: "cmhf-images",
			KvPairSources: types.KvPairSources{LiteralSources: forTenants},
		}}},
	}
	if err := save(filepath.Join(out, "operator"), operator); err != nil {
		return err
	}
	provider, err := image("idp", images)
	if err != nil {
		return err
	}
	return save(filepath.Join(out, "identity"), types.Kustomization{
		Resources: []string{"config/dev/identity"},
		Images:    []types.Image{provider},
	})
}

// onThisCluster lets CloudNativePG run without a registry: its image is loaded, not pulled, the pods of PostgreSQL take their
// instance manager from the same one, and its start is not throttled.
const onThisCluster = `apiVersion: apps/v1
kind: Deployment
metadata: {name: cnpg-controller-manager, namespace: cnpg-system}
spec:
  template:
    spec:
      containers:
      - name: manager
        imagePullPolicy: IfNotPresent
        env:
        - {name: OPERATOR_IMAGE_NAME, value: %q}
        resources:
          limits: {cpu: null}
`

// cloudNativePG writes the overlay of its release manifest, which is copied beside it: kustomize reads no files from elsewhere.
func cloudNativePG(file, manifest, out string) error {
	images, err := read(file)
	if err != nil {
		return err
	}
	operator, err := image("cloudnative-pg", images)
	if err != nil {
		return err
	}
	operator.Name = "ghcr.io/cloudnative-pg/cloudnative-pg"
	text, err := os.ReadFile(manifest)
	if err != nil {
		return fmt.Errorf("reading the manifest of CloudNativePG: %w", err)
	}
	folder := filepath.Join(out, "cloudnativepg")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("making %s: %w", folder, err)
	}
	release := filepath.Join(folder, "release.yaml")
	if err := os.WriteFile(release, text, 0o644); err != nil {
		return fmt.Errorf("copying the manifest of CloudNativePG: %w", err)
	}
	return save(folder, types.Kustomization{
		Resources: []string{release},
		Images:    []types.Image{operator},
		Patches:   []types.Patch{{Patch: fmt.Sprintf(onThisCluster, images["cloudnative-pg"])}},
	})
}

// image splits name:tag@digest for kustomize, which keeps either the tag or the digest: the digest is what counts.
func image(program string, images map[string]string) (types.Image, error) {
	reference, digest, found := strings.Cut(images[program], "@")
	colon := strings.LastIndex(reference, ":")
	if reference == "" || colon < strings.LastIndex(reference, "/") {
		return types.Image{}, fmt.Errorf("the list of images names none for %s, or one without a tag: %q", program, images[program])
	}
	if !found {
		return types.Image{Name: program, NewName: reference[:colon], NewTag: reference[colon+1:]}, nil
	}
	return types.Image{Name: program, NewName: reference[:colon], Digest: digest}, nil
}

// save writes the kustomization; its resources are given from the current folder.
func save(folder string, k types.Kustomization) error {
	for i, resource := range k.Resources {
		above, err := filepath.Rel(folder, resource)
		if err != nil {
			return fmt.Errorf("finding %s from %s: %w", resource, folder, err)
		}
		k.Resources[i] = above
	}
	k.TypeMeta = types.TypeMeta{APIVersion: types.KustomizationVersion, Kind: types.KustomizationKind}
	text, err := yaml.Marshal(k)
	if err != nil {
		return fmt.Errorf("encoding the overlay %s: %w", folder, err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("making %s: %w", folder, err)
	}
	if err := os.WriteFile(filepath.Join(folder, "kustomization.yaml"), text, 0o644); err != nil {
		return fmt.Errorf("writing the overlay %s: %w", folder, err)
	}
	return nil
}
