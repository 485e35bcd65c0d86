package integratedcaresystem

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
)

// reconcileDeletion stops what runs and keeps what holds data: namespace, volumes, Secrets, the stopped database. It needs
// no render, so it works however old the stack is.
func (r *Reconciler) reconcileDeletion(ctx context.Context, s *scope) (ctrl.Result, error) {
	if !controllerutil.ContainsFinalizer(s.ics, v1alpha1.FinalizerRetain) {
		return ctrl.Result{}, nil
	}
	s.stopping = "the programs are being stopped; the data stay in namespace " + s.ics.TenantNamespace()
	err := run(ctx, s, r.stopBackups, r.stopPrograms, r.stopDatabase, r.markRetained, r.release)
	s.failure = err
	if !s.released {
		err = errors.Join(err, r.writeStatus(ctx, s))
	}
	if s.isPassing(err) {
		return ctrl.Result{RequeueAfter: passingDelay}, nil
	}
	return ctrl.Result{}, client.IgnoreNotFound(err)
}

// stack selects what is the tenant's. It is read from the API server: an object that was made a moment ago and is not in the
// cache yet must not be left running.
func (r *Reconciler) stack(s *scope) []client.ListOption {
	return []client.ListOption{client.InNamespace(s.ics.TenantNamespace()), client.MatchingLabels{v1alpha1.LabelICS: s.ics.Name}}
}

// stopPrograms deletes what holds no data: the API, the dashboard and the migrations.
func (r *Reconciler) stopPrograms(ctx context.Context, s *scope) (bool, error) {
	for _, kind := range []client.ObjectList{list(appsv1.SchemeGroupVersion.WithKind("Deployment")), list(batchv1.SchemeGroupVersion.WithKind("Job"))} {
		if err := r.Uncached.List(ctx, kind, r.stack(s)...); err != nil {
			return false, fmt.Errorf("listing the programs of %s: %w", s.ics.Name, err)
		}
		for _, object := range kind.(*unstructured.UnstructuredList).Items {
			if object.GetDeletionTimestamp() != nil {
				continue
			}
			if err := r.Applier.Remove(ctx, &object); err != nil {
				return false, fmt.Errorf("stopping the programs of %s: %w", s.ics.Name, err)
			}
		}
	}
	return true, nil
}

// stopDatabase scales the database to nothing and waits until it has shut down cleanly. The render hash goes with it, so that
// the next apply of the same stack starts it again.
func (r *Reconciler) stopDatabase(ctx context.Context, s *scope) (bool, error) {
	databases := list(appsv1.SchemeGroupVersion.WithKind("StatefulSet"))
	if err := r.Uncached.List(ctx, databases, r.stack(s)...); err != nil {
		return false, fmt.Errorf("listing the databases of %s: %w", s.ics.Name, err)
	}
	stopped := true
	for _, database := range databases.Items {
		wanted, _, _ := unstructured.NestedInt64(database.Object, "spec", "replicas")
		if wanted != 0 {
			patch, err := json.Marshal(map[string]any{
				"metadata": map[string]any{"annotations": map[string]any{v1alpha1.AnnotationRenderHash: nil}},
				"spec":     map[string]any{"replicas": 0},
			})
			if err != nil {
				return false, fmt.Errorf("writing the patch that stops %s: %w", applyset.Ref(&database), err)
			}
			if err := r.Client.Patch(ctx, &database, client.RawPatch(types.MergePatchType, patch), client.FieldOwner(applyset.FieldManager)); err != nil {
				return false, fmt.Errorf("stopping %s: %w", applyset.Ref(&database), err)
			}
		}
		observed, _, _ := unstructured.NestedInt64(database.Object, "status", "observedGeneration")
		running, _, _ := unstructured.NestedInt64(database.Object, "status", "replicas")
		if observed != database.GetGeneration() || running != 0 {
			stopped = false
		}
	}
	if !stopped {
		s.stopping = "the database is shutting down; its data stay in namespace " + s.ics.TenantNamespace()
	}
	return stopped, nil
}

// markRetained notes on the namespace since when it keeps data without a resource.
func (r *Reconciler) markRetained(ctx context.Context, s *scope) (bool, error) {
	namespace, err := r.existingNamespace(ctx, s.ics.TenantNamespace())
	if err != nil {
		return false, err
	}
	if namespace == nil || namespace.GetLabels()[v1alpha1.LabelICS] != s.ics.Name {
		return true, nil
	}
	since := s.ics.DeletionTimestamp.UTC().Format(time.RFC3339)
	if err := r.annotateNamespace(ctx, namespace, v1alpha1.AnnotationRetainedSince, since); err != nil {
		return false, fmt.Errorf("marking Namespace %s as retained: %w", namespace.GetName(), err)
	}
	return true, nil
}

// release lets the resource go.
func (r *Reconciler) release(ctx context.Context, s *scope) (bool, error) {
	before := s.ics.DeepCopy()
	controllerutil.RemoveFinalizer(s.ics, v1alpha1.FinalizerRetain)
	if err := patchMetadata(ctx, r.Client, s.ics, before); client.IgnoreNotFound(err) != nil {
		return false, fmt.Errorf("removing the finalizer of IntegratedCareSystem %s: %w", s.ics.Name, err)
	}
	s.released = true
	r.Recorder.Eventf(s.original, nil, corev1.EventTypeNormal, v1alpha1.ReasonStopping, "Delete",
		"the programs are stopped; the data stay in namespace %s", s.ics.TenantNamespace())
	return true, nil
}
