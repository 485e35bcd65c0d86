package applyset

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// neverOwned are fields that the API server leaves out of managedFields.
var neverOwned = fieldpath.NewSet(
	fieldpath.MakePathOrDie("apiVersion"),
	fieldpath.MakePathOrDie("kind"),
	fieldpath.MakePathOrDie("metadata"),
	fieldpath.MakePathOrDie("metadata", "name"),
	fieldpath.MakePathOrDie("metadata", "namespace"),
	fieldpath.MakePathOrDie("metadata", "uid"),
	fieldpath.MakePathOrDie("metadata", "resourceVersion"),
)

// expected is the ownership hash that an apply of the object leaves, computed from the types of Kubernetes as this program knows them;
// false for a kind that it does not know. It may be trusted when it is what the live object has: then every field of the object is ours,
// no other is, and so none was changed. Where it is not, the API server may know the types otherwise and has to be asked.
func (a *Applier) expected(desired *unstructured.Unstructured) (string, bool) {
	value, err := a.types.ObjectToTyped(desired)
	if err != nil {
		return "", false
	}
	fields, err := value.ToFieldSet()
	if err != nil {
		return "", false
	}
	raw, err := fields.Difference(neverOwned).ToJSON()
	if err != nil {
		return "", false
	}
	var escaped bytes.Buffer
	json.HTMLEscape(&escaped, raw)
	sum := sha256.Sum256(escaped.Bytes())
	return hex.EncodeToString(sum[:]), true
}
