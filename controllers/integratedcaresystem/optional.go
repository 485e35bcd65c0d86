package integratedcaresystem

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/stack"
)

// served refuses a stack whose database can't be declared here; nothing of it is made.
func (r *Reconciler) served(_ context.Context, s *scope) (bool, error) {
	for _, object := range s.objects {
		if stack.StageOf(object) == stack.StageDatabase && r.absent(object) {
			return false, notServed(object.GroupVersionKind())
		}
	}
	return true, nil
}

// absent: the object is of an optional kind that is not served at the moment.
func (r *Reconciler) absent(object *unstructured.Unstructured) bool {
	kind := object.GroupVersionKind()
	return slices.Contains(stack.OptionalKinds, kind) && !r.optional.Served(kind)
}

// kinds are those that a stack may hold and that are served at the moment.
func (r *Reconciler) kinds() []schema.GroupVersionKind {
	kinds := slices.Clone(stack.Kinds)
	for _, kind := range stack.OptionalKinds {
		if r.optional.Served(kind) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// notServed says what to install. A kind that comes wakes every tenant.
func notServed(kind schema.GroupVersionKind) *refusal {
	return &refusal{reason: v1alpha1.ReasonAPINotServed, message: fmt.Sprintf(
		"the stack has a %s of %s, which this cluster does not serve; install it, or declare the stack without it: docs/install.md says what needs it",
		kind.Kind, kind.GroupVersion())}
}
