package stack

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// renderedBy gives the objects by kind and name.
func renderedBy(t *testing.T, in Inputs) map[string]*unstructured.Unstructured {
	t.Helper()
	objects, err := NewRenderer().Render(in)
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]*unstructured.Unstructured{}
	for _, object := range objects {
		by[object.GetKind()+"/"+object.GetName()] = object
	}
	return by
}

// typed reads an object strictly: a field that its type does not have is an error.
func typed[T any](t *testing.T, object *unstructured.Unstructured) T {
	t.Helper()
	var value T
	if object == nil {
		t.Fatal("there is no such object")
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, &value, true); err != nil {
		t.Fatal(err)
	}
	return value
}

// An autoscaled program has no count of its own; the quota has room for the most, with an update, and the budget goes by the fewest.
func TestAutoscalingIsRendered(t *testing.T) {
	in := inputs()
	in.CoordinationAPI.Autoscaling = Autoscaling{Min: 1, Max: 5, CPU: 60}
	in.Dashboard.Autoscaling = Autoscaling{Min: 2, Max: 3, CPU: 80}
	by := renderedBy(t, in)
	if api := typed[appsv1.Deployment](t, by["Deployment/coordination-api"]); api.Spec.Replicas != nil {
		t.Errorf("the Deployment asks for %d replicas beside the autoscaler", *api.Spec.Replicas)
	}
	s := typed[autoscalingv2.HorizontalPodAutoscaler](t, by["HorizontalPodAutoscaler/coordination-api"]).Spec
	if *s.MinReplicas != 1 || s.MaxReplicas != 5 || *s.Metrics[0].Resource.Target.AverageUtilization != 60 || s.ScaleTargetRef.Name != "coordination-api" {
		t.Errorf("the autoscaler is told %+v", s)
	}
	if by["PodDisruptionBudget/coordination-api"] != nil || by["PodDisruptionBudget/dashboard"] == nil {
		t.Error("budgets do not go by the fewest pods")
	}
	quota := typed[corev1.ResourceQuota](t, by["ResourceQuota/stack"])
	// Database and migration one each, two backups; 2×5+1 of the API, 2×3+1 of the dashboard.
	if pods := quota.Spec.Hard[corev1.ResourcePods]; pods.Value() != 2+2+11+7 {
		t.Errorf("the quota allows %s pods", pods.String())
	}
	in.Hibernated = true
	by = renderedBy(t, in)
	if api := typed[appsv1.Deployment](t, by["Deployment/coordination-api"]); by["HorizontalPodAutoscaler/coordination-api"] != nil || *api.Spec.Replicas != 0 {
		t.Error("a hibernated program has an autoscaler or pods")
	}
}

func TestResources(t *testing.T) {
	for name, test := range map[string]struct {
		given                         Resources
		requests, limits              string // memory
		requestedCPU, limitCPU, goMem string
	}{
		"the base's own":           {Resources{}, "64Mi", "256Mi", "25m", "", "230MiB"},
		"all":                      {Resources{Amounts{"1", "1Gi"}, Amounts{"2", "2Gi"}}, "1Gi", "2Gi", "1", "2", "1843MiB"},
		"request above the limit":  {Resources{Requests: Amounts{Memory: "512Mi"}}, "512Mi", "512Mi", "25m", "", "460MiB"},
		"limit below the request":  {Resources{Limits: Amounts{CPU: "10m", Memory: "48Mi"}}, "48Mi", "48Mi", "10m", "10m", "43MiB"},
		"a limit in decimal units": {Resources{Limits: Amounts{Memory: "1G"}}, "64Mi", "1G", "25m", "", "858MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			in := inputs()
			in.CoordinationAPI.Resources = test.given
			container := typed[appsv1.Deployment](t, renderedBy(t, in)["Deployment/coordination-api"]).Spec.Template.Spec.Containers[0]
			is := func(list corev1.ResourceList, of corev1.ResourceName, want string) {
				t.Helper()
				got, found := list[of]
				if (want != "") != found || (found && got.String() != want) {
					t.Errorf("%s is %s, want %s", of, got.String(), want)
				}
			}
			is(container.Resources.Requests, corev1.ResourceMemory, test.requests)
			is(container.Resources.Limits, corev1.ResourceMemory, test.limits)
			is(container.Resources.Requests, corev1.ResourceCPU, test.requestedCPU)
			is(container.Resources.Limits, corev1.ResourceCPU, test.limitCPU)
			for _, variable := range container.Env {
				if variable.Name == "GOMEMLIMIT" && variable.Value != test.goMem {
					t.Errorf("GOMEMLIMIT is %s, want %s", variable.Value, test.goMem)
				}
			}
		})
	}
	in := inputs()
	in.Database.Resources = Resources{Requests: Amounts{"500m", "2Gi"}}
	by := renderedBy(t, in)
	container := typed[appsv1.StatefulSet](t, by["StatefulSet/database"]).Spec.Template.Spec.Containers[0]
	if container.Resources.Requests.Cpu().String() != "500m" || container.Resources.Limits.Memory().String() != "2Gi" {
		t.Errorf("the database has %+v", container.Resources)
	}
	before := typed[corev1.ResourceQuota](t, renderedBy(t, inputs())["ResourceQuota/stack"]).Spec.Hard["limits.memory"]
	after := typed[corev1.ResourceQuota](t, by["ResourceQuota/stack"]).Spec.Hard["limits.memory"]
	if grown := after.Value() - before.Value(); grown != (2<<30)-(512<<20) {
		t.Errorf("the quota grew by %d bytes", grown)
	}
}
