package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// kinds of namespaces that a node has of its own, as /proc names them.
var kinds = []string{"net", "mnt", "pid", "uts", "ipc"}

// record is what is kept about a node's namespaces, so that they can be looked
// for after its first process has ended.
type record struct {
	Boot       string // namespace numbers mean nothing after a reboot
	Namespaces []string
}

func recordFile(state string) string { return filepath.Join(state, "namespaces.json") }

func recordNamespaces(state string, pid int) error {
	boot, err := bootID()
	if err != nil {
		return err
	}
	r := record{Boot: boot}
	for _, kind := range kinds {
		name, err := os.Readlink(procPath(pid, "ns/"+kind))
		if err != nil {
			return fmt.Errorf("the node ended at once: %w", err)
		}
		r.Namespaces = append(r.Namespaces, name)
	}
	return writeJSON(recordFile(state), r)
}

func bootID() (string, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("read the boot's id: %w", err)
	}
	return strings.TrimSpace(string(id)), nil
}

// Inhabited tells whether a process is still in one of the namespaces of the
// node that was started last with this state folder. A node's sockets, mounts,
// interfaces and packet filter tables are gone when no process is.
func Inhabited(state string) ([]int, error) {
	var r record
	err := readJSON(recordFile(state), &r)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if boot, err := bootID(); err != nil || boot != r.Boot {
		return nil, err
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("look for the node's processes: %w", err)
	}
	var pids []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if slices.ContainsFunc(kinds, func(kind string) bool {
			name, err := os.Readlink(procPath(pid, "ns/"+kind))
			return err == nil && slices.Contains(r.Namespaces, name)
		}) {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}
