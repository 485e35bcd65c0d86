package integratedcaresystem

import (
	"context"
	"time"

	"github.com/cmhf/operator/internal/applyset"
	"github.com/cmhf/operator/internal/stack"
)

// forgetEarlier removes the migration, and the restore, that were made for an earlier volume, or for what this one held before a
// person took its record away: as completed Jobs they would say of the database that is there now that it has a schema. It waits
// until they are gone.
func (r *Reconciler) forgetEarlier(ctx context.Context, s *scope) (bool, error) {
	if s.served {
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
		if live == nil {
			continue
		}
		if made := live.GetCreationTimestamp().Time; !made.Before(s.holder.since) && made.After(s.migrated()) {
			continue
		}
		if err := r.Applier.Remove(ctx, live); err != nil {
			return false, err
		}
		proceed = false
		s.waits = "waits until " + applyset.Ref(live) + " is gone, which was made for an earlier database"
	}
	return proceed, nil
}

// migrated is when the last migration was made that a recorded database relied on; zero when there was none.
func (s *scope) migrated() time.Time {
	if migrated := s.original.Status.Migrated; migrated != nil {
		return migrated.Time
	}
	return time.Time{}
}
