package controllers_test

import (
	"os"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/cmhf/operator/api/v1alpha1"
)

// A digital lead works on the services of their own system and reads its status; nothing else of it, and nothing of others.
func TestWhatADigitalLeadMayDo(t *testing.T) {
	startOperator(t, restConfig)
	text, err := os.ReadFile("../config/rbac/digital-lead.yaml")
	must(t, err)
	role := &rbacv1.ClusterRole{}
	must(t, yaml.UnmarshalStrict(text, role))
	must(t, client.IgnoreAlreadyExists(k8s.Create(t.Context(), role)))
	own, other := system("QG1"), system("QG2")
	own.Spec.DigitalLeads = []v1alpha1.DigitalLead{{Kind: "Group", Name: "qg1-leads"}, {Kind: "User", Name: "lead@example.org"}}
	create(t, own, other)
	waitReady(t, own)
	waitReady(t, other)

	for name, as := range map[string]rest.ImpersonationConfig{
		"by group": {UserName: "someone@example.org", Groups: []string{"qg1-leads"}},
		"by name":  {UserName: "lead@example.org"},
	} {
		t.Run(name, func(t *testing.T) {
			config := rest.CopyConfig(restConfig)
			config.Impersonate = as
			lead, err := client.New(config, client.Options{Scheme: k8s.Scheme()})
			must(t, err)
			east := service(own.TenantNamespace(), "east", "East", "Harbour")
			for what, try := range map[string]struct {
				allowed bool
				do      func() error
			}{
				"read their own system": {true, func() error { return lead.Get(t.Context(), client.ObjectKeyFromObject(own), own.DeepCopy()) }},
				"declare a service":     {true, func() error { return lead.Create(t.Context(), east.DeepCopy(), client.DryRunAll) }},
				"list their services": {true, func() error {
					return lead.List(t.Context(), &v1alpha1.CoreCommunityServiceList{}, client.InNamespace(own.TenantNamespace()))
				}},
				"read another system": {false, func() error { return lead.Get(t.Context(), client.ObjectKeyFromObject(other), other.DeepCopy()) }},
				"list all systems":    {false, func() error { return lead.List(t.Context(), &v1alpha1.IntegratedCareSystemList{}) }},
				"change their system": {false, func() error { return lead.Update(t.Context(), own.DeepCopy(), client.DryRunAll) }},
				"delete their system": {false, func() error { return lead.Delete(t.Context(), own.DeepCopy(), client.DryRunAll) }},
				"declare a service in another": {false, func() error {
					return lead.Create(t.Context(), service(other.TenantNamespace(), "east", "East", "Harbour"), client.DryRunAll)
				}},
				"read Secrets": {false, func() error {
					return lead.List(t.Context(), &corev1.SecretList{}, client.InNamespace(own.TenantNamespace()))
				}},
				"read pods": {false, func() error {
					return lead.List(t.Context(), &corev1.PodList{}, client.InNamespace(own.TenantNamespace()))
				}},
				"read the directory's ConfigMap": {false, func() error {
					return lead.List(t.Context(), &corev1.ConfigMapList{}, client.InNamespace(own.TenantNamespace()))
				}},
				"read the services of another": {false, func() error {
					return lead.List(t.Context(), &v1alpha1.CoreCommunityServiceList{}, client.InNamespace(other.TenantNamespace()))
				}},
				"write the status of their services": {false, func() error { return lead.Status().Update(t.Context(), east.DeepCopy(), client.DryRunAll) }},
			} {
				err := try.do()
				if try.allowed && err != nil {
					t.Errorf("can't %s: %v", what, err)
				}
				if !try.allowed && !apierrors.IsForbidden(err) {
					t.Errorf("may %s (answered %v)", what, err)
				}
			}
		})
	}

	// Taken off the list, they lose it.
	change(t, own, func(o *v1alpha1.IntegratedCareSystem) {
		o.Spec.DigitalLeads = nil
	})
	waitReady(t, own)
	binding := &rbacv1.RoleBinding{}
	must(t, k8s.Get(t.Context(), client.ObjectKey{Namespace: own.TenantNamespace(), Name: "cmhf-digital-leads"}, binding))
	if len(binding.Subjects) != 0 {
		t.Errorf("still bound: %v", binding.Subjects)
	}
}
