package controllers_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/testkit/harness"
)

// The environment's own, by short names.
var (
	definition   = harness.Definition
	manifests    = harness.Manifests
	confirmation = harness.Confirmation
)

// tenantsPolicy guards what holds the data of a tenant, backupsPolicy what CloudNativePG backs them up to.
const (
	tenantsPolicy = "cmhf-deletion-tenants"
	backupsPolicy = "cmhf-deletion-backups"
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
		object := name
		if kind == "ConfigMap" {
			object = v1alpha1.DeletionSentinel
		}
		return fmt.Sprintf("%s %s/%s is kept: %s, and %s--namespace %s annotate %s %s", kind, in, object, why, confirm, in, resource, annotate(object))
	}
	database := "the database of tenant " + name + " does not work without it"
	const backup = "it is a backup of a tenant's database"
	throwaway := func(group string) guarded {
		d := definition(group, ods)
		approve(d)
		return guarded{d, "cmhf-deletion-definitions", "CustomResourceDefinition " + d.GetName() + " is kept: with it would go every " + ods + " of the cluster, and " +
			confirm + "annotate customresourcedefinitions.apiextensions.k8s.io " + annotate(d.GetName())}
	}
	return []guarded{
		{labelled("v1", "Namespace", "", in, name), tenantsPolicy, "Namespace " + in +
			" is kept: with it would go the database, the volumes and the Secrets of tenant " + name + ", and " + confirm + "annotate namespaces " + annotate(in)},
		{ics, "cmhf-deletion-integratedcaresystems", "IntegratedCareSystem " + name +
			" is kept: deleting it stops its API, its dashboard and its database, and " + confirm + "annotate integratedcaresystems.cmhf.health " + annotate(name)},
		{labelled("apps/v1", "StatefulSet", in, name, name), tenantsPolicy, child("StatefulSet", "statefulsets.apps", database)},
		{labelled("postgresql.cnpg.io/v1", "Cluster", in, name, name), tenantsPolicy, child("Cluster", "clusters.postgresql.cnpg.io", database)},
		{labelled("v1", "Secret", in, name, name), tenantsPolicy, child("Secret", "secrets", database)},
		{labelled("v1", "PersistentVolumeClaim", in, name, name), tenantsPolicy,
			child("PersistentVolumeClaim", "persistentvolumeclaims", "it holds data of tenant "+name)},
		{labelled("v1", "ConfigMap", in, v1alpha1.DeletionSentinel, name), tenantsPolicy,
			child("ConfigMap", "configmaps", "it shows that the data of tenant "+name+" are guarded")},
		{labelled("postgresql.cnpg.io/v1", "Backup", in, name, name), backupsPolicy, child("Backup", "backups.postgresql.cnpg.io", backup)},
		{labelled("snapshot.storage.k8s.io/v1", "VolumeSnapshot", in, name, name), backupsPolicy,
			child("VolumeSnapshot", "volumesnapshots.snapshot.storage.k8s.io", backup)},
		throwaway("cmhf.health"),
		throwaway("postgresql.cnpg.io"),
		throwaway("snapshot.storage.k8s.io"),
	}
}

// approve: in a group of its own Kubernetes lets no one else define a kind without a word of approval.
func approve(definition *unstructured.Unstructured) {
	definition.SetAnnotations(map[string]string{"api-approved.kubernetes.io": "unapproved, a test's own"})
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

// defineKinds makes sure that the kinds of others that are guarded are served during the test.
func defineKinds(t *testing.T) {
	t.Helper()
	for _, of := range []struct{ group, kind string }{
		{"postgresql.cnpg.io", "Cluster"}, {"postgresql.cnpg.io", "Backup"}, {"snapshot.storage.k8s.io", "VolumeSnapshot"},
	} {
		kind := definition(of.group, of.kind)
		approve(kind)
		err := k8s.Create(t.Context(), kind)
		if apierrors.IsAlreadyExists(err) {
			continue
		}
		must(t, err)
		t.Cleanup(func() {
			ctx := context.Background() // the test's own has ended
			if err := errors.Join(k8s.Patch(ctx, kind, confirmation(kind.GetName())), k8s.Delete(ctx, kind)); err != nil {
				t.Error(err)
			}
		})
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
	must(t, k8s.Patch(t.Context(), object, confirmation(value)))
}

// remove deletes an object as a user does who means it: confirmed.
func remove(t *testing.T, object client.Object) {
	t.Helper()
	env.Remove(t, object)
}
