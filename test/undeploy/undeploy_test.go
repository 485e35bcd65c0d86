// Package undeploy_test runs hack/undeploy.sh with the real kubectl on a real API server, with everything installed as config/default has it.
package undeploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/onsi/gomega"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/cmhf/operator/internal/testkit/controlplane"
	"github.com/cmhf/operator/internal/testkit/stubcluster"
)

// Undeploying is refused while a system is declared, works with the policies in force, and leaves these as long as they guard something.
func TestUndeploy(t *testing.T) {
	config, stop, err := controlplane.Start()
	must(t, err)
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	_, err = stubcluster.Start(t.Context(), config)
	must(t, err)
	k := kubectl{filepath.Join(os.Getenv("KUBEBUILDER_ASSETS"), "kubectl"), kubeconfig(t, config)}

	k.run(t, "apply", "--server-side", "--force-conflicts", "-k", "../../config/default")
	k.run(t, "apply", "--server-side", "-f", "../../config/samples/ics/qsl.yaml")
	k.run(t, "create", "namespace", "ics-qsl")
	k.run(t, "label", "namespace", "ics-qsl", "cmhf.health/ics=qsl")
	k.refused(t, "is kept: with it would go every IntegratedCareSystem", "delete", "crd", "integratedcaresystems.cmhf.health", "--dry-run=server")

	if out, err := k.undeploy(); err == nil || !strings.Contains(out, "nothing was changed: these are still declared") {
		t.Fatalf("undeployed though a system is declared: %v\n%s", err, out)
	}
	if confirmed := k.run(t, "get", "crd", "-o", `jsonpath={.items[*].metadata.annotations.cmhf\.health/confirm-deletion}`); confirmed != "" {
		t.Errorf("CRDs were confirmed though a system is declared: %s", confirmed)
	}

	k.run(t, "annotate", "ics", "qsl", "cmhf.health/confirm-deletion=qsl")
	k.run(t, "delete", "ics", "qsl")
	if out, err := k.undeploy(); err != nil || !strings.Contains(out, "the policies that guard them stay") {
		t.Fatalf("not undeployed, or said nothing of the policies: %v\n%s", err, out)
	}
	if left := k.run(t, "get", "crd,clusterrole,clusterrolebinding", "-o", "name"); strings.Contains(left, "cmhf") {
		t.Errorf("left behind:\n%s", left)
	}
	k.refused(t, "Namespace ics-qsl is kept", "delete", "namespace", "ics-qsl", "--dry-run=server")

	k.run(t, "annotate", "namespace", "ics-qsl", "cmhf.health/confirm-deletion=ics-qsl")
	k.run(t, "delete", "namespace", "ics-qsl")
	if out, err := k.undeploy(); err != nil {
		t.Fatalf("not undeployed a second time: %v\n%s", err, out)
	}
	if left := k.run(t, "get", "validatingadmissionpolicies,validatingadmissionpolicybindings", "-o", "name"); strings.Contains(left, "cmhf") {
		t.Errorf("left behind:\n%s", left)
	}
}

type kubectl struct{ program, kubeconfig string }

func (k kubectl) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(k.program, append([]string{"--kubeconfig", k.kubeconfig}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// refused waits until a command is refused in these words: a policy is not in force the moment it is made.
func (k kubectl) refused(t *testing.T, words string, args ...string) {
	t.Helper()
	gomega.NewWithT(t).Eventually(func(g gomega.Gomega) {
		out, err := exec.Command(k.program, append([]string{"--kubeconfig", k.kubeconfig}, args...)...).CombinedOutput()
		g.Expect(err).To(gomega.HaveOccurred(), "kubectl %s was not refused", strings.Join(args, " "))
		g.Expect(string(out)).To(gomega.ContainSubstring(words))
	}).WithTimeout(30 * time.Second).Should(gomega.Succeed())
}

func (k kubectl) undeploy() (string, error) {
	out, err := exec.Command("../../hack/undeploy.sh", k.program, "--kubeconfig", k.kubeconfig).CombinedOutput()
	return string(out), err
}

// kubeconfig writes the connection to a file, as kubectl wants it.
func kubeconfig(t *testing.T, config *rest.Config) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	must(t, clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"test": {Server: config.Host, CertificateAuthorityData: config.CAData}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"test": {ClientCertificateData: config.CertData, ClientKeyData: config.KeyData}},
		Contexts:       map[string]*clientcmdapi.Context{"test": {Cluster: "test", AuthInfo: "test"}},
		CurrentContext: "test",
	}, file))
	return file
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
