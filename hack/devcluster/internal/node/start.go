// Package node is the cluster's node: the processes that run in namespaces of
// their own.
//
// It has two sides. On the host, Start makes the namespaces and Find looks for
// the node's first process. Inside, Init is that first process: it prepares
// mounts and addresses, adopts orphans and runs Supervise, which starts every
// part in order, restarts those that end and records their state.
//
// In: a Spec in the state folder and the host's listening sockets, which are
// made before the namespaces and handed down. Out: logs and parts.json in the
// state folder. When the first process ends, the kernel ends every other process
// and drops the mounts, interfaces and packet filter rules with it; cgroups and
// files are left to the caller.
package node

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// The hidden commands by which the program runs itself.
const (
	InitCommand      = "node-init"
	SuperviseCommand = "node-supervise"
	FrontDoorCommand = "node-front-door"
)

// namespaces the node has of its own. The cgroup namespace stays the host's, so
// that the kubelet's paths are the same inside and outside.
const namespaces = syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC

// Listeners are sockets of the host's network namespace. They keep it when they
// are passed into the node, which is how the host reaches the cluster without
// any interface between the two.
type Listeners struct {
	API  *net.TCPListener
	HTTP []*net.TCPListener // IPv4 and, where there is one, IPv6 loopback
}

// Listen opens the host's sockets.
func Listen(apiPort, httpPort int) (Listeners, error) {
	api, err := listen("127.0.0.1", apiPort, "--api-port")
	if err != nil {
		return Listeners{}, err
	}
	http4, err := listen("127.0.0.1", httpPort, "--http-port")
	if err != nil {
		api.Close()
		return Listeners{}, err
	}
	l := Listeners{API: api, HTTP: []*net.TCPListener{http4}}
	// IPv6 is an extra: some machines have none.
	if http6, err := listen("::1", httpPort, "--http-port"); err == nil {
		l.HTTP = append(l.HTTP, http6)
	}
	return l, nil
}

func listen(address string, port int, flag string) (*net.TCPListener, error) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.ParseIP(address), Port: port})
	if err != nil {
		return nil, fmt.Errorf("%w: is another cluster or program using the port? choose another with %s", err, flag)
	}
	return l, nil
}

// Close closes the caller's copies of the sockets.
func (l Listeners) Close() {
	for _, listener := range l.all() {
		listener.Close()
	}
}

func (l Listeners) all() []*net.TCPListener { return append([]*net.TCPListener{l.API}, l.HTTP...) }

// Start starts the node of spec and returns the process id of its first process.
func Start(spec Spec, listeners Listeners) (int, error) {
	if err := spec.Write(); err != nil {
		return 0, fmt.Errorf("keep the node's settings: %w", err)
	}
	logPath := spec.Settings.LogFile("node")
	if err := os.MkdirAll(filepath.Dir(logPath), 0o755); err != nil {
		return 0, fmt.Errorf("make the log folder: %w", err)
	}
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return 0, fmt.Errorf("open the node's log: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(spec.Self, InitCommand, spec.Settings.State)
	cmd.Dir = "/"
	cmd.Env = Environment()
	cmd.Stdout, cmd.Stderr = log, log
	for _, listener := range listeners.all() {
		file, err := listener.File()
		if err != nil {
			return 0, fmt.Errorf("hand the host's sockets to the node: %w", err)
		}
		defer file.Close()
		cmd.ExtraFiles = append(cmd.ExtraFiles, file)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces, Setsid: true}
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("start the node in its own namespaces: %w", err)
	}
	pid := cmd.Process.Pid
	if err := cmd.Process.Release(); err != nil {
		return 0, err
	}
	return pid, recordNamespaces(spec.Settings.State, pid)
}

// Environment is the environment of every part: nothing of the caller's, so that
// proxies and tokens of a developer's shell never reach the cluster.
func Environment() []string {
	return []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"}
}

// Find returns the process id, on the host, of the first process of the node
// with the given state folder, or 0. It looks at the running processes alone, so
// it cannot be misled by files left over from a crash or a reboot.
func Find(state string) (int, error) {
	want := []byte("\x00" + InitCommand + "\x00" + state + "\x00")
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, fmt.Errorf("look for the node's process: %w", err)
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		command, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "cmdline"))
		if err == nil && bytes.HasSuffix(command, want) && running(pid) {
			return pid, nil
		}
	}
	return 0, nil
}

// running tells a live process from one that has ended and not been collected.
func running(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return after != "" && after[0] != 'Z' && after[0] != 'X'
}
