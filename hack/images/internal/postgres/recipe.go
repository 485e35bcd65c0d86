package postgres

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/cmhf/operator/hack/images/internal/layer"
)

const (
	suite  = "bookworm" // the Debian release that carries PostgreSQL 15
	userID = 26         // CloudNativePG runs the server as this user and group
)

// packages of the image, beside Debian's minimal base.
var packages = []string{"postgresql-" + Major, "postgresql-client-" + Major}

// excluded are paths dpkg leaves out: documents, translations, and the compiler
// for queries with the 140 MB of libraries it needs. PostgreSQL does without the
// compiler when its plug-in is not there.
var excluded = []string{
	"/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/lintian/*",
	"/usr/lib/*/libLLVM*", "/usr/lib/llvm*", "/usr/lib/*/libz3*",
	"/usr/lib/postgresql/" + Major + "/lib/llvmjit*", "/usr/lib/postgresql/" + Major + "/lib/bitcode/*",
}

// settle is run in the finished root file system ($1).
var settle = strings.NewReplacer("ID", strconv.Itoa(userID), "MAJOR", Major).Replace(`set -eu
# Debian gives group ID to tape drives.
chroot "$1" groupdel tape
chroot "$1" groupmod -g ID postgres
chroot "$1" usermod -u ID -g ID -d /var/lib/postgresql -s /bin/sh postgres
mkdir -p "$1/run/postgresql"
chown ID:ID "$1/var/lib/postgresql" "$1/run/postgresql"
# English as it is sorted and written in Britain, beside C.UTF-8.
chroot "$1" localedef -i en_GB -f UTF-8 en_GB.UTF-8
# The moment of a password change is no part of the image.
sed -i -E 's/^([^:]*:[^:]*:)[0-9]+:/\120000:/' "$1/etc/shadow"
# Debian keeps the server's programs off the PATH and wraps the clients in a
# script that looks for Debian's own clusters.
for program in "$1"/usr/lib/postgresql/MAJOR/bin/*; do
  ln -sf "/usr/lib/postgresql/MAJOR/bin/${program##*/}" "$1/usr/local/bin/${program##*/}"
done
`)

// sources is where packages come from.
type sources struct {
	files   []string // apt's own files; none means Debian's default mirror
	content []byte   // of the files, for the cache key
	options []string // apt settings of the machine, such as proxies
}

// findSources takes over the machine's package sources when it runs the same
// Debian release, and its apt settings in any case.
func findSources(ctx context.Context) (sources, error) {
	var s sources
	release, err := os.ReadFile("/etc/os-release")
	if err == nil && bytes.Contains(release, []byte("VERSION_CODENAME="+suite)) {
		for _, file := range []string{"/etc/apt/sources.list", "/etc/apt/sources.list.d/debian.sources"} {
			content, err := os.ReadFile(file)
			if err != nil || len(bytes.TrimSpace(content)) == 0 {
				continue
			}
			s.files = append(s.files, file)
			s.content = append(s.content, content...)
		}
	}
	settings, err := exec.CommandContext(ctx, "apt-config", "dump").Output()
	if err != nil {
		return s, fmt.Errorf("ask `apt-config dump` (the image is made from Debian packages, which needs a Debian or Ubuntu machine): %w", err)
	}
	for line := range strings.Lines(string(settings)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "Acquire::") && !strings.HasSuffix(line, `"";`) {
			s.options = append(s.options, line)
		}
	}
	return s, nil
}

// recipe is the command that makes the root file system.
type recipe struct {
	args    []string
	sources sources
}

func newRecipe(s sources) recipe {
	args := []string{
		"--quiet", "--mode=root", "--format=tar", "--variant=minbase",
		"--include=" + strings.Join(packages, ","),
		// No server is to be set up while the package is installed.
		`--essential-hook=mkdir -p "$1/etc/postgresql-common" && echo "create_main_cluster = false" > "$1/etc/postgresql-common/createcluster.conf"`,
		"--dpkgopt=force-confdef", "--dpkgopt=force-confold",
	}
	for _, path := range excluded {
		args = append(args, "--dpkgopt=path-exclude="+path)
	}
	for _, option := range s.options {
		args = append(args, "--aptopt="+option)
	}
	return recipe{args: append(args, "--customize-hook="+settle), sources: s}
}

// key identifies what decides the layer's content.
func (r recipe) key() string {
	sum := sha256.New()
	for _, arg := range append(append([]string{string(r.sources.content), strconv.Itoa(layer.Epoch)}, r.args...), append(dropped, empty...)...) {
		fmt.Fprintf(sum, "%d:%s\n", len(arg), arg)
	}
	return fmt.Sprintf("%x", sum.Sum(nil))[:20]
}

func (r recipe) run(ctx context.Context, target string) error {
	args := append(append([]string{}, r.args...), suite, target)
	cmd := exec.CommandContext(ctx, "mmdebstrap", append(args, r.sources.files...)...)
	cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH="+strconv.Itoa(layer.Epoch), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C")
	return tailOf(cmd, "mmdebstrap")
}

// needTool installs mmdebstrap where it is missing and can be installed.
func needTool(ctx context.Context) error {
	if os.Geteuid() != 0 {
		return errors.New("run as root: setting up Debian packages needs it")
	}
	if _, err := exec.LookPath("mmdebstrap"); err == nil {
		return nil
	}
	for _, args := range [][]string{{"update", "-q"}, {"install", "-q", "-y", "--no-install-recommends", "mmdebstrap"}} {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if err := tailOf(cmd, "apt-get "+args[0]); err != nil {
			return fmt.Errorf("mmdebstrap is missing: install it with `apt-get install mmdebstrap`: %w", err)
		}
	}
	return nil
}

// tailOf runs the command and puts its last lines into the error.
func tailOf(cmd *exec.Cmd, what string) error {
	output, err := cmd.CombinedOutput()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(string(output)), "\n")
		return fmt.Errorf("%s: %w\n%s", what, err, strings.Join(lines[max(0, len(lines)-12):], "\n"))
	}
	return nil
}
