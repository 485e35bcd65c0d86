package integratedcaresystem

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
	"github.com/cmhf/operator/internal/health"
	"github.com/cmhf/operator/internal/stack"
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
			if object.GetDeletionTimestamp() != nil || object.GetLabels()[v1alpha1.LabelComponent] == v1alpha1.ComponentDatabase {
				continue // what belongs to the database stops with it
			}
			if err := r.Applier.Remove(ctx, &object); err != nil {
				return false, fmt.Errorf("stopping the programs of %s: %w", s.ics.Name, err)
			}
		}
	}
	return true, nil
}

// stopDatabase stops whatever runs the database and waits until it has shut down cleanly. The render hash goes with it, so that
// the next apply of the same stack starts it again.
func (r *Reconciler) stopDatabase(ctx context.Context, s *scope) (bool, error) {
	stopped := true
	for _, engine := range []struct {
		kind schema.GroupVersionKind
		// stop is the change that stops one; down says whether it has stopped, and what it waits for otherwise.
		stop map[string]any
		down func(*unstructured.Unstructured) (bool, string)
	}{
		{appsv1.SchemeGroupVersion.WithKind("StatefulSet"), map[string]any{
			"metadata": map[string]any{"annotations": map[string]any{v1alpha1.AnnotationRenderHash: nil}},
			"spec":     map[string]any{"replicas": 0},
		}, scaledDown},
		{clusterKind, map[string]any{
			"metadata": map[string]any{"annotations": map[string]any{v1alpha1.AnnotationRenderHash: nil, stack.AnnotationHibernation: stack.HibernationOn}},
		}, hibernated},
	} {
		if !slices.Contains(r.kinds(), engine.kind) {
			continue
		}
		databases := list(engine.kind)
		if err := r.Uncached.List(ctx, databases, r.stack(s)...); err != nil {
			return false, fmt.Errorf("listing the databases of %s: %w", s.ics.Name, err)
		}
		patch, err := json.Marshal(engine.stop)
		if err != nil {
			return false, fmt.Errorf("writing the patch that stops the database of %s: %w", s.ics.Name, err)
		}
		for _, database := range databases.Items {
			if !stopping(&database) {
				if err := r.Client.Patch(ctx, &database, client.RawPatch(types.MergePatchType, patch), client.FieldOwner(applyset.FieldManager)); err != nil {
					return false, fmt.Errorf("stopping %s: %w", applyset.Ref(&database), err)
				}
			}
			if down, why := engine.down(&database); !down {
				stopped = false
				s.stopping = "the database is shutting down" + why + "; its data stay in namespace " + s.ics.TenantNamespace()
			}
		}
	}
	return stopped, nil
}

// stopping: the database is declared to be stopped.
func stopping(database *unstructured.Unstructured) bool {
	if database.GetKind() == clusterKind.Kind {
		return database.GetAnnotations()[stack.AnnotationHibernation] == stack.HibernationOn
	}
	wanted, _, _ := unstructured.NestedInt64(database.Object, "spec", "replicas")
	return wanted == 0
}

func scaledDown(database *unstructured.Unstructured) (bool, string) {
	observed, _, _ := unstructured.NestedInt64(database.Object, "status", "observedGeneration")
	running, _, _ := unstructured.NestedInt64(database.Object, "status", "replicas")
	return observed == database.GetGeneration() && running == 0, ""
}

func hibernated(database *unstructured.Unstructured) (bool, string) {
	state := health.Of(database)
	return state.Ready, " (" + state.Message + ")"
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
