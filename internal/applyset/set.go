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

// Prune removes members of the set, in the namespaces of the desired objects and outside of namespaces, that are not among
// those objects, of all the given kinds, and returns those that it kept because they hold data. It must be called only after every desired object was applied.
func (a *Applier) Prune(ctx context.Context, id string, kinds []schema.GroupVersionKind, desired []*unstructured.Unstructured) (retained []string, err error) {
	wanted, namespaces := map[string]bool{}, map[string]bool{}
	for _, object := range desired {
		wanted[object.GetKind()+"/"+object.GetName()] = true
		if namespace := object.GetNamespace(); namespace != "" {
			namespaces[namespace] = true
		}
	}
	for _, kind := range kinds {
		members, err := a.members(ctx, id, kind, namespaces)
		if absent := (*NotServedError)(nil); errors.As(err, &absent) {
			continue // its objects went with it
		}
		if err != nil {
			return nil, fmt.Errorf("listing the %ss of set %s: %w", kind.Kind, id, err)
		}
		for _, each := range members {
			if wanted[kind.Kind+"/"+each.GetName()] || each.GetDeletionTimestamp() != nil {
				continue
			}
			member := identity(each, kind)
			if slices.Contains(holdsData, kind.Kind) {
				retained = append(retained, Ref(member))
				continue
			}
			if err := a.Remove(ctx, member); err != nil {
				return nil, err
			}
		}
	}
	slices.Sort(retained) // a cache lists in any order, and a status must not change by it
	return retained, nil
}

// identity is what is needed to name an object and to remove it.
func identity(object metav1.Object, kind schema.GroupVersionKind) *unstructured.Unstructured {
	bare := &unstructured.Unstructured{}
	bare.SetGroupVersionKind(kind)
	bare.SetNamespace(object.GetNamespace())
	bare.SetName(object.GetName())
	bare.SetUID(object.GetUID())
	return bare
}

// members lists those of a kind. The cache finds what is in a namespace without looking at everything there is.
func (a *Applier) members(ctx context.Context, id string, kind schema.GroupVersionKind, namespaces map[string]bool) ([]metav1.Object, error) {
	one := &unstructured.Unstructured{}
	one.SetGroupVersionKind(kind)
	namespaced, err := a.client.IsObjectNamespaced(one)
	if err != nil {
		return nil, servedOr(err, kind)
	}
	if !namespaced {
		namespaces = map[string]bool{metav1.NamespaceAll: true}
	}
	var found []metav1.Object
	for namespace := range namespaces {
		members, err := a.list(ctx, kind, client.InNamespace(namespace), client.MatchingLabels{LabelPartOf: id})
		if err != nil {
			return nil, servedOr(err, kind)
		}
		found = append(found, members...)
	}
	return found, nil
}

// Remove deletes exactly the object that was read, and forgets it. What it owns goes after it, unless the options say otherwise.
func (a *Applier) Remove(ctx context.Context, object *unstructured.Unstructured, options ...client.DeleteOption) error {
	uid := object.GetUID()
	options = append([]client.DeleteOption{client.PropagationPolicy(metav1.DeletePropagationBackground), client.Preconditions{UID: &uid}}, options...)
	err := a.client.Delete(ctx, object, options...)
	if client.IgnoreNotFound(err) != nil && !IsNotServed(err, object.GroupVersionKind()) {
		return fmt.Errorf("removing %s: %w", Ref(object), err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.owned, uid)
	return nil
}
