package controllers_test

import (
	"strings"
	"testing"

	"github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
)

// Who keeps the data while they are being removed takes the right to remove them away too.
func TestKeptMidwayEndsTheGrant(t *testing.T) {
	startOperator(t, asOperator(t))
	ics := declared(t, "XA5", v1alpha1.DeletionDelete)
	data := dataClaim(ics)
	change(t, data, func(c *corev1.PersistentVolumeClaim) { c.Finalizers = append(c.Finalizers, "example.org/hold") })
	remove(t, ics)
	binding := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "cmhf-operator-tenant-removal"}}
	eventually(t, func(g gomega.Gomega) {
		g.Expect(get(t, data)).To(gomega.Succeed())
		g.Expect(data.DeletionTimestamp).NotTo(gomega.BeNil())
		g.Expect(get(t, binding)).To(gomega.Succeed())
	})
	// As if it had been called off between a confirmation and the deletion.
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "database-owner"}}
	change(t, secret, func(s *corev1.Secret) {
		s.Annotations = map[string]string{v1alpha1.AnnotationConfirmDeletion: s.Name, "example.org/note": "kept"}
	})
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Annotations[v1alpha1.AnnotationDeletionPolicy] = "Retain" })
	waitGone(t, ics)
	must(t, get(t, secret))
	if _, confirmed := secret.Annotations[v1alpha1.AnnotationConfirmDeletion]; confirmed || secret.Annotations["example.org/note"] == "" {
		t.Errorf("what is kept can be deleted without a confirmation: %v", secret.Annotations)
	}
	if err := get(t, binding); !apierrors.IsNotFound(err) {
		t.Errorf("the right to remove data is still there: %v", err)
	}
	change(t, data, func(c *corev1.PersistentVolumeClaim) { c.Finalizers = nil })
}

// What the deletion leaves of a database elsewhere is told as it is.
func TestDeletionOfASystemWithADatabaseElsewhere(t *testing.T) {
	startOperator(t, asOperator(t))
	for ods, policy := range map[string]struct {
		policy v1alpha1.DeletionPolicy
		told   string
	}{
		"XA6": {v1alpha1.DeletionDelete, "the programs are stopped; the external database is as it was, with a last backup on PersistentVolumeClaim database-backups in namespace ics-xa6"},
		"XA7": {v1alpha1.DeletionRetain, "the programs are stopped; the external database is as it was, what belongs to it stays in namespace ics-xa7"},
	} {
		t.Run(string(policy.policy), func(t *testing.T) {
			ics := withPolicy(ods, policy.policy)
			serveElsewhere(t, ics)
			schedule(t, ics)
			remove(t, ics)
			waitGone(t, ics)
			mustTell(t, ics, policy.told)
		})
	}
}

// CloudNativePG stops no database that is not whole. Its system can be deleted all the same, the data stay, and what still runs is told.
func clusterLetGo(t *testing.T) {
	startOperator(t, restConfig)
	for ods, policy := range map[string]v1alpha1.DeletionPolicy{"XA8": v1alpha1.DeletionRetain, "XA9": v1alpha1.DeletionArchive} {
		ics := clustered(ods)
		leave(t, ics)
		ics.Spec.DeletionPolicy = policy
		create(t, ics)
		waitReady(t, ics)
		live := databaseCluster(ics)
		must(t, get(t, live))
		uid := live.GetUID()
		cluster.Hold(ics.TenantNamespace(), v1alpha1.ComponentDatabase)
		waitCondition(t, ics, v1alpha1.ConditionDatabaseReady, metav1.ConditionFalse, v1alpha1.ReasonProgressing)
		remove(t, ics)
		if policy == v1alpha1.DeletionArchive {
			eventually(t, func(g gomega.Gomega) {
				g.Expect(waitDeleting(t, ics, v1alpha1.ReasonStopping)).To(gomega.ContainSubstring("cmhf.health/deletion-policy=Retain"))
			})
			change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Annotations[v1alpha1.AnnotationDeletionPolicy] = "Retain" })
		}
		waitGone(t, ics)
		must(t, get(t, live))
		if live.GetAnnotations()["cnpg.io/hibernation"] != "on" || live.GetDeletionTimestamp() != nil {
			t.Errorf("after the deletion of its system the Cluster is %v", live.GetAnnotations())
		}
		still := "the servers of Cluster " + ics.TenantNamespace() + "/database still run (CloudNativePG stops a database only while it is whole, and waits for that: Setting up primary)"
		mustTell(t, ics, "the programs are stopped; the data stay in namespace "+ics.TenantNamespace()+"; "+still)
		namespace := tenantNamespaceOf(ics)
		must(t, get(t, namespace))
		if told := namespace.Annotations[v1alpha1.AnnotationStillRunning]; told != still {
			t.Errorf("the namespace tells %q", told)
		}

		// The same system finds its data, and the note goes.
		cluster.Release(ics.TenantNamespace(), v1alpha1.ComponentDatabase)
		*ics = *clustered(ods)
		create(t, ics)
		waitReady(t, ics)
		must(t, get(t, live))
		must(t, get(t, namespace))
		if told, is := namespace.Annotations[v1alpha1.AnnotationStillRunning]; is || live.GetUID() != uid {
			t.Errorf("taken back, the namespace tells %q, and the Cluster is %s instead of %s", told, live.GetUID(), uid)
		}
	}
}

// mustTell waits for the event of the end of a system.
func mustTell(t *testing.T, ics *v1alpha1.IntegratedCareSystem, words string) {
	t.Helper()
	eventually(t, func(g gomega.Gomega) {
		events := &corev1.EventList{}
		g.Expect(k8s.List(t.Context(), events, client.InNamespace("default"))).To(gomega.Succeed())
		var told []string
		for _, e := range events.Items {
			if e.InvolvedObject.UID == ics.UID && strings.HasPrefix(e.Message, "the programs are stopped") {
				told = append(told, e.Message)
			}
		}
		g.Expect(told).To(gomega.Equal([]string{words}))
	})
}
