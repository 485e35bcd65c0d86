package controllers_test

import (
	"strings"
	"testing"

	"github.com/onsi/gomega"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cmhf/operator/api/v1alpha1"
)

// Whether the data are guarded is found out by asking the API server, told again when a policy changes, and never decides whether the
// system is ready.
func TestDeletionProtected(t *testing.T) {
	startOperator(t, asOperator(t))
	ics := system("RCE")
	create(t, ics)
	waitReady(t, ics)
	waitCondition(t, ics, v1alpha1.ConditionDeletionProtected, metav1.ConditionTrue, v1alpha1.ReasonGuarded)

	t.Run("a confirmation that stands", func(t *testing.T) {
		claim := dataClaim(ics)
		confirm(t, claim, claim.Name)
		said := waitCondition(t, ics, v1alpha1.ConditionDeletionProtected, metav1.ConditionFalse, v1alpha1.ReasonDeletionConfirmed).Message
		for _, want := range []string{"PersistentVolumeClaim database-data", "kubectl -n ics-rce annotate persistentvolumeclaim database-data cmhf.health/confirm-deletion-"} {
			if !strings.Contains(said, want) {
				t.Errorf("the message %q lacks %q", said, want)
			}
		}
		change(t, claim, func(o *corev1.PersistentVolumeClaim) { delete(o.Annotations, v1alpha1.AnnotationConfirmDeletion) })
		waitCondition(t, ics, v1alpha1.ConditionDeletionProtected, metav1.ConditionTrue, v1alpha1.ReasonGuarded)
		confirm(t, ics, ics.Name)
		waitCondition(t, ics, v1alpha1.ConditionDeletionProtected, metav1.ConditionFalse, v1alpha1.ReasonDeletionConfirmed)
		change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { delete(i.Annotations, v1alpha1.AnnotationConfirmDeletion) })
		waitCondition(t, ics, v1alpha1.ConditionDeletionProtected, metav1.ConditionTrue, v1alpha1.ReasonGuarded)
	})

	// The others can't be asked without a right to the deletions; they are read.
	for policy, spoilt := range map[string]struct {
		edit func(*admissionregistrationv1.ValidatingAdmissionPolicyBinding)
		said string
	}{
		"cmhf-deletion-integratedcaresystems": {func(b *admissionregistrationv1.ValidatingAdmissionPolicyBinding) {
			b.Spec.ValidationActions = []admissionregistrationv1.ValidationAction{admissionregistrationv1.Warn}
		}, "IntegratedCareSystems can be deleted without a confirmation, because the binding of policy cmhf-deletion-integratedcaresystems does not refuse"},
		"cmhf-deletion-backups": {func(b *admissionregistrationv1.ValidatingAdmissionPolicyBinding) {
			b.Spec.MatchResources = &admissionregistrationv1.MatchResources{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"a": "b"}}}
		}, "Backups of CloudNativePG can be deleted without a confirmation, because the binding of policy cmhf-deletion-backups is for some of them only; VolumeSnapshots"},
	} {
		t.Run(policy+" does not refuse", func(t *testing.T) {
			binding := &admissionregistrationv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: policy}}
			must(t, get(t, binding))
			was := binding.Spec.DeepCopy()
			change(t, binding, spoilt.edit)
			said := waitCondition(t, ics, v1alpha1.ConditionDeletionProtected, metav1.ConditionFalse, v1alpha1.ReasonNotGuarded).Message
			for _, want := range []string{spoilt.said, "kubectl apply --server-side -k config/policy"} {
				if !strings.Contains(said, want) {
					t.Errorf("the message %q lacks %q", said, want)
				}
			}
			change(t, binding, func(b *admissionregistrationv1.ValidatingAdmissionPolicyBinding) { b.Spec = *was })
			waitCondition(t, ics, v1alpha1.ConditionDeletionProtected, metav1.ConditionTrue, v1alpha1.ReasonGuarded)
		})
	}

	t.Run("a policy that is not there", func(t *testing.T) {
		binding := &admissionregistrationv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: "cmhf-deletion-definitions"}}
		must(t, get(t, binding))
		must(t, k8s.Delete(t.Context(), binding))
		said := waitCondition(t, ics, v1alpha1.ConditionDeletionProtected, metav1.ConditionFalse, v1alpha1.ReasonNotGuarded).Message
		if !strings.HasPrefix(said, "CustomResourceDefinitions, and with them all resources of their kinds, can be deleted without a confirmation, because policy cmhf-deletion-definitions") {
			t.Errorf("the message is %q", said)
		}
		binding.ResourceVersion = ""
		create(t, binding)
		waitCondition(t, ics, v1alpha1.ConditionDeletionProtected, metav1.ConditionTrue, v1alpha1.ReasonGuarded)
	})

	t.Run("a policy that is there and refuses nothing", func(t *testing.T) {
		binding := &admissionregistrationv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: tenantsPolicy}}
		act := func(action admissionregistrationv1.ValidationAction) {
			change(t, binding, func(b *admissionregistrationv1.ValidatingAdmissionPolicyBinding) {
				b.Spec.ValidationActions = []admissionregistrationv1.ValidationAction{action}
			})
		}
		defer eventually(t, func(g gomega.Gomega) { g.Expect(tryDelete(t, dataClaim(ics))).NotTo(gomega.Succeed()) }) // in force for the tests after this one
		defer act(admissionregistrationv1.Deny)
		act(admissionregistrationv1.Audit)
		said := waitCondition(t, ics, v1alpha1.ConditionDeletionProtected, metav1.ConditionFalse, v1alpha1.ReasonNotGuarded).Message
		if !strings.Contains(said, "kubectl apply --server-side -k config/policy") {
			t.Errorf("the message does not say how to mend it: %s", said)
		}
		if !meta.IsStatusConditionTrue(ics.Status.Conditions, v1alpha1.ConditionReady) {
			t.Error("the system is said not to be ready")
		}
		act(admissionregistrationv1.Deny)
		waitCondition(t, ics, v1alpha1.ConditionDeletionProtected, metav1.ConditionTrue, v1alpha1.ReasonGuarded)
	})
}
