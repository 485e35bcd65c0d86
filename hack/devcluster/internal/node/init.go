package node

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/cmhf/operator/hack/devcluster/internal/settings"
)

// Init is the node's first process. It prepares the namespaces, starts the
// supervisor and collects orphaned processes until the supervisor ends, which
// ends the node.
func Init(state string) error {
	if os.Getpid() != 1 {
		return fmt.Errorf("%s is for the first process of a node: use `devcluster up`", InitCommand)
	}
	spec, err := ReadSpec(state)
	if err != nil {
		return fmt.Errorf("read the node's settings: %w", err)
	}
	if err := unix.Sethostname([]byte(spec.Settings.Name)); err != nil {
		return fmt.Errorf("set the host name: %w", err)
	}
	if err := mounts(spec); err != nil {
		return err
	}
	if err := network(); err != nil {
		return err
	}
	if err := sysctls(); err != nil {
		return err
	}
	files := []uintptr{0, 1, 2}
	for _, socket := range handedSockets() {
		files = append(files, socket.Fd())
	}
	supervisor, err := syscall.ForkExec(spec.Self, []string{spec.Self, SuperviseCommand, state},
		&syscall.ProcAttr{Env: Environment(), Files: files})
	if err != nil {
		return fmt.Errorf("start the supervisor: %w", err)
	}
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return fmt.Errorf("wait for the node's processes: %w", err)
		case pid == supervisor:
			return fmt.Errorf("the supervisor ended (exit code %d, signal %d)", status.ExitStatus(), status.Signal())
		}
	}
}

// handedSockets returns the sockets that the parent process handed down: they
// follow standard input, output and error. They go no further unless they are
// handed down again: a container that held one would keep the host's port taken.
func handedSockets() []*os.File {
	var sockets []*os.File
	for fd := 3; ; fd++ {
		var stat unix.Stat_t
		if unix.Fstat(fd, &stat) != nil || stat.Mode&unix.S_IFMT != unix.S_IFSOCK {
			return sockets
		}
		unix.CloseOnExec(fd)
		sockets = append(sockets, os.NewFile(uintptr(fd), "listener"))
	}
}

// mounts gives the node its own /run, /tmp, /var and /proc. The node's /var is a
// folder of the state, so that every program can keep its usual paths and all
// they write goes when the state goes.
func mounts(spec Spec) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("part from the host's mounts: %w", err)
	}
	inner := spec.Settings.Path("var")
	for _, folder := range []string{"lib", "log", "cache", "tmp"} {
		if err := os.MkdirAll(filepath.Join(inner, folder), 0o755); err != nil {
			return fmt.Errorf("prepare the node's /var: %w", err)
		}
	}
	if err := os.Symlink("/run", filepath.Join(inner, "run")); err != nil && !os.IsExist(err) {
		return fmt.Errorf("prepare the node's /var: %w", err)
	}
	// Folders in use may lie below those about to be covered. They are held open
	// and put back at their paths afterwards.
	held := map[string]string{}
	for _, path := range []string{inner, spec.Settings.State, spec.Kube, filepath.Dir(spec.CoreDNS), spec.CNIPlugins} {
		fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("hold %s: %w", path, err)
		}
		defer unix.Close(fd)
		held[path] = fmt.Sprintf("/proc/self/fd/%d", fd)
	}
	if err := unix.Mount(held[inner], "/var", "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount the node's /var: %w", err)
	}
	for path, mode := range map[string]string{"/run": "mode=755", "/tmp": "mode=1777"} {
		if err := unix.Mount("tmpfs", path, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, mode); err != nil {
			return fmt.Errorf("mount the node's %s: %w", path, err)
		}
	}
	for path, fd := range held {
		if !covered(path) || path == inner {
			continue
		}
		if err := os.MkdirAll(path, 0o755); err != nil {
			return fmt.Errorf("put %s back: %w", path, err)
		}
		if err := unix.Mount(fd, path, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("put %s back: %w", path, err)
		}
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount the node's /proc: %w", err)
	}
	// Mounts made by the kubelet have to reach pods that ask for them.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SHARED, ""); err != nil {
		return fmt.Errorf("share the node's mounts with its pods: %w", err)
	}
	return nil
}

func covered(path string) bool {
	for _, top := range []string{"/run/", "/tmp/", "/var/"} {
		if strings.HasPrefix(path, top) {
			return true
		}
	}
	return false
}

// serviceLink is the interface that the route to Services names.
const serviceLink = "services0"

// network brings up loopback with the node's address and gives Services a route:
// a local program's connection needs one before the packet filter turns it to a
// pod. The route names an empty bridge, not loopback, because a refusal (no
// endpoint) would then come from an address the kernel takes for its own and
// never arrive.
func network() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find the loopback interface: %w", err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return fmt.Errorf("bring up loopback: %w", err)
	}
	node := net.ParseIP(settings.NodeAddress)
	address := &netlink.Addr{IPNet: &net.IPNet{IP: node, Mask: net.CIDRMask(32, 32)}}
	if err := netlink.AddrAdd(lo, address); err != nil {
		return fmt.Errorf("give the node the address %s: %w", node, err)
	}
	_, services, err := net.ParseCIDR(settings.ServiceRange)
	if err != nil {
		return err
	}
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: serviceLink}}
	if err := netlink.LinkAdd(bridge); err != nil {
		return fmt.Errorf("make interface %s: %w", serviceLink, err)
	}
	if err := netlink.LinkSetUp(bridge); err != nil {
		return fmt.Errorf("bring up %s: %w", serviceLink, err)
	}
	if err := netlink.RouteAdd(&netlink.Route{LinkIndex: bridge.Attrs().Index, Dst: services, Src: node}); err != nil {
		return fmt.Errorf("route %s: %w", services, err)
	}
	return nil
}

// sysctls of the node's own network namespace.
func sysctls() error {
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0); err != nil {
		return fmt.Errorf("let the node forward packets: %w", err)
	}
	// Without it the replies of a pod to a pod behind a Service miss the packet
	// filter. Kernels without the bridge filter have no such file.
	err := os.WriteFile("/proc/sys/net/bridge/bridge-nf-call-iptables", []byte("1"), 0)
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("let the packet filter see the bridge: %w", err)
	}
	return nil
}
