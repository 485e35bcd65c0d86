package integratedcaresystem

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
	"github.com/cmhf/operator/internal/stack"
)

// The record of which volume holds the tenant's data: a ConfigMap that is written when the database first serves. The
// database's pod reads expectData when it starts.
const (
	claimName  = "database-data"
	recordName = "database-record"
)

// volume makes sure that the data are where they were. A claim that is missing, or another one of the same name, would start
// an empty database in the place of the tenant's records.
func (r *Reconciler) volume(ctx context.Context, s *scope) (bool, error) {
	claim := &metav1.PartialObjectMetadata{}
	claim.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("PersistentVolumeClaim"))
	err := r.Uncached.Get(ctx, client.ObjectKey{Namespace: s.inputs.Namespace, Name: claimName}, claim)
	if client.IgnoreNotFound(err) != nil {
		return false, fmt.Errorf("reading PersistentVolumeClaim %s/%s: %w", s.inputs.Namespace, claimName, err)
	}
	s.claimUID = claim.UID
	record, err := applyset.Current(ctx, r.Uncached, recordOf(s))
	if err != nil || record == nil {
		return err == nil, err
	}
	recorded, _, _ := unstructured.NestedString(record.Object, "data", "volume")
	if recorded == string(claim.UID) {
		return true, nil
	}
	found := "is gone"
	if s.claimUID != "" {
		found = "is another one now (" + string(claim.UID) + ")"
	}
	return false, &refusal{v1alpha1.ReasonDataMissing, fmt.Sprintf(
		"the volume claim %s that holds this system's data (%s) %s; nothing was made in its place. Restore it, then, to go on with the volume that is "+
			"there (or with an empty one): kubectl -n %s delete configmap %s", claimName, recorded, found, s.inputs.Namespace, recordName), lookAgain}
}

// recordVolume notes which volume the database serves from, once it does.
func (r *Reconciler) recordVolume(ctx context.Context, s *scope) (bool, error) {
	if s.inputs.Hibernated || s.claimUID == "" || !s.parts[stack.StageMigration].up() {
		return true, nil
	}
	record := recordOf(s)
	record.SetLabels(map[string]string{v1alpha1.LabelICS: s.ics.Name, v1alpha1.LabelComponent: v1alpha1.ComponentDatabase})
	record.SetAnnotations(map[string]string{v1alpha1.AnnotationRenderHash: string(s.claimUID)})
	record.Object["data"] = map[string]any{"volume": string(s.claimUID), "expectData": "true"}
	_, _, err := r.Applier.Apply(ctx, record)
	return err == nil, err
}

func recordOf(s *scope) *unstructured.Unstructured {
	record := &unstructured.Unstructured{}
	record.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ConfigMap"))
	record.SetNamespace(s.inputs.Namespace)
	record.SetName(recordName)
	return record
}
