// Package postgres builds the PostgreSQL image from Debian packages.
//
// In: Debian's mirror, as the machine's own apt uses it. Out: an image with the
// server and its tools on the PATH, without entrypoint, run as user 26, as
// CloudNativePG expects, and with nothing the server writes to outside volumes.
// The same package versions give the same image. The layer is kept in the cache,
// under a key of the recipe and the machine's package sources; remove the folder
// to take in newer packages.
package postgres

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/cmhf/operator/hack/images/internal/image"
	"github.com/cmhf/operator/hack/images/internal/layer"
)

// Name is the image's short name.
const Name = "postgres"

// Major is the PostgreSQL version. The tag begins with it: CloudNativePG reads
// the version there.
const Major = "15"

// Image describes the image and makes its layer if the cache has none.
func Image(ctx context.Context, cache string, progress io.Writer) (image.Spec, error) {
	sources, err := findSources(ctx)
	if err != nil {
		return image.Spec{}, err
	}
	recipe := newRecipe(sources)
	folder := filepath.Join(cache, Name+"-"+recipe.key())
	path := filepath.Join(folder, "layer.tar")
	if _, err := os.Stat(path); err != nil {
		fmt.Fprintln(progress, "           postgres: putting the root file system together (about a minute, once)")
		if err := bootstrap(ctx, recipe, folder, path); err != nil {
			return image.Spec{}, err
		}
	}
	hash, err := layer.HashFile(path)
	if err != nil {
		return image.Spec{}, err
	}
	return image.Spec{
		Tag:    Major + "-" + hash[:12],
		Layers: []string{path},
		Config: v1.Config{
			User: fmt.Sprintf("%d:%d", userID, userID),
			Env: []string{
				"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
				"LANG=C.UTF-8",
			},
			Labels: map[string]string{
				"org.opencontainers.image.title":    Name,
				"org.opencontainers.image.version":  Major,
				"org.opencontainers.image.licenses": "PostgreSQL",
			},
		},
	}, nil
}

// bootstrap makes the layer in a folder that is renamed when it is complete.
func bootstrap(ctx context.Context, r recipe, folder, path string) error {
	if err := needTool(ctx); err != nil {
		return err
	}
	partial := folder + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return fmt.Errorf("clear %s: %w", partial, err)
	}
	if err := os.MkdirAll(partial, 0o755); err != nil {
		return fmt.Errorf("make the cache folder: %w", err)
	}
	raw := filepath.Join(partial, "raw.tar")
	if err := r.run(ctx, raw); err != nil {
		return err
	}
	if err := layer.Normalise(raw, filepath.Join(partial, filepath.Base(path)), keep); err != nil {
		return fmt.Errorf("normalise the root file system: %w", err)
	}
	if err := os.Remove(raw); err != nil {
		return err
	}
	if err := os.RemoveAll(folder); err != nil {
		return fmt.Errorf("clear %s: %w", folder, err)
	}
	return os.Rename(partial, folder)
}

// dropped are the files that say something of the machine or the moment of the
// build, or have no use in a container.
var dropped = []string{
	"boot", "dev", "proc", "sys", "run", "tmp", "media", "mnt", "home", "srv",
	"etc/apt", "etc/hostname", "etc/resolv.conf", "etc/machine-id",
	"etc/passwd-", "etc/group-", "etc/shadow-", "etc/gshadow-", "etc/subuid-", "etc/subgid-",
	"usr/share/i18n", "etc/ssl/private", "etc/ssl/certs/ssl-cert-snakeoil.pem", "etc/postgresql",
	"var/cache", "var/lib/apt", "var/log", "var/lib/postgresql", "var/lib/dpkg/triggers",
	"var/lib/systemd", "var/lib/dpkg/status-old", "var/lib/dpkg/diversions-old", "var/lib/dpkg/statoverride-old",
}

// empty are folders that must be there, although what was in them is dropped.
var empty = []string{"dev", "proc", "sys", "run", "run/postgresql", "tmp", "var/cache", "var/log", "var/lib/postgresql"}

func keep(name string) bool {
	if slices.Contains(empty, name) {
		return true
	}
	return !slices.ContainsFunc(dropped, func(gone string) bool {
		return name == gone || strings.HasPrefix(name, gone+"/")
	})
}
