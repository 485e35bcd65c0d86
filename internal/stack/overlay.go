package stack

import (
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
)

// edit lays a tenant's settings over one object of the base.
type edit func(object map[string]any) error

// overlay copies the base for one tenant: its namespace, labels, names, sizes and settings. It fails when the base lacks an
// object that has to carry a setting.
func overlay(in Inputs, base []*unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	edits, err := edits(in)
	if err != nil {
		return nil, err
	}
	var objects []*unstructured.Unstructured
	for _, original := range base {
		object := original.DeepCopy()
		switch {
		case object.GetKind() == "Namespace":
			object.SetName(in.Namespace)
		case ClusterScoped(object.GetKind()):
			object.SetName(in.Namespace + "-" + original.GetName())
		default:
			object.SetNamespace(in.Namespace)
		}
		if err := label(object, in); err != nil {
			return nil, err
		}
		if err := pullSecret(object, in.PullSecret); err != nil {
			return nil, err
		}
		if template, found, _ := unstructured.NestedFieldNoCopy(object.Object, inTemplate(object)...); found {
			nameSecrets(in, template)
		}
		key := original.GetKind() + "/" + original.GetName()
		if edit := edits[key]; edit != nil {
			if err := edit(object.Object); err != nil {
				return nil, fmt.Errorf("laying the settings over %s: %w", key, err)
			}
			delete(edits, key)
		}
		if err := login(in, object); err != nil {
			return nil, fmt.Errorf("leading %s to the database: %w", key, err)
		}
		objects = append(objects, object)
	}
	if len(edits) > 0 {
		return nil, fmt.Errorf("the base has no %v to lay settings over", slices.Sorted(maps.Keys(edits)))
	}
	return objects, nil
}

// edits gathers what every subject lays over the base, by the kind and name that an object has there.
func edits(in Inputs) (map[string]edit, error) {
	all := map[string]edit{}
	subjects := []func(Inputs) (map[string]edit, error){tenantEdits, databaseEdits, backupEdits, physicalBackupEdits, programEdits, credentialsEdits, networkEdits, exposureEdits}
	for _, of := range subjects {
		subject, err := of(in)
		if err != nil {
			return nil, err
		}
		for key, next := range subject {
			if earlier := all[key]; earlier != nil {
				next = both(earlier, next)
			}
			all[key] = next
		}
	}
	return all, nil
}

// label marks an object and, where it makes pods, the pods.
func label(object *unstructured.Unstructured, in Inputs) error {
	labels := map[string]string{
		v1alpha1.LabelICS:              in.Name,
		"app.kubernetes.io/name":       "cmhf",
		"app.kubernetes.io/part-of":    "cmhf-stack",
		"app.kubernetes.io/managed-by": "cmhf-operator",
	}
	own := object.GetLabels()
	if own == nil {
		own = map[string]string{}
	}
	maps.Copy(own, labels)
	own[applyset.LabelPartOf] = in.Set
	object.SetLabels(own)
	for _, path := range templatePaths(object) {
		if _, found, err := mapAt(object.Object, path...); err != nil {
			return err
		} else if !found {
			continue
		}
		for key, value := range labels {
			if err := set(object.Object, value, slices.Concat(path, []string{"metadata", "labels", key})...); err != nil {
				return err
			}
		}
	}
	return nil
}

// templatePaths lead to what an object makes others from, the pods' template last.
func templatePaths(object *unstructured.Unstructured) [][]string {
	if object.GetKind() == "CronJob" {
		return [][]string{{"spec", "jobTemplate"}, {"spec", "jobTemplate", "spec", "template"}}
	}
	return [][]string{{"spec", "template"}}
}

// inTemplate is a path within the template of the pods that an object makes.
func inTemplate(object *unstructured.Unstructured, path ...string) []string {
	templates := templatePaths(object)
	return slices.Concat(templates[len(templates)-1], path)
}

func both(first, second edit) edit {
	return func(o map[string]any) error {
		if err := first(o); err != nil {
			return err
		}
		return second(o)
	}
}

func set(object map[string]any, value any, path ...string) error {
	return unstructured.SetNestedField(object, value, path...)
}

// inList edits every entry of a list of objects, of which there must be at least one.
func inList(object map[string]any, edit edit, path ...string) error {
	list, err := listAt(object, path...)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return fmt.Errorf("%v is empty", path)
	}
	for _, entry := range list {
		fields, ok := entry.(map[string]any)
		if !ok {
			return fmt.Errorf("%v holds something other than objects", path)
		}
		if err := edit(fields); err != nil {
			return err
		}
	}
	return nil
}

// mapAt gives the map itself that is at a path, to be read or changed in place: a tenant's objects are copies already.
func mapAt(object map[string]any, path ...string) (map[string]any, bool, error) {
	value, found, err := unstructured.NestedFieldNoCopy(object, path...)
	if err != nil || !found {
		return nil, false, err
	}
	fields, ok := value.(map[string]any)
	if !ok {
		return nil, false, fmt.Errorf("%v is no object", path)
	}
	return fields, true, nil
}

// listAt is the same for a list; none is an empty one.
func listAt(object map[string]any, path ...string) ([]any, error) {
	value, found, err := unstructured.NestedFieldNoCopy(object, path...)
	if err != nil || !found {
		return nil, err
	}
	list, ok := value.([]any)
	if !ok {
		return nil, fmt.Errorf("%v is no list", path)
	}
	return list, nil
}
