// Package clusterversion says whether a cluster's Kubernetes is one that the operator knows how to work with. It asks the API
// server once and knows nothing of single features.
package clusterversion

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/client-go/discovery"
)

// Minimum is the oldest Kubernetes that works: the rules of our resources and of the admission policies need it.
const Minimum = "1.31"

// Check asks the API server for its version and refuses one below Minimum.
func Check(server discovery.ServerVersionInterface) error {
	answer, err := server.ServerVersion()
	if err != nil {
		return fmt.Errorf("asking the API server for its version: %w", err)
	}
	found, err := version.ParseGeneric(answer.GitVersion)
	if err != nil {
		return fmt.Errorf("reading the API server's version %q: %w", answer.GitVersion, err)
	}
	if found.LessThan(version.MustParseGeneric(Minimum)) {
		return fmt.Errorf("this cluster runs Kubernetes %s and the operator needs %s or later: upgrade the cluster, then start the operator again; nothing was changed",
			answer.GitVersion, Minimum)
	}
	return nil
}
