package integratedcaresystem

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
	"github.com/cmhf/operator/internal/optionalapi"
	"github.com/cmhf/operator/internal/shutdown"
	"github.com/cmhf/operator/internal/stack"
)

// workers reconcile at the same time; each tenant is only ever reconciled by one, which makes one call after the other.
const workers = 16

// SetupWithManager registers the controller and what wakes it: the resource's spec, every child by its label, the services of
// the tenant's namespace, and optional kinds that come or go.
func (r *Reconciler) SetupWithManager(manager ctrl.Manager) error {
	api, err := discovery.NewDiscoveryClientForConfigAndClient(manager.GetConfig(), manager.GetHTTPClient())
	if err != nil {
		return fmt.Errorf("making a client that asks which kinds are served: %w", err)
	}
	optional := optionalapi.New(manager.GetCache(), api, stack.OptionalKinds, begun, r.everyone)
	r.optional = optional
	if err := manager.GetFieldIndexer().IndexField(context.Background(), &v1alpha1.IntegratedCareSystem{}, hostIndex, indexHosts); err != nil {
		return fmt.Errorf("indexing IntegratedCareSystems by host: %w", err)
	}
	b := ctrl.NewControllerManagedBy(manager).
		Named("integratedcaresystem").
		For(&v1alpha1.IntegratedCareSystem{}, builder.WithPredicates(predicate.Or(predicate.GenerationChangedPredicate{}, asked, rotationRequested))).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Watches(&v1alpha1.IntegratedCareSystem{}, handler.EnqueueRequestsFromMapFunc(r.sharing), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.CoreCommunityService{}, countedSoon{})
	for _, kind := range stack.Kinds {
		object := &unstructured.Unstructured{}
		object.SetGroupVersionKind(kind)
		if applyset.MetadataOnly(kind) {
			b = b.WatchesMetadata(object, begun)
			continue
		}
		b = b.Watches(object, begun)
	}
	for _, moved := range r.APIServer.Sources(r.onCloudNativePG) {
		b = b.WatchesRawSource(moved)
	}
	changed := r.policyChanged()
	return b.WatchesMetadata(&admissionregistrationv1.ValidatingAdmissionPolicy{}, changed, builder.WithPredicates(guardsOnly, news)).
		WatchesMetadata(&admissionregistrationv1.ValidatingAdmissionPolicyBinding{}, changed, builder.WithPredicates(guardsOnly, news)).
		WatchesRawSource(optional).Complete(shutdown.Quiet(r))
}

// news: what was there before the operator started is none.
var news = predicate.Funcs{CreateFunc: func(e event.CreateEvent) bool { return !e.IsInInitialList }}

// policyChanged has every tenant ask anew whether its data are guarded.
func (r *Reconciler) policyChanged() handler.EventHandler {
	return handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, _ client.Object) []reconcile.Request {
		r.guard.policiesChanged()
		requests, err := r.everyone(ctx)
		if err != nil {
			log.FromContext(ctx).Error(err, "a policy against deletion changed and not every system was told; each is looked at again within minutes")
		}
		return requests
	})
}

// asked: someone asks for something by an annotation of ours.
var asked = predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
	return !maps.Equal(requests(e.ObjectOld), requests(e.ObjectNew))
}}

func requests(object client.Object) map[string]string {
	ours := maps.Clone(object.GetAnnotations())
	maps.DeleteFunc(ours, func(key, _ string) bool { return !strings.HasPrefix(key, v1alpha1.Group+"/") })
	return ours
}

// everyone lists all tenants.
func (r *Reconciler) everyone(ctx context.Context) ([]reconcile.Request, error) {
	systems := &v1alpha1.IntegratedCareSystemList{}
	if err := r.Client.List(ctx, systems); err != nil {
		return nil, fmt.Errorf("listing IntegratedCareSystems: %w", err)
	}
	requests := make([]reconcile.Request, 0, len(systems.Items))
	for _, ics := range systems.Items {
		requests = append(requests, reconcile.Request{NamespacedName: types.NamespacedName{Name: ics.Name}})
	}
	return requests, nil
}

// rotationRequested: the annotation that asks for new Secrets has another value. Annotations have no part in the generation.
var rotationRequested = predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
	return e.ObjectOld.GetAnnotations()[v1alpha1.AnnotationRotateSecrets] != e.ObjectNew.GetAnnotations()[v1alpha1.AnnotationRotateSecrets]
}}

// begun wakes the system whose label an object carries. What was begun comes before what was not: where many systems are declared at
// once, each is brought up to the end before the next, and none has to be told about halfway.
var begun = handler.Funcs{
	CreateFunc: func(_ context.Context, e event.CreateEvent, q wakes) {
		priority := begunFirst
		if e.IsInInitialList {
			priority = handler.LowPriority
		}
		wake(e.Object, q, priority)
	},
	UpdateFunc: func(_ context.Context, e event.UpdateEvent, q wakes) {
		wake(e.ObjectNew, q, begunFirst)
		if e.ObjectOld.GetLabels()[v1alpha1.LabelICS] != e.ObjectNew.GetLabels()[v1alpha1.LabelICS] {
			wake(e.ObjectOld, q, begunFirst)
		}
	},
	DeleteFunc:  func(_ context.Context, e event.DeleteEvent, q wakes) { wake(e.Object, q, begunFirst) },
	GenericFunc: func(_ context.Context, e event.GenericEvent, q wakes) { wake(e.Object, q, begunFirst) },
}

// begunFirst is above the priority of a resource that was declared or changed.
const begunFirst = 1

// together is for how long the other changes are waited for that come with the first: each kind is watched by itself, and of what one
// pass has written the last may be seen well after the first.
const together = 25 * time.Millisecond

func wake(object client.Object, q wakes, priority int) {
	name := object.GetLabels()[v1alpha1.LabelICS]
	if name == "" {
		return
	}
	request := reconcile.Request{NamespacedName: types.NamespacedName{Name: name}}
	if prioritised, ok := q.(priorityqueue.PriorityQueue[reconcile.Request]); ok {
		prioritised.AddWithOpts(priorityqueue.AddOpts{Priority: &priority, After: together}, request)
		return
	}
	q.AddAfter(request, together)
}

// countedSoon wakes a system a moment after its services change: they change together, and their number is in no hurry.
type countedSoon struct{}

const countDelay = time.Second

type wakes = workqueue.TypedRateLimitingInterface[reconcile.Request]

func (countedSoon) Create(_ context.Context, e event.CreateEvent, q wakes) { count(e.Object, q) }
func (countedSoon) Delete(_ context.Context, e event.DeleteEvent, q wakes) { count(e.Object, q) }
func (countedSoon) Generic(_ context.Context, e event.GenericEvent, q wakes) {
	count(e.Object, q)
}

func (countedSoon) Update(_ context.Context, e event.UpdateEvent, q wakes) {
	if countsAsReady(e.ObjectOld) != countsAsReady(e.ObjectNew) {
		count(e.ObjectNew, q)
	}
}

func count(object client.Object, q wakes) {
	if name, ok := strings.CutPrefix(object.GetNamespace(), v1alpha1.NamespacePrefix); ok {
		q.AddAfter(reconcile.Request{NamespacedName: types.NamespacedName{Name: name}}, countDelay)
	}
}

func countsAsReady(object client.Object) bool {
	service, ok := object.(*v1alpha1.CoreCommunityService)
	return ok && isReady(service)
}
