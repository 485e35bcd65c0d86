package integratedcaresystem

import (
	"context"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/stack"
)

// workers reconcile at the same time; each tenant is only ever reconciled by one.
const workers = 8

// SetupWithManager registers the controller and what wakes it: the resource's spec, every child by its label, and the
// services of the tenant's namespace.
func (r *Reconciler) SetupWithManager(manager ctrl.Manager) error {
	b := ctrl.NewControllerManagedBy(manager).
		Named("integratedcaresystem").
		For(&v1alpha1.IntegratedCareSystem{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Watches(&v1alpha1.CoreCommunityService{}, handler.EnqueueRequestsFromMapFunc(byNamespace))
	for _, kind := range stack.Kinds {
		object := &unstructured.Unstructured{}
		object.SetGroupVersionKind(kind)
		b = b.Watches(object, handler.EnqueueRequestsFromMapFunc(byLabel))
	}
	return b.Complete(r)
}

func byLabel(_ context.Context, object client.Object) []reconcile.Request {
	if name := object.GetLabels()[v1alpha1.LabelICS]; name != "" {
		return []reconcile.Request{{NamespacedName: types.NamespacedName{Name: name}}}
	}
	return nil
}

func byNamespace(_ context.Context, object client.Object) []reconcile.Request {
	if name, ok := strings.CutPrefix(object.GetNamespace(), v1alpha1.NamespacePrefix); ok {
		return []reconcile.Request{{NamespacedName: types.NamespacedName{Name: name}}}
	}
	return nil
}

func list(kind schema.GroupVersionKind) *unstructured.UnstructuredList {
	objects := &unstructured.UnstructuredList{}
	objects.SetGroupVersionKind(kind)
	return objects
}
