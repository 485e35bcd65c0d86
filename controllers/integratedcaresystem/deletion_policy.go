package integratedcaresystem

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cmhf/operator/api/v1alpha1"
)

// fixPolicy notes in the status, before anything is stopped, what becomes of the data: a later edit of the spec changes it no
// more, except by the annotation that keeps the data. The status is written to the version that was read, so that a policy that
// was edited a moment ago and is not in the cache yet is not missed.
func (r *Reconciler) fixPolicy(ctx context.Context, s *scope) (bool, error) {
	policy := s.ics.Spec.DeletionPolicy
	if s.ics.Status.Deletion != nil {
		policy = s.ics.Status.Deletion.Policy
	}
	if policy == "" || s.ics.Annotations[v1alpha1.AnnotationDeletionPolicy] == string(v1alpha1.DeletionRetain) {
		policy = v1alpha1.DeletionRetain
	}
	if s.ics.Status.Deletion == nil {
		s.ics.Status.Deletion = &v1alpha1.DeletionStatus{}
	}
	if s.ics.Status.Deletion.Policy == policy {
		return true, nil
	}
	s.ics.Status.Deletion.Policy = policy
	err := r.noteDeletion(ctx, s)
	return err == nil, err
}

// noteDeletion writes what the next steps rely on before they are taken.
func (r *Reconciler) noteDeletion(ctx context.Context, s *scope) error {
	if err := r.Client.Status().Update(ctx, s.ics); err != nil {
		return fmt.Errorf("noting the deletion of IntegratedCareSystem %s in its status: %w", s.ics.Name, err)
	}
	s.original = s.ics.DeepCopy()
	return nil
}

// deletes says whether the data are to be removed in the end.
func (s *scope) deletes() bool { return s.ics.Status.Deletion.Policy == v1alpha1.DeletionDelete }

// backsUp says whether a backup comes first.
func (s *scope) backsUp() bool { return s.ics.Status.Deletion.Policy != v1alpha1.DeletionRetain }

// keepInstead says how to end a deletion that can't go on, with the data kept as they are.
func (s *scope) keepInstead() string {
	return fmt.Sprintf("to keep the data as they are instead: kubectl annotate ics %s %s=%s --overwrite",
		s.ics.Name, v1alpha1.AnnotationDeletionPolicy, v1alpha1.DeletionRetain)
}

// tenantNamespace gives the tenant's namespace; nil when it is gone or was never this system's, so that nothing in it is touched.
func (r *Reconciler) tenantNamespace(ctx context.Context, s *scope) (*unstructured.Unstructured, error) {
	namespace, err := r.existingNamespace(ctx, s.ics.TenantNamespace())
	if err != nil || namespace == nil || !belongs(namespace, s.ics) {
		return nil, err
	}
	return namespace, nil
}

// tellRelease says in an event what the deletion left.
func (r *Reconciler) tellRelease(s *scope) {
	left := "the data stay"
	backup := s.ics.Status.Deletion.Backup
	switch {
	case s.elsewhere && backup != nil:
		left = "the external database is as it was, with a last backup on PersistentVolumeClaim " + backup.Claim
	case s.elsewhere:
		left = "the external database is as it was, what belongs to it stays"
	case backup != nil && s.deletes():
		left = "the database is removed, its backups stay on PersistentVolumeClaim " + backup.Claim
	case backup != nil && s.backsUp():
		left = "the data stay, with a last backup on PersistentVolumeClaim " + backup.Claim
	}
	left += " in namespace " + s.ics.TenantNamespace()
	if s.stillRunning != "" {
		left += "; " + s.stillRunning
	}
	r.Recorder.Eventf(s.original, nil, corev1.EventTypeNormal, v1alpha1.ReasonStopping, "Delete", "the programs are stopped; %s", left)
}
