package applyset

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// ownership identifies the set of fields that we own: our apply entry in managedFields, without its time.
func ownership(object *unstructured.Unstructured) string {
	entry := ownEntry(object)
	if entry == nil {
		return "none"
	}
	if isTrimmed(*entry) {
		return entry.FieldsType[len(trimmed):]
	}
	sum := sha256.Sum256(entry.FieldsV1.GetRawBytes())
	return hex.EncodeToString(sum[:])
}

// ownEntry gives our apply entry in managedFields, nil when we own nothing.
func ownEntry(object *unstructured.Unstructured) *metav1.ManagedFieldsEntry {
	entries := object.GetManagedFields()
	i := slices.IndexFunc(entries, func(e metav1.ManagedFieldsEntry) bool {
		return e.Manager == FieldManager && e.Operation == metav1.ManagedFieldsOperationApply && e.Subresource == ""
	})
	if i < 0 || entries[i].FieldsV1 == nil {
		return nil
	}
	return &entries[i]
}
