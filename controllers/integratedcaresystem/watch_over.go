package integratedcaresystem

import (
	"context"
	"errors"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
)

// watchOver looks at what guards the data where something was refused before it came to that: what is wrong with a patch must not
// hide that backups fail, or that nothing stops a deletion. Only a namespace that is this system's is looked at.
func (r *Reconciler) watchOver(ctx context.Context, s *scope) error {
	if s.existing == nil || !belongs(s.existing, s.ics) || s.existing.GetDeletionTimestamp() != nil {
		return nil
	}
	s.namespaceUID = s.existing.GetUID()
	var looks []phase
	if s.backups == nil {
		looks = append(looks, r.lookAtBackups)
	}
	if s.guard == nil {
		looks = append(looks, r.guardedOnce)
	}
	for _, look := range looks {
		// What refuses this too is told of already.
		var refused *refusal
		if _, err := look(ctx, s); err != nil && !errors.As(refuse(err), &refused) {
			return err
		}
	}
	return nil
}

// guardedOnce leaves out a tenant for whom nothing was made yet that could be asked about.
func (r *Reconciler) guardedOnce(ctx context.Context, s *scope) (bool, error) {
	sentinel, err := applyset.Current(ctx, r.Client, sentinelOf(s))
	if err != nil || sentinel == nil && meta.FindStatusCondition(s.original.Status.Conditions, v1alpha1.ConditionDeletionProtected) == nil {
		return err == nil, err
	}
	return r.guarded(ctx, s)
}
