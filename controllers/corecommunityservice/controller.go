// Package corecommunityservice reconciles the CoreCommunityServices of a namespace into the tenant's service directory. All
// services of a namespace are judged together, because whether one fits depends on the others: the work item is a
// namespace, not a service.
//
// The directory is written to a ConfigMap and then committed through the coordination API's internal port; a service is
// Registered when the entry of its generation is committed in the database. Nothing here affects what runs.
package corecommunityservice

import (
	"cmp"
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
	"github.com/cmhf/operator/internal/directory"
	"github.com/cmhf/operator/internal/patience"
)

// TenantAPI commits directories to tenants' databases.
type TenantAPI interface {
	Committed(ctx context.Context, namespace string) (directory.Committed, error)
	Commit(ctx context.Context, namespace string, d directory.Directory) (directory.Committed, error)
}

// Reconciler keeps the service directory of each tenant.
type Reconciler struct {
	Client   client.Client
	Recorder events.EventRecorder
	Applier  *applyset.Applier
	API      TenantAPI

	// news are statuses that wait for a moment.
	news patience.News
}

// retry is how soon an API that did not answer is asked again.
const retry = 2 * time.Second

// outcome is what one reconcile found, for the statuses.
type outcome struct {
	// namespaceRefused is set when no service in the namespace can be accepted, with the reason.
	namespaceRefused *verdict
	// ics is the system whose services they are, nil when there is none.
	ics       *v1alpha1.IntegratedCareSystem
	verdicts  map[string]verdict
	directory directory.Directory
	// committed is what the database holds; nil when the API was not asked or did not answer.
	committed *directory.Committed
	// waiting says why the API could not be asked.
	waiting string
}

// Reconcile judges the services of one namespace; the request's name is the namespace.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	services := &v1alpha1.CoreCommunityServiceList{}
	if err := r.Client.List(ctx, services, client.InNamespace(request.Name)); err != nil {
		return ctrl.Result{}, fmt.Errorf("listing the services in namespace %s: %w", request.Name, err)
	}
	found, err := r.evaluateNamespace(ctx, request.Name, services.Items)
	if err != nil {
		return requeue(err)
	}
	keep, failed := r.writeStatuses(ctx, services.Items, found)
	if failed != nil {
		return requeue(failed)
	}
	if found.waiting != "" && !found.ics.Spec.Suspend { // the end of which wakes the namespace
		log.FromContext(ctx).V(1).Info("the coordination API does not answer yet", "namespace", request.Name, "cause", found.waiting)
		keep = min(cmp.Or(keep, retry), retry)
	}
	return ctrl.Result{RequeueAfter: keep}, nil
}

// requeue tries again soon where two writers met, which is no error.
func requeue(err error) (ctrl.Result, error) {
	if apierrors.IsConflict(err) {
		return ctrl.Result{RequeueAfter: 100 * time.Millisecond}, nil
	}
	return ctrl.Result{}, err
}

func (r *Reconciler) evaluateNamespace(ctx context.Context, namespace string, services []v1alpha1.CoreCommunityService) (outcome, error) {
	ics, refused, err := r.tenant(ctx, namespace)
	if err != nil || refused != nil {
		return outcome{namespaceRefused: refused}, err
	}
	stored, refused, err := r.stored(ctx, namespace)
	if err != nil || refused != nil {
		return outcome{ics: ics, namespaceRefused: refused}, err
	}
	next, verdicts := evaluate(ics, services, stored)
	found := outcome{ics: ics, verdicts: verdicts, directory: next}
	if ics.Spec.Suspend {
		found.waiting = "the integrated care system is suspended"
		return found, nil
	}
	if !meta.IsStatusConditionTrue(ics.Status.Conditions, v1alpha1.ConditionNamespaceReady) {
		found.waiting = "the namespace is not ready"
		return found, nil
	}
	if next.Digest() != stored.Digest() {
		next.Revision++
		if err := r.store(ctx, namespace, ics.Name, next); err != nil {
			return outcome{}, err
		}
	}
	if !meta.IsStatusConditionTrue(ics.Status.Conditions, v1alpha1.ConditionCoordinationAPIReady) {
		// A change of that condition wakes this namespace again.
		return found, nil
	}
	committed, err := r.commit(ctx, namespace, ics.Name, next)
	if err != nil {
		found.waiting = err.Error()
		return found, nil
	}
	found.committed = &committed
	return found, nil
}

// tenant finds the integrated care system of a namespace, or says why there is none.
func (r *Reconciler) tenant(ctx context.Context, name string) (*v1alpha1.IntegratedCareSystem, *verdict, error) {
	namespace := object("Namespace")
	// The cache holds tenants' namespaces only.
	if err := r.Client.Get(ctx, client.ObjectKey{Name: name}, namespace); apierrors.IsNotFound(err) {
		return nil, &verdict{false, v1alpha1.ReasonNotATenantNamespace, fmt.Sprintf(
			"namespace %s belongs to no integrated care system; declare the service in the namespace of its own (status.namespace of the IntegratedCareSystem)", name)}, nil
	} else if err != nil {
		return nil, nil, fmt.Errorf("reading Namespace %s: %w", name, err)
	}
	system := namespace.GetLabels()[v1alpha1.LabelICS]
	if name != v1alpha1.NamespacePrefix+system {
		return nil, &verdict{false, v1alpha1.ReasonNotATenantNamespace, fmt.Sprintf(
			"namespace %s carries the label of %s, whose namespace is %s; declare the service there", name, system, v1alpha1.NamespacePrefix+system)}, nil
	}
	ics := &v1alpha1.IntegratedCareSystem{}
	err := r.Client.Get(ctx, client.ObjectKey{Name: system}, ics)
	if client.IgnoreNotFound(err) != nil {
		return nil, nil, fmt.Errorf("reading IntegratedCareSystem %s: %w", system, err)
	}
	if err != nil || !ics.DeletionTimestamp.IsZero() {
		return nil, &verdict{false, v1alpha1.ReasonSystemNotFound, fmt.Sprintf(
			"IntegratedCareSystem %s is not declared (any more); its data and this service wait for it", system)}, nil
	}
	return ics, nil, nil
}

// commit brings the tenant's database to the directory and returns what it holds then.
func (r *Reconciler) commit(ctx context.Context, namespace, ics string, d directory.Directory) (directory.Committed, error) {
	committed, err := r.API.Committed(ctx, namespace)
	if err != nil || committed.Digest == d.Digest() {
		return committed, err
	}
	if committed.Revision >= d.Revision {
		// The ConfigMap was lost or the database restored: go on from the later of the two.
		d.Revision = committed.Revision + 1
		if err := r.store(ctx, namespace, ics, d); err != nil {
			return directory.Committed{}, err
		}
	}
	return r.API.Commit(ctx, namespace, d)
}
