package integratedcaresystem

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
	"github.com/cmhf/operator/internal/health"
	"github.com/cmhf/operator/internal/stack"
)

// finalBackup makes a last backup, once the programs have stopped and nobody writes any more, and waits until it is verified: a
// Job of the schedule that completes is a verified backup. It comes from the schedule as it is in the cluster, so it needs no render. A database that rests is started for it.
func (r *Reconciler) finalBackup(ctx context.Context, s *scope) (bool, error) {
	if !s.backsUp() || s.ics.Status.Deletion.Backup != nil {
		return true, nil
	}
	namespace, err := r.tenantNamespace(ctx, s)
	if err != nil || namespace == nil {
		return err == nil, err
	}
	if namespace.GetDeletionTimestamp() != nil {
		s.stopping = "namespace " + namespace.GetName() + " is being deleted, so no last backup can be made in it; waits until it is gone; " + s.keepInstead()
		return false, nil
	}
	empty, err := r.holdsNothing(ctx, s, namespace)
	if err != nil || empty {
		return empty, err
	}
	schedule, err := r.live(ctx, s, scheduleKind, backupSchedule)
	if err != nil {
		return false, err
	}
	if schedule == nil {
		return false, &refusal{v1alpha1.ReasonFinalBackupUnavailable, fmt.Sprintf("there is no CronJob %s/%s to make the last backup from, so nothing was removed; %s",
			namespace.GetName(), backupSchedule, s.keepInstead()), lookAgain}
	}
	job, err := r.live(ctx, s, jobKind, finalJob(s))
	if err != nil {
		return false, err
	}
	if job == nil || dueAgain(job) {
		if started, err := r.startDatabase(ctx, s); err != nil || !started {
			return false, err
		}
		if job, err = r.beginBackup(ctx, s, schedule, job); err != nil {
			return false, err
		}
	}
	return r.verified(ctx, s, job)
}

// verified notes the backup when its Job has completed.
func (r *Reconciler) verified(ctx context.Context, s *scope, job *unstructured.Unstructured) (bool, error) {
	state := health.Of(job)
	switch {
	case job.GetDeletionTimestamp() != nil && !state.Ready:
		s.stopping = "waits until " + applyset.Ref(job) + " is gone, to make the last backup again"
		return false, nil
	case state.Failed:
		return false, s.finalBackupFailed(job, state.Message)
	case !state.Ready:
		s.stoppingReason = v1alpha1.ReasonBackingUp
		s.stopping = fmt.Sprintf("the last backup is being made and verified: kubectl -n %s logs -f job/%s", job.GetNamespace(), job.GetName())
		return false, nil
	}
	backup := &v1alpha1.FinalBackup{Job: job.GetName(), Completed: metav1.Now().Rfc3339Copy(), Claim: backupClaim}
	if completed, _, _ := unstructured.NestedString(job.Object, "status", "completionTime"); completed != "" {
		if at, err := time.Parse(time.RFC3339, completed); err == nil {
			backup.Completed = metav1.NewTime(at)
		}
	}
	claim, err := r.live(ctx, s, claimKind, backup.Claim)
	if err != nil {
		return false, err
	}
	if claim == nil || claim.GetDeletionTimestamp() != nil {
		return false, &refusal{v1alpha1.ReasonFinalBackupUnavailable, fmt.Sprintf("the last backup is verified, but PersistentVolumeClaim %s/%s that should hold it is gone, "+
			"so nothing was removed; %s", job.GetNamespace(), backup.Claim, s.keepInstead()), lookAgain}
	}
	backup.ClaimUID = claim.GetUID()
	s.ics.Status.Deletion.Backup = backup
	err = r.noteDeletion(ctx, s)
	return err == nil, err
}

// finalJob is one name for one deletion: a Job of an earlier one proves nothing now.
func finalJob(s *scope) string { return backupSchedule + "-final-" + string(s.ics.UID)[:8] }

// beginBackup makes the Job, as kubectl create job --from does, in the place of one that failed, if there is one.
func (r *Reconciler) beginBackup(ctx context.Context, s *scope, schedule, failed *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	template, _, err := unstructured.NestedMap(schedule.Object, "spec", "jobTemplate")
	if err != nil {
		return nil, fmt.Errorf("reading the Job of %s: %w", applyset.Ref(schedule), err)
	}
	spec, _, err := unstructured.NestedMap(template, "spec")
	if err != nil {
		return nil, fmt.Errorf("reading the Job of %s: %w", applyset.Ref(schedule), err)
	}
	// It is the proof, so it stays until the deletion is over.
	delete(spec, "ttlSecondsAfterFinished")
	job := &unstructured.Unstructured{Object: map[string]any{"spec": spec}}
	job.SetGroupVersionKind(jobKind)
	job.SetNamespace(schedule.GetNamespace())
	job.SetName(finalJob(s))
	job.SetLabels(map[string]string{v1alpha1.LabelICS: s.ics.Name, v1alpha1.LabelComponent: v1alpha1.ComponentBackup})
	job.SetAnnotations(map[string]string{"cronjob.kubernetes.io/instantiate": "manual"})
	if failed != nil {
		if err := r.Applier.Remove(ctx, failed); err != nil {
			return nil, err
		}
		setTry(job, tryOf(failed)+1)
	}
	if err := r.Client.Create(ctx, job, client.FieldOwner(applyset.FieldManager)); err != nil {
		return nil, fmt.Errorf("starting the last backup of %s: %w", s.ics.Name, err)
	}
	return job, nil
}

// holdsNothing: the tenant has no data, because its database was never made.
func (r *Reconciler) holdsNothing(ctx context.Context, s *scope, namespace *unstructured.Unstructured) (bool, error) {
	if namespace.GetAnnotations()[v1alpha1.AnnotationDatabaseEngine] == stack.EngineExternal {
		return false, nil // they lie elsewhere
	}
	if record, err := r.live(ctx, s, configMapKind, recordName); err != nil || record != nil {
		return false, err
	}
	for _, kind := range dataKinds {
		found, err := r.dataObjects(ctx, s, kind)
		if err != nil || len(found) > 0 {
			return false, err
		}
	}
	return true, nil
}

// dataObjects lists what belongs to the tenant's database, as the API server has it.
func (r *Reconciler) dataObjects(ctx context.Context, s *scope, kind schema.GroupVersionKind) ([]unstructured.Unstructured, error) {
	options := append(r.stack(s), client.MatchingLabels{v1alpha1.LabelICS: s.ics.Name, v1alpha1.LabelComponent: v1alpha1.ComponentDatabase})
	found, err := r.listLive(ctx, kind, options...)
	if err != nil {
		return nil, fmt.Errorf("looking for the database of %s: %w", s.ics.Name, err)
	}
	return found, nil
}

// live reads an object of the tenant from the API server, nil when there is none.
func (r *Reconciler) live(ctx context.Context, s *scope, kind schema.GroupVersionKind, name string) (*unstructured.Unstructured, error) {
	return applyset.Current(ctx, r.Uncached, named(kind, s.ics.TenantNamespace(), name))
}
