// Package controlplane gives tests a real etcd and kube-apiserver with the operator's resources installed. It needs
// KUBEBUILDER_ASSETS, which make test sets. There is no kubelet and no controller manager behind it; see package
// stubcluster for what those would do.
package controlplane

import (
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// Address is where the API server says that it is. Nothing is there.
const Address = "192.0.2.10"

// Start runs a control plane until stop is called.
func Start() (config *rest.Config, stop func() error, err error) {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		return nil, nil, fmt.Errorf("KUBEBUILDER_ASSETS is not set: run the tests by make test, or set it to a folder with etcd and " +
			"kube-apiserver (go -C hack/devcluster run . assets builds them and prints the folder)")
	}
	root, err := ModuleRoot()
	if err != nil {
		return nil, nil, err
	}
	environment := &envtest.Environment{
		CRDDirectoryPaths:     []string{filepath.Join(root, "config", "crd", "bases")},
		ErrorIfCRDPathMissing: true,
	}
	// The usual 254 addresses are not enough for a hundred tenants with three Services each.
	environment.ControlPlane.GetAPIServer().Configure().Set("service-cluster-ip-range", "10.0.0.0/16")
	// An address that it can tell of: none of loopback's can be an endpoint of Service kubernetes.
	environment.ControlPlane.GetAPIServer().Configure().Set("advertise-address", Address)
	config, err = environment.Start()
	if err != nil {
		return nil, nil, fmt.Errorf("starting etcd and kube-apiserver: %w", err)
	}
	config.QPS, config.Burst = -1, 0
	return config, environment.Stop, nil
}

// ModuleRoot is the folder of go.mod, looked for upward from the folder of the package under test.
func ModuleRoot() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("looking for the module: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, nil
		}
		above := filepath.Dir(folder)
		if above == folder {
			return "", fmt.Errorf("no go.mod above the current folder: run the tests within the module")
		}
		folder = above
	}
}
