package integratedcaresystem

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
		service := &list.Items[i]
		s.total++
		if isReady(service) {
			s.ready++
		}
		if service.Name == s.ics.Spec.DefaultService {
			s.defaultService = service
		}
	}
	s.servicesCounted = true
	return true, nil
}

// setDefaultService says whether there is somebody to receive those for whom nobody names a service.
func setDefaultService(s *scope, set func(kind string, status metav1.ConditionStatus, reason, message string)) {
	name := s.ics.Spec.DefaultService
	refer := "referrals that name no service are refused until a registered, open CoreCommunityService has that name"
	switch service := s.defaultService; {
	case name == "":
		meta.RemoveStatusCondition(&s.ics.Status.Conditions, v1alpha1.ConditionDefaultServiceOpen)
	case !s.servicesCounted:
	case service == nil || !service.DeletionTimestamp.IsZero():
		set(v1alpha1.ConditionDefaultServiceOpen, metav1.ConditionFalse, v1alpha1.ReasonNotDeclared,
			fmt.Sprintf("spec.defaultService is %s, and the namespace %s has no CoreCommunityService of that name: %s", name, s.ics.TenantNamespace(), refer))
	case service.Status.Registered == nil: // an earlier generation that is registered takes people, too
		set(v1alpha1.ConditionDefaultServiceOpen, metav1.ConditionFalse, v1alpha1.ReasonNotRegistered, fmt.Sprintf("%s is not registered, its own conditions say why: %s", name, refer))
	default:
		set(v1alpha1.ConditionDefaultServiceOpen, metav1.ConditionTrue, v1alpha1.ReasonRegistered, name+" receives people for whom nobody names a service")
	}
}

// isReady: as its present generation declares it.
func isReady(service *v1alpha1.CoreCommunityService) bool {
	return meta.IsStatusConditionTrue(service.Status.Conditions, v1alpha1.ConditionReady) && service.Status.ObservedGeneration == service.Generation
}
