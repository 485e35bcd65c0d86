package render

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"strings"
	"testing"

	"github.com/cmhf/operator/hack/devcluster/internal/settings"
)

func testSettings(t *testing.T) settings.Settings {
	t.Helper()
	return settings.Settings{Name: "test", APIPort: 1, HTTPPort: 2, State: t.TempDir()}
}

func writeAll(s settings.Settings) error {
	files, err := Files(s, "/usr/lib/cni")
	if err != nil {
		return err
	}
	return Write(s, files)
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestWrite(t *testing.T) {
	s := testSettings(t)
	if err := writeAll(s); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"config/kubelet.yaml":                        "cgroupRoot: /cmhf-dev-test",
		"config/containerd.toml":                     `bin_dir = "/usr/lib/cni"`,
		"config/Corefile":                            `answer "{{ .Name }} 60 IN A 10.255.0.1"`,
		"config/cni/10-cmhf-dev.conflist":            `"subnet": "10.244.0.0/16"`,
		"config/objects.yaml":                        "clusterIP: 10.96.0.10",
		"config/kube-proxy.yaml":                     "hostnameOverride: test",
		"config/local-volume-provisioner.kubeconfig": "server: https://10.255.0.1:6443",
		"kubeconfig":                                 "server: https://127.0.0.1:1\n",
	} {
		if got := read(t, s.Path(file)); !strings.Contains(got, want) {
			t.Errorf("%s lacks %q:\n%s", file, want, got)
		}
	}
	if info, err := os.Stat(s.Kubeconfig()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("kubeconfig: %v, %v; only its owner may read it", info.Mode(), err)
	}
}

func TestCertificates(t *testing.T) {
	s := testSettings(t)
	if err := writeAll(s); err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(s.Path("pki", "kube-apiserver.crt"), s.Path("pki", "kube-apiserver.key"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(read(t, s.Path("pki", "ca.crt"))))
	for _, host := range []string{"127.0.0.1", settings.APIService, settings.NodeAddress, "kubernetes.default.svc"} {
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: roots}); err != nil {
			t.Errorf("the API server's certificate does not serve %s: %v", host, err)
		}
	}
	before := read(t, s.Path("pki", "admin.crt"))
	if err := writeAll(s); err != nil {
		t.Fatal(err)
	}
	if read(t, s.Path("pki", "admin.crt")) != before {
		t.Error("writing again made a new certificate: clients in use would be refused")
	}
}
