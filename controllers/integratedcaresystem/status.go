package integratedcaresystem

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/announce"
	"github.com/cmhf/operator/internal/stack"
)

// writeStatus computes the status from the scope and writes it once, only if it changed. What may wait is written by a later pass, for
// which it asks.
func (r *Reconciler) writeStatus(ctx context.Context, s *scope) error {
	computeStatus(s)
	if equality.Semantic.DeepEqual(s.original.Status, s.ics.Status) {
		r.news.Told(s.ics.Name)
		return nil
	}
	if s.mayWait() {
		if wait := r.news.Keep(s.ics.Name); wait > 0 {
			s.lookAfter(wait)
			return nil
		}
	}
	r.news.Told(s.ics.Name)
	wasReady := meta.FindStatusCondition(s.original.Status.Conditions, v1alpha1.ConditionReady)
	if err := r.Client.Status().Update(ctx, s.ics); err != nil {
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("writing the status of IntegratedCareSystem %s: %w", s.ics.Name, err)
	}
	ready := meta.FindStatusCondition(s.ics.Status.Conditions, v1alpha1.ConditionReady)
	if ready == nil {
		return nil
	}
	if announce.Worth(wasReady, ready, s.refused != nil || stalledPart(s) != nil) {
		kind := corev1.EventTypeNormal
		if s.refused != nil {
			kind = corev1.EventTypeWarning
		}
		r.Recorder.Eventf(s.ics, nil, kind, ready.Reason, "Reconcile", "%s", ready.Message)
	}
	return nil
}

// computeStatus is pure: scope in, status out.
func computeStatus(s *scope) {
	status := &s.ics.Status
	if s.ics.Spec.Suspend {
		// Nothing was looked at, so nothing else is said: the other conditions keep the generation that they speak of.
		meta.SetStatusCondition(&status.Conditions, metav1.Condition{Type: v1alpha1.ConditionSuspended, Status: metav1.ConditionTrue,
			Reason: v1alpha1.ReasonSuspended, Message: "nothing is applied or put back until spec.suspend is false", ObservedGeneration: s.ics.Generation})
		return
	}
	meta.RemoveStatusCondition(&status.Conditions, v1alpha1.ConditionSuspended)
	status.ObservedGeneration = s.ics.Generation
	status.Namespace = s.ics.TenantNamespace()
	status.Endpoints = &v1alpha1.Endpoints{API: s.ics.Spec.Stack.CoordinationAPI.URL, Dashboard: s.ics.Spec.Stack.Dashboard.URL}
	if s.everythingCurrent() {
		status.Release = &v1alpha1.ReleaseStatus{Current: s.inputs.Release}
	}
	if s.namespaceApplied {
		status.Database = s.databaseStatus()
		status.Inventory = &v1alpha1.Inventory{Objects: int32(len(s.objects)), Hash: stack.Hash(s.objects), Retained: s.retained}
	}
	if !s.counted.IsZero() {
		status.Migrated = new(metav1.NewTime(s.counted))
	}
	setCredentials(s)
	if s.servicesCounted {
		status.Services = &v1alpha1.ServicesStatus{Total: s.total, Ready: s.ready, Summary: fmt.Sprintf("%d/%d", s.ready, s.total)}
	}
	set := func(kind string, value metav1.ConditionStatus, reason, message string) {
		meta.SetStatusCondition(&status.Conditions, metav1.Condition{
			Type: kind, Status: value, Reason: reason, Message: message, ObservedGeneration: s.ics.Generation,
		})
	}
	for _, condition := range partConditions(s) {
		meta.SetStatusCondition(&status.Conditions, condition)
	}
	setRestored(s, set)
	if s.guard != nil {
		meta.SetStatusCondition(&status.Conditions, *s.guard)
	}
	if s.backups != nil {
		status.Backups = s.backups.status()
		meta.SetStatusCondition(&status.Conditions, s.backups.condition(s.ics.Generation))
	}
	setSizeAdvisory(s.ics, set)
	setDefaultService(s, set)

	ready := readiness(s)
	meta.SetStatusCondition(&status.Conditions, ready)
	// Only what no longer holds is removed: a condition that stays keeps the time since when it has been so.
	switch {
	case s.refused != nil || stalledPart(s) != nil:
		set(v1alpha1.ConditionStalled, metav1.ConditionTrue, ready.Reason, ready.Message)
		meta.RemoveStatusCondition(&status.Conditions, v1alpha1.ConditionReconciling)
	case s.failure != nil:
		set(v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonProgressing, s.failure.Error())
		meta.RemoveStatusCondition(&status.Conditions, v1alpha1.ConditionStalled)
	case ready.Status != metav1.ConditionTrue:
		set(v1alpha1.ConditionReconciling, metav1.ConditionTrue, ready.Reason, ready.Message)
		meta.RemoveStatusCondition(&status.Conditions, v1alpha1.ConditionStalled)
	default:
		meta.RemoveStatusCondition(&status.Conditions, v1alpha1.ConditionReconciling)
		meta.RemoveStatusCondition(&status.Conditions, v1alpha1.ConditionStalled)
	}
}

// everythingCurrent: every workload that is to be was applied from this render, so the release that it comes from is the one that runs,
// or rests.
func (s *scope) everythingCurrent() bool {
	for _, object := range s.objects {
		if stage := stack.StageOf(object); stage >= stack.StageDatabase && !s.rests(stage) && !s.parts[stage].current {
			return false
		}
	}
	return len(s.objects) > 0
}

// readiness is True only when every part serves as this generation declares it.
func readiness(s *scope) metav1.Condition {
	condition := func(status metav1.ConditionStatus, reason, message string) metav1.Condition {
		return metav1.Condition{Type: v1alpha1.ConditionReady, Status: status, Reason: reason, Message: message, ObservedGeneration: s.ics.Generation}
	}
	not := func(reason, message string) metav1.Condition {
		return condition(metav1.ConditionFalse, reason, message)
	}
	switch was := s.before(v1alpha1.ConditionReady); {
	case s.refused != nil:
		return not(s.refused.reason, s.refused.message)
	case s.failure != nil && s.stopping == "" && was.ObservedGeneration == s.ics.Generation:
		// A call that failed says nothing of the parts: Reconciling tells of it, and the next pass looks again.
		return was
	case s.failure != nil:
		return not(v1alpha1.ReasonProgressing, s.failure.Error())
	case s.stopping != "":
		return not(s.stoppingReason, s.stopping)
	case s.waits != "":
		return not(v1alpha1.ReasonProgressing, s.waits)
	}
	for _, condition := range partConditions(s) {
		if condition.Status != metav1.ConditionTrue && condition.Reason != v1alpha1.ReasonHibernated {
			return not(condition.Reason, condition.Type+": "+condition.Message)
		}
	}
	if s.inputs.Hibernated {
		return condition(metav1.ConditionTrue, v1alpha1.ReasonHibernated, "nothing runs, as declared; the data are kept")
	}
	if s.inputs.ReadOnly {
		return condition(metav1.ConditionTrue, v1alpha1.ReasonReadOnly, "everything runs as declared; records can be read and not changed")
	}
	return condition(metav1.ConditionTrue, v1alpha1.ReasonAsDeclared, "database, coordination API and dashboard run as declared")
}
