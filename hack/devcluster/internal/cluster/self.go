package cluster

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// fingerprint identifies what a node is to run: its command lines and its
// configuration files. A node with another one is started anew.
func fingerprint(commands [][]string, files map[string][]byte) string {
	sum := sha256.New()
	for _, command := range commands {
		fmt.Fprintf(sum, "%q\n", command)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(sum, "%q %q\n", name, files[name])
	}
	return hex.EncodeToString(sum.Sum(nil))[:20]
}

// copySelf keeps this program where the node can start it again: `go run` removes
// its own copy when the command is done.
func copySelf(to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return fmt.Errorf("keep a copy of this program: %w", err)
	}
	from, err := os.Open("/proc/self/exe")
	if err != nil {
		return fmt.Errorf("keep a copy of this program: %w", err)
	}
	defer from.Close()
	partial, err := os.OpenFile(to+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return fmt.Errorf("keep a copy of this program: %w", err)
	}
	if _, err := io.Copy(partial, from); err != nil {
		partial.Close()
		return fmt.Errorf("keep a copy of this program: %w", err)
	}
	if err := partial.Close(); err != nil {
		return fmt.Errorf("keep a copy of this program: %w", err)
	}
	return os.Rename(to+".new", to)
}
