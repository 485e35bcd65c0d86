package integratedcaresystem

import (
	"context"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/stack"
)

// findAPIServer says where the pods that CloudNativePG makes find the API server: to other addresses they get no way.
func (r *Reconciler) findAPIServer(ctx context.Context, s *scope) error {
	addresses, again, err := r.APIServer.Addresses(ctx)
	if err != nil {
		return err
	}
	if len(addresses) == 0 {
		return &refusal{reason: v1alpha1.ReasonAPIServerUnknown, message: "Service and EndpointSlice kubernetes in namespace default tell no address of the API server, " +
			"so the network policy for the pods of CloudNativePG would cut them off from it; give the operator --api-server-cidrs (docs/databases.md)"}
	}
	s.inputs.APIServer = addresses
	s.lookAfter(again)
	return nil
}

// onCloudNativePG lists the tenants whose database CloudNativePG runs, or is to run.
func (r *Reconciler) onCloudNativePG(ctx context.Context) []reconcile.Request {
	systems := &v1alpha1.IntegratedCareSystemList{}
	if err := r.Client.List(ctx, systems); err != nil {
		log.FromContext(ctx).Error(err, "the address of the API server changed and no system was told; each takes it up when it is next looked at")
		return nil
	}
	var requests []reconcile.Request
	for _, ics := range systems.Items {
		engine := string(ics.Spec.Stack.Database.Engine)
		if database := ics.Status.Database; database != nil {
			engine = database.Engine
		}
		if engine == stack.EngineCloudNativePG || engine == "" {
			requests = append(requests, reconcile.Request{NamespacedName: types.NamespacedName{Name: ics.Name}})
		}
	}
	return requests
}
