package integratedcaresystem

import (
	"context"

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
		Release:           r.Settings.Release,
		Engine:            stack.EngineStandalone,
		Synthetic:         spec.Stack.Data == v1alpha1.DataSynthetic,
		Images:            r.Settings.Images,
		Issuer:            spec.Stack.Authentication.Issuer,
		Audience:          s.ics.Audience(),
		DashboardURL:      spec.Stack.Dashboard.URL,
		StorageSize:       spec.Stack.Database.Storage.Size,
		StorageClass:      spec.Stack.Database.Storage.ClassName,
		APIReplicas:       replicas(spec.Stack.CoordinationAPI),
		DashboardReplicas: replicas(spec.Stack.Dashboard),
		Operator:          r.Settings.Operator,
	}
	return true, nil
}

func replicas(program v1alpha1.Program) int64 {
	if program.Replicas == nil {
		return 1
	}
	return int64(*program.Replicas)
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
