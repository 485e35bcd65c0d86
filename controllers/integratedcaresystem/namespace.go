package integratedcaresystem

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
	"github.com/cmhf/operator/internal/stack"
)

// namespace makes the tenant's namespace, or takes back the one that an earlier resource of the same ICS left with its data.
func (r *Reconciler) namespace(ctx context.Context, s *scope) (bool, error) {
	existing := s.existing
	s.namespaceLooked = true
	if existing != nil {
		if refused := mayUse(existing, s.ics); refused != nil {
			return false, refused
		}
	}
	for _, object := range s.objects {
		if stack.StageOf(object) != stack.StageNamespace {
			continue
		}
		live, _, err := r.Applier.Apply(ctx, object)
		if err != nil {
			return false, err
		}
		s.namespaceUID = live.GetUID()
	}
	if existing != nil {
		for _, mark := range []string{v1alpha1.AnnotationRetainedSince, v1alpha1.AnnotationStillRunning} {
			if err := r.annotate(ctx, existing, mark, ""); err != nil {
				return false, fmt.Errorf("taking back namespace %s: %w", existing.GetName(), err)
			}
		}
		s.finalBackup = existing.GetAnnotations()[v1alpha1.AnnotationFinalBackup]
		s.namespaceAge = time.Since(existing.GetCreationTimestamp().Time)
	}
	s.namespaceApplied = true
	return true, nil
}

// existingNamespace looks in the cache, which holds tenants' namespaces only, then at the API server for a foreign one.
func (r *Reconciler) existingNamespace(ctx context.Context, name string) (*unstructured.Unstructured, error) {
	if namespace, err := currentNamespace(ctx, r.Client, name); err != nil || namespace != nil {
		return namespace, err
	}
	return currentNamespace(ctx, r.Uncached, name)
}

func currentNamespace(ctx context.Context, reader client.Reader, name string) (*unstructured.Unstructured, error) {
	return applyset.Current(ctx, reader, named(namespaceKind, "", name))
}

// mayUse says whether a namespace that exists belongs to the ICS. ODS codes are never re-used, so our label with the same
// code is proof enough; anyone else's namespace needs the word of whoever owns it.
func mayUse(namespace *unstructured.Unstructured, ics *v1alpha1.IntegratedCareSystem) error {
	if namespace.GetDeletionTimestamp() != nil {
		return &refusal{v1alpha1.ReasonNamespaceTerminating,
			fmt.Sprintf("namespace %s is being deleted; when it is gone it will be made anew", namespace.GetName()), lookAgain}
	}
	if was := namespace.GetAnnotations()[v1alpha1.AnnotationData]; was != "" && was != string(ics.Spec.Stack.Data) {
		return &refusal{v1alpha1.ReasonDataKindConflict, fmt.Sprintf("namespace %s holds the data of a system with spec.stack.data %s, not %s; "+
			"invented and real people never mix: set it back to %[2]s", namespace.GetName(), was, ics.Spec.Stack.Data), lookAgain}
	}
	if belongs(namespace, ics) || namespace.GetAnnotations()[v1alpha1.AnnotationAdopt] == "true" {
		return nil
	}
	return &refusal{v1alpha1.ReasonNamespaceConflict, fmt.Sprintf(
		"namespace %s exists and is not this system's; move what is in it elsewhere, or annotate it %s=true to let the operator use it",
		namespace.GetName(), v1alpha1.AnnotationAdopt), lookAgain}
}

// belongs: the namespace carries the system's label and ODS code. Someone may have taken one of the two away, not both.
func belongs(namespace *unstructured.Unstructured, ics *v1alpha1.IntegratedCareSystem) bool {
	code := namespace.GetAnnotations()[v1alpha1.AnnotationODSCode]
	label := namespace.GetLabels()[v1alpha1.LabelICS]
	return (label == ics.Name || label == "") && (code == ics.Spec.ODSCode || code == "") && label+code != ""
}
