package integratedcaresystem

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
)

// The record of the backups: a ConfigMap that outlives Jobs, which a cluster clears away, and the IntegratedCareSystem itself.
const (
	backupSchedule   = "database-backup"
	backupClaim      = "database-backups"
	backupRecordName = "backup-record"
)

// backupRecord is what is known of the last run that succeeded and, when it came after that one, of the last that failed.
type backupRecord struct {
	// Verified is the UID of the Job.
	Verified types.UID `json:"verifiedJob,omitempty"`
	// Name of the backup's folder; empty when the pod that told it was gone.
	Name string `json:"backup,omitempty"`
	// TakenAt: the backup holds everything that was committed before.
	TakenAt time.Time `json:"takenAt,omitzero"`
	EndedAt time.Time `json:"endedAt,omitzero"`
	Bytes   int64     `json:"bytes,omitempty"`
	// Volume is the UID of the claim that the backup lies on.
	Volume types.UID `json:"volume,omitempty"`

	Failed    types.UID `json:"failedJob,omitempty"`
	FailedJob string    `json:"failedJobName,omitempty"`
	FailedAt  time.Time `json:"failedAt,omitzero"`
	// Words are the last of the pod that failed; they never hold anything out of a record.
	Words string `json:"failedWords,omitempty"`

	// Restored says which backup the database began as.
	Restored string `json:"restored,omitempty"`
}

const backupRecordKey = "record.json"

// lookAtBackups reads what became of the backups and remembers it. They never decide whether the system is ready, and a steady
// state asks the API server nothing. What is declared of them counts once it was applied; until then the schedule does that is there.
func (r *Reconciler) lookAtBackups(ctx context.Context, s *scope) (bool, error) {
	inNamespace := client.InNamespace(s.ics.TenantNamespace())
	var schedule batchv1.CronJob
	if found, err := r.fromCache(ctx, s, scheduleKind, backupSchedule, &schedule); err != nil || !found {
		return err == nil, err
	}
	var claim corev1.PersistentVolumeClaim
	if _, err := r.fromCache(ctx, s, claimKind, backupClaim, &claim); err != nil {
		return false, err
	}
	jobs := list(jobKind)
	if err := r.Client.List(ctx, jobs, inNamespace, client.MatchingLabels{v1alpha1.LabelICS: s.ics.Name, v1alpha1.LabelComponent: v1alpha1.ComponentBackup}); err != nil {
		return false, fmt.Errorf("listing the backups of %s: %w", s.ics.Name, err)
	}
	record, err := r.readBackupRecord(ctx, s)
	if err != nil {
		return false, err
	}
	remembered := record
	if record.Volume != "" && claim.UID != "" && record.Volume != claim.UID {
		record = backupRecord{Restored: record.Restored} // what it speaks of lay on another volume
	}
	runs, err := finishedRuns(jobs)
	if err != nil {
		return false, err
	}
	for _, run := range runs {
		if err := r.note(ctx, &record, run, claim.UID); err != nil {
			return false, err
		}
	}
	if record != remembered {
		if err := r.writeBackupRecord(ctx, s, record); err != nil {
			return false, err
		}
	}
	s.backups = &backups{
		now: time.Now(), schedule: s.inputs.Database.Backup.Schedule, since: schedule.CreationTimestamp.Time, record: record,
		suspended: s.inputs.Database.Backup.Suspended, hibernated: s.inputs.Hibernated, namespace: s.ics.TenantNamespace(),
	}
	if !s.configured {
		s.backups.schedule, s.backups.suspended = schedule.Spec.Schedule, ptr.Deref(schedule.Spec.Suspend, false)
		s.backups.hibernated = s.backups.suspended && s.before(v1alpha1.ConditionBackupsReady).Reason == v1alpha1.ReasonHibernated
	}
	return true, nil
}

// finishedRun is a Job that has ended.
type finishedRun struct {
	job       *batchv1.Job
	succeeded bool
	ended     time.Time
}

// finishedRuns sorts the Jobs that have ended by when they did.
func finishedRuns(jobs *unstructured.UnstructuredList) ([]finishedRun, error) {
	var runs []finishedRun
	for _, object := range jobs.Items {
		job := &batchv1.Job{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, job); err != nil {
			return nil, fmt.Errorf("reading %s: %w", applyset.Ref(&object), err)
		}
		for _, condition := range job.Status.Conditions {
			if condition.Status == corev1.ConditionTrue && (condition.Type == batchv1.JobComplete || condition.Type == batchv1.JobFailed) {
				runs = append(runs, finishedRun{job, condition.Type == batchv1.JobComplete, condition.LastTransitionTime.Time})
			}
		}
	}
	slices.SortFunc(runs, func(a, b finishedRun) int { return a.ended.Compare(b.ended) })
	return runs, nil
}

// note takes a run into the record, if it is news.
func (r *Reconciler) note(ctx context.Context, record *backupRecord, run finishedRun, volume types.UID) error {
	started := run.ended
	if run.job.Status.StartTime != nil {
		started = run.job.Status.StartTime.Time
	}
	switch {
	case run.succeeded && run.job.UID != record.Verified && run.ended.After(record.EndedAt):
		words, err := r.lastWords(ctx, run.job, true)
		if err != nil {
			return err
		}
		next := backupRecord{Verified: run.job.UID, TakenAt: started.UTC(), EndedAt: run.ended.UTC(), Volume: volume, Restored: record.Restored}
		var told struct {
			Backup  string
			TakenAt time.Time
			Bytes   int64
		}
		if json.Unmarshal([]byte(words), &told) == nil && !told.TakenAt.IsZero() {
			next.Name, next.TakenAt, next.Bytes = told.Backup, told.TakenAt.UTC(), told.Bytes
		}
		if record.FailedAt.After(run.ended) {
			next.Failed, next.FailedJob, next.FailedAt, next.Words = record.Failed, record.FailedJob, record.FailedAt, record.Words
		}
		*record = next
	case !run.succeeded && run.job.UID != record.Failed && run.ended.After(record.EndedAt) && run.ended.After(record.FailedAt):
		words, err := r.lastWords(ctx, run.job, false)
		if err != nil {
			return err
		}
		record.Failed, record.FailedJob, record.FailedAt, record.Words = run.job.UID, run.job.Name, run.ended.UTC(), words
	}
	return nil
}

// lastWords are what the newest pod of a Job said at its end; empty when it is gone. Pods are not in the cache: only a run that is
// news is asked about.
func (r *Reconciler) lastWords(ctx context.Context, job *batchv1.Job, succeeded bool) (string, error) {
	pods := &corev1.PodList{}
	if err := r.Uncached.List(ctx, pods, client.InNamespace(job.Namespace), client.MatchingLabels{batchv1.JobNameLabel: job.Name}); err != nil {
		return "", fmt.Errorf("listing the pods of Job %s/%s: %w", job.Namespace, job.Name, err)
	}
	slices.SortFunc(pods.Items, func(a, b corev1.Pod) int { return b.CreationTimestamp.Compare(a.CreationTimestamp.Time) })
	for _, pod := range pods.Items {
		for _, container := range pod.Status.ContainerStatuses {
			if ended := container.State.Terminated; ended != nil && (ended.ExitCode == 0) == succeeded {
				return strings.TrimSpace(ended.Message), nil
			}
		}
	}
	return "", nil
}

func (r *Reconciler) readBackupRecord(ctx context.Context, s *scope) (backupRecord, error) {
	var record backupRecord
	live, err := applyset.Current(ctx, r.Client, backupRecordOf(s))
	if err != nil || live == nil {
		return record, err
	}
	text, _, _ := unstructured.NestedString(live.Object, "data", backupRecordKey)
	if err := json.Unmarshal([]byte(text), &record); err != nil {
		// Someone edited it: what the Jobs and the next backup tell stands in for it.
		return backupRecord{}, nil
	}
	return record, nil
}

func (r *Reconciler) writeBackupRecord(ctx context.Context, s *scope, record backupRecord) error {
	text, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("encoding the record of the backups of %s: %w", s.ics.Name, err)
	}
	object := backupRecordOf(s)
	object.SetLabels(map[string]string{v1alpha1.LabelICS: s.ics.Name, v1alpha1.LabelComponent: v1alpha1.ComponentBackup})
	object.SetAnnotations(map[string]string{v1alpha1.AnnotationRenderHash: string(record.Verified) + "/" + string(record.Failed) + "/" + record.Restored})
	object.Object["data"] = map[string]any{backupRecordKey: string(text)}
	_, _, err = r.Applier.Apply(ctx, object)
	return err
}

func backupRecordOf(s *scope) *unstructured.Unstructured {
	return named(configMapKind, s.ics.TenantNamespace(), backupRecordName)
}

// fromCache reads an object of the tenant into its type; the cache holds them unstructured.
func (r *Reconciler) fromCache(ctx context.Context, s *scope, kind schema.GroupVersionKind, name string, into any) (bool, error) {
	live, err := applyset.Current(ctx, r.Client, named(kind, s.ics.TenantNamespace(), name))
	if err != nil || live == nil {
		return false, err
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(live.Object, into); err != nil {
		return false, fmt.Errorf("reading %s: %w", applyset.Ref(live), err)
	}
	return true, nil
}

// inUnits writes a size as people read it.
func inUnits(bytes int64) string {
	value, units := float64(bytes), []string{"B", "KiB", "MiB", "GiB", "TiB"}
	unit := 0
	for value >= 1024 && unit < len(units)-1 {
		value /= 1024
		unit++
	}
	if unit == 0 {
		return strconv.FormatInt(bytes, 10) + " B"
	}
	return strconv.FormatFloat(value, 'f', 1, 64) + " " + units[unit]
}
