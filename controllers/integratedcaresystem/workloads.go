package integratedcaresystem

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cmhf/operator/internal/applyset"
	"github.com/cmhf/operator/internal/credentials"
	"github.com/cmhf/operator/internal/health"
	"github.com/cmhf/operator/internal/stack"
)

// configuration applies everything that needs no gate.
func (r *Reconciler) configuration(ctx context.Context, s *scope) (bool, error) {
	for _, object := range s.objects {
		if stack.StageOf(object) != stack.StageConfig {
			continue
		}
		if _, _, err := r.Applier.Apply(ctx, object); err != nil {
			return false, refuse(err)
		}
	}
	return true, nil
}

// credentials makes the Secrets that are missing, before anything runs that needs them.
func (r *Reconciler) credentials(ctx context.Context, s *scope) (bool, error) {
	if err := credentials.Ensure(ctx, r.Uncached, r.Client, s.ics.Name, s.inputs.Namespace); err != nil {
		return false, err
	}
	return true, nil
}

// prune removes what an earlier render had and this one has not, once everything of this one is applied.
func (r *Reconciler) prune(ctx context.Context, s *scope) (bool, error) {
	for _, object := range s.objects {
		if stage := stack.StageOf(object); stage >= stack.StageDatabase && !s.parts[stage].current {
			return true, nil
		}
	}
	retained, err := r.Applier.Prune(ctx, s.inputs.Set, stack.Kinds, s.objects)
	if err != nil {
		return false, err
	}
	s.retained = retained
	return true, nil
}

// inOrder gives the objects as they come up, or, where the tenant hibernates, as they go down.
func (s *scope) inOrder() []*unstructured.Unstructured {
	objects := slices.Clone(s.objects)
	if s.inputs.Hibernated {
		slices.Reverse(objects)
	}
	return objects
}

// workloads applies the database, the migration, the API and the dashboard, each when the one before it is up. It looks at
// all of them in any case, so that the status tells what runs behind a closed gate. A hibernated tenant goes down the other
// way round; no migration is started for it.
func (r *Reconciler) workloads(ctx context.Context, s *scope) (bool, error) {
	open := true
	for _, object := range s.inOrder() {
		stage := stack.StageOf(object)
		if stage < stack.StageDatabase || (s.inputs.Hibernated && stage == stack.StageMigration) {
			continue
		}
		live, err := applyset.Current(ctx, r.Client, object)
		if err != nil {
			return false, err
		}
		if open {
			if live, _, err = r.Applier.Apply(ctx, object); err != nil {
				return false, refuse(err)
			}
		}
		seen := part{exists: live != nil, current: applyset.Matches(live, object)}
		if live != nil {
			seen.state = health.Of(live)
		}
		s.parts[stage] = seen
		open = open && seen.up()
	}
	return true, nil
}
