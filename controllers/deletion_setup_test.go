package controllers_test

import (
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
)

// asOperator is the connection of the operator's own ServiceAccount.
func asOperator(t *testing.T) *rest.Config {
	t.Helper()
	return env.AsOperator(t)
}

// declared makes a system with a deletion policy and waits until it serves, with the schedule of its backups.
func declared(t *testing.T, ods string, policy v1alpha1.DeletionPolicy) *v1alpha1.IntegratedCareSystem {
	t.Helper()
	ics := withPolicy(ods, policy)
	create(t, ics)
	waitReady(t, ics)
	schedule(t, ics)
	return ics
}

func withPolicy(ods string, policy v1alpha1.DeletionPolicy) *v1alpha1.IntegratedCareSystem {
	ics := system(ods)
	ics.Spec.DeletionPolicy = policy
	return ics
}

// schedule makes the CronJob and the claim of the tenant's backups where the stack has none.
func schedule(t *testing.T, ics *v1alpha1.IntegratedCareSystem) {
	t.Helper()
	labels := map[string]string{v1alpha1.LabelICS: ics.Name, v1alpha1.LabelComponent: v1alpha1.ComponentBackup}
	claim := labelled("v1", "PersistentVolumeClaim", ics.TenantNamespace(), "database-backups", ics.Name)
	claim.SetLabels(labels)
	cron := backupSchedule(ics)
	cron.Labels = labels
	cron.Spec = batchv1.CronJobSpec{Schedule: "0 1 * * *", JobTemplate: batchv1.JobTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels},
		Spec: batchv1.JobSpec{TTLSecondsAfterFinished: new(int32(60)), Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever,
			Containers:    []corev1.Container{{Name: "backup", Image: "example/postgres:15"}},
			Volumes: []corev1.Volume{{Name: "backups", VolumeSource: corev1.VolumeSource{
				PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "database-backups"}}}},
		}}},
	}}
	for _, object := range []client.Object{claim, cron} {
		must(t, client.IgnoreAlreadyExists(k8s.Create(t.Context(), object)))
	}
}

func backupSchedule(ics *v1alpha1.IntegratedCareSystem) *batchv1.CronJob {
	return &batchv1.CronJob{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "database-backup"}}
}

func backupClaim(ics *v1alpha1.IntegratedCareSystem) *corev1.PersistentVolumeClaim {
	return &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "database-backups"}}
}

func tenantNamespaceOf(ics *v1alpha1.IntegratedCareSystem) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ics.TenantNamespace()}}
}

// finalJob is the Job of the last backup of this very resource.
func finalJob(ics *v1alpha1.IntegratedCareSystem) *batchv1.Job {
	return &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "database-backup-final-" + string(ics.UID)[:8]}}
}

// dataOf gives the identity of everything that holds a tenant's data or leads to it. An object that is being deleted counts as gone.
func dataOf(t *testing.T, ics *v1alpha1.IntegratedCareSystem) map[string]types.UID {
	t.Helper()
	found := map[string]types.UID{}
	for _, kind := range []schema.GroupVersionKind{
		{Version: "v1", Kind: "Namespace"}, {Version: "v1", Kind: "PersistentVolumeClaim"}, {Version: "v1", Kind: "Secret"},
		{Group: "apps", Version: "v1", Kind: "StatefulSet"},
	} {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(kind)
		must(t, k8s.List(t.Context(), list, client.MatchingLabels{v1alpha1.LabelICS: ics.Name}))
		for _, object := range list.Items {
			if object.GetDeletionTimestamp() == nil {
				found[kind.Kind+"/"+object.GetName()] = object.GetUID()
			}
		}
	}
	return found
}

// mustKeep fails when anything of what held data is gone or another one.
func mustKeep(t *testing.T, ics *v1alpha1.IntegratedCareSystem, before map[string]types.UID) {
	t.Helper()
	now := dataOf(t, ics)
	for name, uid := range before {
		if now[name] != uid {
			t.Errorf("%s is gone or another one", name)
		}
	}
}

// waitDeleting waits until a system that is being deleted says so with this reason, and gives the message.
func waitDeleting(t *testing.T, ics *v1alpha1.IntegratedCareSystem, reason string) string {
	t.Helper()
	return waitCondition(t, ics, v1alpha1.ConditionReady, metav1.ConditionFalse, reason).Message
}

// forget takes the resource away without an operator, so that the next one has nothing to do with it.
func forget(t *testing.T, ics *v1alpha1.IntegratedCareSystem) {
	t.Helper()
	must(t, get(t, ics))
	ics.Finalizers = nil
	must(t, k8s.Update(t.Context(), ics))
	remove(t, ics)
}
