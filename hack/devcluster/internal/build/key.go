// Package build compiles Go programs into a cache that lies outside the
// repository.
//
// In: a folder with its own Go module and the flags to build it with. Out: the
// path of a binary whose folder is named after a hash of everything that
// decides its content, so an unchanged module is never built twice and a
// changed one never served stale. It relies on go.sum for the content of
// dependencies, and it never removes older entries.
package build

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Key hashes the parts given (compiler, target, flags) and the files below
// folder that decide what the module compiles to: go.mod, go.sum and Go files.
// Test files do not count, and no module built here embeds files.
func Key(folder string, parts ...string) (string, error) {
	sum := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(sum, "%d:%s\n", len(part), part)
	}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !decides(entry) {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		fmt.Fprintf(sum, "%d:%s %d:", len(name), filepath.ToSlash(name), len(content))
		sum.Write(content)
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("hash the sources in %s: %w", folder, err)
	}
	return hex.EncodeToString(sum.Sum(nil))[:20], nil
}

// decides tells whether a file takes part in what a module compiles to.
func decides(entry fs.DirEntry) bool {
	name := entry.Name()
	return entry.Type().IsRegular() && !strings.HasSuffix(name, "_test.go") &&
		(strings.HasSuffix(name, ".go") || name == "go.mod" || name == "go.sum")
}
