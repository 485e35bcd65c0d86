package applyset

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
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
	if content, ok := object.(*unstructured.Unstructured); ok {
		return ownEntryIn(content.Object)
	}
	entries := object.GetManagedFields()
	i := slices.IndexFunc(entries, func(e metav1.ManagedFieldsEntry) bool {
		return e.Manager == FieldManager && e.Operation == metav1.ManagedFieldsOperationApply && e.Subresource == ""
	})
	if i < 0 || entries[i].FieldsV1 == nil {
		return nil
	}
	return &entries[i]
}

// ownEntryIn reads no entry but ours: all of them are a large part of what it costs to take an object up.
func ownEntryIn(content map[string]any) *metav1.ManagedFieldsEntry {
	entries, _, _ := unstructured.NestedFieldNoCopy(content, "metadata", "managedFields")
	list, _ := entries.([]any)
	for _, each := range list {
		fields, _ := each.(map[string]any)
		if fields["manager"] != FieldManager || fields["operation"] != string(metav1.ManagedFieldsOperationApply) || (fields["subresource"] != nil && fields["subresource"] != "") {
			continue
		}
		entry := &metav1.ManagedFieldsEntry{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(fields, entry); err != nil || entry.FieldsV1 == nil {
			return nil
		}
		return entry
	}
	return nil
}
