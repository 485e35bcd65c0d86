package node

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cmhf/operator/hack/devcluster/internal/settings"
)

// Spec is what a node runs: the settings and the programs chosen by `up`. It is
// kept in the state folder, and a node whose Spec differs is started anew.
type Spec struct {
	Settings    settings.Settings
	Kube        string // folder with the links of the kube binary
	CoreDNS     string // the coredns binary
	Pause       string // the pause binary
	Self        string // this program, kept in the state folder
	CNIPlugins  string // folder of the CNI plug-ins
	Fingerprint string // of command lines and configuration files
}

func specFile(state string) string { return filepath.Join(state, "node.json") }

// ReadSpec reads the spec of the cluster whose state folder is given.
func ReadSpec(state string) (Spec, error) {
	var spec Spec
	return spec, readJSON(specFile(state), &spec)
}

// Write keeps the spec in its state folder.
func (s Spec) Write() error { return writeJSON(specFile(s.Settings.State), s) }

func readJSON(path string, into any) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, into); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

// writeJSON replaces the file at once, so that readers see all or nothing.
func writeJSON(path string, from any) error {
	content, err := json.MarshalIndent(from, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
