package applyset

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ownership identifies the set of fields that we own: our apply entry in managedFields, without its time.
func ownership(object metav1.Object) string {
	entry := ownEntry(object)
	if entry == nil {
		return "none"
	}
	if isTrimmed(*entry) {
		return entry.FieldsType[len(trimmed):]
	}
	// Encoded as JSON within an object, the fields are escaped; encoded as protobuf they are not.
	var fields bytes.Buffer
	json.HTMLEscape(&fields, entry.FieldsV1.GetRawBytes())
	sum := sha256.Sum256(fields.Bytes())
	return hex.EncodeToString(sum[:])
}

// ownEntry gives our apply entry in managedFields, nil when we own nothing.
func ownEntry(object metav1.Object) *metav1.ManagedFieldsEntry {
	entries := object.GetManagedFields()
	i := slices.IndexFunc(entries, func(e metav1.ManagedFieldsEntry) bool {
		return e.Manager == FieldManager && e.Operation == metav1.ManagedFieldsOperationApply && e.Subresource == ""
	})
	if i < 0 || entries[i].FieldsV1 == nil {
		return nil
	}
	return &entries[i]
}
