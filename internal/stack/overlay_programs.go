package stack

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// programEdits lays over the settings of the migration, the coordination API and the dashboard.
func programEdits(in Inputs) (map[string]edit, error) {
	all := map[string]edit{"Job/migration": image("migrate", in.Images.CoordinationAPI)}
	for _, p := range []struct {
		name, image string
		program     Program
	}{{"coordination-api", in.Images.CoordinationAPI, in.CoordinationAPI}, {"dashboard", in.Images.Dashboard, in.Dashboard}} {
		all["Deployment/"+p.name] = both(both(image(p.name, p.image), resources(p.name, p.program.Resources)), replicas(p.program))
		if p.program.Autoscaling.Max > 0 {
			all["HorizontalPodAutoscaler/"+p.name] = autoscaling(p.program.Autoscaling)
		}
	}
	return all, nil
}

// replicas sets the number of pods, or leaves it to the autoscaler.
func replicas(program Program) edit {
	return func(o map[string]any) error {
		if program.Autoscaling.Max > 0 {
			unstructured.RemoveNestedField(o, "spec", "replicas")
			return nil
		}
		return set(o, program.Replicas, "spec", "replicas")
	}
}

func autoscaling(a Autoscaling) edit {
	return func(o map[string]any) error {
		if err := set(o, a.Min, "spec", "minReplicas"); err != nil {
			return err
		}
		if err := set(o, a.Max, "spec", "maxReplicas"); err != nil {
			return err
		}
		return inList(o, func(metric map[string]any) error {
			return set(metric, a.CPU, "resource", "target", "averageUtilization")
		}, "spec", "metrics")
	}
}

// image sets the image of the named container.
func image(container, image string) edit {
	return inContainer(container, func(c map[string]any) error { return set(c, image, "image") })
}

// inContainer edits the one container of a workload's pods.
func inContainer(name string, edit edit) edit {
	return func(o map[string]any) error {
		return inList(o, func(c map[string]any) error {
			if c["name"] != name {
				return fmt.Errorf("its container is %v, not %s", c["name"], name)
			}
			return edit(c)
		}, "spec", "template", "spec", "containers")
	}
}
