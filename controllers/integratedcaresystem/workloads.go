package integratedcaresystem

import (
	"context"
	"errors"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
	"github.com/cmhf/operator/internal/credentials"
	"github.com/cmhf/operator/internal/health"
	"github.com/cmhf/operator/internal/stack"
)

// configuration applies everything that needs no gate.
func (r *Reconciler) configuration(ctx context.Context, s *scope) (bool, error) {
	var stop error
	for _, object := range s.objects {
		if stack.StageOf(object) != stack.StageConfig {
			continue
		}
		if r.absent(object) {
			// What the tenant is reached by, or is backed up by besides, waits; everything else goes on.
			s.goOnWithout(notServed(object.GroupVersionKind()))
			continue
		}
		if yields, err := r.yieldsHost(ctx, s, object); err != nil {
			return false, err
		} else if yields {
			continue
		}
		if s.holder.is(object) {
			object = s.holder.asSeen(object)
		}
		_, _, err := r.Applier.Apply(ctx, object)
		var refused *refusal
		switch {
		case err == nil:
		case s.isPassing(err):
			return false, err
		case !errors.As(refuse(err), &refused):
			return false, err
		case object.GroupVersionKind() == claimKind && s.holder.id != "":
			// A volume that can't grow goes on serving as it is, and so does everything else.
			s.goOnWithout(refused)
		case object.GroupVersionKind() == scheduledBackupKind:
			// CloudNativePG takes no schedule for snapshots where the cluster has none. What serves goes on.
			s.goOnWithout(refused)
		case stop == nil:
			stop = refused
		}
	}
	s.configured = stop == nil
	return s.configured, stop
}

// beginAnew goes back to the first generation of Secrets where CloudNativePG is to make a Cluster and none has served: it makes the
// database with the first logins, and knows no later ones. The Standalone database makes those that it is given, whichever they are.
func (r *Reconciler) beginAnew(ctx context.Context, s *scope) (bool, error) {
	if s.inputs.Database.Engine != stack.EngineCloudNativePG || s.served || s.holder.id != "" ||
		s.record.Generation == 1 && s.record.Phase == credentials.Idle {
		return true, nil
	}
	// First, so that a later rotation never takes up a Secret of before.
	if err := r.Credentials.Remove(ctx, s.inputs.Namespace, s.record.Later()); err != nil {
		return false, err
	}
	if err := r.writeRecord(ctx, s, s.record.Anew()); err != nil {
		return false, err
	}
	s.inputs.Credentials = s.record
	return r.render(ctx, s)
}

// credentials makes the Secrets that are missing, before anything runs that needs them.
func (r *Reconciler) credentials(ctx context.Context, s *scope) (bool, error) {
	if proceed, err := r.beginAnew(ctx, s); err != nil || !proceed {
		return proceed, err
	}
	tenant := credentials.Tenant{
		ICS: s.ics.Name, Namespace: s.inputs.Namespace, NamespaceUID: s.namespaceUID, Record: s.record,
		Database: s.inputs.Database.Engine != stack.EngineExternal, LoginsSecret: s.inputs.Database.Engine == stack.EngineStandalone,
		CloudNativePG: s.inputs.Database.Engine == stack.EngineCloudNativePG, Served: s.served, New: s.existing == nil,
	}
	within := looksHold
	if s.before(v1alpha1.ConditionReady).Status == metav1.ConditionTrue {
		within = looksHoldWhenReady
	}
	var err error
	s.secrets, err = r.Credentials.Ensure(ctx, tenant, within)
	s.secretsLooked = err == nil
	if err == nil && (s.secrets.NextLogins != s.inputs.NextLogins || len(s.secrets.Lost) > 0) {
		s.inputs.NextLogins, s.inputs.LostSecrets = s.secrets.NextLogins, s.secrets.Lost
		if _, err := r.render(ctx, s); err != nil {
			return false, err
		}
	}
	if err != nil || !s.secrets.Made {
		return err == nil, err
	}
	return true, r.noteFirstRequest(ctx, s)
}

// prune removes what an earlier render had and this one has not, once everything of this one is applied.
func (r *Reconciler) prune(ctx context.Context, s *scope) (bool, error) {
	if !s.everythingCurrent() {
		return true, nil
	}
	var err error
	s.retained, err = r.Applier.Prune(ctx, s.inputs.Set, r.kinds(), s.objects)
	return err == nil, err
}

// inOrder gives the objects as they come up, or, where the tenant hibernates, as they go down.
func (s *scope) inOrder() []*unstructured.Unstructured {
	objects := slices.Clone(s.objects)
	if s.inputs.Hibernated {
		slices.Reverse(objects)
	}
	return objects
}

// rests: the stage works on a database that serves, and is not begun while the tenant hibernates.
func (s *scope) rests(stage stack.Stage) bool {
	return s.inputs.Hibernated && (stage == stack.StageRestore || stage == stack.StageMigration)
}

// workloads applies the database, the migration, the API and the dashboard, each when the one before it is up. It looks at
// all of them in any case, so that the status tells what runs behind a closed gate. A hibernated tenant goes down the other
// way round; no migration is started for it.
func (r *Reconciler) workloads(ctx context.Context, s *scope) (bool, error) {
	open := true
	for _, object := range s.inOrder() {
		stage := stack.StageOf(object)
		if stage < stack.StageDatabase || s.rests(stage) {
			continue
		}
		var live *unstructured.Unstructured
		var err error
		if open {
			if err := r.handOver(ctx, s, object); err != nil {
				return false, err
			}
			live, object, err = r.applyWorkload(ctx, s, object)
		} else {
			live, err = applyset.Current(ctx, r.Client, object)
		}
		if err != nil {
			return false, err
		}
		up := s.see(stage, live, object).up()
		open = open && (up || stage == stack.StageLogins)
	}
	return true, r.seeGrowth(ctx, s)
}

// applyWorkload applies one object and returns it as it is now, with what was applied. A Cluster whose volumes can't be as declared
// keeps them, and everything else goes on.
func (r *Reconciler) applyWorkload(ctx context.Context, s *scope, object *unstructured.Unstructured) (live, applied *unstructured.Unstructured, err error) {
	if s.holder.is(object) {
		object = s.holder.asSeen(object)
		if err := r.fitStorage(ctx, s, object); err != nil {
			return nil, object, err
		}
	}
	live, _, err = r.Applier.Apply(ctx, object)
	return live, object, err
}

// observe looks at the parts that were not reached because something was refused before.
func (r *Reconciler) observe(ctx context.Context, s *scope) error {
	for _, object := range s.objects {
		stage := stack.StageOf(object)
		if _, seen := s.parts[stage]; seen || stage < stack.StageDatabase {
			continue
		}
		var live *unstructured.Unstructured
		if !r.absent(object) {
			var err error
			if live, err = applyset.Current(ctx, r.Client, object); err != nil {
				return err
			}
		}
		s.see(stage, live, object)
	}
	return nil
}

// see notes the state of a part.
func (s *scope) see(stage stack.Stage, live, desired *unstructured.Unstructured) part {
	seen := part{exists: live != nil, current: applyset.Matches(live, desired)}
	if live != nil {
		seen.state = health.Of(live)
		seen.made = live.GetCreationTimestamp().Time
		seen.unavailable = unavailable(live)
		if stage == stack.StageDatabase {
			s.primary = primaryOf(live)
		}
	}
	s.parts[stage] = seen
	return seen
}

// unavailable says whether a Deployment has too few ready pods.
func unavailable(live *unstructured.Unstructured) bool {
	conditions, _, _ := unstructured.NestedSlice(live.Object, "status", "conditions")
	return slices.ContainsFunc(conditions, func(c any) bool {
		condition, _ := c.(map[string]any)
		return condition["type"] == "Available" && condition["status"] == "False"
	})
}
