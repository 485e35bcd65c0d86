package controllers_test

import (
	"strings"
	"testing"
	"time"

	"github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

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
			cluster.Hold(ics.TenantNamespace(), v1alpha1.ComponentCoordinationAPI)
			requestRotation(t, ics, "x")
			if test.reason == v1alpha1.ReasonRetiring {
				waitCondition(t, ics, v1alpha1.ConditionCredentialsRotating, metav1.ConditionTrue, v1alpha1.ReasonSwitching)
				cluster.Hold(ics.TenantNamespace(), test.held)
				cluster.Release(ics.TenantNamespace(), v1alpha1.ComponentCoordinationAPI)
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

// CloudNativePG brings the owner's login of whichever generation to the Secret that is there, so one that was made anew counts.
func clusterOwnerLost(t *testing.T) {
	ics := clustered("SG1")
	leave(t, ics)
	first := startOperator(t, restConfig)
	create(t, ics)
	waitReady(t, ics)
	record := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "database-record"}}
	eventually(t, func(g gomega.Gomega) { g.Expect(get(t, record)).To(gomega.Succeed()) })
	requestRotation(t, ics, "x")
	waitGeneration(t, ics, 2)
	lost := secrets(t, ics.TenantNamespace())["database-owner-2"]
	first.stop()
	remove(t, &lost)
	eventually(t, func(g gomega.Gomega) {
		live := databaseCluster(ics)
		g.Expect(get(t, live)).To(gomega.Succeed())
		problems, _, _ := unstructured.NestedMap(live.Object, "status", "managedRolesStatus", "cannotReconcile")
		g.Expect(problems).To(gomega.HaveKey("cmhf_owner_2"))
	})
	startOperator(t, restConfig) // one that has not seen it
	eventually(t, func(g gomega.Gomega) {
		anew, there := secrets(t, ics.TenantNamespace())["database-owner-2"]
		g.Expect(there).To(gomega.BeTrue())
		g.Expect(anew.UID).NotTo(gomega.Equal(lost.UID))
		g.Expect(anew.Labels).To(gomega.HaveKey("cnpg.io/reload"))
	})
	waitGeneration(t, ics, 2)
	requestRotation(t, ics, "y")
	waitGeneration(t, ics, 3)
}

// The rotation that replaces the app's Secret is not held back by the Cluster that misses it too.
func clusterAppLost(t *testing.T) {
	ics := clustered("SG2")
	leave(t, ics)
	first := startOperator(t, restConfig)
	create(t, ics)
	waitReady(t, ics)
	record := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "database-record"}}
	eventually(t, func(g gomega.Gomega) { g.Expect(get(t, record)).To(gomega.Succeed()) })
	first.stop()
	remove(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "database-app"}})
	startOperator(t, restConfig)
	waitGeneration(t, ics, 2)
}

// waitGeneration waits until a system is Ready with a generation and rotates no more.
func waitGeneration(t *testing.T, ics *v1alpha1.IntegratedCareSystem, generation int64) {
	t.Helper()
	eventually(t, func(g gomega.Gomega) {
		g.Expect(get(t, ics)).To(gomega.Succeed())
		g.Expect(ics.Status.Credentials.Generation).To(gomega.Equal(generation))
		g.Expect(meta.FindStatusCondition(ics.Status.Conditions, v1alpha1.ConditionCredentialsRotating)).To(gomega.BeNil())
		g.Expect(meta.IsStatusConditionTrue(ics.Status.Conditions, v1alpha1.ConditionReady)).To(gomega.BeTrue())
	})
}

// A Standalone database takes its owner's new password when it starts, so until then the condition tells what to do, and after that
// the rest goes on: where the app's Secret is lost too, the rotation that replaces it.
func TestLostOwnerAwaitsARestart(t *testing.T) {
	for ods, test := range map[string]struct {
		lost       []string
		generation int64
	}{
		"SG3": {[]string{"database-owner"}, 1},
		"SG4": {[]string{"database-owner", "database-app"}, 2},
	} {
		t.Run(strings.Join(test.lost, " and "), func(t *testing.T) {
			first := startOperator(t, restConfig)
			ics := system(ods)
			leave(t, ics)
			create(t, ics)
			waitReady(t, ics)
			record := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "database-record"}}
			eventually(t, func(g gomega.Gomega) { g.Expect(get(t, record)).To(gomega.Succeed()) })
			first.stop()
			pod := databasePod(t, ics.TenantNamespace())
			before := secrets(t, ics.TenantNamespace())
			for _, name := range test.lost {
				remove(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: name}})
			}
			// Times of Kubernetes are whole seconds.
			eventually(t, func(g gomega.Gomega) {
				g.Expect(time.Since(pod.CreationTimestamp.Time)).To(gomega.BeNumerically(">", time.Second))
			})
			startOperator(t, restConfig) // one that has not seen it
			said := waitCondition(t, ics, v1alpha1.ConditionCredentialsRotating, metav1.ConditionTrue, v1alpha1.ReasonDatabaseRestartNeeded)
			if want := "kubectl -n " + ics.TenantNamespace() + " delete pod database-0"; !strings.Contains(said.Message, want) {
				t.Errorf("the message lacks %q: %s", want, said.Message)
			}
			now := secrets(t, ics.TenantNamespace())
			if want := string(now["database-owner"].Data["verifier"]); !strings.Contains(string(now["database-logins"].Data["owner"]), want) {
				t.Error("a database that starts would not take the new password")
			}
			if was := string(before["database-logins"].Data["app"]); string(now["database-logins"].Data["app"]) != was {
				t.Error("a database that starts would know another login of the app")
			}
			must(t, k8s.Delete(t.Context(), pod, client.GracePeriodSeconds(0)))
			waitGeneration(t, ics, test.generation)
		})
	}
}

// databasePod is a pod of a Standalone database. No kubelet runs here.
func databasePod(t *testing.T, namespace string) *corev1.Pod {
	t.Helper()
	pod := podOf(namespace, "database-0", v1alpha1.ComponentDatabase)
	create(t, pod)
	return pod
}
