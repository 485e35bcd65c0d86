package controllers_test

import (
	"strings"
	"testing"

	"github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
)

// A new system's database is filled before anything else touches it, once, and it is told ever after.
func TestRestore(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("RB5")
	ics.Spec.Stack.Database.RestoreFrom = &v1alpha1.RestoreFrom{Backup: "20261122T011003Z", ODSCode: "QOP"}
	cluster.Fail(ics.TenantNamespace(), v1alpha1.ComponentRestore)
	create(t, ics)
	waitCondition(t, ics, v1alpha1.ConditionDatabaseRestored, metav1.ConditionFalse, v1alpha1.ReasonRestoreFailed)
	waitCondition(t, ics, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonRestoreFailed)

	// The Job that is deleted after mending is made again.
	cluster.Release(ics.TenantNamespace(), v1alpha1.ComponentRestore)
	cluster.Hold(ics.TenantNamespace(), v1alpha1.ComponentRestore)
	must(t, k8s.DeleteAllOf(t.Context(), &batchv1.Job{}, client.InNamespace(ics.TenantNamespace()), client.PropagationPolicy(metav1.DeletePropagationBackground)))
	told := waitCondition(t, ics, v1alpha1.ConditionDatabaseRestored, metav1.ConditionFalse, v1alpha1.ReasonRestoring)
	if !strings.Contains(told.Message, "20261122T011003Z of QOP is awaited on the claim database-backups") {
		t.Errorf("told %q", told.Message)
	}
	waitCondition(t, ics, v1alpha1.ConditionCoordinationAPIReady, metav1.ConditionFalse, v1alpha1.ReasonWaiting)
	if jobs := jobsOf(t, ics, v1alpha1.ComponentMigration); len(jobs) != 0 {
		t.Error("the migration has begun before the restore")
	}
	restores := jobsOf(t, ics, v1alpha1.ComponentRestore)
	if len(restores) != 1 {
		t.Fatalf("%d Jobs restore", len(restores))
	}
	container := restores[0].Spec.Template.Spec.Containers[0]
	if container.Args[0] != "/var/lib/cmhf/backups/20261122T011003Z" || container.Env[0].Value != "QOP" {
		t.Errorf("it restores %v of %s", container.Args, container.Env[0].Value)
	}
	cluster.Release(ics.TenantNamespace(), v1alpha1.ComponentRestore)
	waitReady(t, ics)
	told = waitCondition(t, ics, v1alpha1.ConditionDatabaseRestored, metav1.ConditionTrue, v1alpha1.ReasonRestored)
	if told.Message != "the database began as the backup 20261122T011003Z of QOP" {
		t.Errorf("told %q", told.Message)
	}
	eventually(t, func(g gomega.Gomega) { g.Expect(jobsOf(t, ics, v1alpha1.ComponentRestore)).To(gomega.BeEmpty()) })

	// From now on it changes nothing, whatever it says; without it the origin is still told.
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.Stack.Database.RestoreFrom.Backup = "20270101T000000Z" })
	waitReady(t, ics)
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.Stack.Database.RestoreFrom = nil })
	waitReady(t, ics)
	waitCondition(t, ics, v1alpha1.ConditionDatabaseRestored, metav1.ConditionTrue, v1alpha1.ReasonRestored)
	if len(jobsOf(t, ics, v1alpha1.ComponentRestore)) != 0 {
		t.Error("it was restored over data")
	}
}

// A database that has served is never filled again; it goes on serving.
func TestRestoreIntoADatabaseThatServes(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("RB6")
	create(t, ics)
	waitReady(t, ics)
	record := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "database-record"}}
	eventually(t, func(g gomega.Gomega) { g.Expect(get(t, record)).To(gomega.Succeed()) })
	if meta.FindStatusCondition(ics.Status.Conditions, v1alpha1.ConditionDatabaseRestored) != nil {
		t.Error("a database that started empty is told as restored")
	}
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) {
		i.Spec.Stack.Database.RestoreFrom = &v1alpha1.RestoreFrom{Backup: "20261122T011003Z"}
	})
	waitCondition(t, ics, v1alpha1.ConditionDatabaseRestored, metav1.ConditionFalse, v1alpha1.ReasonAlreadyServed)
	waitReady(t, ics)
	if len(jobsOf(t, ics, v1alpha1.ComponentRestore)) != 0 {
		t.Error("it was restored over data")
	}
}

// A system that has lost its volume comes back from its own backup: the claim of the backups stays, the record is taken away by a
// person who has decided to go on.
func TestRestoreAfterALostVolume(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("RB7")
	create(t, ics)
	waitReady(t, ics)
	record := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "database-record"}}
	eventually(t, func(g gomega.Gomega) { g.Expect(get(t, record)).To(gomega.Succeed()) })
	backups := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "database-backups"}}
	must(t, get(t, backups))
	data := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "database-data"}}
	must(t, get(t, data))
	lost, migrated := data.UID, jobsOf(t, ics, v1alpha1.ComponentMigration)[0].UID
	change(t, data, func(c *corev1.PersistentVolumeClaim) { c.Finalizers = nil })
	remove(t, data)
	waitCondition(t, ics, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDataMissing)

	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) {
		i.Spec.Stack.Database.RestoreFrom = &v1alpha1.RestoreFrom{Backup: "20261122T011003Z"}
	})
	waitCondition(t, ics, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonDataMissing)
	must(t, k8s.Delete(t.Context(), record))
	waitReady(t, ics)
	waitCondition(t, ics, v1alpha1.ConditionDatabaseRestored, metav1.ConditionTrue, v1alpha1.ReasonRestored)
	must(t, get(t, data))
	now := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "database-backups"}}
	must(t, get(t, now))
	if data.UID == lost || now.UID != backups.UID {
		t.Error("the claim of the backups was replaced, or that of the data was not")
	}
	if jobs := jobsOf(t, ics, v1alpha1.ComponentMigration); len(jobs) != 1 || jobs[0].UID == migrated {
		t.Error("the migration of the lost volume counts for the new one")
	}
	must(t, get(t, &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "database"}}))
	eventually(t, func(g gomega.Gomega) {
		g.Expect(get(t, record)).To(gomega.Succeed())
		g.Expect(record.Data["volume"]).To(gomega.Equal(string(data.UID)))
	})
}

func jobsOf(t *testing.T, ics *v1alpha1.IntegratedCareSystem, component string) []batchv1.Job {
	t.Helper()
	jobs := &batchv1.JobList{}
	must(t, k8s.List(t.Context(), jobs, client.InNamespace(ics.TenantNamespace()), client.MatchingLabels{v1alpha1.LabelComponent: component}))
	return jobs.Items
}
