package integratedcaresystem

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
)

// override changes an object that no render is at hand for, as while a system is being deleted. The render hash goes with it, so that
// the next apply puts back what is declared.
func (r *Reconciler) override(ctx context.Context, object *unstructured.Unstructured, annotations, spec map[string]any) error {
	metadata := map[string]any{v1alpha1.AnnotationRenderHash: nil}
	maps.Copy(metadata, annotations)
	change := map[string]any{"metadata": map[string]any{"annotations": metadata}}
	if spec != nil {
		change["spec"] = spec
	}
	patch, err := json.Marshal(change)
	if err != nil {
		return fmt.Errorf("writing the change of %s: %w", applyset.Ref(object), err)
	}
	return r.Client.Patch(ctx, object, client.RawPatch(types.MergePatchType, patch), client.FieldOwner(applyset.FieldManager))
}

// annotate sets an annotation, or removes it when the value is empty; it writes only when that changes something.
func (r *Reconciler) annotate(ctx context.Context, object *unstructured.Unstructured, key, value string, options ...client.MergeFromOption) error {
	annotations := object.GetAnnotations()
	if annotations[key] == value {
		return nil
	}
	before := object.DeepCopy()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[key] = value
	if value == "" {
		delete(annotations, key)
	}
	object.SetAnnotations(annotations)
	return r.Client.Patch(ctx, object, client.MergeFromWithOptions(before, options...), client.FieldOwner(applyset.FieldManager))
}
