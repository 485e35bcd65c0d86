// Package applyset brings objects of a stack to the cluster by server-side apply. It decides per object whether a write is
// needed at all: an object whose render hash is already the desired one is left alone, so a steady state costs nothing. It
// knows nothing of stages or health, and deletes nothing.
package applyset

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
)

// FieldManager owns every field that the operator writes.
const FieldManager = "cmhf-operator"

// Current gives the object as the cache knows it, nil when it does not exist.
func Current(ctx context.Context, reader client.Reader, desired *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(desired.GroupVersionKind())
	err := reader.Get(ctx, client.ObjectKeyFromObject(desired), live)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", Ref(desired), err)
	}
	return live, nil
}

// Matches says whether the live object was last applied from the desired one.
func Matches(live, desired *unstructured.Unstructured) bool {
	return live != nil && live.GetAnnotations()[v1alpha1.AnnotationRenderHash] == desired.GetAnnotations()[v1alpha1.AnnotationRenderHash]
}

// Apply makes the live object match the desired one and returns it as the API server now has it, and whether it was written.
// Only fields in desired are forced; what others added stays.
func Apply(ctx context.Context, c client.Client, desired *unstructured.Unstructured) (*unstructured.Unstructured, bool, error) {
	live, err := Current(ctx, c, desired)
	if err != nil {
		return nil, false, err
	}
	if Matches(live, desired) {
		return live, false, nil
	}
	applied := desired.DeepCopy()
	err = c.Apply(ctx, client.ApplyConfigurationFromUnstructured(applied), client.FieldOwner(FieldManager), client.ForceOwnership)
	if err != nil {
		return nil, false, fmt.Errorf("applying %s: %w", Ref(desired), err)
	}
	return applied, true, nil
}

// Ref names an object for people: kind and name, with the namespace where it has one.
func Ref(object client.Object) string {
	kind := object.GetObjectKind().GroupVersionKind().Kind
	if object.GetNamespace() == "" {
		return kind + " " + object.GetName()
	}
	return kind + " " + object.GetNamespace() + "/" + object.GetName()
}
