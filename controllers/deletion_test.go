package controllers_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
)

// What each policy leaves, of a system that runs and of one that hibernates, and how the system comes back when it is declared again.
func TestDeletionPolicies(t *testing.T) {
	startOperator(t, asOperator(t))
	for _, c := range []struct {
		ods        string
		policy     v1alpha1.DeletionPolicy
		hibernated bool
	}{
		{"RC1", v1alpha1.DeletionRetain, false}, {"RC2", v1alpha1.DeletionRetain, true},
		{"RC3", v1alpha1.DeletionArchive, false}, {"RC4", v1alpha1.DeletionArchive, true},
		{"RC5", v1alpha1.DeletionDelete, false}, {"RC6", v1alpha1.DeletionDelete, true},
	} {
		name := string(c.policy)
		if c.hibernated {
			name += ", hibernated"
		}
		t.Run(name, func(t *testing.T) {
			ics := declared(t, c.ods, c.policy)
			if c.hibernated {
				change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.State = v1alpha1.StateHibernated })
				waitCondition(t, ics, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonHibernated)
			}
			before := dataOf(t, ics)
			remove(t, ics)
			waitGone(t, ics)

			if c.policy == v1alpha1.DeletionDelete {
				mustBeRemoved(t, ics, before)
			} else {
				mustKeep(t, ics, before)
				mustRest(t, ics)
			}
			mustTellOfBackup(t, ics, c.policy != v1alpha1.DeletionRetain)

			again := withPolicy(c.ods, c.policy)
			create(t, again)
			if c.policy == v1alpha1.DeletionDelete {
				said := waitCondition(t, again, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonDataMissing)
				if !strings.Contains(said.Message, "last backup") {
					t.Errorf("the message does not lead to the backup: %s", said.Message)
				}
				mustKeep(t, again, map[string]types.UID{"PersistentVolumeClaim/database-backups": before["PersistentVolumeClaim/database-backups"]})
				return
			}
			waitReady(t, again)
			mustKeep(t, again, before)
		})
	}
}

// mustRest: nothing runs in the namespace or will be started there.
func mustRest(t *testing.T, ics *v1alpha1.IntegratedCareSystem) {
	t.Helper()
	database := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "database"}}
	must(t, get(t, database))
	if *database.Spec.Replicas != 0 {
		t.Errorf("the database still has %d replicas", *database.Spec.Replicas)
	}
	cron := backupSchedule(ics)
	must(t, get(t, cron))
	if cron.Spec.Suspend == nil || !*cron.Spec.Suspend {
		t.Error("backups of a stopped database are still scheduled")
	}
	deployments := &appsv1.DeploymentList{}
	must(t, k8s.List(t.Context(), deployments, client.InNamespace(ics.TenantNamespace())))
	if len(deployments.Items) != 0 {
		t.Errorf("%d programs still run", len(deployments.Items))
	}
}

// mustBeRemoved: of what held data only the namespace and the backups are left, and the right to remove is gone too.
func mustBeRemoved(t *testing.T, ics *v1alpha1.IntegratedCareSystem, before map[string]types.UID) {
	t.Helper()
	left := dataOf(t, ics)
	want := map[string]types.UID{}
	for _, kept := range []string{"Namespace/" + ics.TenantNamespace(), "PersistentVolumeClaim/database-backups"} {
		want[kept] = before[kept]
	}
	if !maps.Equal(left, want) {
		t.Errorf("left are %v, want the namespace and the backups as they were: %v", left, want)
	}
	binding := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "cmhf-operator-tenant-removal"}}
	if err := get(t, binding); !apierrors.IsNotFound(err) {
		t.Errorf("the right to remove data is still there: %v", err)
	}
}

func mustTellOfBackup(t *testing.T, ics *v1alpha1.IntegratedCareSystem, made bool) {
	t.Helper()
	namespace := tenantNamespaceOf(ics)
	must(t, get(t, namespace))
	if namespace.Annotations[v1alpha1.AnnotationRetainedSince] == "" {
		t.Error("the namespace does not say since when it is retained")
	}
	if told := namespace.Annotations[v1alpha1.AnnotationFinalBackup] != ""; told != made {
		t.Errorf("the namespace tells of a last backup: %t, want %t", told, made)
	}
	if err := get(t, finalJob(ics)); (err == nil) != made {
		t.Errorf("the Job of the last backup: %v, want it: %t", err, made)
	}
}

// The last backup begins when the pods that write have ended, and nothing is stopped or removed before it is verified. The policy is
// the one of the moment of the deletion.
func TestLastBackupComesBetween(t *testing.T) {
	startOperator(t, asOperator(t))
	ics := declared(t, "RC7", v1alpha1.DeletionArchive)
	namespace, before := ics.TenantNamespace(), dataOf(t, ics)
	cluster.Hold(namespace, v1alpha1.ComponentCoordinationAPI)
	cluster.Hold(namespace, v1alpha1.ComponentBackup)
	remove(t, ics)
	eventually(t, func(g gomega.Gomega) {
		g.Expect(waitDeleting(t, ics, v1alpha1.ReasonStopping)).To(gomega.ContainSubstring("the pods of Deployment ics-rc7/coordination-api"))
	})
	if err := get(t, finalJob(ics)); !apierrors.IsNotFound(err) {
		t.Errorf("the last backup began while the API still wrote: %v", err)
	}
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.DeletionPolicy = v1alpha1.DeletionDelete })

	cluster.Release(namespace, v1alpha1.ComponentCoordinationAPI)
	if said := waitDeleting(t, ics, v1alpha1.ReasonBackingUp); !strings.Contains(said, "logs -f job/"+finalJob(ics).Name) {
		t.Errorf("the message does not lead to the log: %s", said)
	}
	job := finalJob(ics)
	must(t, get(t, job))
	if job.Spec.TTLSecondsAfterFinished != nil {
		t.Error("the Job that proves the backup would be cleaned up")
	}
	database := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "database"}}
	must(t, get(t, database))
	if *database.Spec.Replicas != 1 {
		t.Error("the database is stopped while it is backed up")
	}
	mustKeep(t, ics, before)
	if ics.Status.Deletion.Policy != v1alpha1.DeletionArchive {
		t.Errorf("the policy changed to %s midway", ics.Status.Deletion.Policy)
	}
	cluster.Release(namespace, v1alpha1.ComponentBackup)
	waitGone(t, ics)
	mustKeep(t, ics, before)
	mustRest(t, ics)
}

// Where the last backup can't be made nothing goes on, the status says why, and the data can be kept without it.
func TestDeletionWithoutABackupWaits(t *testing.T) {
	startOperator(t, asOperator(t))
	keep := func(t *testing.T, ics *v1alpha1.IntegratedCareSystem, before map[string]types.UID, said string) {
		t.Helper()
		if !strings.Contains(said, "kubectl annotate ics "+ics.Name+" cmhf.health/deletion-policy=Retain") {
			t.Errorf("the message does not say how to keep the data: %s", said)
		}
		mustKeep(t, ics, before)
	}
	retain := func(t *testing.T, ics *v1alpha1.IntegratedCareSystem, before map[string]types.UID) {
		t.Helper()
		change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Annotations[v1alpha1.AnnotationDeletionPolicy] = "Retain" })
		waitGone(t, ics)
		mustKeep(t, ics, before)
	}
	t.Run("it failed, and is made again", func(t *testing.T) {
		ics := declared(t, "RC8", v1alpha1.DeletionDelete)
		before := dataOf(t, ics)
		cluster.Fail(ics.TenantNamespace(), v1alpha1.ComponentBackup)
		remove(t, ics)
		keep(t, ics, before, waitDeleting(t, ics, v1alpha1.ReasonFinalBackupFailed))
		waitCondition(t, ics, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonFinalBackupFailed)
		cluster.Release(ics.TenantNamespace(), v1alpha1.ComponentBackup)
		must(t, k8s.Delete(t.Context(), finalJob(ics), client.PropagationPolicy(metav1.DeletePropagationBackground)))
		waitGone(t, ics)
		mustBeRemoved(t, ics, before)
	})
	t.Run("it failed, and the data are kept", func(t *testing.T) {
		ics := declared(t, "RC9", v1alpha1.DeletionDelete)
		before := dataOf(t, ics)
		cluster.Fail(ics.TenantNamespace(), v1alpha1.ComponentBackup)
		remove(t, ics)
		waitDeleting(t, ics, v1alpha1.ReasonFinalBackupFailed)
		retain(t, ics, before)
	})
	t.Run("there is no schedule", func(t *testing.T) {
		ics := declared(t, "RCA", v1alpha1.DeletionArchive)
		before := dataOf(t, ics)
		ics2 := ics.DeepCopy()
		change(t, ics2, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.Suspend = true })
		must(t, client.IgnoreNotFound(k8s.Delete(t.Context(), backupSchedule(ics))))
		remove(t, ics)
		change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.Suspend = false })
		keep(t, ics, before, waitDeleting(t, ics, v1alpha1.ReasonFinalBackupUnavailable))
		retain(t, ics, before)
	})
	t.Run("it is gone before the removal", func(t *testing.T) {
		ics := declared(t, "RCB", v1alpha1.DeletionDelete)
		before := dataOf(t, ics)
		cluster.Hold(ics.TenantNamespace(), v1alpha1.ComponentBackup)
		remove(t, ics)
		waitDeleting(t, ics, v1alpha1.ReasonBackingUp)
		change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { delete(i.Annotations, v1alpha1.AnnotationConfirmDeletion) })
		cluster.Release(ics.TenantNamespace(), v1alpha1.ComponentBackup)
		keep(t, ics, before, waitDeleting(t, ics, v1alpha1.ReasonDeletionNotConfirmed))
		remove(t, backupClaim(ics))
		waitGone(t, backupClaim(ics))
		delete(before, "PersistentVolumeClaim/database-backups")
		confirm(t, ics, ics.Name)
		keep(t, ics, before, waitDeleting(t, ics, v1alpha1.ReasonFinalBackupUnavailable))
		retain(t, ics, before)
	})
	t.Run("there is nothing to back up", func(t *testing.T) {
		ics := withPolicy("RCC", v1alpha1.DeletionDelete)
		create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ics.TenantNamespace()}})
		create(t, ics)
		waitCondition(t, ics, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonNamespaceConflict)
		remove(t, ics)
		waitGone(t, ics)
		must(t, get(t, tenantNamespaceOf(ics)))
	})
}

// A tenant that was deleted twice is backed up twice: the Job of the first deletion proves nothing for the second.
func TestEveryDeletionHasItsOwnBackup(t *testing.T) {
	startOperator(t, asOperator(t))
	first := declared(t, "RCD", v1alpha1.DeletionArchive)
	remove(t, first)
	waitGone(t, first)
	must(t, get(t, finalJob(first)))
	second := declared(t, "RCD", v1alpha1.DeletionArchive)
	cluster.Hold(second.TenantNamespace(), v1alpha1.ComponentBackup)
	remove(t, second)
	waitDeleting(t, second, v1alpha1.ReasonBackingUp)
	job := finalJob(second)
	must(t, get(t, job))
	if len(job.Status.Conditions) != 0 {
		t.Error("the last backup is said to be complete, and is not")
	}
	cluster.Release(second.TenantNamespace(), v1alpha1.ComponentBackup)
	waitGone(t, second)
	jobs := &batchv1.JobList{}
	must(t, k8s.List(t.Context(), jobs, client.InNamespace(second.TenantNamespace())))
	if len(jobs.Items) != 1 || jobs.Items[0].Name != job.Name {
		t.Errorf("%d Jobs are left, want the one of the last backup", len(jobs.Items))
	}
}
