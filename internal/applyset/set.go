package applyset

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Labels and annotations of the ApplySet specification.
const (
	// LabelPartOf marks a member with the id of its set.
	LabelPartOf = "applyset.kubernetes.io/part-of"
	// LabelID marks the parent.
	LabelID = "applyset.kubernetes.io/id"
	// AnnotationTooling and AnnotationContains tell other tools who manages the set and which kinds it holds.
	AnnotationTooling  = "applyset.kubernetes.io/tooling"
	AnnotationContains = "applyset.kubernetes.io/contains-group-kinds"
)

// holdsData are kinds of which nothing is ever removed.
var holdsData = []string{"Namespace", "PersistentVolumeClaim", "StatefulSet", "Secret", "Cluster"}

// ID gives the id of the set of a cluster-scoped parent. It comes from names only, so that a parent that was deleted and made
// again finds its set.
func ID(parent string, kind schema.GroupKind) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{parent, "", kind.Kind, kind.Group}, ".")))
	return "applyset-" + base64.RawURLEncoding.EncodeToString(sum[:]) + "-v1"
}

// Prune removes members of the set, wherever they are, that are not among the desired objects, of all the given kinds, and
// returns those that it kept because they hold data. It must be called only after every desired object was applied.
func (a *Applier) Prune(ctx context.Context, id string, kinds []schema.GroupVersionKind, desired []*unstructured.Unstructured) (retained []string, err error) {
	wanted := map[string]bool{}
	for _, object := range desired {
		wanted[object.GetKind()+"/"+object.GetName()] = true
	}
	for _, kind := range kinds {
		members := &unstructured.UnstructuredList{}
		members.SetGroupVersionKind(kind)
		err := servedOr(a.client.List(ctx, members, client.MatchingLabels{LabelPartOf: id}), kind)
		if absent := (*NotServedError)(nil); errors.As(err, &absent) {
			continue // its objects went with it
		}
		if err != nil {
			return nil, fmt.Errorf("listing the %ss of set %s: %w", kind.Kind, id, err)
		}
		for i := range members.Items {
			member := &members.Items[i]
			if wanted[kind.Kind+"/"+member.GetName()] || member.GetDeletionTimestamp() != nil {
				continue
			}
			if slices.Contains(holdsData, kind.Kind) {
				retained = append(retained, Ref(member))
				continue
			}
			if err := a.Remove(ctx, member); err != nil {
				return nil, err
			}
		}
	}
	return retained, nil
}

// Remove deletes exactly the object that was read, and forgets it. What it owns goes after it, unless the options say otherwise.
func (a *Applier) Remove(ctx context.Context, object *unstructured.Unstructured, options ...client.DeleteOption) error {
	uid := object.GetUID()
	options = append([]client.DeleteOption{client.PropagationPolicy(metav1.DeletePropagationBackground), client.Preconditions{UID: &uid}}, options...)
	err := a.client.Delete(ctx, object, options...)
	absent := (*NotServedError)(nil)
	if client.IgnoreNotFound(err) != nil && !errors.As(servedOr(err, object.GroupVersionKind()), &absent) {
		return fmt.Errorf("removing %s: %w", Ref(object), err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.owned, uid)
	return nil
}
