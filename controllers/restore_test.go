package controllers_test

import (
	"strings"
	"testing"
	"time"

	"github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/stack"
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
	said := waitCondition(t, ics, v1alpha1.ConditionDatabaseRestored, metav1.ConditionFalse, v1alpha1.ReasonWaiting)
	if want := "kubectl -n " + ics.TenantNamespace() + " delete configmap database-record"; !strings.Contains(said.Message, want) {
		t.Errorf("the message lacks %q: %s", want, said.Message)
	}
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

// The volume is the same and has lost its content, which only its pod can tell: what an earlier life left as completed does not count,
// and nothing is told or recorded before it is so.
func TestBeginAnewOnTheSameVolume(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("XA1")
	leave(t, ics)
	create(t, ics)
	waitReady(t, ics)
	first := takeRecord(t, ics, func() {
		cluster.Hold(ics.TenantNamespace(), v1alpha1.ComponentRestore)
		change(t, ics, func(i *v1alpha1.IntegratedCareSystem) {
			i.Spec.Stack.Database.RestoreFrom = &v1alpha1.RestoreFrom{Backup: "20261122T011003Z"}
		})
		waitCondition(t, ics, v1alpha1.ConditionDatabaseRestored, metav1.ConditionFalse, v1alpha1.ReasonAlreadyServed)
	})
	waitCondition(t, ics, v1alpha1.ConditionDatabaseRestored, metav1.ConditionFalse, v1alpha1.ReasonRestoring)
	restoring := jobsOf(t, ics, v1alpha1.ComponentRestore)
	if len(restoring) != 1 {
		t.Fatalf("%d Jobs restore", len(restoring))
	}
	// Passes that find nothing new change nothing.
	for range 3 {
		change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.DisplayName += "." })
		eventually(t, func(g gomega.Gomega) {
			g.Expect(get(t, ics)).To(gomega.Succeed())
			g.Expect(ics.Status.ObservedGeneration).To(gomega.Equal(ics.Generation))
		})
		if meta.IsStatusConditionTrue(ics.Status.Conditions, v1alpha1.ConditionReady) || meta.IsStatusConditionTrue(ics.Status.Conditions, v1alpha1.ConditionDatabaseRestored) {
			t.Fatalf("a restore that has not ended is told as done: %+v", ics.Status.Conditions)
		}
	}
	if jobs := jobsOf(t, ics, v1alpha1.ComponentMigration); len(jobs) != 0 {
		t.Error("a migration is there before the restore has ended")
	}
	if now := jobsOf(t, ics, v1alpha1.ComponentRestore); len(now) != 1 || now[0].UID != restoring[0].UID {
		t.Error("the Job that restores was taken away or made again")
	}
	if !apierrors.IsNotFound(get(t, databaseRecord(ics))) {
		t.Error("the database is recorded before it has served")
	}
	cluster.Release(ics.TenantNamespace(), v1alpha1.ComponentRestore)
	waitReady(t, ics)
	waitCondition(t, ics, v1alpha1.ConditionDatabaseRestored, metav1.ConditionTrue, v1alpha1.ReasonRestored)
	second := migrationAfter(t, ics, first)

	// Now it starts empty.
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.Stack.Database.RestoreFrom = nil })
	waitReady(t, ics)
	takeRecord(t, ics, func() {})
	migrationAfter(t, ics, second)
	waitReady(t, ics)
}

// The same for a database elsewhere, of which the operator sees nothing but where it is.
func TestBeginAnewElsewhere(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("XA2")
	leave(t, ics)
	serveElsewhere(t, ics)
	first := takeRecord(t, ics, func() {})
	migrationAfter(t, ics, first)
	waitReady(t, ics)
}

// serveElsewhere makes a system whose database someone else runs, and waits until it serves.
func serveElsewhere(t *testing.T, ics *v1alpha1.IntegratedCareSystem) {
	t.Helper()
	ics.Spec.Stack.Database.Engine = stack.EngineExternal
	ics.Spec.Stack.Database.External = &v1alpha1.ExternalDatabase{SecretRef: v1alpha1.SecretReference{Name: "elsewhere"}}
	create(t, ics)
	waitCondition(t, ics, v1alpha1.ConditionDatabaseReady, metav1.ConditionFalse, v1alpha1.ReasonSecretMissing)
	create(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "elsewhere"}, StringData: map[string]string{
		"host": "db.example.org", "port": "6432", "database": "records",
		"ownerUsername": "owner", "ownerPassword": "a-password-of-the-owner", "appUsername": "app", "appPassword": "a-password-of-the-app",
	}})
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.DisplayName += "." })
	waitReady(t, ics)
}

// takeRecord waits for the record of the database, takes it away after what is to come before, and gives the migration that it relied on.
func takeRecord(t *testing.T, ics *v1alpha1.IntegratedCareSystem, before func()) types.UID {
	t.Helper()
	record := databaseRecord(ics)
	eventually(t, func(g gomega.Gomega) { g.Expect(get(t, record)).To(gomega.Succeed()) })
	migrated := jobsOf(t, ics, v1alpha1.ComponentMigration)[0]
	eventually(t, func(g gomega.Gomega) {
		g.Expect(get(t, ics)).To(gomega.Succeed())
		g.Expect(ics.Status.Migrated).NotTo(gomega.BeNil())
		g.Expect(ics.Status.Migrated.Time).To(gomega.BeTemporally("==", migrated.CreationTimestamp.Time))
		g.Expect(time.Now().Unix()).To(gomega.BeNumerically(">", migrated.CreationTimestamp.Unix()+1)) // the API server's times have no fractions
	})
	before()
	must(t, k8s.Delete(t.Context(), record))
	return migrated.UID
}

// migrationAfter waits until there is a migration after an earlier one, and what it relied on is recorded.
func migrationAfter(t *testing.T, ics *v1alpha1.IntegratedCareSystem, earlier types.UID) types.UID {
	t.Helper()
	var now types.UID
	eventually(t, func(g gomega.Gomega) {
		jobs := jobsOf(t, ics, v1alpha1.ComponentMigration)
		g.Expect(jobs).To(gomega.HaveLen(1))
		now = jobs[0].UID
		g.Expect(now).NotTo(gomega.Equal(earlier))
		g.Expect(get(t, databaseRecord(ics))).To(gomega.Succeed())
	})
	return now
}

func databaseRecord(ics *v1alpha1.IntegratedCareSystem) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "database-record"}}
}

func jobsOf(t *testing.T, ics *v1alpha1.IntegratedCareSystem, component string) []batchv1.Job {
	t.Helper()
	jobs := &batchv1.JobList{}
	must(t, k8s.List(t.Context(), jobs, client.InNamespace(ics.TenantNamespace()), client.MatchingLabels{v1alpha1.LabelComponent: component}))
	return jobs.Items
}
