package integratedcaresystem

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/cmhf/operator/api/v1alpha1"
)

// otherGuards are the policies that keep what leads to the data. To ask for these deletions, were it in a dry run, the operator would need
// a right to them; so it reads whether each policy is there, speaks of what it guards, and refuses.
var otherGuards = []struct{ policy, group, resource, guards string }{
	{"cmhf-deletion-integratedcaresystems", v1alpha1.Group, "integratedcaresystems", "IntegratedCareSystems"},
	{"cmhf-deletion-definitions", "apiextensions.k8s.io", "customresourcedefinitions", "CustomResourceDefinitions, and with them all resources of their kinds,"},
	{"cmhf-deletion-backups", "postgresql.cnpg.io", "backups", "Backups of CloudNativePG"},
	{"cmhf-deletion-backups", "snapshot.storage.k8s.io", "volumesnapshots", "VolumeSnapshots"},
}

// guardsOnly lets the policies through that guard data.
var guardsOnly = predicate.NewPredicateFuncs(func(policy client.Object) bool {
	if policy.GetName() == GuardPolicy {
		return true
	}
	for _, guard := range otherGuards {
		if policy.GetName() == guard.policy {
			return true
		}
	}
	return false
})

// unguarded says what the other policies leave unguarded, empty when nothing; and for how long that holds. The policies are the same for
// all tenants: who comes first looks for all.
func (r *Reconciler) unguarded(ctx context.Context) (string, time.Duration, error) {
	g := &r.guard
	g.reading.Lock()
	defer g.reading.Unlock()
	if said, holds := g.knownOthers(); holds > 0 {
		return said, holds, nil
	}
	var gaps []string
	for _, guard := range otherGuards {
		why, err := r.gap(ctx, guard.policy, guard.group, guard.resource)
		if err != nil {
			return "", 0, err
		}
		if why != "" {
			gaps = append(gaps, guard.guards+" can be deleted without a confirmation, because "+why)
		}
	}
	said := strings.Join(gaps, "; ")
	return said, g.rememberOthers(said), nil
}

// gap says why a policy does not refuse to delete a resource, empty when nothing speaks against it.
func (r *Reconciler) gap(ctx context.Context, name, group, resource string) (string, error) {
	policy := &admissionregistrationv1.ValidatingAdmissionPolicy{}
	binding := &admissionregistrationv1.ValidatingAdmissionPolicyBinding{}
	for _, object := range []client.Object{policy, binding} {
		if err := r.Uncached.Get(ctx, client.ObjectKey{Name: name}, object); apierrors.IsNotFound(err) {
			return "policy " + name + " or its binding of the same name is not there", nil
		} else if err != nil {
			return "", fmt.Errorf("reading whether policy %s is in force: %w", name, err)
		}
	}
	speaks := policy.Spec.MatchConstraints != nil && slices.ContainsFunc(policy.Spec.MatchConstraints.ResourceRules, func(rule admissionregistrationv1.NamedRuleWithOperations) bool {
		return len(rule.ResourceNames) == 0 && holdsOrAll(rule.APIGroups, group) && holdsOrAll(rule.Resources, resource) &&
			(slices.Contains(rule.Operations, admissionregistrationv1.Delete) || slices.Contains(rule.Operations, admissionregistrationv1.OperationAll))
	})
	switch {
	case !speaks || len(policy.Spec.Validations) == 0:
		return "policy " + name + " does not speak of them", nil
	case policy.Spec.FailurePolicy != nil && *policy.Spec.FailurePolicy != admissionregistrationv1.Fail:
		return "policy " + name + " lets through what it can't judge", nil
	case binding.Spec.PolicyName != name || !slices.Contains(binding.Spec.ValidationActions, admissionregistrationv1.Deny):
		return "the binding of policy " + name + " does not refuse", nil
	case binding.Spec.MatchResources != nil:
		return "the binding of policy " + name + " is for some of them only", nil
	}
	return "", nil
}

func holdsOrAll(values []string, value string) bool {
	return slices.Contains(values, value) || slices.Contains(values, "*")
}

func (g *guard) knownOthers() (string, time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.others.said, time.Until(g.others.until)
}

func (g *guard) rememberOthers(said string) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	holds := g.holds(said == "")
	g.others.said, g.others.until = said, time.Now().Add(holds)
	return holds
}
