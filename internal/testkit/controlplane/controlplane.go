// Package controlplane gives tests a real etcd and kube-apiserver with the operator's resources installed. It needs
// KUBEBUILDER_ASSETS, which make test sets. There is no kubelet and no controller manager behind it; see package
// stubcluster for what those would do.
package controlplane

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// Start runs a control plane until stop is called.
func Start() (config *rest.Config, stop func() error, err error) {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		return nil, nil, fmt.Errorf("KUBEBUILDER_ASSETS is not set: run the tests by make test, or set it to a folder with etcd and " +
			"kube-apiserver (go -C hack/devcluster run . assets builds them and prints the folder)")
	}
	_, here, _, _ := runtime.Caller(0)
	environment := &envtest.Environment{
		CRDDirectoryPaths:     []string{filepath.Join(filepath.Dir(here), "..", "..", "..", "config", "crd", "bases")},
		ErrorIfCRDPathMissing: true,
	}
	config, err = environment.Start()
	if err != nil {
		return nil, nil, fmt.Errorf("starting etcd and kube-apiserver: %w", err)
	}
	config.QPS, config.Burst = -1, 0
	return config, environment.Stop, nil
}
