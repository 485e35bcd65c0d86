package node

import (
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/cmhf/operator/hack/devcluster/internal/settings"
)

// volumePlugins is the folder that the kubelet and the controller manager look
// for volume plug-ins in. Their default lies outside /var, on the host.
const volumePlugins = "/var/lib/kubelet/volume-plugins"

// part is one program of the node.
type part struct {
	name    string
	command []string
	after   []string // parts that must be ready before this one is started
	ready   probe    // nil: ready when running
	sockets bool     // gets the host's listening sockets
}

// parts lists what a node runs, in the order of status.
func parts(spec Spec) []part {
	s := spec.Settings
	kube := func(name string) string { return filepath.Join(spec.Kube, name) }
	pki := func(file string) string { return s.Path("pki", file) }
	config := func(file string) string { return s.Path("config", file) }
	return []part{
		{
			name:  "etcd",
			ready: httpProbe("http://127.0.0.1:2379/health"),
			command: []string{
				kube("etcd"), "--name=node", "--data-dir=/var/lib/etcd", "--log-level=warn",
				"--listen-client-urls=http://127.0.0.1:2379", "--advertise-client-urls=http://127.0.0.1:2379",
				"--listen-peer-urls=http://127.0.0.1:2380", "--initial-advertise-peer-urls=http://127.0.0.1:2380",
				"--initial-cluster=node=http://127.0.0.1:2380",
				// A development cluster need not survive the loss of power.
				"--unsafe-no-fsync",
			},
		},
		{
			name:    "kube-apiserver",
			after:   []string{"etcd"},
			ready:   httpsProbe(fmt.Sprintf("https://%s:%d/readyz", settings.NodeAddress, settings.APIPort), pki("ca.crt"), pki("admin.crt"), pki("admin.key")),
			command: apiserver(kube("kube-apiserver"), pki),
		},
		{
			name:  "kube-controller-manager",
			after: []string{"kube-apiserver"},
			ready: unverifiedProbe("https://127.0.0.1:10257/healthz"),
			command: []string{
				kube("kube-controller-manager"), "--bind-address=127.0.0.1", "--leader-elect=false",
				"--kubeconfig=" + config("kube-controller-manager.kubeconfig"),
				"--authentication-kubeconfig=" + config("kube-controller-manager.kubeconfig"),
				"--authorization-kubeconfig=" + config("kube-controller-manager.kubeconfig"),
				"--use-service-account-credentials=true",
				"--service-account-private-key-file=" + pki("sa.key"),
				"--root-ca-file=" + pki("ca.crt"),
				"--cluster-signing-cert-file=" + pki("ca.crt"), "--cluster-signing-key-file=" + pki("ca.key"),
				"--kube-api-qps=100", "--kube-api-burst=200",
				"--flex-volume-plugin-dir=" + volumePlugins,
			},
		},
		{
			name:  "kube-scheduler",
			after: []string{"kube-apiserver"},
			ready: unverifiedProbe("https://127.0.0.1:10259/healthz"),
			command: []string{
				kube("kube-scheduler"), "--bind-address=127.0.0.1", "--leader-elect=false",
				"--kubeconfig=" + config("kube-scheduler.kubeconfig"),
				"--authentication-kubeconfig=" + config("kube-scheduler.kubeconfig"),
				"--authorization-kubeconfig=" + config("kube-scheduler.kubeconfig"),
			},
		},
		{
			name:    "containerd",
			ready:   unixProbe("/run/containerd/containerd.sock"),
			command: []string{"containerd", "--config", config("containerd.toml")},
		},
		{
			name:  "kubelet",
			after: []string{"kube-apiserver", "containerd"},
			ready: httpProbe("http://127.0.0.1:10248/healthz"),
			command: []string{
				kube("kubelet"), "--config=" + config("kubelet.yaml"), "--kubeconfig=" + config("kubelet.kubeconfig"),
				"--hostname-override=" + s.Name, "--node-ip=" + settings.NodeAddress, "--root-dir=/var/lib/kubelet",
			},
		},
		{
			name:    "kube-proxy",
			after:   []string{"kube-apiserver"},
			ready:   httpProbe("http://127.0.0.1:10256/livez"),
			command: []string{kube("kube-proxy"), "--config=" + config("kube-proxy.yaml")},
		},
		{
			name:    "coredns",
			after:   []string{"kube-apiserver"},
			ready:   httpProbe("http://127.0.0.1:8181/ready"),
			command: []string{spec.CoreDNS, "-conf", config("Corefile"), "-dns.port=53"},
		},
		{
			name:  "local-volume-provisioner",
			after: []string{"kube-apiserver"},
			command: []string{
				kube("local-volume-provisioner"), "--kubeconfig=" + config("local-volume-provisioner.kubeconfig"),
				"--node=" + s.Name, "--folder=/var/lib/volumes",
			},
		},
		{
			name:    "front-door",
			ready:   tcpProbe(settings.NodeAddress + ":" + strconv.Itoa(s.HTTPPort)),
			command: []string{spec.Self, FrontDoorCommand, s.State},
			sockets: true,
		},
	}
}

// Commands returns the command lines of all parts.
func Commands(spec Spec) [][]string {
	var commands [][]string
	for _, p := range parts(spec) {
		commands = append(commands, p.command)
	}
	return commands
}

func apiserver(program string, pki func(string) string) []string {
	return []string{
		program,
		"--advertise-address=" + settings.NodeAddress, "--secure-port=" + strconv.Itoa(settings.APIPort),
		"--etcd-servers=http://127.0.0.1:2379",
		"--service-cluster-ip-range=" + settings.ServiceRange,
		"--tls-cert-file=" + pki("kube-apiserver.crt"), "--tls-private-key-file=" + pki("kube-apiserver.key"),
		"--client-ca-file=" + pki("ca.crt"),
		"--kubelet-certificate-authority=" + pki("ca.crt"),
		"--kubelet-client-certificate=" + pki("kubelet-client.crt"), "--kubelet-client-key=" + pki("kubelet-client.key"),
		"--kubelet-preferred-address-types=InternalIP",
		"--service-account-issuer=https://kubernetes.default.svc." + settings.ClusterZone,
		"--service-account-signing-key-file=" + pki("sa.key"), "--service-account-key-file=" + pki("sa.pub"),
		"--requestheader-client-ca-file=" + pki("front-proxy-ca.crt"), "--requestheader-allowed-names=front-proxy",
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + pki("front-proxy.crt"), "--proxy-client-key-file=" + pki("front-proxy.key"),
		"--authorization-mode=Node,RBAC", "--allow-privileged=true",
	}
}
