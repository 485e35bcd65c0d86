package controllers_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/testkit/faults"
)

// What became of a backup is told once and survives its Job, the operator and the resource.
func TestBackupsAreTold(t *testing.T) {
	first := startOperator(t, restConfig)
	ics := system("RB1")
	ics.Spec.Stack.Database.Backup = v1alpha1.Backup{Schedule: "15 2 * * *"}
	create(t, ics)
	waitReady(t, ics)
	waitCondition(t, ics, v1alpha1.ConditionBackupsReady, metav1.ConditionFalse, v1alpha1.ReasonNoBackupYet)

	taken := time.Now().UTC().Truncate(time.Second)
	name := taken.Format("20060102T150405Z")
	good := backUp(t, ics, "good", 0, fmt.Sprintf(`{"backup":%q,"takenAt":%q,"bytes":10952166604}`, name, taken.Format(time.RFC3339)))
	told := waitCondition(t, ics, v1alpha1.ConditionBackupsReady, metav1.ConditionTrue, v1alpha1.ReasonVerified)
	if want := "the last verified backup is " + name + ", 10.2 GiB; the next is due at "; !strings.HasPrefix(told.Message, want) || !strings.HasSuffix(told.Message, "T02:15Z") {
		t.Errorf("told %q, want it to begin with %q", told.Message, want)
	}
	if b := ics.Status.Backups; b.Name != name || b.Size != "10.2 GiB" || !b.LastVerified.Time.Equal(taken) || b.NextDue == nil || b.Schedule != "15 2 * * *" {
		t.Errorf("the status says %+v", b)
	}

	cluster.Fail(ics.TenantNamespace(), v1alpha1.ComponentBackup)
	eventually(t, func(g gomega.Gomega) { g.Expect(time.Now().Unix()).To(gomega.BeNumerically(">", taken.Unix()+1)) }) // the API server's times have no fractions
	bad := backUp(t, ics, "bad", 1, "the volume for backups is full (0 MiB are free): no backup was made")
	told = waitCondition(t, ics, v1alpha1.ConditionBackupsReady, metav1.ConditionFalse, v1alpha1.ReasonBackupFailed)
	for _, words := range []string{"the volume for backups is full", "kubectl -n ics-rb1 logs job/bad", "the last verified backup is " + name} {
		if !strings.Contains(told.Message, words) {
			t.Errorf("told %q, want it to say %q", told.Message, words)
		}
	}
	waitReady(t, ics) // it serves all the same

	// Without the Jobs, and for another operator, it is still so, and nothing is written.
	first.stop()
	must(t, k8s.Delete(t.Context(), good, client.PropagationPolicy(metav1.DeletePropagationBackground)))
	must(t, k8s.Delete(t.Context(), bad, client.PropagationPolicy(metav1.DeletePropagationBackground)))
	counted := faults.NewCrash(map[string]faults.Point{ics.Name: {}})
	second := startOperatorWith(t, counted.Wrap(restConfig), first.api)
	marker := system("RB2")
	create(t, marker)
	waitReady(t, marker)
	for _, write := range counted.Writes(ics.Name) {
		t.Errorf("written although nothing is new: %s", write)
	}
	waitCondition(t, ics, v1alpha1.ConditionBackupsReady, metav1.ConditionFalse, v1alpha1.ReasonBackupFailed)

	// The next good one ends it; the resource may go and come back.
	cluster.Release(ics.TenantNamespace(), v1alpha1.ComponentBackup)
	backUp(t, ics, "better", 0, "") // its pod is gone: the Job's own time has to do
	told = waitCondition(t, ics, v1alpha1.ConditionBackupsReady, metav1.ConditionTrue, v1alpha1.ReasonVerified)
	if !strings.HasPrefix(told.Message, "the last verified backup was started at ") {
		t.Errorf("told %q", told.Message)
	}
	remove(t, ics)
	eventually(t, func(g gomega.Gomega) { g.Expect(apierrors.IsNotFound(get(t, ics))).To(gomega.BeTrue()) })
	schedule := &batchv1.CronJob{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "database-backup"}}
	must(t, get(t, schedule))
	if !*schedule.Spec.Suspend {
		t.Error("backups of a stopped database are still scheduled")
	}
	again := system("RB1")
	create(t, again)
	waitReady(t, again)
	waitCondition(t, again, v1alpha1.ConditionBackupsReady, metav1.ConditionTrue, v1alpha1.ReasonVerified)
	must(t, get(t, schedule))
	if *schedule.Spec.Suspend {
		t.Error("backups are not scheduled again")
	}
	second.stop()
}

// Hibernated tenants and those that are backed up otherwise make none, and say so.
func TestBackupsAreSuspended(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("RB3")
	ics.Spec.Stack.Database.Backup = v1alpha1.Backup{State: v1alpha1.BackupSuspended, RetentionDays: ptr.To[int32](30)}
	create(t, ics)
	waitReady(t, ics)
	waitCondition(t, ics, v1alpha1.ConditionBackupsReady, metav1.ConditionFalse, v1alpha1.ReasonBackupsSuspended)
	schedule := &batchv1.CronJob{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "database-backup"}}
	suspended := func(want bool) {
		t.Helper()
		eventually(t, func(g gomega.Gomega) {
			g.Expect(get(t, schedule)).To(gomega.Succeed())
			g.Expect(*schedule.Spec.Suspend).To(gomega.Equal(want))
		})
	}
	suspended(true)
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.Stack.Database.Backup.State = v1alpha1.BackupActive })
	suspended(false)
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.State = v1alpha1.StateHibernated })
	suspended(true)
	waitCondition(t, ics, v1alpha1.ConditionBackupsReady, metav1.ConditionFalse, v1alpha1.ReasonHibernated)
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.State = v1alpha1.StateActive })
	suspended(false)
}

func TestBackupSettingsAreChecked(t *testing.T) {
	for name, backup := range map[string]v1alpha1.Backup{
		"six fields":       {Schedule: "0 0 2 * * *"},
		"a zone":           {Schedule: "TZ=Europe/London 0 2 * * *"},
		"no day":           {RetentionDays: ptr.To[int32](0)},
		"too small":        {Storage: v1alpha1.BackupStorage{Size: "1Mi"}},
		"an unknown state": {State: "Off"},
	} {
		t.Run(name, func(t *testing.T) {
			ics := system("RB4")
			ics.Spec.Stack.Database.Backup = backup
			if err := k8s.Create(t.Context(), ics); !apierrors.IsInvalid(err) {
				t.Errorf("answered %v, want a refusal", err)
			}
		})
	}
	startOperator(t, restConfig)
	ics := system("RB4")
	ics.Spec.Stack.Database.Backup.Schedule = "61 25 * * *"
	create(t, ics)
	refused := waitCondition(t, ics, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonRenderFailed)
	if !strings.Contains(refused.Message, "spec.stack.database.backup.schedule") {
		t.Errorf("told %q", refused.Message)
	}
}

// backUp asks for a backup as kubectl create job --from does. The stub ends the Job; the pod that it would have had said words.
func backUp(t *testing.T, ics *v1alpha1.IntegratedCareSystem, name string, exitCode int32, words string) *batchv1.Job {
	t.Helper()
	schedule := &batchv1.CronJob{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "database-backup"}}
	must(t, get(t, schedule))
	if words != "" {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: name, Labels: map[string]string{batchv1.JobNameLabel: name}},
			Spec: *schedule.Spec.JobTemplate.Spec.Template.Spec.DeepCopy()}
		create(t, pod)
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "backup", State: corev1.ContainerState{
			Terminated: &corev1.ContainerStateTerminated{ExitCode: exitCode, Message: words + "\n"}}}}
		must(t, k8s.Status().Update(t.Context(), pod))
	}
	job := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: name, Labels: schedule.Spec.JobTemplate.Labels,
			Annotations:     map[string]string{"cronjob.kubernetes.io/instantiate": "manual"},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "batch/v1", Kind: "CronJob", Name: schedule.Name, UID: schedule.UID, Controller: ptr.To(true)}}},
		Spec: schedule.Spec.JobTemplate.Spec,
	}
	create(t, job)
	return job
}
