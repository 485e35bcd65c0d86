package stack

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// check is the last look before objects leave: only known kinds, only the tenant's namespace, only the release's images.
func check(in Inputs, objects []*unstructured.Unstructured) []error {
	var problems []error
	images := []string{in.Images.CoordinationAPI, in.Images.Dashboard, in.Images.Postgres}
	for _, object := range objects {
		what := object.GetKind() + " " + object.GetName()
		if !slices.Contains(Kinds, object.GroupVersionKind()) && !slices.Contains(OptionalKinds, object.GroupVersionKind()) {
			problems = append(problems, fmt.Errorf("%s: kind %s is not allowed in a stack", what, object.GroupVersionKind()))
		}
		if namespace := object.GetNamespace(); ClusterScoped(object.GetKind()) {
			if object.GetName() != in.Namespace && !strings.HasPrefix(object.GetName(), in.Namespace+"-") {
				problems = append(problems, fmt.Errorf("%s: its name must begin with %s", what, in.Namespace))
			}
		} else if namespace != in.Namespace {
			problems = append(problems, fmt.Errorf("%s: is in namespace %q instead of %q", what, namespace, in.Namespace))
		}
		for _, image := range podImages(object) {
			if !slices.Contains(images, image) {
				problems = append(problems, fmt.Errorf("%s: image %q is not one of the release", what, image))
			}
		}
	}
	return problems
}

func podImages(object *unstructured.Unstructured) []string {
	var images []string
	for _, list := range []string{"containers", "initContainers"} {
		containers, _, _ := unstructured.NestedSlice(object.Object, inTemplate(object, "spec", list)...)
		for _, c := range containers {
			if container, ok := c.(map[string]any); ok {
				image, _ := container["image"].(string)
				images = append(images, image)
			}
		}
	}
	return images
}
