//go:build cluster

package test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// hostSockets checks that the host's sockets are not handed on to the programs
// of the node: a container that outlived the rest would keep the ports taken.
func hostSockets(t *testing.T, h *harness) {
	for _, part := range []string{"kubelet", "containerd", "coredns"} {
		pid := pidOf(t, h, part)
		files, err := filepath.Glob("/proc/" + pid + "/fd/*")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if target, _ := os.Readlink(file); listensOnHost(t, target) {
				t.Errorf("%s holds a listening socket of the host", part)
			}
		}
	}
}

// listensOnHost tells whether the link of a file descriptor leads to a socket
// that listens in the host's network.
func listensOnHost(t *testing.T, target string) bool {
	t.Helper()
	inode, ok := strings.CutPrefix(strings.TrimSuffix(target, "]"), "socket:[")
	if !ok {
		return false
	}
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(table)) {
		fields := strings.Fields(line)
		if len(fields) > 9 && fields[9] == inode && fields[3] == "0A" {
			return true
		}
	}
	return false
}

func downLeavesNothing(t *testing.T, h *harness) {
	before := interfaces(t)
	h.must(t, "down")
	if after := interfaces(t); after != before {
		t.Errorf("interfaces of the host changed from %s to %s", before, after)
	}
	mounts, err := os.ReadFile("/proc/mounts")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(mounts), clusterName) {
		t.Errorf("mounts are left:\n%s", mounts)
	}
	groups, err := filepath.Glob("/sys/fs/cgroup/*/*" + clusterName + "*")
	if err != nil || len(groups) > 0 {
		t.Errorf("control groups are left: %v %v", groups, err)
	}
	if _, err := os.Stat(state); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", state, err)
	}
	for _, path := range nodeFolders {
		if exists(path) != h.before[path] {
			t.Errorf("%s: on the host %t, was %t before the cluster", path, exists(path), h.before[path])
		}
	}
	h.must(t, "down") // a second time there is nothing to do
}

func interfaces(t *testing.T) string {
	t.Helper()
	names, err := filepath.Glob("/sys/class/net/*")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, " ")
}
