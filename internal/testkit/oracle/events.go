package oracle

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
)

// Event is a version of an object.
type Event struct {
	// Revision orders the events of all kinds: it is the API server's storage's own count.
	Revision uint64
	Kind     schema.GroupVersionKind
	// Gone: with this event the object ceased to exist.
	Gone bool
	// Object without what is not judged.
	Object *unstructured.Unstructured
	// Uses are the Secrets that pods of the object are made with.
	Uses map[string]bool
}

func (e Event) ref() string { return applyset.Ref(e.Object) }

// inOrder sorts events as they happened.
func inOrder(events []Event) []Event {
	sorted := slices.Clone(events)
	slices.SortStableFunc(sorted, func(a, b Event) int { return cmp.Compare(a.Revision, b.Revision) })
	return sorted
}

// at gives each object as it was at a revision, by its reference; those that were gone are left out.
func at(log []Event, revision uint64) map[string]Event {
	now := map[string]Event{}
	for _, event := range log {
		if event.Revision > revision {
			break
		}
		now[event.ref()] = event
		if event.Gone {
			delete(now, event.ref())
		}
	}
	return now
}

// Follow writes down what there is of a kind and all that happens to it, until the context ends. A kind that is served no longer has
// no more events.
func (o *Oracle) Follow(ctx context.Context, kind schema.GroupVersionKind) error {
	// Nobody has followed what became of those that were there when the kind was followed before, so nobody is to blame.
	from, err := o.list(ctx, kind, o.Asked)
	if err != nil {
		return err
	}
	stream, err := o.stream(ctx, kind, from)
	if err != nil {
		return err
	}
	go func() {
		for {
			if from, err = o.take(kind, stream, from); apierrors.IsResourceExpired(err) || apierrors.IsGone(err) {
				// What happened meanwhile is told no more, as when a definition is changed; what is there is.
				from, err = o.list(ctx, kind, func(types.UID) {})
			}
			if err == nil {
				stream, err = o.stream(ctx, kind, from)
			}
			switch {
			case ctx.Err() != nil || meta.IsNoMatchError(err) || apierrors.IsNotFound(err):
				return
			case err != nil:
				o.miss(kind, err)
				return
			}
		}
	}()
	return nil
}

// list notes what there is of a kind and that is gone what was there before, tells missing of that, and gives the revision.
func (o *Oracle) list(ctx context.Context, kind schema.GroupVersionKind, missing func(types.UID)) (string, error) {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
	if err := o.client.List(ctx, list); err != nil {
		return "", fmt.Errorf("listing every %s for the oracle: %w", kind.Kind, err)
	}
	gone := o.known(kind)
	for i := range list.Items {
		delete(gone, applyset.Ref(&list.Items[i]))
		o.note(kind, &list.Items[i], false)
	}
	for _, event := range gone {
		missing(event.Object.GetUID())
		object := event.Object.DeepCopy()
		object.SetResourceVersion(list.GetResourceVersion())
		o.note(kind, object, true)
	}
	return list.GetResourceVersion(), nil
}

// known gives the objects of a kind that are there as far as is written down.
func (o *Oracle) known(kind schema.GroupVersionKind) map[string]Event {
	o.mu.Lock()
	defer o.mu.Unlock()
	found := map[string]Event{}
	for _, events := range o.events {
		for ref, event := range at(inOrder(events), math.MaxUint64) {
			if event.Kind == kind {
				found[ref] = event
			}
		}
	}
	return found
}

func (o *Oracle) stream(ctx context.Context, kind schema.GroupVersionKind, from string) (watch.Interface, error) {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
	stream, err := o.client.Watch(ctx, list, &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: from, AllowWatchBookmarks: true}})
	if err != nil {
		return nil, fmt.Errorf("watching every %s for the oracle: %w", kind.Kind, err)
	}
	return stream, nil
}

// take notes what a stream brings until it ends, and gives the revision to go on from.
func (o *Oracle) take(kind schema.GroupVersionKind, stream watch.Interface, from string) (string, error) {
	defer stream.Stop()
	for event := range stream.ResultChan() {
		object, ok := event.Object.(*unstructured.Unstructured)
		if !ok || event.Type == watch.Error {
			return from, fmt.Errorf("the stream ended: %w", apierrors.FromObject(event.Object))
		}
		from = object.GetResourceVersion()
		if event.Type != watch.Bookmark {
			o.note(kind, object, event.Type == watch.Deleted)
		}
	}
	return from, nil
}

func (o *Oracle) miss(kind schema.GroupVersionKind, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lost = append(o.lost, fmt.Sprintf("the oracle did not see what happened to every %s: %v", kind.Kind, err))
}

func (o *Oracle) note(kind schema.GroupVersionKind, object *unstructured.Unstructured, gone bool) {
	system := systemOf(object, kind)
	revision, err := strconv.ParseUint(object.GetResourceVersion(), 10, 64)
	if system == "" || err != nil {
		return
	}
	event := Event{Revision: revision, Kind: kind, Gone: gone, Object: object}
	event.trim()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.events[system] = append(o.events[system], event)
}

// trim keeps of an object what is judged: of our own kinds all, of those that the render is made from their content, of the others that
// they are there, from which render, and which Secrets they use.
func (e *Event) trim() {
	switch e.Kind.Kind {
	case "IntegratedCareSystem", "CoreCommunityService":
		return
	case "Deployment", "StatefulSet", "CronJob":
		e.Uses = map[string]bool{}
		uses(e.Object.Object["spec"], e.Uses)
	}
	e.Object.SetManagedFields(nil)
	if !slices.Contains([]string{"Namespace", "Secret", "ConfigMap"}, e.Kind.Kind) {
		delete(e.Object.Object, "spec")
		delete(e.Object.Object, "status")
	}
}

// uses collects the names of Secrets to which a pod's template refers, wherever they stand in it.
func uses(part any, found map[string]bool) {
	switch part := part.(type) {
	case []any:
		for _, item := range part {
			uses(item, found)
		}
	case map[string]any:
		for key, value := range part {
			switch reference, _ := value.(map[string]any); {
			case key == "secretName":
				found[fmt.Sprint(value)] = true
			case (key == "secret" || key == "secretRef" || key == "secretKeyRef") && reference["name"] != nil:
				found[fmt.Sprint(reference["name"])] = true
			}
			uses(value, found)
		}
	}
}

// revision is the API server's present one.
func (o *Oracle) revision(ctx context.Context) (uint64, error) {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("IntegratedCareSystemList"))
	if err := o.client.List(ctx, list); err != nil {
		return 0, fmt.Errorf("asking for the present revision: %w", err)
	}
	revision, err := strconv.ParseUint(list.ResourceVersion, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("reading the present revision: %w", err)
	}
	return revision, nil
}
