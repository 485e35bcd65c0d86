// Package render writes the configuration of a cluster's parts.
//
// In: settings and the folder of CNI plug-ins. Out: certificates, kubeconfigs
// and configuration files below the state folder. The texts are templates in
// files/; what is the same for every cluster stands there. It starts nothing.
package render

import (
	"bytes"
	"embed"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/cmhf/operator/hack/devcluster/internal/pki"
	"github.com/cmhf/operator/hack/devcluster/internal/settings"
)

//go:embed files
var files embed.FS

var texts = template.Must(template.New("").Option("missingkey=error").ParseFS(files, "files/*"))

// kubeconfigs names the users that get a kubeconfig for use inside the cluster.
var kubeconfigs = []string{
	"admin", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "coredns", "local-volume-provisioner",
}

// Files returns the configuration files of the cluster's parts, by their paths
// below the state folder. cniPlugins is the folder that holds the bridge,
// host-local and portmap plug-ins.
func Files(s settings.Settings, cniPlugins string) (map[string][]byte, error) {
	// Pods that want the host's DNS get the cluster's: there is no other.
	contents := map[string][]byte{"config/resolv.conf": []byte("nameserver " + settings.NodeAddress + "\n")}
	values := values(s, cniPlugins)
	for template, file := range map[string]string{
		"containerd.toml": "config/containerd.toml",
		"kubelet.yaml":    "config/kubelet.yaml",
		"kube-proxy.yaml": "config/kube-proxy.yaml",
		"Corefile":        "config/Corefile",
		"objects.yaml":    "config/objects.yaml",
		"cni.conflist":    "config/cni/10-cmhf-dev.conflist",
	} {
		text, err := execute(template, values)
		if err != nil {
			return nil, err
		}
		contents[file] = text
	}
	return contents, nil
}

// Write writes everything the parts of the cluster read: certificates, the given
// configuration files and kubeconfigs.
func Write(s settings.Settings, files map[string][]byte) error {
	if err := pki.Write(s.Path("pki"), leaves(s)); err != nil {
		return err
	}
	for file, content := range files {
		if err := write(s.Path(file), content); err != nil {
			return err
		}
	}
	inside := fmt.Sprintf("https://%s:%d", settings.NodeAddress, settings.APIPort)
	for _, user := range kubeconfigs {
		if err := kubeconfig(s, user, inside, s.Path("config", user+".kubeconfig")); err != nil {
			return err
		}
	}
	return kubeconfig(s, "admin", s.APIServer(), s.Kubeconfig())
}

func leaves(s settings.Settings) []pki.Leaf {
	return []pki.Leaf{
		{File: "kube-apiserver", CommonName: "kube-apiserver", Hosts: []string{
			"127.0.0.1", "localhost", settings.NodeAddress, settings.APIService,
			"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc." + settings.ClusterZone,
		}},
		{File: "kubelet-client", CommonName: "kubelet-client"},
		{File: "kubelet", CommonName: "system:node:" + s.Name, Groups: []string{"system:nodes"}, Hosts: []string{s.Name, settings.NodeAddress}},
		{File: "admin", CommonName: "admin", Groups: []string{"system:masters"}},
		{File: "kube-controller-manager", CommonName: "system:kube-controller-manager"},
		{File: "kube-scheduler", CommonName: "system:kube-scheduler"},
		{File: "kube-proxy", CommonName: "system:kube-proxy"},
		{File: "coredns", CommonName: "coredns"},
		{File: "local-volume-provisioner", CommonName: "local-volume-provisioner"},
	}
}

func values(s settings.Settings, cniPlugins string) map[string]string {
	return map[string]string{
		"Name":             s.Name,
		"PKI":              s.Path("pki"),
		"Config":           s.Path("config"),
		"Cgroup":           s.Cgroup(),
		"CNIPlugins":       cniPlugins,
		"PauseImage":       settings.PauseImage,
		"NodeAddress":      settings.NodeAddress,
		"DNSService":       settings.DNSService,
		"PodRange":         settings.PodRange,
		"ClusterZone":      settings.ClusterZone,
		"FrontDoorZone":    settings.FrontDoorZone,
		"FrontDoorPattern": strings.ReplaceAll(settings.FrontDoorZone, ".", `\.`),
	}
}

func kubeconfig(s settings.Settings, user, server, path string) error {
	values := map[string]string{"Cluster": s.Name, "Server": server, "User": user}
	for key, file := range map[string]string{"CA": "ca.crt", "Certificate": user + ".crt", "Key": user + ".key"} {
		content, err := os.ReadFile(s.Path("pki", file))
		if err != nil {
			return fmt.Errorf("write kubeconfig of %s: %w", user, err)
		}
		values[key] = base64.StdEncoding.EncodeToString(content)
	}
	text, err := execute("kubeconfig.yaml", values)
	if err != nil {
		return err
	}
	return write(path, text)
}

func execute(name string, values map[string]string) ([]byte, error) {
	var text bytes.Buffer
	if err := texts.ExecuteTemplate(&text, name, values); err != nil {
		return nil, fmt.Errorf("fill in %s: %w", name, err)
	}
	return text.Bytes(), nil
}

func write(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	return nil
}
