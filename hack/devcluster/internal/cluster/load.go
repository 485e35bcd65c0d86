package cluster

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/cmhf/operator/hack/devcluster/internal/node"
	"github.com/cmhf/operator/hack/devcluster/internal/ociarchive"
	"github.com/cmhf/operator/hack/devcluster/internal/progress"
	"github.com/cmhf/operator/hack/devcluster/internal/settings"
)

// Load imports OCI layout archives into the node's image store, so that pods can
// name an image by tag and by tag and digest. Images it has are left alone.
func Load(ctx context.Context, s settings.Settings, archives []string, p *progress.Printer) error {
	if len(archives) == 0 {
		return fmt.Errorf("load: name at least one OCI archive")
	}
	stored, err := storedImages(ctx, s)
	if err != nil {
		return err
	}
	for _, archive := range archives {
		images, err := ociarchive.Read(archive)
		if err != nil {
			return fmt.Errorf("load: %w", err)
		}
		err = p.Step("load "+archive, func() (string, error) { return loadOne(ctx, s, archive, images, stored) })
		if err != nil {
			return err
		}
	}
	return nil
}

func loadOne(ctx context.Context, s settings.Settings, archive string, images []ociarchive.Image, stored map[string]string) (string, error) {
	present := true
	for _, image := range images {
		present = present && stored[image.Name] == image.Digest && stored[image.ByDigest()] == image.Digest
	}
	if present {
		return "present", nil
	}
	file, err := os.Open(archive)
	if err != nil {
		return "", err
	}
	defer file.Close()
	// The archive's folder may not exist in the node's namespaces: it is piped in.
	if err := ctr(ctx, s, file, "images", "import", "-"); err != nil {
		return "", err
	}
	// For name:tag@digest, containerd looks up the name that has the digest alone.
	for _, image := range images {
		if err := ctr(ctx, s, nil, "images", "tag", "--force", image.Name, image.ByDigest()); err != nil {
			return "", err
		}
		stored[image.Name], stored[image.ByDigest()] = image.Digest, image.Digest
	}
	return "", nil
}

// storedImages maps the names of the node's images to digests.
func storedImages(ctx context.Context, s settings.Settings) (map[string]string, error) {
	cmd, err := inside(ctx, s, "ctr", "--namespace", "k8s.io", "images", "list")
	if err != nil {
		return nil, err
	}
	output, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list the node's images: %w", err)
	}
	images := map[string]string{}
	for line := range strings.Lines(string(output)) {
		if fields := strings.Fields(line); len(fields) > 3 {
			images[fields[0]] = fields[2]
		}
	}
	return images, nil
}

func ctr(ctx context.Context, s settings.Settings, input *os.File, args ...string) error {
	cmd, err := inside(ctx, s, append([]string{"ctr", "--namespace", "k8s.io"}, args...)...)
	if err != nil {
		return err
	}
	if input != nil {
		cmd.Stdin = input
	}
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ctr %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(output))
	}
	return nil
}

// loadPause packs and imports the image that holds pods' namespaces open.
func loadPause(ctx context.Context, s settings.Settings) error {
	spec, err := node.ReadSpec(s.State)
	if err != nil {
		return fmt.Errorf("read the node's settings: %w", err)
	}
	path := s.Path("pause.tar")
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("pack the pause image: %w", err)
	}
	if err := ociarchive.Write(file, settings.PauseImage, spec.Pause, "65535:65535"); err != nil {
		file.Close()
		return fmt.Errorf("pack the pause image: %w", err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("pack the pause image: %w", err)
	}
	images, err := ociarchive.Read(path)
	if err != nil {
		return err
	}
	stored, err := storedImages(ctx, s)
	if err != nil {
		return err
	}
	_, err = loadOne(ctx, s, path, images, stored)
	return err
}
