package applyset

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// metadataOnly are kinds of whose objects the cache holds the metadata alone, because nothing else is read: neither have they a health
// that anything waits for, nor a field that can't be changed. They are most of a stack, and come by a shorter way, encoded as
// protobuf.
var metadataOnly = []string{
	"ClusterRole", "ClusterRoleBinding", "LimitRange", "NetworkPolicy", "PodDisruptionBudget", "ResourceQuota", "Service", "ServiceAccount",
}

// MetadataOnly says whether the cache that an Applier's client reads from has to hold the metadata alone of a kind.
func MetadataOnly(kind schema.GroupVersionKind) bool { return slices.Contains(metadataOnly, kind.Kind) }

// current gives the object as the cache knows it, nil when it does not exist.
func (a *Applier) current(ctx context.Context, desired *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	kind := desired.GroupVersionKind()
	if !MetadataOnly(kind) {
		return Current(ctx, a.client, desired)
	}
	live := &metav1.PartialObjectMetadata{}
	live.SetGroupVersionKind(kind)
	err := a.client.Get(ctx, client.ObjectKeyFromObject(desired), live)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", Ref(desired), servedOr(err, kind))
	}
	return withMetadata(live, kind), nil
}

// list gives the members of a set in a namespace as the cache knows them: who they are and whether they are on their way out. They are
// the cache's own, to be read only: there are many, and they are looked at often.
func (a *Applier) list(ctx context.Context, kind schema.GroupVersionKind, options ...client.ListOption) ([]metav1.Object, error) {
	options = append(options, client.UnsafeDisableDeepCopy)
	var objects []metav1.Object
	if !MetadataOnly(kind) {
		found := &unstructured.UnstructuredList{}
		found.SetGroupVersionKind(kind)
		err := a.client.List(ctx, found, options...)
		for i := range found.Items {
			objects = append(objects, &found.Items[i])
		}
		return objects, err
	}
	found := &metav1.PartialObjectMetadataList{}
	found.SetGroupVersionKind(kind)
	err := a.client.List(ctx, found, options...)
	for i := range found.Items {
		objects = append(objects, &found.Items[i])
	}
	return objects, err
}

// withMetadata is an object of which the metadata that this package reads are known.
func withMetadata(from *metav1.PartialObjectMetadata, kind schema.GroupVersionKind) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(kind)
	object.SetNamespace(from.Namespace)
	object.SetName(from.Name)
	object.SetUID(from.UID)
	object.SetResourceVersion(from.ResourceVersion)
	object.SetLabels(from.Labels)
	object.SetAnnotations(from.Annotations)
	object.SetDeletionTimestamp(from.DeletionTimestamp)
	object.SetManagedFields(from.ManagedFields)
	return object
}
