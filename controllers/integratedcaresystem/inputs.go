package integratedcaresystem

import (
	"context"
	"fmt"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/stack"
)

// Inputs are what an operator of these settings renders a system's stack from: for whoever compares what is there with what should be.
func (s Settings) Inputs(ctx context.Context, ics *v1alpha1.IntegratedCareSystem) (stack.Inputs, error) {
	resolved := newScope(ics)
	r := &Reconciler{Settings: s}
	if _, err := r.resolve(ctx, resolved); err != nil {
		return stack.Inputs{}, fmt.Errorf("resolving what %s should run: %w", ics.Name, err)
	}
	return resolved.inputs, nil
}
