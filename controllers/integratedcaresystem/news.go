package integratedcaresystem

import (
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cmhf/operator/api/v1alpha1"
)

// mayWait says whether what changed in the status may be kept back for a moment, because it is on its way to change again: how far a
// system has come up that is told already to be coming up, or to have been declared anew, and how many of its services are ready. That
// it serves, that it no longer does, that services can be declared, and what someone has to mend are told at once.
func (s *scope) mayWait() bool {
	before, after := s.original.Status, s.ics.Status
	was, is := meta.FindStatusCondition(before.Conditions, v1alpha1.ConditionReady), meta.FindStatusCondition(after.Conditions, v1alpha1.ConditionReady)
	switch {
	case was == nil || is == nil || s.stopping != "" || s.refused != nil || s.failure != nil || s.ics.Spec.Suspend:
		return false
	case meta.IsStatusConditionTrue(after.Conditions, v1alpha1.ConditionStalled) || meta.IsStatusConditionTrue(before.Conditions, v1alpha1.ConditionStalled),
		meta.IsStatusConditionTrue(before.Conditions, v1alpha1.ConditionSuspended):
		return false
	case meta.IsStatusConditionTrue(before.Conditions, v1alpha1.ConditionNamespaceReady) != meta.IsStatusConditionTrue(after.Conditions, v1alpha1.ConditionNamespaceReady):
		return false
	case is.Status != metav1.ConditionTrue:
		return was.Status != metav1.ConditionTrue || was.ObservedGeneration != is.ObservedGeneration
	}
	before.Services = after.Services
	return equality.Semantic.DeepEqual(before, after)
}
