package integratedcaresystem

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/apiserver"
	"github.com/cmhf/operator/internal/stack"
)

// Inputs are what an operator of these settings renders a system's stack from: for whoever compares what is there with what
// should be. It only reads by the client.
func (s Settings) Inputs(ctx context.Context, c client.Client, ics *v1alpha1.IntegratedCareSystem) (stack.Inputs, error) {
	resolved := newScope(ics)
	r := &Reconciler{Client: c, Uncached: c, Settings: s, APIServer: apiserver.Given(s.APIServer)}
	if len(s.APIServer) == 0 {
		r.APIServer = apiserver.Now{Reader: c}
	}
	if _, err := r.resolve(ctx, resolved); err != nil {
		return stack.Inputs{}, fmt.Errorf("resolving what %s should run: %w", ics.Name, err)
	}
	return resolved.inputs, nil
}
