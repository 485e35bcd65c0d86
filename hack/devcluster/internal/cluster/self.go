package cluster

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// selfVersion identifies the program that runs now by its content.
func selfVersion() (string, error) {
	file, err := os.Open("/proc/self/exe")
	if err != nil {
		return "", fmt.Errorf("read this program: %w", err)
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", fmt.Errorf("read this program: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil))[:20], nil
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
