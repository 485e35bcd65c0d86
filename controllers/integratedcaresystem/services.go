package integratedcaresystem

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
)

// services counts the core community services for the status. They never decide whether the ICS is ready.
func (r *Reconciler) services(ctx context.Context, s *scope) (bool, error) {
	list := &v1alpha1.CoreCommunityServiceList{}
	if err := r.Client.List(ctx, list, client.InNamespace(s.ics.TenantNamespace())); err != nil {
		return false, fmt.Errorf("listing the services of %s: %w", s.ics.Name, err)
	}
	for i := range list.Items {
		s.total++
		if isReady(&list.Items[i]) {
			s.ready++
		}
	}
	s.servicesCounted = true
	return true, nil
}

// isReady: as its present generation declares it.
func isReady(service *v1alpha1.CoreCommunityService) bool {
	return meta.IsStatusConditionTrue(service.Status.Conditions, v1alpha1.ConditionReady) && service.Status.ObservedGeneration == service.Generation
}
