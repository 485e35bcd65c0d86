package integratedcaresystem

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/apiserver"
	"github.com/cmhf/operator/internal/applyset"
	"github.com/cmhf/operator/internal/credentials"
	"github.com/cmhf/operator/internal/stack"
)

// Inputs are what an operator of these settings renders a system's stack from: for whoever compares what is there with what
// should be. It only reads by the client. What only a Job of a rotation is made from is left out.
func (s Settings) Inputs(ctx context.Context, c client.Client, ics *v1alpha1.IntegratedCareSystem) (stack.Inputs, error) {
	resolved := newScope(ics)
	r := &Reconciler{Client: c, Uncached: c, Settings: s, APIServer: apiserver.Given(s.APIServer), Credentials: credentials.NewKeeper(c, c)}
	if len(s.APIServer) == 0 {
		r.APIServer = apiserver.Now{Reader: c}
	}
	if err := run(ctx, resolved, r.find, r.resolve, r.resolveRestore, r.findServer); err != nil {
		return stack.Inputs{}, fmt.Errorf("resolving what %s should run: %w", ics.Name, err)
	}
	served, err := applyset.Current(ctx, c, recordOf(resolved))
	if err != nil {
		return stack.Inputs{}, err
	}
	resolved.inputs.LostSecrets, err = r.Credentials.Lost(ctx, credentials.Tenant{
		Namespace: resolved.inputs.Namespace, Record: resolved.record, Database: resolved.inputs.Database.Engine != stack.EngineExternal, Served: served != nil,
	})
	return resolved.inputs, err
}
