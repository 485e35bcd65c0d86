package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cmhf/operator/hack/devcluster/internal/node"
	"github.com/cmhf/operator/hack/devcluster/internal/progress"
	"github.com/cmhf/operator/hack/devcluster/internal/settings"
)

// Down stops the cluster and removes all it left, its data included. It works on
// a cluster that runs, has crashed or was never there.
func Down(_ context.Context, s settings.Settings, p *progress.Printer) error {
	if err := checkMachine(); err != nil {
		return err
	}
	unlock, err := lock(s.Name, p)
	if err != nil {
		return err
	}
	defer unlock()
	pid, err := node.Find(s.State)
	if err != nil {
		return err
	}
	_, stateErr := os.Stat(s.State)
	if pid == 0 && errors.Is(stateErr, fs.ErrNotExist) {
		p.Say("cluster %s is not there", s.Name)
	}
	if pid != 0 {
		if err := p.Step("stop node", func() (string, error) { return "", kill(pid) }); err != nil {
			return err
		}
	}
	// Read while there is a record of them; it goes with the state.
	left, err := vacated(s.State)
	if err != nil {
		return err
	}
	if err := p.Step("remove control groups", func() (string, error) { return "", removeCgroup(s.Cgroup()) }); err != nil {
		return err
	}
	if err := p.Step("remove "+s.State, func() (string, error) { return "", removeState(s) }); err != nil {
		return err
	}
	if left = append(left, remains(s)...); len(left) > 0 {
		return fmt.Errorf("something remains:\n  %s", strings.Join(left, "\n  "))
	}
	p.Say("cluster %s is down after %s: no process, mount, control group, interface or file is left", s.Name, p.Total())
	return nil
}

// kill ends the node's first process, and with it, by the kernel's hand, every
// other process of the node, and waits until they are gone.
func kill(pid int) error {
	handle, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("stop process %d: %w", pid, err)
	}
	defer unix.Close(handle)
	if err := unix.PidfdSendSignal(handle, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("stop process %d: %w", pid, err)
	}
	// The first process of a namespace ends last: after all the others.
	ready := []unix.PollFd{{Fd: int32(handle), Events: unix.POLLIN}}
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		n, err := unix.Poll(ready, 1000)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("wait for process %d to end: %w", pid, err)
		}
		if n > 0 {
			return nil
		}
	}
	return fmt.Errorf("process %d does not end", pid)
}

func removeState(s settings.Settings) error {
	if err := os.RemoveAll(s.State); err != nil {
		return fmt.Errorf("remove the cluster's files: %w", err)
	}
	// The folder of all clusters goes with the last one.
	if s.State == settings.DefaultState(s.Name) {
		err := os.Remove(filepath.Dir(s.State))
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTEMPTY) {
			return fmt.Errorf("remove the cluster's files: %w", err)
		}
	}
	return nil
}

// vacated waits until no process is left in the namespaces of a node that was
// killed, and returns those that will not go. With the last one go its sockets,
// mounts, interfaces and packet filter tables.
func vacated(state string) (left []string, err error) {
	deadline := time.Now().Add(10 * time.Second)
	for {
		pids, err := node.Inhabited(state)
		if err != nil || len(pids) == 0 {
			return nil, err
		}
		if time.Now().After(deadline) {
			for _, pid := range pids {
				left = append(left, fmt.Sprintf("process %d, in the node's namespaces", pid))
			}
			return left, nil
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// remains lists the mounts, control groups and files that are left of a cluster.
func remains(s settings.Settings) []string {
	var left []string
	if mounts, err := os.ReadFile("/proc/self/mountinfo"); err == nil {
		for line := range strings.Lines(string(mounts)) {
			if fields := strings.Fields(line); len(fields) > 4 && strings.HasPrefix(fields[4]+"/", s.State+"/") {
				left = append(left, "mount "+fields[4])
			}
		}
	}
	if roots, err := hierarchies(); err == nil {
		for _, root := range roots {
			group := filepath.Join(root, s.Cgroup())
			if _, err := os.Stat(group); err == nil {
				left = append(left, "control group "+group)
			}
		}
	}
	if _, err := os.Stat(s.State); err == nil {
		left = append(left, "folder "+s.State)
	}
	return left
}
