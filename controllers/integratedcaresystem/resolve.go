package integratedcaresystem

import (
	"context"
	"errors"

	"k8s.io/utils/ptr"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/patch"
	"github.com/cmhf/operator/internal/stack"
)

// resolve says what the tenant should run.
func (r *Reconciler) resolve(ctx context.Context, s *scope) (bool, error) {
	spec := s.ics.Spec
	engine, err := r.engine(ctx, s)
	if err != nil {
		return false, err
	}
	s.inputs = stack.Inputs{
		Name:            s.ics.Name,
		ODSCode:         spec.ODSCode,
		DisplayName:     spec.DisplayName,
		Namespace:       s.ics.TenantNamespace(),
		Set:             setID(s.ics),
		Release:         r.Settings.Release,
		Hibernated:      spec.State == v1alpha1.StateHibernated,
		ReadOnly:        spec.State == v1alpha1.StateReadOnly,
		Synthetic:       spec.Stack.Data == v1alpha1.DataSynthetic,
		Images:          r.Settings.Images,
		Registry:        r.Settings.Registry,
		PullSecret:      r.Settings.PullSecret,
		Issuer:          spec.Stack.Authentication.Issuer,
		Audience:        s.ics.Audience(),
		Database:        database(s.ics.Name, spec.Stack.Database, engine),
		Credentials:     s.record,
		CoordinationAPI: program(spec.Stack.CoordinationAPI),
		Dashboard:       program(spec.Stack.Dashboard),
		Exposure:        exposure(spec.Stack.Exposure),
		EgressCIDRs:     spec.Stack.Authentication.EgressCIDRs,
		ClusterCIDRs:    r.Settings.ClusterCIDRs,
		Operator:        r.Settings.Operator,
		CloudNativePG:   r.Settings.CloudNativePG,
	}
	if engine == stack.EngineCloudNativePG {
		if err := r.findAPIServer(ctx, s); err != nil {
			return false, err
		}
	}
	if engine == stack.EngineExternal {
		s.inputs.Database.External = notKnownYet(spec.Stack.Database.External)
	}
	for _, lead := range spec.DigitalLeads {
		s.inputs.DigitalLeads = append(s.inputs.DigitalLeads, stack.Subject{Kind: lead.Kind, Name: lead.Name})
	}
	for _, p := range spec.Stack.Patches {
		s.inputs.Patches = append(s.inputs.Patches, patch.Patch{Kind: p.Target.Kind, Name: p.Target.Name, Text: p.Patch})
	}
	return true, nil
}

func program(spec v1alpha1.Program) stack.Program {
	p := stack.Program{URL: spec.URL, Replicas: int64(ptr.Deref(spec.Replicas, 1)), Resources: resources(spec.Resources)}
	if a := spec.Autoscaling; a != nil {
		p.Autoscaling = stack.Autoscaling{Min: int64(ptr.Deref(a.MinReplicas, 1)), Max: int64(a.MaxReplicas), CPU: int64(ptr.Deref(a.CPU, 80))}
	}
	if spec.TLSSecretRef != nil {
		p.TLSSecret = spec.TLSSecretRef.Name
	}
	return p
}

func exposure(spec *v1alpha1.Exposure) stack.Exposure {
	given := ptr.Deref(spec, v1alpha1.Exposure{Type: v1alpha1.ExposureNone})
	e := stack.Exposure{Type: given.Type}
	if given.Ingress != nil {
		e.IngressClass = given.Ingress.ClassName
	}
	if given.Gateway != nil {
		e.Gateway = stack.Gateway{Name: given.Gateway.Name, Namespace: given.Gateway.Namespace, Section: given.Gateway.SectionName}
	}
	return e
}

func resources(spec *v1alpha1.Resources) stack.Resources {
	given := ptr.Deref(spec, v1alpha1.Resources{})
	requests, limits := ptr.Deref(given.Requests, v1alpha1.Amounts{}), ptr.Deref(given.Limits, v1alpha1.Amounts{})
	return stack.Resources{Requests: stack.Amounts{CPU: requests.CPU, Memory: requests.Memory}, Limits: stack.Amounts{CPU: limits.CPU, Memory: limits.Memory}}
}

// render makes the objects of the stack.
func (r *Reconciler) render(_ context.Context, s *scope) (bool, error) {
	objects, err := r.Renderer.Render(s.inputs)
	var refused *patch.RefusedError
	switch {
	case errors.As(err, &refused):
		return false, &refusal{reason: v1alpha1.ReasonPatchRefused, message: "spec.stack." + refused.Error()}
	case err != nil:
		return false, &refusal{reason: v1alpha1.ReasonRenderFailed, message: err.Error()}
	}
	s.objects = objects
	return true, nil
}
