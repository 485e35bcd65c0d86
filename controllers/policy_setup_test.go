package controllers_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/cmhf/operator/api/v1alpha1"
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

// manifests are the objects of a folder of config.
func manifests(folder string) ([]client.Object, error) {
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), "../config/"+folder)
	if err != nil {
		return nil, fmt.Errorf("building config/%s: %w", folder, err)
	}
	var objects []client.Object
	for _, resource := range built.Resources() {
		content, err := resource.Map()
		if err != nil {
			return nil, fmt.Errorf("reading config/%s: %w", folder, err)
		}
		objects = append(objects, &unstructured.Unstructured{Object: content})
	}
	return objects, nil
}

// enforcePolicies applies config/policy, which is in force for all tests, as it is wherever the operator is installed, and waits until each policy
// refuses.
func enforcePolicies(ctx context.Context) error {
	policies, err := manifests("policy")
	if err != nil {
		return err
	}
	for _, policy := range policies {
		if err := k8s.Create(ctx, policy); err != nil {
			return fmt.Errorf("creating %s: %w", policy.GetName(), err)
		}
	}
	for _, tried := range []client.Object{definition("cmhf.health", "QZ0"), system("QZ0"), labelled("v1", "Namespace", "", "ics-qz0", "qz0")} {
		if err := k8s.Create(ctx, tried); err != nil {
			return fmt.Errorf("creating %s: %w", tried.GetName(), err)
		}
		err := wait.PollUntilContextTimeout(ctx, 20*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
			return apierrors.IsForbidden(k8s.Delete(ctx, tried, client.DryRunAll)), nil
		})
		if err != nil {
			return fmt.Errorf("waiting until the deletion of %s is refused: %w", tried.GetName(), err)
		}
		if err := k8s.Patch(ctx, tried, confirmation(tried.GetName())); err != nil {
			return fmt.Errorf("confirming the deletion of %s: %w", tried.GetName(), err)
		}
		if err := k8s.Delete(ctx, tried); err != nil {
			return fmt.Errorf("deleting %s: %w", tried.GetName(), err)
		}
	}
	// The one policy that is not about deletions.
	config := rest.CopyConfig(restConfig)
	config.Impersonate = rest.ImpersonationConfig{UserName: "system:serviceaccount:cmhf-system:cmhf-operator", Groups: []string{"system:masters"}}
	operator, err := client.New(config, client.Options{Scheme: k8s.Scheme()})
	if err != nil {
		return fmt.Errorf("making a client for the operator's account: %w", err)
	}
	err = wait.PollUntilContextTimeout(ctx, 20*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
		return apierrors.IsForbidden(operator.Create(ctx, configMapIn("default"), client.DryRunAll)), nil
	})
	if err != nil {
		return fmt.Errorf("waiting until the operator is kept to the namespaces of tenants: %w", err)
	}
	return nil
}

// defineKinds makes sure that the kinds of others that are guarded are served during the test.
func defineKinds(t *testing.T) {
	t.Helper()
	for _, of := range []struct{ group, kind string }{
		{"postgresql.cnpg.io", "Cluster"}, {"postgresql.cnpg.io", "Backup"}, {"snapshot.storage.k8s.io", "VolumeSnapshot"},
	} {
		kind := definition(of.group, of.kind)
		if of.group == "snapshot.storage.k8s.io" {
			// The group is Kubernetes' own, which it lets no one else define without a word of approval.
			kind.SetAnnotations(map[string]string{"api-approved.kubernetes.io": "unapproved, a test's own"})
		}
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

// confirmation is the patch that writes a confirmation.
func confirmation(value string) client.Patch {
	return client.RawPatch(types.MergePatchType, fmt.Appendf(nil, `{"metadata":{"annotations":{"cmhf.health/confirm-deletion":%q}}}`, value))
}

// confirm writes the confirmation on an object.
func confirm(t *testing.T, object client.Object, value string) {
	t.Helper()
	must(t, k8s.Patch(t.Context(), object, confirmation(value)))
}

// remove deletes an object as a user does who means it: confirmed.
func remove(t *testing.T, object client.Object) {
	t.Helper()
	confirm(t, object, object.GetName())
	must(t, k8s.Delete(t.Context(), object))
}
