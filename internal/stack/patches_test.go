package stack

import (
	"errors"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/patch"
)

// Patches come after the settings and before what is counted and hashed, and touch one tenant and one object only.
func TestPatchesAreRendered(t *testing.T) {
	renderer := NewRenderer()
	in := inputs()
	before, err := renderer.Render(in)
	if err != nil {
		t.Fatal(err)
	}
	in.Patches = []patch.Patch{
		{Kind: "Deployment", Name: "dashboard", Text: "spec: {template: {spec: {tolerations: [{key: dedicated, operator: Exists}]}}}"},
		{Kind: "Job", Name: "migration", Text: "spec: {template: {spec: {nodeSelector: {disk: fast}}}}"},
	}
	after, err := renderer.Render(in)
	if err != nil {
		t.Fatal(err)
	}
	hashes := map[string]string{}
	for _, object := range before {
		hashes[object.GetKind()+"/"+object.GetName()] = object.GetAnnotations()[v1alpha1.AnnotationRenderHash]
	}
	var changed []string
	for _, object := range after {
		key := object.GetKind() + "/" + object.GetName()
		if hashes[key] != object.GetAnnotations()[v1alpha1.AnnotationRenderHash] {
			changed = append(changed, object.GetKind())
		}
		if key == "Deployment/dashboard" {
			if tolerations := typed[appsv1.Deployment](t, object).Spec.Template.Spec.Tolerations; len(tolerations) != 1 || tolerations[0].Key != "dedicated" {
				t.Errorf("tolerations %+v", tolerations)
			}
		}
	}
	if strings.Join(changed, " ") != "Job Deployment" {
		t.Errorf("changed: %v", changed)
	}
	again, err := renderer.Render(inputs())
	if err != nil || Hash(again) != Hash(before) {
		t.Errorf("without the patches it is not as it was (%v)", err)
	}
}

// Whatever a stack has of the kinds that can be patched takes a patch by the name that people know it by.
func TestEveryKindTakesPatches(t *testing.T) {
	patched := map[string]bool{}
	renderer := NewRenderer()
	for name, in := range componentSets() {
		if in.Hibernated {
			continue // the same objects, some fewer
		}
		base, err := renderer.base(components(in))
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range base {
			p := patch.Patch{Kind: object.GetKind(), Name: object.GetName(), Text: "metadata: {annotations: {example.org/note: x}}"}
			in.Patches = []patch.Patch{p}
			var refused *patch.RefusedError
			if objects, err := renderer.Render(in); err == nil {
				patched[p.Kind] = true
				if !annotated(objects, p.Kind) {
					t.Errorf("%s: %s %s has not got the annotation", name, p.Kind, p.Name)
				}
			} else if !errors.As(err, &refused) {
				t.Errorf("%s: %s %s: %v", name, p.Kind, p.Name, err)
			}
		}
	}
	for _, kind := range []string{"Deployment", "StatefulSet", "Job", "CronJob", "Service", "HorizontalPodAutoscaler", "Ingress", "HTTPRoute", "Cluster"} {
		if !patched[kind] {
			t.Errorf("no %s takes a patch", kind)
		}
	}
	for _, kind := range []string{"Namespace", "NetworkPolicy", "ResourceQuota", "LimitRange", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "ServiceAccount", "PersistentVolumeClaim", "ConfigMap", "PodDisruptionBudget"} {
		if patched[kind] {
			t.Errorf("a %s takes a patch", kind)
		}
	}
}

func annotated(objects []*unstructured.Unstructured, kind string) bool {
	for _, object := range objects {
		if object.GetKind() == kind && object.GetAnnotations()["example.org/note"] == "x" {
			return true
		}
	}
	return false
}
