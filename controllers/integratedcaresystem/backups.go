package integratedcaresystem

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
	"github.com/cmhf/operator/internal/stack"
)

// backup says how a tenant's database is backed up.
func backup(name string, spec v1alpha1.Backup) stack.Backup {
	made := stack.Backup{
		Schedule:      string(spec.Schedule),
		Suspended:     spec.State == v1alpha1.BackupSuspended,
		RetentionDays: int64(ptr.Deref(spec.RetentionDays, 14)),
		StorageSize:   spec.Storage.Size,
		StorageClass:  ptr.Deref(spec.Storage.ClassName, ""),
	}
	if made.Schedule == "" {
		made.Schedule = nightly(name)
	}
	return made
}

// physicalBackup says what CloudNativePG itself backs up, at the time of the other backup where nothing else is said.
func physicalBackup(d *stack.Database, spec v1alpha1.Backup) {
	if snapshots := spec.VolumeSnapshots; snapshots != nil {
		d.VolumeSnapshots = stack.VolumeSnapshots{Class: snapshots.ClassName, Schedule: cmp.Or(string(snapshots.Schedule), d.Backup.Schedule)}
	}
	if store := spec.ObjectStore; store != nil {
		d.ObjectStore = stack.ObjectStore{
			Name: store.Name, Schedule: cmp.Or(string(store.Schedule), d.Backup.Schedule), CIDRs: store.EgressCIDRs, Port: int64(cmp.Or(store.Port, 443)),
		}
	}
}

// nightly is a time between midnight and six, the same for a tenant at all times and spread over all tenants.
func nightly(name string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // never fails
	minute := h.Sum32() % (6 * 60)
	return fmt.Sprintf("%d %d * * *", minute%60, minute/60)
}

// scheduledBackupKind is how CloudNativePG is told when to back up.
var scheduledBackupKind = schema.GroupVersionKind{Group: clusterKind.Group, Version: clusterKind.Version, Kind: "ScheduledBackup"}

// stopBackups suspends the schedules of a tenant that is being deleted: its database will not answer. The CronJob stays, so that a
// backup can still be asked for, and with it the time of the last one. The render hash goes, so that the next apply of the same
// stack starts the schedules again.
func (r *Reconciler) stopBackups(ctx context.Context, s *scope) (bool, error) {
	var found []unstructured.Unstructured
	for _, kind := range []schema.GroupVersionKind{scheduleKind, scheduledBackupKind} {
		schedules, err := r.listLive(ctx, kind, r.stack(s)...)
		if err != nil {
			return false, fmt.Errorf("looking for the backup schedules of %s: %w", s.ics.Name, err)
		}
		found = append(found, schedules...)
	}
	for _, schedule := range found {
		if suspended, _, _ := unstructured.NestedBool(schedule.Object, "spec", "suspend"); suspended {
			continue
		}
		if err := r.override(ctx, &schedule, nil, map[string]any{"suspend": true}); err != nil {
			return false, fmt.Errorf("suspending %s: %w", applyset.Ref(&schedule), err)
		}
	}
	return true, nil
}
