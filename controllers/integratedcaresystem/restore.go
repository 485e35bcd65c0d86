package integratedcaresystem

import (
	"cmp"
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
	"github.com/cmhf/operator/internal/stack"
)

// resolveRestore says what the database is to be filled from. Only a database that has never served is: the record that it has is
// written when the first migration is through, and without it the restore's own program still refuses a database that is not empty.
func (r *Reconciler) resolveRestore(ctx context.Context, s *scope) (bool, error) {
	record, err := r.readBackupRecord(ctx, s)
	if err != nil {
		return false, err
	}
	s.restored = record.Restored
	wanted := s.ics.Spec.Stack.Database.RestoreFrom
	if wanted == nil {
		return true, nil
	}
	served, err := applyset.Current(ctx, r.Client, recordOf(s))
	if err != nil || served != nil {
		return err == nil, err
	}
	s.inputs.Database.Restore = stack.Restore{
		Backup:  wanted.Backup,
		ODSCode: cmp.Or(wanted.ODSCode, s.ics.Spec.ODSCode),
		Claim:   cmp.Or(wanted.ClaimName, backupClaim),
	}
	return true, nil
}

// noteRestore remembers which backup the database began as, before it is recorded that the database has served.
func (r *Reconciler) noteRestore(ctx context.Context, s *scope) (bool, error) {
	restore := s.inputs.Database.Restore
	if restore.Backup == "" || !s.begun() {
		return true, nil
	}
	record, err := r.readBackupRecord(ctx, s)
	if err != nil {
		return false, err
	}
	s.restored = restore.Backup + " of " + restore.ODSCode
	if record.Restored == s.restored {
		return true, nil
	}
	record.Restored = s.restored
	return true, r.writeBackupRecord(ctx, s, record)
}

// begun: the database has what it is to begin with, the restored records where they are asked for, and the schema. That the migration
// is complete does not say so by itself: it stands there behind the gate too.
func (s *scope) begun() bool {
	return s.parts[stack.StageMigration].up() && (s.inputs.Database.Restore.Backup == "" || s.parts[stack.StageRestore].up())
}

// restoring: nothing after it may start yet.
func (s *scope) restoring() bool {
	restore, is := s.parts[stack.StageRestore]
	return is && s.inputs.Database.Restore.Backup != "" && s.parts[stack.StageDatabase].up() && !restore.up()
}

// restore speaks for the restore while it is to be made: the system is not ready without it.
func (s *scope) restore() metav1.Condition {
	seen, looked := s.parts[stack.StageRestore]
	c := metav1.Condition{Type: v1alpha1.ConditionDatabaseRestored, Status: metav1.ConditionFalse, ObservedGeneration: s.ics.Generation}
	wanted := s.inputs.Database.Restore
	log := fmt.Sprintf("kubectl -n %s logs -l %s=%s", s.inputs.Namespace, v1alpha1.LabelComponent, v1alpha1.ComponentRestore)
	switch {
	case s.inputs.Hibernated:
		c.Reason, c.Message = v1alpha1.ReasonHibernated, "the backup "+wanted.Backup+" is restored when the system is active again"
	case !looked:
		return metav1.Condition{Type: c.Type}
	case seen.exists && seen.state.Failed:
		c.Reason = v1alpha1.ReasonRestoreFailed
		c.Message = fmt.Sprintf("the backup %s of %s was not restored and nothing of it was kept: %s; its log says why: %s; when it is mended, delete the Job, it is made again",
			wanted.Backup, wanted.ODSCode, seen.state.Message, log)
	case seen.up():
		c.Status, c.Reason, c.Message = metav1.ConditionTrue, v1alpha1.ReasonRestored, "the database began as the backup "+wanted.Backup+" of "+wanted.ODSCode
	case !seen.exists:
		c.Reason, c.Message = v1alpha1.ReasonWaiting, "waits for the database"
	default:
		c.Reason = v1alpha1.ReasonRestoring
		c.Message = fmt.Sprintf("the backup %s of %s is awaited on the claim %s or being restored from it: %s", wanted.Backup, wanted.ODSCode, wanted.Claim, log)
	}
	return c
}

// setRestored tells what became of the restore once the database has served; until then it is a part like the others.
func setRestored(s *scope, set func(kind string, value metav1.ConditionStatus, reason, message string)) {
	wanted := s.ics.Spec.Stack.Database.RestoreFrom
	switch {
	case s.inputs.Namespace == "" || s.inputs.Database.Restore.Backup != "":
	case wanted != nil && s.refused != nil && s.refused.reason == v1alpha1.ReasonDataMissing:
		set(v1alpha1.ConditionDatabaseRestored, metav1.ConditionFalse, v1alpha1.ReasonWaiting, fmt.Sprintf("the backup %s is restored when someone says that the data "+
			"that are missing don't come back: kubectl -n %s delete configmap %s", wanted.Backup, s.inputs.Namespace, recordName))
	case s.restored != "":
		set(v1alpha1.ConditionDatabaseRestored, metav1.ConditionTrue, v1alpha1.ReasonRestored, "the database began as the backup "+s.restored)
	case wanted != nil:
		set(v1alpha1.ConditionDatabaseRestored, metav1.ConditionFalse, v1alpha1.ReasonAlreadyServed, "the database has served before, so the backup "+
			wanted.Backup+" is not restored: two sets of records never mix; remove spec.stack.database.restoreFrom")
	default:
		meta.RemoveStatusCondition(&s.ics.Status.Conditions, v1alpha1.ConditionDatabaseRestored)
	}
}
