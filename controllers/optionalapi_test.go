package controllers_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
	"github.com/cmhf/operator/internal/stack"
)

// install makes the definition; the cleanup waits until it has gone, so that the next test begins without it.
func install(t *testing.T, kind schema.GroupVersionKind) *unstructured.Unstructured {
	t.Helper()
	crd := definition(kind.Group, kind.Kind)
	// The API server wants to know who approved a definition in a group of Kubernetes.
	crd.SetAnnotations(map[string]string{"api-approved.kubernetes.io": "unapproved, for a test"})
	create(t, crd)
	t.Cleanup(func() { uninstall(t, crd) })
	return crd
}

// uninstall also runs when the test's context has ended.
func uninstall(t *testing.T, crd *unstructured.Unstructured) {
	t.Helper()
	gone := crd.DeepCopy()
	gomega.NewWithT(t).Eventually(func() bool {
		_ = k8s.Delete(context.Background(), gone)
		return apierrors.IsNotFound(k8s.Get(context.Background(), client.ObjectKeyFromObject(crd), gone))
	}).WithTimeout(30 * time.Second).Should(gomega.BeTrue())
}

// A kind that comes is watched without a restart, one that goes is left alone, and the log stays quiet; again and again.
func TestOptionalKindsComeAndGo(t *testing.T) {
	route := stack.OptionalKinds[slices.IndexFunc(stack.OptionalKinds, func(k schema.GroupVersionKind) bool { return k.Kind == "HTTPRoute" })]
	startOperator(t, restConfig)
	ics := system("RF1")
	create(t, ics)
	waitReady(t, ics)
	for range 3 {
		crd := install(t, route)
		// A member of the set that is not rendered goes as soon as the operator sees it: it must know the kind for that.
		member := &unstructured.Unstructured{}
		member.SetGroupVersionKind(route)
		member.SetName("of-an-earlier-release")
		member.SetNamespace(ics.TenantNamespace())
		member.SetLabels(map[string]string{v1alpha1.LabelICS: ics.Name,
			applyset.LabelPartOf: applyset.ID(ics.Name, schema.GroupKind{Group: v1alpha1.Group, Kind: "IntegratedCareSystem"})})
		eventually(t, func(g gomega.Gomega) { g.Expect(k8s.Create(t.Context(), member.DeepCopy())).To(gomega.Succeed()) })
		eventually(t, func(g gomega.Gomega) { g.Expect(apierrors.IsNotFound(get(t, member))).To(gomega.BeTrue()) })

		foreign := member.DeepCopy()
		foreign.SetResourceVersion("")
		foreign.SetName("not-ours")
		foreign.SetLabels(map[string]string{v1alpha1.LabelICS: ics.Name})
		create(t, foreign)
		uninstall(t, crd)
		// The tenant is still looked after while the kind is gone.
		change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.DisplayName += "." })
		waitReady(t, ics)
	}
}
