package build

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// KubePrograms are the names the kube binary answers to.
var KubePrograms = []string{
	"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler",
	"kubelet", "kube-proxy", "kubectl", "local-volume-provisioner",
}

// Kube describes the binary that holds Kubernetes and etcd; its links carry the
// names of the programs. The version stamped into it is the one in its go.mod.
func Kube(repo string) (Program, error) {
	folder := filepath.Join(repo, "hack", "kube")
	version, err := required(filepath.Join(folder, "go.mod"), "k8s.io/kubernetes")
	if err != nil {
		return Program{}, err
	}
	numbers := strings.Split(strings.TrimPrefix(version, "v"), ".")
	var flags []string
	for _, pkg := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		flags = append(flags,
			"-X", pkg+".gitVersion="+version,
			"-X", pkg+".gitMajor="+numbers[0],
			"-X", pkg+".gitMinor="+numbers[1],
			"-X", pkg+".gitCommit=",
			"-X", pkg+".gitTreeState=clean")
	}
	return Program{Name: "kube", Folder: folder, LDFlags: strings.Join(flags, " "), Links: KubePrograms}, nil
}

// CoreDNS describes the cluster's DNS server.
func CoreDNS(repo string) Program {
	return Program{Name: "coredns", Folder: filepath.Join(repo, "hack", "coredns")}
}

// Pause describes the program that holds a pod's namespaces open.
func Pause(repo string) Program {
	return Program{Name: "pause", Folder: filepath.Join(repo, "hack", "devcluster", "pause")}
}

// required returns the version of module that a go.mod file asks for.
func required(file, module string) (string, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read the version of %s: %w", module, err)
	}
	line := regexp.MustCompile(`(?m)^\s*(?:require\s+)?` + regexp.QuoteMeta(module) + `\s+(v\d+\.\d+\.\d+\S*)`)
	found := line.FindSubmatch(content)
	if found == nil {
		return "", fmt.Errorf("%s does not require %s", file, module)
	}
	return string(found[1]), nil
}
