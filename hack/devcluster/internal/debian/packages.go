// Package debian finds the programs a node needs and installs the Debian
// packages that hold them.
//
// In: the machine. Out: an error that names what is missing and how to get it,
// or nothing when all is there. Installing leaves no service running and none
// enabled: the cluster runs containerd itself, in its own namespaces.
package debian

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Need is a file that must exist and the Debian package that holds it.
type Need struct {
	Package string
	Paths   []string // any one of them will do
}

func program(pkg, name string) Need {
	n := Need{Package: pkg}
	for _, folder := range []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"} {
		n.Paths = append(n.Paths, filepath.Join(folder, name))
	}
	return n
}

// cniFolders are where distributions and upstream put the CNI plug-ins.
var cniFolders = []string{"/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"}

// NodeNeeds is what a node needs beyond what is built from source.
func NodeNeeds() []Need {
	plugins := Need{Package: "containernetworking-plugins"}
	for _, folder := range cniFolders {
		plugins.Paths = append(plugins.Paths, filepath.Join(folder, "bridge"))
	}
	return []Need{
		program("containerd", "containerd"),
		program("containerd", "ctr"),
		program("runc", "runc"),
		plugins,
		program("nftables", "nft"),
		program("iptables", "iptables"),
		program("conntrack", "conntrack"),
		program("util-linux", "nsenter"),
		program("mount", "mount"),
	}
}

// CNIPlugins returns the folder of the CNI plug-ins.
func CNIPlugins() (string, error) {
	for _, folder := range cniFolders {
		if _, err := os.Stat(filepath.Join(folder, "bridge")); err == nil {
			return folder, nil
		}
	}
	return "", fmt.Errorf("no CNI plug-ins in %s", strings.Join(cniFolders, ", "))
}

// Missing returns the packages of the needs that no file meets.
func Missing(needs []Need) []string {
	var missing []string
	for _, need := range needs {
		found := slices.ContainsFunc(need.Paths, func(path string) bool {
			_, err := os.Stat(path)
			return err == nil
		})
		if !found && !slices.Contains(missing, need.Package) {
			missing = append(missing, need.Package)
		}
	}
	return missing
}

// Install installs packages. Where there is no apt-get, or without the right to
// use it, the error says what to install by hand.
func Install(packages []string) error {
	byHand := "install them yourself: apt-get update && apt-get install --no-install-recommends " + strings.Join(packages, " ")
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("missing: %s; this machine has no apt-get, so install what your distribution calls them", strings.Join(packages, ", "))
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("missing: %s; %s", strings.Join(packages, ", "), byHand)
	}
	release, err := holdServices()
	if err != nil {
		return err
	}
	defer release()
	if err := apt("update", "-q"); err != nil {
		return fmt.Errorf("%w; %s", err, byHand)
	}
	if err := apt(append([]string{"install", "-q", "-y", "--no-install-recommends"}, packages...)...); err != nil {
		return fmt.Errorf("%w; %s", err, byHand)
	}
	if slices.Contains(packages, "containerd") {
		return disable("containerd.service")
	}
	return nil
}

func apt(args ...string) error {
	cmd := exec.Command("apt-get", args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		lines := strings.Split(strings.TrimSpace(output.String()), "\n")
		return fmt.Errorf("apt-get %s: %w\n%s", args[0], err, strings.Join(lines[max(0, len(lines)-10):], "\n"))
	}
	return nil
}

// policy is asked by Debian's package scripts before they start a service.
const policy = "/usr/sbin/policy-rc.d"

// holdServices keeps package scripts from starting services until released. A
// policy of the machine's own is left as it is.
func holdServices() (release func(), err error) {
	file, err := os.OpenFile(policy, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if errors.Is(err, os.ErrExist) {
		return func() {}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("keep new services from starting: %w", err)
	}
	release = func() { os.Remove(policy) }
	if _, err := file.WriteString("#!/bin/sh\nexit 101\n"); err != nil {
		file.Close()
		release()
		return nil, fmt.Errorf("keep new services from starting: %w", err)
	}
	return release, file.Close()
}

// disable keeps a service that was just installed from starting at boot.
func disable(service string) error {
	if _, err := exec.LookPath("systemctl"); err != nil {
		return nil
	}
	if output, err := exec.Command("systemctl", "disable", service).CombinedOutput(); err != nil {
		return fmt.Errorf("keep %s from starting at boot: %w: %s", service, err, bytes.TrimSpace(output))
	}
	return nil
}
