package controllers_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/cmhf/operator/api/v1alpha1"
)

// guarded is an object that the policies keep.
type guarded struct {
	object  client.Object
	policy  string
	refusal string
}

// guardedObjects gives one object of every kind and group that is guarded, all of the tenant with this ODS code; first the namespace
// that holds the others.
func guardedObjects(ods string) []guarded {
	ics := system(ods)
	name, in := ics.Name, ics.TenantNamespace()
	const confirm = "its annotation cmhf.health/confirm-deletion is not its name. If you mean it, confirm and delete again: kubectl "
	annotate := func(name string) string { return name + " cmhf.health/confirm-deletion=" + name + " --overwrite" }
	child := func(kind, resource, why string) string {
		return fmt.Sprintf("%s %s/%s is kept: %s, and %s--namespace %s annotate %s %s", kind, in, name, why, confirm, in, resource, annotate(name))
	}
	database := "the database of tenant " + name + " does not work without it"
	throwaway := func(group string) guarded {
		d := definition(group, ods)
		return guarded{d, "cmhf-deletion-definitions", "CustomResourceDefinition " + d.GetName() + " is kept: with it would go every " + ods + " of the cluster, and " +
			confirm + "annotate customresourcedefinitions.apiextensions.k8s.io " + annotate(d.GetName())}
	}
	return []guarded{
		{labelled("v1", "Namespace", "", in, name), "cmhf-deletion-namespaces", "Namespace " + in +
			" is kept: with it would go the database, the volumes and the Secrets of tenant " + name + ", and " + confirm + "annotate namespaces " + annotate(in)},
		{ics, "cmhf-deletion-integratedcaresystems", "IntegratedCareSystem " + name +
			" is kept: deleting it stops its API, its dashboard and its database, and " + confirm + "annotate integratedcaresystems.cmhf.health " + annotate(name)},
		{labelled("apps/v1", "StatefulSet", in, name, name), "cmhf-deletion-databases", child("StatefulSet", "statefulsets.apps", database)},
		{labelled("postgresql.cnpg.io/v1", "Cluster", in, name, name), "cmhf-deletion-databases", child("Cluster", "clusters.postgresql.cnpg.io", database)},
		{labelled("v1", "Secret", in, name, name), "cmhf-deletion-databases", child("Secret", "secrets", database)},
		{labelled("v1", "PersistentVolumeClaim", in, name, name), "cmhf-deletion-volumes",
			child("PersistentVolumeClaim", "persistentvolumeclaims", "it holds data of tenant "+name)},
		throwaway("cmhf.health"),
		throwaway("postgresql.cnpg.io"),
	}
}

// labelled is a small valid object of a tenant's database.
func labelled(version, kind, namespace, name, ics string) *unstructured.Unstructured {
	object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": version, "kind": kind}}
	object.SetNamespace(namespace)
	object.SetName(name)
	object.SetLabels(map[string]string{v1alpha1.LabelICS: ics, v1alpha1.LabelComponent: v1alpha1.ComponentDatabase})
	switch kind {
	case "PersistentVolumeClaim":
		object.Object["spec"] = map[string]any{"accessModes": []any{"ReadWriteOnce"}, "resources": map[string]any{"requests": map[string]any{"storage": "1Gi"}}}
	case "StatefulSet":
		pod := map[string]any{"app": name}
		object.Object["spec"] = map[string]any{
			"replicas": int64(0), "selector": map[string]any{"matchLabels": pod},
			"template": map[string]any{"metadata": map[string]any{"labels": pod}, "spec": map[string]any{
				"containers": []any{map[string]any{"name": "postgres", "image": "example/postgres:15"}}}},
		}
	}
	return object
}

// definition is a small valid CustomResourceDefinition.
func definition(group, kind string) *unstructured.Unstructured {
	singular := strings.ToLower(kind)
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"spec": map[string]any{
			"group": group, "scope": "Namespaced",
			"names": map[string]any{"kind": kind, "listKind": kind + "List", "plural": singular + "s", "singular": singular},
			"versions": []any{map[string]any{"name": "v1", "served": true, "storage": true,
				"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object"}}}},
		},
	}}
	object.SetName(singular + "s." + group)
	return object
}

// enforcePolicies applies config/policy and waits until each policy refuses; at the end of the test it waits until none does.
// It gives back the objects that were refused.
func enforcePolicies(t *testing.T) []guarded {
	t.Helper()
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), "../config/policy")
	must(t, err)
	var policies []client.Object
	for _, resource := range built.Resources() {
		content, err := resource.Map()
		must(t, err)
		policies = append(policies, &unstructured.Unstructured{Object: content})
	}
	clusters := definition("postgresql.cnpg.io", "Cluster")
	t.Cleanup(func() { withdraw(t, policies, clusters) })
	create(t, clusters)
	create(t, policies...)
	sentinels := guardedObjects("QZ0")
	for _, sentinel := range sentinels {
		// A kind that was defined a moment ago is not served at once.
		eventually(t, func(g gomega.Gomega) { g.Expect(k8s.Create(t.Context(), sentinel.object)).To(gomega.Succeed()) })
		eventually(t, func(g gomega.Gomega) {
			g.Expect(apierrors.IsForbidden(tryDelete(t, sentinel.object))).To(gomega.BeTrue())
		})
	}
	return sentinels
}

// withdraw deletes the policies, waits until objects of each kind can be deleted, and then deletes the definition.
func withdraw(t *testing.T, policies []client.Object, definition client.Object) {
	t.Helper()
	ctx := context.Background() // the test's own has ended
	for _, policy := range policies {
		if err := k8s.Delete(ctx, policy); client.IgnoreNotFound(err) != nil {
			t.Error(err)
		}
	}
	sentinels := guardedObjects("QZ9")
	for _, sentinel := range sentinels {
		if err := k8s.Create(ctx, sentinel.object); err != nil {
			t.Error(err)
		}
	}
	slices.Reverse(sentinels) // the namespace last
	for _, sentinel := range sentinels {
		eventually(t, func(g gomega.Gomega) { g.Expect(k8s.Delete(ctx, sentinel.object)).To(gomega.Succeed()) })
	}
	if err := k8s.Delete(ctx, definition); err != nil {
		t.Error(err)
	}
}

// tryDelete asks what a deletion would be answered.
func tryDelete(t *testing.T, object client.Object) error {
	t.Helper()
	return k8s.Delete(t.Context(), object, client.DryRunAll)
}

// confirm writes the confirmation on an object.
func confirm(t *testing.T, object client.Object, value string) {
	t.Helper()
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"cmhf.health/confirm-deletion":%q}}}`, value)
	must(t, k8s.Patch(t.Context(), object, client.RawPatch(types.MergePatchType, patch)))
}
