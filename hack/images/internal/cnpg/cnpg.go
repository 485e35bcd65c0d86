// Package cnpg builds the image of the CloudNativePG operator from its Go module, as hack/cnpg names it.
//
// In: the repository. Out: the binary and an image specification laid out as CloudNativePG expects it: the pods of PostgreSQL
// copy their instance manager from /operator, where one lies for each architecture.
package cnpg

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/cmhf/operator/hack/images/internal/image"
	"github.com/cmhf/operator/hack/images/internal/layer"
)

// Name is the image's short name.
const Name = "cloudnative-pg"

const (
	module = "github.com/cloudnative-pg/cloudnative-pg"
	// user runs the operator: "nonroot" by number.
	user = "65532:65532"
)

// Image compiles the operator and describes its image.
func Image(ctx context.Context, repo, cache string, progress io.Writer) (image.Spec, error) {
	folder := filepath.Join(repo, "hack", "cnpg")
	version, err := goTool(ctx, folder, "list", "-m", "-f", "{{.Version}}", module)
	if err != nil {
		return image.Spec{}, err
	}
	out := filepath.Join(cache, Name+"-"+version)
	if err := os.MkdirAll(out, 0o755); err != nil {
		return image.Spec{}, fmt.Errorf("make the folder for the binary: %w", err)
	}
	binary := filepath.Join(out, "manager")
	if _, err := os.Stat(binary); err != nil {
		fmt.Fprintln(progress, "           cloudnative-pg: compiling the operator (about two minutes, once)")
	}
	// Go's own cache knows whether there is anything to build.
	if _, err := goTool(ctx, folder, "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", binary, module+"/cmd/manager"); err != nil {
		return image.Spec{}, err
	}
	hash, err := layer.HashFile(binary)
	if err != nil {
		return image.Spec{}, err
	}
	program := "operator/manager_" + runtime.GOARCH
	path := binary + ".tar"
	err = layer.Write(path, []layer.File{
		{Name: "etc/", Mode: 0o755},
		{Name: "etc/group", Mode: 0o644, Content: []byte("root:x:0:\nnonroot:x:65532:\n")},
		{Name: "etc/passwd", Mode: 0o644, Content: []byte("root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n")},
		{Name: "manager", Link: program},
		{Name: "operator/", Mode: 0o755},
		{Name: program, Mode: 0o755, Source: binary},
		{Name: "tmp/", Mode: 0o1777},
	})
	if err != nil {
		return image.Spec{}, fmt.Errorf("make the operator's layer: %w", err)
	}
	return image.Spec{
		Tag:    strings.TrimPrefix(version, "v") + "-" + hash[:12],
		Layers: []string{path},
		Config: v1.Config{
			Entrypoint: []string{"/manager"},
			User:       user,
			WorkingDir: "/",
			Env:        []string{"PATH=/"},
			Labels: map[string]string{
				"org.opencontainers.image.title":    Name,
				"org.opencontainers.image.version":  version,
				"org.opencontainers.image.licenses": "Apache-2.0",
			},
		},
	}, nil
}

func goTool(ctx context.Context, folder string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOFLAGS=-mod=readonly", "GOWORK=off")
	var problems bytes.Buffer
	cmd.Stderr = &problems
	output, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s in %s: %w\n%s", args[0], folder, err, strings.TrimSpace(problems.String()))
	}
	return strings.TrimSpace(string(output)), nil
}
