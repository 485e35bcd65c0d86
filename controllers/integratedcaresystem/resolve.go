package integratedcaresystem

import (
	"context"

	"k8s.io/utils/ptr"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/stack"
)

// resolve says what the tenant should run.
func (r *Reconciler) resolve(_ context.Context, s *scope) (bool, error) {
	spec := s.ics.Spec
	s.inputs = stack.Inputs{
		Name:              s.ics.Name,
		ODSCode:           spec.ODSCode,
		DisplayName:       spec.DisplayName,
		Namespace:         s.ics.TenantNamespace(),
		Set:               setID(s.ics),
		Release:           r.Settings.Release,
		Engine:            stack.EngineStandalone,
		Hibernated:        spec.State == v1alpha1.StateHibernated,
		Synthetic:         spec.Stack.Data == v1alpha1.DataSynthetic,
		Images:            r.Settings.Images,
		Issuer:            spec.Stack.Authentication.Issuer,
		Audience:          s.ics.Audience(),
		DashboardURL:      spec.Stack.Dashboard.URL,
		StorageSize:       spec.Stack.Database.Storage.Size,
		StorageClass:      ptr.Deref(spec.Stack.Database.Storage.ClassName, ""),
		APIReplicas:       int64(ptr.Deref(spec.Stack.CoordinationAPI.Replicas, 1)),
		DashboardReplicas: int64(ptr.Deref(spec.Stack.Dashboard.Replicas, 1)),
		EgressCIDRs:       spec.Stack.Authentication.EgressCIDRs,
		ClusterCIDRs:      r.Settings.ClusterCIDRs,
		Operator:          r.Settings.Operator,
	}
	for _, lead := range spec.DigitalLeads {
		s.inputs.DigitalLeads = append(s.inputs.DigitalLeads, stack.Subject{Kind: lead.Kind, Name: lead.Name})
	}
	return true, nil
}

// render makes the objects of the stack.
func (r *Reconciler) render(_ context.Context, s *scope) (bool, error) {
	objects, err := r.Renderer.Render(s.inputs)
	if err != nil {
		return false, &refusal{reason: v1alpha1.ReasonRenderFailed, message: err.Error()}
	}
	s.objects = objects
	return true, nil
}
