package integratedcaresystem

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/internal/applyset"
	"github.com/cmhf/operator/internal/health"
	"github.com/cmhf/operator/internal/stack"
)

// databaseKinds are what runs a database, whichever engine it is.
var databaseKinds = []schema.GroupVersionKind{statefulSetKind, clusterKind}

// dataKinds are the same with what the data lie on.
var dataKinds = []schema.GroupVersionKind{statefulSetKind, clusterKind, claimKind}

// listLive asks the API server for the objects of a kind; of one that it does not serve there are none. What this operator knows of
// optional kinds does not count here: it may be too little for a moment, and a database that is overlooked would lose its Secrets and
// volumes while it runs.
func (r *Reconciler) listLive(ctx context.Context, kind schema.GroupVersionKind, options ...client.ListOption) ([]unstructured.Unstructured, error) {
	found := list(kind)
	if err := r.Uncached.List(ctx, found, options...); err != nil && !applyset.IsNotServed(err, kind) {
		return nil, fmt.Errorf("listing every %s: %w", kind.Kind, err)
	}
	return found.Items, nil
}

// stopDatabase stops whatever runs the database and waits until it has shut down cleanly. CloudNativePG puts that off while the
// database is not whole, which may be for ever: where the data stay as they are anyway, it is told to stop it when it can, and the
// resource may go.
func (r *Reconciler) stopDatabase(ctx context.Context, s *scope) (bool, error) {
	stopped := true
	for _, kind := range databaseKinds {
		databases, err := r.listLive(ctx, kind, r.stack(s)...)
		if err != nil {
			return false, fmt.Errorf("looking for the databases of %s: %w", s.ics.Name, err)
		}
		for _, database := range databases {
			if !stopping(&database) {
				if err := r.setRunning(ctx, &database, false); err != nil {
					return false, fmt.Errorf("stopping %s: %w", applyset.Ref(&database), err)
				}
			}
			down, why := hasStopped(&database)
			if down {
				continue
			}
			s.stopping = "the database is shutting down" + why
			switch putOff := database.GetKind() == clusterKind.Kind && health.WaitsToStop(&database); {
			case putOff && !s.backsUp():
				s.stillRunning = "the servers of " + applyset.Ref(&database) + " still run" + why
				continue
			case putOff:
				s.stopping += "; " + s.keepInstead()
			}
			stopped = false
		}
	}
	return stopped, nil
}

// startDatabase brings up a database that rests, and waits until it serves.
func (r *Reconciler) startDatabase(ctx context.Context, s *scope) (bool, error) {
	for _, kind := range databaseKinds {
		databases, err := r.dataObjects(ctx, s, kind)
		if err != nil {
			return false, err
		}
		for _, database := range databases {
			if stopping(&database) {
				if err := r.setRunning(ctx, &database, true); err != nil {
					return false, fmt.Errorf("starting %s: %w", applyset.Ref(&database), err)
				}
			}
			if state := health.Of(&database); !state.Ready {
				s.stopping = "the database must serve for the last backup: " + state.Message + "; " + s.keepInstead()
				return false, nil
			}
		}
	}
	return true, nil
}

// setRunning starts or stops what runs a database.
func (r *Reconciler) setRunning(ctx context.Context, database *unstructured.Unstructured, run bool) error {
	if database.GetKind() == clusterKind.Kind {
		hibernation := stack.HibernationOn
		if run {
			hibernation = stack.HibernationOff
		}
		return r.override(ctx, database, map[string]any{stack.AnnotationHibernation: hibernation}, nil)
	}
	replicas := 0
	if run {
		replicas = 1
	}
	return r.override(ctx, database, nil, map[string]any{"replicas": replicas})
}

// stopping: the database is declared to be stopped.
func stopping(database *unstructured.Unstructured) bool {
	if database.GetKind() == clusterKind.Kind {
		return database.GetAnnotations()[stack.AnnotationHibernation] == stack.HibernationOn
	}
	wanted, _, _ := unstructured.NestedInt64(database.Object, "spec", "replicas")
	return wanted == 0
}

// hasStopped says whether a database that is to stop has, and what it waits for otherwise.
func hasStopped(database *unstructured.Unstructured) (bool, string) {
	if database.GetKind() == clusterKind.Kind {
		state := health.Of(database)
		return state.Ready, " (" + state.Message + ")"
	}
	observed, _, _ := unstructured.NestedInt64(database.Object, "status", "observedGeneration")
	running, _, _ := unstructured.NestedInt64(database.Object, "status", "replicas")
	return observed == database.GetGeneration() && running == 0, ""
}
