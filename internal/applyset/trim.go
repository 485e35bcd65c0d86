package applyset

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// unread lists, by kind, what nobody reads of an object in the cache. It is most of what objects weigh: a country's would take
// hundreds of mebibytes.
var unread = map[string][][]string{
	"CronJob":     {{"spec", "jobTemplate"}},
	"Deployment":  {{"spec", "template"}},
	"Job":         {{"spec", "template"}},
	"RoleBinding": {{"subjects"}},
	"StatefulSet": {{"spec", "template"}},
}

// trimmed marks, in the place of its type, the one entry of managed fields that is left, and holds its ownership hash.
const trimmed = "ownership:"

// Trim takes from an object on its way into a cache what nobody reads there: most of some kinds, the content of ConfigMaps that are
// members of a set, and of managedFields all but the identity of our own entry. What is read from such a cache must never be sent as
// a whole, only applied anew from what is desired, or patched.
func Trim(object any) (any, error) {
	switch live := object.(type) {
	case *unstructured.Unstructured:
		for _, path := range unread[live.GetKind()] {
			unstructured.RemoveNestedField(live.Object, path...)
		}
		if live.GetKind() == "ConfigMap" && live.GetLabels()[LabelPartOf] != "" {
			unstructured.RemoveNestedField(live.Object, "data")
		}
		trimOwnership(live, ownsReplicas(live))
	case *metav1.PartialObjectMetadata:
		trimOwnership(live, false)
	}
	return object, nil
}

func trimOwnership(live metav1.Object, replicas bool) {
	entry := ownEntry(live)
	switch {
	case entry == nil:
		live.SetManagedFields(nil)
		return
	case isTrimmed(*entry):
		return
	}
	left := metav1.ManagedFieldsEntry{Manager: entry.Manager, Operation: entry.Operation, FieldsType: trimmed + ownership(live), FieldsV1: &metav1.FieldsV1{}}
	left.FieldsV1.SetRawBytes([]byte(`{}`))
	if replicas {
		left.FieldsV1.SetRawBytes([]byte(`{"f:spec":{"f:replicas":{}}}`))
	}
	live.SetManagedFields([]metav1.ManagedFieldsEntry{left})
}

func isTrimmed(entry metav1.ManagedFieldsEntry) bool {
	return len(entry.FieldsType) > len(trimmed) && entry.FieldsType[:len(trimmed)] == trimmed
}
