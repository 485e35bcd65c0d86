package integratedcaresystem

import (
	"fmt"
	"time"

	"github.com/robfig/cron/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cmhf/operator/api/v1alpha1"
)

// backups is what one pass knows of the backups; see lookAtBackups.
type backups struct {
	now                   time.Time
	schedule, namespace   string
	since                 time.Time
	record                backupRecord
	suspended, hibernated bool
}

// overdueAfter is how late a verified backup may be: a run may start and end this late (see the CronJob's deadlines).
const overdueAfter = 6 * time.Hour

// due is when the next backup is to be taken. It counts from the last one, not from now: a time that has passed stays, so that
// nothing is written only because time goes by.
func (b *backups) due() time.Time {
	parsed, err := cron.ParseStandard(b.schedule)
	if err != nil {
		return time.Time{} // refused when it was rendered
	}
	from := b.record.TakenAt
	if from.IsZero() {
		from = b.since
	}
	return parsed.Next(from.UTC())
}

// overdueIn is how long until the condition changes by itself; zero when it does not.
func (b *backups) overdueIn() time.Duration {
	if left := b.due().Add(overdueAfter).Sub(b.now); left > 0 && !b.suspended && !b.hibernated {
		return left
	}
	return 0
}

// condition tells people whether there is a backup to rely on. It does not decide whether the system is ready: a system that
// serves must not look as if it did not.
func (b *backups) condition(generation int64) metav1.Condition {
	c := metav1.Condition{Type: v1alpha1.ConditionBackupsReady, Status: metav1.ConditionFalse, ObservedGeneration: generation}
	due := b.due()
	switch {
	case b.hibernated:
		c.Reason, c.Message = v1alpha1.ReasonHibernated, "none is made while nothing runs; "+b.last()
	case b.suspended:
		c.Reason, c.Message = v1alpha1.ReasonBackupsSuspended, "none is made while the schedule is suspended; "+b.last()
	case b.record.Failed != "":
		words := b.record.Words
		if words == "" {
			words = "its pod left no words"
		}
		c.Reason = v1alpha1.ReasonBackupFailed
		c.Message = fmt.Sprintf("the run that ended at %s failed: %s; its log, while it is kept: kubectl -n %s logs job/%s; %s",
			stamp(b.record.FailedAt), words, b.namespace, b.record.FailedJob, b.last())
	case b.now.After(due.Add(overdueAfter)):
		c.Reason = v1alpha1.ReasonBackupOverdue
		c.Message = fmt.Sprintf("one was due at %s and none is verified: kubectl -n %s describe cronjob %s; %s", stamp(due), b.namespace, backupSchedule, b.last())
	case b.record.TakenAt.IsZero():
		c.Reason, c.Message = v1alpha1.ReasonNoBackupYet, "there is none yet; the first is due at "+stamp(due)
	default:
		c.Status, c.Reason = metav1.ConditionTrue, v1alpha1.ReasonVerified
		c.Message = b.last() + "; the next is due at " + stamp(due)
	}
	return c
}

func (b *backups) last() string {
	switch {
	case b.record.TakenAt.IsZero():
		return "there is no verified backup"
	case b.record.Name == "":
		return "the last verified backup was started at " + stamp(b.record.TakenAt)
	}
	return fmt.Sprintf("the last verified backup is %s, %s", b.record.Name, inUnits(b.record.Bytes))
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04Z") }

// status is the same for programs.
func (b *backups) status() *v1alpha1.BackupsStatus {
	status := &v1alpha1.BackupsStatus{Schedule: b.schedule, Name: b.record.Name}
	if !b.record.TakenAt.IsZero() {
		taken := metav1.NewTime(b.record.TakenAt)
		status.LastVerified = &taken
	}
	if b.record.Name != "" {
		status.Size = inUnits(b.record.Bytes)
	}
	if !b.suspended && !b.hibernated {
		due := metav1.NewTime(b.due())
		status.NextDue = &due
	}
	return status
}
