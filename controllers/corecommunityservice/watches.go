package corecommunityservice

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/shutdown"
)

// workers judge namespaces at the same time.
const workers = 8

// SetupWithManager registers the controller. A namespace is judged anew when one of its services, its system's geography or
// readiness, the namespace itself or the stored directory changes.
func (r *Reconciler) SetupWithManager(manager ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(manager).
		Named("corecommunityservice").
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Watches(&v1alpha1.CoreCommunityService{}, soon(client.Object.GetNamespace), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.IntegratedCareSystem{}, soon(tenantNamespace), builder.WithPredicates(decides)).
		Watches(object("Namespace"), handler.EnqueueRequestsFromMapFunc(itself), builder.WithPredicates(predicate.LabelChangedPredicate{})).
		Watches(object("ConfigMap"), handler.EnqueueRequestsFromMapFunc(ownNamespace), builder.WithPredicates(predicate.NewPredicateFuncs(isDirectory))).
		Complete(shutdown.Quiet(r))
}

// decides lets through what matters to services: the spec, and whether namespace and API are ready.
var decides = predicate.Funcs{
	UpdateFunc: func(e event.UpdateEvent) bool {
		before, wasICS := e.ObjectOld.(*v1alpha1.IntegratedCareSystem)
		after, isICS := e.ObjectNew.(*v1alpha1.IntegratedCareSystem)
		if !wasICS || !isICS || before.Generation != after.Generation {
			return true
		}
		for _, condition := range []string{v1alpha1.ConditionNamespaceReady, v1alpha1.ConditionCoordinationAPIReady} {
			if meta.IsStatusConditionTrue(before.Status.Conditions, condition) != meta.IsStatusConditionTrue(after.Status.Conditions, condition) {
				return true
			}
		}
		return false
	},
}

func isDirectory(o client.Object) bool { return o.GetName() == configMapName }

func ownNamespace(_ context.Context, o client.Object) []reconcile.Request {
	return []reconcile.Request{request(o.GetNamespace())}
}

func itself(_ context.Context, o client.Object) []reconcile.Request {
	return []reconcile.Request{request(o.GetName())}
}

func tenantNamespace(o client.Object) string { return v1alpha1.NamespacePrefix + o.GetName() }

// together is for how long declarations are waited for that come with the first: the services of a system are declared together, and the
// directory is better stored once than with each of them. A change has reached every replica of the API long before the two seconds are
// over that are promised.
const together = 250 * time.Millisecond

// soon wakes a namespace a moment after the first of the changes that come together.
func soon(namespace func(client.Object) string) handler.EventHandler {
	wake := func(o client.Object, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
		q.AddAfter(request(namespace(o)), together)
	}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			wake(e.Object, q)
		},
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			wake(e.ObjectNew, q)
		},
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			wake(e.Object, q)
		},
	}
}

func request(namespace string) reconcile.Request {
	return reconcile.Request{NamespacedName: types.NamespacedName{Name: namespace}}
}

func object(kind string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(kind))
	return o
}
