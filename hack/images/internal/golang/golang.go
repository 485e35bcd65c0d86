// Package golang builds the images of the project's Go programs: one static
// binary on an empty base.
//
// In: the repository and the names of programs. Out: binaries, and for each an
// image specification. The same sources, version and Go release give the same
// bytes on every machine. There is no CA bundle in the images, because the
// host's differs from machine to machine: a program that needs one embeds it or
// has it mounted.
package golang

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/cmhf/operator/hack/images/internal/image"
	"github.com/cmhf/operator/hack/images/internal/layer"
)

// programs maps names of images to folders of main packages.
var programs = []struct{ name, folder string }{
	{"manager", "cmd/manager"},
	{"coordination-api", "cmd/coordination-api"},
	{"dashboard", "cmd/dashboard"},
	{"idp", "hack/idp"},
}

// user runs every program: "nonroot" by number, so that Kubernetes can see that
// it is not root.
const user = "65532:65532"

// Names lists the images this package builds.
func Names() []string {
	var names []string
	for _, p := range programs {
		names = append(names, p.name)
	}
	return names
}

// Config says what to build.
type Config struct {
	Repo    string // root of the repository
	Cache   string // binaries are kept below it, so that what is up to date is not linked again
	Version string // value of main.version
	Names   []string
}

// Build compiles the named programs in one call of the compiler and returns the
// paths of their binaries.
func Build(ctx context.Context, c Config) (map[string]string, error) {
	repo, err := filepath.Abs(c.Repo)
	if err != nil {
		return nil, fmt.Errorf("find the repository: %w", err)
	}
	// Each repository and version has a folder of its own, or they would take
	// turns in making each other's binaries stale.
	id := sha256.Sum256([]byte(repo + "\x00" + c.Version))
	out := filepath.Join(c.Cache, fmt.Sprintf("bin-%x", id[:6]))
	if err := os.MkdirAll(out, 0o755); err != nil {
		return nil, fmt.Errorf("make the folder for binaries: %w", err)
	}
	// The build id stays in: the compiler needs it to see that a binary is up to
	// date, and with -trimpath it is the same on every machine.
	args := []string{"build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -X main.version=" + c.Version, "-o", out + string(filepath.Separator)}
	binaries := map[string]string{}
	for _, p := range programs {
		if !slices.Contains(c.Names, p.name) {
			continue
		}
		if sources, err := filepath.Glob(filepath.Join(repo, p.folder, "*.go")); err != nil || len(sources) == 0 {
			return nil, fmt.Errorf("image %s: there is no Go program in %s (is --repo right?)", p.name, filepath.Join(repo, p.folder))
		}
		args = append(args, "./"+p.folder)
		binaries[p.name] = filepath.Join(out, filepath.Base(p.folder))
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = repo
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOFLAGS=-mod=readonly", "GOWORK=off")
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("compile %s: %w\n%s", strings.Join(c.Names, ", "), err, strings.TrimSpace(output.String()))
	}
	return binaries, nil
}

// Image describes the image of one binary. Its layers lie beside the binary.
func Image(binary, name, version string) (image.Spec, error) {
	hash, err := layer.HashFile(binary)
	if err != nil {
		return image.Spec{}, err
	}
	base, program := filepath.Join(filepath.Dir(binary), "base.tar"), binary+".tar"
	if err := layer.Write(base, baseFiles()); err != nil {
		return image.Spec{}, fmt.Errorf("make the base layer: %w", err)
	}
	if err := layer.Write(program, []layer.File{{Name: name, Mode: 0o755, Source: binary}}); err != nil {
		return image.Spec{}, fmt.Errorf("make the program's layer: %w", err)
	}
	return image.Spec{
		// A changed program must get another tag, whatever the version says.
		Tag:    version + "-" + hash[:12],
		Layers: []string{base, program},
		Config: v1.Config{
			Entrypoint: []string{"/" + name},
			User:       user,
			WorkingDir: "/",
			Env:        []string{"PATH=/"},
			Labels: map[string]string{
				"org.opencontainers.image.title":    name,
				"org.opencontainers.image.version":  version,
				"org.opencontainers.image.licenses": "Apache-2.0",
			},
		},
	}, nil
}

func baseFiles() []layer.File {
	return []layer.File{
		{Name: "etc/", Mode: 0o755},
		{Name: "etc/group", Mode: 0o644, Content: []byte("root:x:0:\nnonroot:x:65532:\n")},
		{Name: "etc/passwd", Mode: 0o644, Content: []byte("root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n")},
		{Name: "tmp/", Mode: 0o1777},
	}
}
