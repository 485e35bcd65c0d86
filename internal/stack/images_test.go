package stack

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/credentials"
)

const digest = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// imagesLike fills every field by its name.
func imagesLike(image func(field string) string) Images {
	var images Images
	fields := reflect.ValueOf(&images).Elem()
	for i := range fields.NumField() {
		fields.Field(i).SetString(image(fields.Type().Field(i).Name))
	}
	return images
}

func TestImagesFromAnotherRegistry(t *testing.T) {
	for name, test := range map[string]struct{ image, want string }{
		"tag and digest":      {"ghcr.io/cmhf/dashboard:v1" + digest, "mirror.example.org:5000/nhs/cmhf/dashboard:v1" + digest},
		"digest only":         {"ghcr.io/cmhf/dashboard" + digest, "mirror.example.org:5000/nhs/cmhf/dashboard" + digest},
		"tag only":            {"registry.example.org:443/dashboard:v1", "mirror.example.org:5000/nhs/dashboard:v1"},
		"the default one":     {"cmhf/dashboard:v1", "mirror.example.org:5000/nhs/cmhf/dashboard:v1"},
		"the default library": {"postgres:15", "mirror.example.org:5000/nhs/library/postgres:15"},
		"there already":       {"mirror.example.org:5000/nhs/dashboard:v1", "mirror.example.org:5000/nhs/dashboard:v1"},
		"similar name":        {"mirror.example.org:5000/nhs-of/dashboard:v1", "mirror.example.org:5000/nhs/nhs-of/dashboard:v1"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := imagesLike(func(string) string { return test.image }).From("mirror.example.org:5000/nhs")
			if err != nil {
				t.Fatal(err)
			}
			// A field that From does not know would keep its own registry.
			for i := range reflect.TypeFor[Images]().NumField() {
				if image := reflect.ValueOf(got).Field(i).String(); image != test.want {
					t.Errorf("%s becomes %s, want %s", reflect.TypeFor[Images]().Field(i).Name, image, test.want)
				}
			}
		})
	}
	images := imagesLike(func(field string) string { return strings.ToLower(field) })
	if got, err := images.From(""); err != nil || got != images {
		t.Errorf("without a registry: %v, %v", got, err)
	}
	for _, registry := range []string{"mirror", "https://mirror.example.org", "mirror.example.org/", "Mirror.example.org/UPPER", "mirror.example.org/a:1", " "} {
		if _, err := images.From(registry); err == nil {
			t.Errorf("%q is taken for a registry", registry)
		}
	}
	images.Dashboard = "No Image"
	if _, err := images.From("mirror.example.org"); err == nil || !strings.Contains(err.Error(), "No Image") {
		t.Errorf("error %v", err)
	}
}

// componentSets are inputs that between them use every component.
func componentSets() map[string]Inputs {
	sets := map[string]Inputs{}
	for _, engine := range Engines {
		for _, exposure := range []v1alpha1.ExposureType{v1alpha1.ExposureNone, v1alpha1.ExposureIngress, v1alpha1.ExposureGateway} {
			for _, autoscaled := range []bool{false, true} {
				in := withEngine(engine)
				in.Exposure.Type, in.Dashboard.Replicas = exposure, 2
				name := engine + ", " + string(exposure)
				if autoscaled {
					in.CoordinationAPI.Autoscaling, in.Dashboard.Autoscaling = Autoscaling{1, 3, 80}, Autoscaling{2, 4, 80}
					name += ", autoscaled"
				}
				sets[name] = in
				in.Hibernated = true
				sets[name+", hibernated"] = in
			}
		}
	}
	restored := inputs()
	restored.Database.Restore = Restore{Backup: "20261122T011003Z", ODSCode: "QOP", Claim: "database-backups"}
	sets["restored"] = restored
	sets["physical backups"] = withPhysicalBackups()
	for _, record := range []credentials.Record{{Generation: 1, Phase: credentials.Preparing}, {Generation: 2, Phase: credentials.Retiring}} {
		in := inputs()
		in.Credentials = record
		sets[fmt.Sprintf("rotation, %s", record.Phase)] = in
	}
	return sets
}

// Every component is in one of the sets, or what follows from the sets would not hold for it.
func TestComponentSetsAreComplete(t *testing.T) {
	folders, err := embedded.ReadDir("kustomize/components")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, in := range componentSets() {
		for _, name := range components(in) {
			used[name] = true
		}
	}
	for _, folder := range folders {
		if !used[folder.Name()] {
			t.Errorf("no set has component %s", folder.Name())
		}
	}
}

// No image of any stack escapes the registry, its digest stays, and whatever makes pods has the Secret that opens it.
func TestNoImageEscapesTheRegistry(t *testing.T) {
	for name, in := range componentSets() {
		t.Run(name, func(t *testing.T) {
			in.Images = imagesLike(func(field string) string { return "ghcr.io/cmhf/" + strings.ToLower(field) + ":v1" + digest })
			in.Registry, in.PullSecret = "mirror.example.org/nhs", "mirror"
			seen := 0
			for _, object := range renderedBy(t, in) {
				found := imagesIn(object.Object)
				for _, image := range found {
					seen++
					if !strings.HasPrefix(image, "mirror.example.org/nhs/cmhf/") || !strings.HasSuffix(image, ":v1"+digest) {
						t.Errorf("%s %s: image %s", object.GetKind(), object.GetName(), image)
					}
				}
				raw, err := object.MarshalJSON()
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(string(raw), "ghcr.io") {
					t.Errorf("%s %s still names the images' own registry", object.GetKind(), object.GetName())
				}
				if len(found) > 0 && !strings.Contains(string(raw), `"imagePullSecrets":[{"name":"mirror"}]`) {
					t.Errorf("%s %s has no Secret to pull with", object.GetKind(), object.GetName())
				}
			}
			if seen < 4 {
				t.Errorf("only %d images were seen", seen)
			}
		})
	}
}

// The last look finds an image wherever it stands.
func TestForeignImagesAreFound(t *testing.T) {
	in := inputs()
	for name, spec := range map[string]map[string]any{
		"init container":      {"template": map[string]any{"spec": map[string]any{"initContainers": []any{map[string]any{"image": "evil/image:1"}}}}},
		"another container":   {"template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"image": in.Images.Dashboard}, map[string]any{"image": "evil/image:1"}}}}},
		"job of a schedule":   {"jobTemplate": map[string]any{"spec": map[string]any{"template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"image": "evil/image:1"}}}}}}},
		"of another project":  {"imageName": "evil/image:1"},
		"volume of an image":  {"template": map[string]any{"spec": map[string]any{"volumes": []any{map[string]any{"image": map[string]any{"reference": "evil/image:1"}}}}}},
		"ephemeral container": {"template": map[string]any{"spec": map[string]any{"ephemeralContainers": []any{map[string]any{"image": "evil/image:1"}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "x", "namespace": in.Namespace}, "spec": spec}}
			if problems := check(in, []*unstructured.Unstructured{object}); len(problems) != 1 || !strings.Contains(problems[0].Error(), `"evil/image:1" is not one of the release`) {
				t.Errorf("problems %v", problems)
			}
		})
	}
}
