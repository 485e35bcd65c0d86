package stack

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// check is the last look before objects leave: only known kinds, only the tenant's namespace, only the release's images,
// from the registry that is to hold them.
func check(in Inputs, objects []*unstructured.Unstructured) []error {
	var problems []error
	var images []string
	for _, image := range in.Images.all() {
		images = append(images, *image)
	}
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
		for _, image := range imagesIn(object.Object) {
			if !slices.Contains(images, image) {
				problems = append(problems, fmt.Errorf("%s: image %q is not one of the release", what, image))
			}
		}
	}
	return problems
}
