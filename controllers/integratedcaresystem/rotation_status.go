package integratedcaresystem

import (
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cmhf/operator/api/v1alpha1"
)

// setCredentials says which generation of Secrets is in use, and what a rotation waits for. A pass that did not get as far as the
// Secrets leaves what was said.
func setCredentials(s *scope) {
	if s.secretsLooked {
		status := &v1alpha1.CredentialsStatus{Generation: s.record.Generation}
		if since := s.secretsSince(); !since.IsZero() {
			status.Since = &metav1.Time{Time: since}
		}
		s.ics.Status.Credentials = status
	}
	if !s.rotationLooked {
		return
	}
	if s.rotation == nil {
		meta.RemoveStatusCondition(&s.ics.Status.Conditions, v1alpha1.ConditionCredentialsRotating)
		return
	}
	message := s.rotation.message
	if lost := s.lostSecrets(); lost != "" {
		message += "; gone and to be replaced: " + lost
	}
	meta.SetStatusCondition(&s.ics.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionCredentialsRotating, Status: metav1.ConditionTrue,
		Reason: s.rotation.reason, Message: message, ObservedGeneration: s.ics.Generation})
}
