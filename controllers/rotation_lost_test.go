package controllers_test

import (
	"testing"

	"github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cmhf/operator/api/v1alpha1"
)

// A Secret that is lost while programs roll to it, or while the one before is retired, is replaced by the next generation; what was
// made before goes too.
func TestSecretsLostDuringARotation(t *testing.T) {
	for ods, test := range map[string]struct{ held, reason, lost string }{
		"YA2": {v1alpha1.ComponentCoordinationAPI, v1alpha1.ReasonSwitching, "api-internal-2"},
		"YA3": {v1alpha1.ComponentCoordinationAPI, v1alpha1.ReasonSwitching, "database-app-2"},
		"YA4": {v1alpha1.ComponentLogins, v1alpha1.ReasonRetiring, "database-app-2"},
	} {
		t.Run(test.reason+" "+test.lost, func(t *testing.T) {
			first := startOperator(t, restConfig)
			ics := system(ods)
			leave(t, ics)
			create(t, ics)
			waitReady(t, ics)
			record := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "database-record"}}
			eventually(t, func(g gomega.Gomega) { g.Expect(get(t, record)).To(gomega.Succeed()) })
			if test.reason == v1alpha1.ReasonSwitching {
				cluster.Hold(ics.TenantNamespace(), test.held)
			}
			requestRotation(t, ics, "x")
			if test.reason == v1alpha1.ReasonRetiring {
				waitCondition(t, ics, v1alpha1.ConditionCredentialsRotating, metav1.ConditionTrue, v1alpha1.ReasonSwitching)
				cluster.Hold(ics.TenantNamespace(), test.held)
			}
			waitCondition(t, ics, v1alpha1.ConditionCredentialsRotating, metav1.ConditionTrue, test.reason)
			first.stop()
			remove(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: test.lost}})
			startOperator(t, restConfig) // one that has not seen it
			eventually(t, func(g gomega.Gomega) {
				g.Expect(secrets(t, ics.TenantNamespace())).To(gomega.HaveKey("database-app-3"))
			})
			cluster.Release(ics.TenantNamespace(), test.held)
			waitRotated(t, ics, 3)
		})
	}
}

// A backup that began with the old Secrets and is between two tries has no pod, and needs them for the next one.
func TestARotationWaitsForTheNextTryOfABackup(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("YA6")
	leave(t, ics)
	create(t, ics)
	waitReady(t, ics)
	namespace := ics.TenantNamespace()
	cluster.Hold(namespace, v1alpha1.ComponentBackup)
	backUp(t, ics, "between-tries", 0, "")
	requestRotation(t, ics, "x")
	eventually(t, func(g gomega.Gomega) {
		g.Expect(get(t, ics)).To(gomega.Succeed())
		waits := meta.FindStatusCondition(ics.Status.Conditions, v1alpha1.ConditionCredentialsRotating)
		g.Expect(waits).NotTo(gomega.BeNil())
		g.Expect(waits.Message).To(gomega.ContainSubstring("Job between-tries has not ended"))
	})
	for name := range secrets(t, namespace) {
		if name == "database-owner" {
			cluster.Release(namespace, v1alpha1.ComponentBackup)
			waitRotated(t, ics, 2)
			return
		}
	}
	t.Error("the Secret database-owner is gone, and the next try of the backup needs it")
}
