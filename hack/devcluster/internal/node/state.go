package node

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// The states of a part.
const (
	Waiting  = "waiting"  // for another part
	Starting = "starting" // runs, does not answer (yet)
	Ready    = "ready"
	Failed   = "failed" // ended; is started again
)

// PartState is what the supervisor knows of one part.
type PartState struct {
	Name     string
	State    string
	PID      int // in the node's namespace; see HostPIDs
	Since    time.Time
	Restarts int
}

func partsFile(state string) string { return filepath.Join(state, "parts.json") }

// ReadParts returns the states that the supervisor wrote last. They mean
// something only while the node runs: see Find.
func ReadParts(state string) ([]PartState, error) {
	var parts []PartState
	return parts, readJSON(partsFile(state), &parts)
}

// ForgetParts removes the states of a node that ended.
func ForgetParts(state string) error {
	if err := os.Remove(partsFile(state)); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}

// HostPIDs maps process ids of the node whose first process is init to process
// ids of the host.
func HostPIDs(init int) map[int]int {
	pids := map[int]int{}
	namespace, err := os.Readlink(procPath(init, "ns/pid"))
	if err != nil {
		return pids
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return pids
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if own, err := os.Readlink(procPath(pid, "ns/pid")); err != nil || own != namespace {
			continue
		}
		if inner := innerPID(pid); inner > 0 {
			pids[inner] = pid
		}
	}
	return pids
}

// innerPID returns the last number of the NSpid line: the id in the innermost
// namespace.
func innerPID(pid int) int {
	status, err := os.ReadFile(procPath(pid, "status"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if ids, ok := strings.CutPrefix(line, "NSpid:"); ok {
			fields := strings.Fields(ids)
			if len(fields) == 0 {
				return 0
			}
			inner, _ := strconv.Atoi(fields[len(fields)-1])
			return inner
		}
	}
	return 0
}

func procPath(pid int, file string) string {
	return filepath.Join("/proc", strconv.Itoa(pid), file)
}
