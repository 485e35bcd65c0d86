package build

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// Program is one binary to build.
type Program struct {
	Name    string   // file name of the binary
	Folder  string   // folder of its main package; it holds the module's sources too
	LDFlags string   // link flags beyond those that drop debug data
	Links   []string // further names for the binary, made as links beside it
}

// Cache is the folder that holds built programs.
type Cache string

// DefaultCache is cmhf-dev in the user's cache folder.
func DefaultCache() (Cache, error) {
	folder, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a cache folder (set XDG_CACHE_HOME or HOME, or give --cache): %w", err)
	}
	return Cache(filepath.Join(folder, "cmhf-dev")), nil
}

// Find returns the path of the program's binary if the cache has it.
func (c Cache) Find(p Program) (string, bool) {
	entry, err := c.entry(p)
	if err != nil {
		return "", false
	}
	_, err = os.Stat(entry.binary)
	return entry.binary, err == nil
}

// Get returns the path of the program's binary, whose links lie in the same
// folder, and builds it first when the cache has none of its content. Calls at
// the same time, also from several processes, build once.
func (c Cache) Get(p Program) (string, error) {
	entry, err := c.entry(p)
	if err != nil {
		return "", err
	}
	unlock, err := c.lock(p.Name)
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(entry.binary); err == nil {
		return entry.binary, nil
	}
	return entry.binary, compile(p, entry)
}

// entry is a program's place in the cache.
type entry struct {
	folder string
	binary string
	flags  []string
}

func (c Cache) entry(p Program) (entry, error) {
	version, err := compiler()
	if err != nil {
		return entry{}, err
	}
	flags := []string{"-trimpath", "-buildvcs=false", "-ldflags", strings.TrimSpace("-s -w -buildid= " + p.LDFlags)}
	key, err := Key(p.Folder, append([]string{version, runtime.GOOS, runtime.GOARCH, strings.Join(p.Links, " ")}, flags...)...)
	if err != nil {
		return entry{}, err
	}
	folder := filepath.Join(string(c), p.Name+"-"+key)
	return entry{folder: folder, binary: filepath.Join(folder, p.Name), flags: flags}, nil
}

// compile builds into a folder beside the wanted one and renames it, so that an
// entry is either complete or absent.
func compile(p Program, e entry) error {
	partial := e.folder + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return fmt.Errorf("clear %s: %w", partial, err)
	}
	if err := os.MkdirAll(partial, 0o755); err != nil {
		return fmt.Errorf("make the cache folder: %w", err)
	}
	cmd := exec.Command("go", append(append([]string{"build"}, e.flags...), "-o", filepath.Join(partial, p.Name), ".")...)
	cmd.Dir = p.Folder
	// The caller's flags and workspace must not decide what the cache holds.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly", "GOWORK=off")
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build %s in %s: %w\n%s", p.Name, p.Folder, err, strings.TrimSpace(output.String()))
	}
	for _, link := range p.Links {
		if err := os.Symlink(p.Name, filepath.Join(partial, link)); err != nil {
			return fmt.Errorf("link %s to %s: %w", link, p.Name, err)
		}
	}
	if err := os.RemoveAll(e.folder); err != nil {
		return fmt.Errorf("clear %s: %w", e.folder, err)
	}
	if err := os.Rename(partial, e.folder); err != nil {
		return fmt.Errorf("put %s into the cache: %w", p.Name, err)
	}
	return nil
}

func (c Cache) lock(name string) (func(), error) {
	if err := os.MkdirAll(string(c), 0o755); err != nil {
		return nil, fmt.Errorf("make the cache folder: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(string(c), name+".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock the cache: %w", err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX); err != nil {
		file.Close()
		return nil, fmt.Errorf("lock the cache: %w", err)
	}
	return func() { file.Close() }, nil
}

func compiler() (string, error) {
	output, err := exec.Command("go", "env", "GOVERSION").Output()
	if err != nil {
		return "", fmt.Errorf("ask `go env GOVERSION` (is Go on the PATH?): %w", err)
	}
	return strings.TrimSpace(string(output)), nil
}
