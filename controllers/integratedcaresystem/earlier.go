package integratedcaresystem

import (
	"context"

	"github.com/cmhf/operator/internal/applyset"
	"github.com/cmhf/operator/internal/stack"
)

// forgetEarlier removes the migration, and the restore, that were made for an earlier volume: as completed Jobs they would say of
// the database on this one that it has a schema. It waits until they are gone.
func (r *Reconciler) forgetEarlier(ctx context.Context, s *scope) (bool, error) {
	if s.served || s.holder.since.IsZero() {
		return true, nil
	}
	proceed := true
	for _, object := range s.objects {
		if stage := stack.StageOf(object); stage != stack.StageRestore && stage != stack.StageMigration {
			continue
		}
		live, err := applyset.Current(ctx, r.Client, object)
		if err != nil {
			return false, err
		}
		if live == nil || !live.GetCreationTimestamp().Time.Before(s.holder.since) {
			continue
		}
		if err := r.Applier.Remove(ctx, live); err != nil {
			return false, err
		}
		proceed = false
	}
	return proceed, nil
}
