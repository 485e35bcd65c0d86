package applyset

import (
	"fmt"
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// immutable lists, by kind, the fields that the API server refuses to change. Jobs change their name instead.
var immutable = map[string][][]string{
	"Deployment":            {{"spec", "selector"}},
	"StatefulSet":           {{"spec", "selector"}, {"spec", "serviceName"}, {"spec", "podManagementPolicy"}, {"spec", "volumeClaimTemplates"}},
	"Job":                   {{"spec", "selector"}, {"spec", "completionMode"}},
	"PersistentVolumeClaim": {{"spec", "storageClassName"}, {"spec", "accessModes"}, {"spec", "volumeMode"}, {"spec", "volumeName"}},
	"RoleBinding":           {{"roleRef"}},
}

// ImmutableError says which field can't be changed as desired.
type ImmutableError struct {
	Object, Path string
	Was, Wanted  any
}

func (e *ImmutableError) Error() string {
	return fmt.Sprintf("%s: %s is %v and can't become %v", e.Object, e.Path, e.Was, e.Wanted)
}

// checkImmutable compares the fields that both sides have.
func checkImmutable(live, desired *unstructured.Unstructured) error {
	for _, path := range immutable[desired.GetKind()] {
		wanted, want, err := unstructured.NestedFieldNoCopy(desired.Object, path...)
		if err != nil || !want {
			continue
		}
		was, had, err := unstructured.NestedFieldNoCopy(live.Object, path...)
		if err == nil && had && !covers(was, wanted) {
			return &ImmutableError{Ref(desired), strings.Join(path, "."), was, wanted}
		}
	}
	if desired.GetKind() == "PersistentVolumeClaim" {
		return checkShrink(live, desired)
	}
	return nil
}

// covers says whether applying wanted would leave was as it is: maps may hold more than is wanted.
func covers(was, wanted any) bool {
	wantedMap, isMap := wanted.(map[string]any)
	wasMap, alsoMap := was.(map[string]any)
	if !isMap || !alsoMap {
		return reflect.DeepEqual(was, wanted)
	}
	for key, value := range wantedMap {
		if !covers(wasMap[key], value) {
			return false
		}
	}
	return true
}

func checkShrink(live, desired *unstructured.Unstructured) error {
	path := []string{"spec", "resources", "requests", "storage"}
	was, hadErr := quantity(live, path)
	wanted, wantErr := quantity(desired, path)
	if hadErr == nil && wantErr == nil && wanted.Cmp(was) < 0 {
		return &ImmutableError{Ref(desired), strings.Join(path, "."), was.String(), wanted.String()}
	}
	return nil
}

func quantity(object *unstructured.Unstructured, path []string) (resource.Quantity, error) {
	text, _, err := unstructured.NestedString(object.Object, path...)
	if err != nil {
		return resource.Quantity{}, err
	}
	return resource.ParseQuantity(text)
}
