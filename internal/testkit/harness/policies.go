package harness

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/testkit/controlplane"
)

// Manifests are the objects of a folder of config.
func Manifests(folder string) ([]client.Object, error) {
	root, err := controlplane.ModuleRoot()
	if err != nil {
		return nil, err
	}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(root, "config", folder))
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

// Definition is a small valid CustomResourceDefinition.
func Definition(group, kind string) *unstructured.Unstructured {
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

// enforcePolicies applies config/policy, which is in force for all tests, as it is wherever the operator is installed, and waits until each policy
// refuses.
func (e *Env) enforcePolicies(ctx context.Context) error {
	policies, err := Manifests("policy")
	if err != nil {
		return err
	}
	for _, policy := range policies {
		if err := e.Client.Create(ctx, policy); err != nil {
			return fmt.Errorf("creating %s: %w", policy.GetName(), err)
		}
	}
	namespace := NamespaceOf(System("QZ0"))
	namespace.Labels = map[string]string{v1alpha1.LabelICS: "qz0", v1alpha1.LabelComponent: v1alpha1.ComponentDatabase}
	for _, tried := range []client.Object{Definition(v1alpha1.Group, "QZ0"), System("QZ0"), namespace} {
		if err := e.Client.Create(ctx, tried); err != nil {
			return fmt.Errorf("creating %s: %w", tried.GetName(), err)
		}
		err := wait.PollUntilContextTimeout(ctx, 20*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
			return apierrors.IsForbidden(e.Client.Delete(ctx, tried, client.DryRunAll)), nil
		})
		if err != nil {
			return fmt.Errorf("waiting until the deletion of %s is refused: %w", tried.GetName(), err)
		}
		if err := e.Client.Patch(ctx, tried, Confirmation(tried.GetName())); err != nil {
			return fmt.Errorf("confirming the deletion of %s: %w", tried.GetName(), err)
		}
		if err := e.Client.Delete(ctx, tried); err != nil {
			return fmt.Errorf("deleting %s: %w", tried.GetName(), err)
		}
	}
	return e.keptToTenants(ctx)
}

// keptToTenants waits until the policy is in force that is not about deletions: it keeps the operator to the namespaces of tenants.
func (e *Env) keptToTenants(ctx context.Context) error {
	config := rest.CopyConfig(e.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: "system:serviceaccount:cmhf-system:cmhf-operator", Groups: []string{"system:masters"}}
	operator, err := client.New(config, client.Options{Scheme: e.Client.Scheme()})
	if err != nil {
		return fmt.Errorf("making a client for the operator's account: %w", err)
	}
	err = wait.PollUntilContextTimeout(ctx, 20*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
		tried := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: "reach"}}
		return apierrors.IsForbidden(operator.Create(ctx, tried, client.DryRunAll)), nil
	})
	if err != nil {
		return fmt.Errorf("waiting until the operator is kept to the namespaces of tenants: %w", err)
	}
	return nil
}
