package integratedcaresystem

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
	"github.com/cmhf/operator/internal/stack"
)

// reconcileDeletion stops what runs and does with the data what the deletion policy says: they stay, they stay after a last
// backup, or they are removed after it. It needs no render, so it works however old the stack is.
func (r *Reconciler) reconcileDeletion(ctx context.Context, s *scope) (ctrl.Result, error) {
	if !controllerutil.ContainsFinalizer(s.ics, v1alpha1.FinalizerRetain) {
		return ctrl.Result{}, nil
	}
	s.stoppingReason, s.stopping = v1alpha1.ReasonStopping, "the programs are being stopped"
	err := run(ctx, s, r.fixPolicy, r.stopBackups, r.closeWays, r.stopPrograms, r.finalBackup, r.stopDatabase, r.remove, r.markRetained, r.release)
	if s.isPassing(err) {
		return ctrl.Result{RequeueAfter: passingDelay}, nil
	}
	var refused *refusal
	if errors.As(refuse(err), &refused) {
		s.refused, err = refused, nil
	}
	s.failure = err
	if !s.released && s.ics.Status.Deletion != nil {
		err = errors.Join(err, r.writeStatus(ctx, s))
	}
	switch {
	case s.isPassing(err):
		return ctrl.Result{RequeueAfter: passingDelay}, nil
	case err == nil && s.refused != nil:
		return ctrl.Result{RequeueAfter: s.refused.retry}, nil
	}
	return ctrl.Result{RequeueAfter: s.again}, client.IgnoreNotFound(err)
}

// stack selects what is the tenant's. It is read from the API server: an object that was made a moment ago and is not in the
// cache yet must not be left running.
func (r *Reconciler) stack(s *scope) []client.ListOption {
	return []client.ListOption{client.InNamespace(s.ics.TenantNamespace()), client.MatchingLabels{v1alpha1.LabelICS: s.ics.Name}}
}

var (
	autoscalers = autoscalingv2.SchemeGroupVersion.WithKind("HorizontalPodAutoscaler")
	// programKinds are what runs for a tenant besides its database, or decides how much of it runs.
	programKinds = []schema.GroupVersionKind{autoscalers, deploymentKind, jobKind}
)

// stopPrograms deletes what holds no data: the API, the dashboard and the Jobs. Before a last backup it waits until the pods have
// ended too: whatever the API has acknowledged must be in it. So it does where no database is stopped after them.
func (r *Reconciler) stopPrograms(ctx context.Context, s *scope) (bool, error) {
	stopped := true
	database := s.ics.Status.Database
	waits := s.backsUp() || database != nil && database.Engine == stack.EngineExternal
	for _, kind := range programKinds {
		var options []client.DeleteOption
		if waits && kind.Group != autoscalers.Group {
			options = append(options, client.PropagationPolicy(metav1.DeletePropagationForeground))
		}
		programs := list(kind)
		if err := r.Uncached.List(ctx, programs, r.stack(s)...); err != nil {
			return false, fmt.Errorf("listing the programs of %s: %w", s.ics.Name, err)
		}
		for _, program := range programs.Items {
			if program.GetLabels()[v1alpha1.LabelComponent] == v1alpha1.ComponentDatabase {
				continue // what belongs to the database stops with it
			}
			if s.backsUp() && kind == jobKind && program.GetName() == finalJob(s) {
				continue
			}
			if stopped = stopped && !waits; waits {
				s.stopping = "waits until the pods of " + applyset.Ref(&program) + " have ended"
			}
			if program.GetDeletionTimestamp() != nil {
				continue
			}
			if err := r.Applier.Remove(ctx, &program, options...); err != nil {
				return false, fmt.Errorf("stopping the programs of %s: %w", s.ics.Name, err)
			}
		}
	}
	return stopped, nil
}

// markRetained notes on the namespace since when it keeps data without a resource, of when its last backup is, and what still runs.
func (r *Reconciler) markRetained(ctx context.Context, s *scope) (bool, error) {
	namespace, err := r.tenantNamespace(ctx, s)
	if err != nil || namespace == nil {
		return err == nil, err
	}
	marks := map[string]string{
		v1alpha1.AnnotationRetainedSince: s.ics.DeletionTimestamp.UTC().Format(time.RFC3339),
		v1alpha1.AnnotationFinalBackup:   "",
		v1alpha1.AnnotationStillRunning:  s.stillRunning,
	}
	s.elsewhere = namespace.GetAnnotations()[v1alpha1.AnnotationDatabaseEngine] == stack.EngineExternal
	if backup := s.ics.Status.Deletion.Backup; backup != nil {
		marks[v1alpha1.AnnotationFinalBackup] = backup.Completed.UTC().Format(time.RFC3339)
	}
	for _, key := range slices.Sorted(maps.Keys(marks)) {
		if err := r.annotate(ctx, namespace, key, marks[key]); err != nil {
			return false, fmt.Errorf("marking Namespace %s as retained: %w", namespace.GetName(), err)
		}
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
	r.tellRelease(s)
	return true, nil
}
