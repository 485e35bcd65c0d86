package stack

import (
	"fmt"
	"strings"

	"github.com/distribution/reference"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Images are full references, by preference name:tag@digest.
type Images struct {
	CoordinationAPI, Dashboard, Postgres string
}

// all are the fields; an image that is not among them does not pass the check of the rendered objects.
func (i *Images) all() []*string {
	return []*string{&i.CoordinationAPI, &i.Dashboard, &i.Postgres}
}

// From gives the images as another registry holds them: the registry's name is put in the place of each image's own, and path,
// tag and digest stay. The registry may have a path. An image that is there already stays as it is, and so do all without a registry.
func (i Images) From(registry string) (Images, error) {
	if registry == "" {
		return i, nil
	}
	if _, err := reference.ParseNamed(registry + "/image"); err != nil {
		return i, fmt.Errorf("%q is no registry such as registry.example.org or registry.example.org:5000/mirror: %w", registry, err)
	}
	for _, image := range i.all() {
		if strings.HasPrefix(*image, registry+"/") {
			continue
		}
		name, err := reference.ParseNormalizedNamed(*image)
		if err != nil {
			return i, fmt.Errorf("%q is no image: %w", *image, err)
		}
		path := registry + "/" + reference.Path(name)
		if tagged, ok := name.(reference.Tagged); ok {
			path += ":" + tagged.Tag()
		}
		if digested, ok := name.(reference.Digested); ok {
			path += "@" + digested.Digest().String()
		}
		*image = path
	}
	return i, nil
}

// imagesIn finds every image that an object names, wherever it does: in containers of all sorts, and in objects of other projects.
func imagesIn(value any) []string {
	var images []string
	switch v := value.(type) {
	case map[string]any:
		for key, field := range v {
			if volume, ok := field.(map[string]any); ok && key == "image" {
				field = volume["reference"]
			}
			if image, ok := field.(string); ok && (key == "image" || key == "imageName") {
				images = append(images, image)
				continue
			}
			images = append(images, imagesIn(field)...)
		}
	case []any:
		for _, entry := range v {
			images = append(images, imagesIn(entry)...)
		}
	}
	return images
}

// pullSecret names the Secret for the registry in whatever makes pods.
func pullSecret(object *unstructured.Unstructured, secret string) error {
	if secret == "" {
		return nil
	}
	list := []any{map[string]any{"name": secret}}
	if object.GetKind() == "Cluster" {
		return set(object.Object, list, "spec", "imagePullSecrets")
	}
	if _, makesPods, err := mapAt(object.Object, inTemplate(object)...); err != nil || !makesPods {
		return err
	}
	return set(object.Object, list, inTemplate(object, "spec", "imagePullSecrets")...)
}
