package integratedcaresystem

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
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
// an empty database in the place of the tenant's records. The cache may say that all is well, because the claim is only ever
// applied by the identity that it was seen with; only the API server itself says that something is amiss, or that there is no
// claim yet.
func (r *Reconciler) volume(ctx context.Context, s *scope) (bool, error) {
	uid, recorded, err := r.recorded(ctx, r.Client, s)
	if err != nil {
		return false, err
	}
	unrecorded := look{s.namespaceUID, lookRecord}
	if uid != "" && (uid == recorded || recorded == "" && r.looks.holds(unrecorded, looksHold)) {
		s.claimUID = uid
		return true, nil
	}
	if uid, recorded, err = r.recorded(ctx, r.Uncached, s); err != nil {
		return false, err
	}
	s.claimUID = uid
	if recorded == "" {
		r.looks.remember(unrecorded)
		return true, nil
	}
	if recorded == uid {
		return true, nil
	}
	found := "is gone"
	if uid != "" {
		found = "is another one now (" + string(uid) + ")"
	}
	return false, &refusal{v1alpha1.ReasonDataMissing, fmt.Sprintf(
		"the volume claim %s that holds this system's data (%s) %s; nothing was made in its place. Restore it, then, to go on with the volume that is "+
			"there (or with an empty one): kubectl -n %s delete configmap %s", claimName, recorded, found, s.inputs.Namespace, recordName), lookAgain}
}

// recorded reads which claim there is and which one the record names, each empty when there is none.
func (r *Reconciler) recorded(ctx context.Context, reader client.Reader, s *scope) (uid, recorded types.UID, err error) {
	wanted := &unstructured.Unstructured{}
	wanted.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("PersistentVolumeClaim"))
	wanted.SetNamespace(s.inputs.Namespace)
	wanted.SetName(claimName)
	claim, err := applyset.Current(ctx, reader, wanted)
	if err != nil {
		return "", "", err
	}
	if claim != nil {
		uid = claim.GetUID()
	}
	record, err := applyset.Current(ctx, reader, recordOf(s))
	if err != nil || record == nil {
		return uid, "", err
	}
	volume, _, _ := unstructured.NestedString(record.Object, "data", "volume")
	if volume == "" {
		volume = "not readable" // a record without its content still says that there were data
	}
	return uid, types.UID(volume), nil
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
	r.looks.forget(look{s.namespaceUID, lookRecord})
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
