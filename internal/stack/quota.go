package stack

import (
	"fmt"
	"strconv"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// setQuota counts what the rendered objects need at their most: during an update every new replica and the surge, beside every
// old one that is still shutting down, and every job.
func setQuota(objects []*unstructured.Unstructured) error {
	var pods, claims int64
	scaled := map[string]int64{}
	for _, object := range objects {
		if object.GetKind() == "HorizontalPodAutoscaler" {
			scaled[object.GetName()], _, _ = unstructured.NestedInt64(object.Object, "spec", "maxReplicas")
		}
	}
	sums := map[string]*resource.Quantity{"requests.cpu": {}, "requests.memory": {}, "limits.memory": {}, "requests.storage": {}}
	var quota *unstructured.Unstructured
	for _, object := range objects {
		switch object.GetKind() {
		case "ResourceQuota":
			quota = object
		case "PersistentVolumeClaim":
			claims++
			if err := add(sums["requests.storage"], 1, object.Object, "spec", "resources", "requests", "storage"); err != nil {
				return fmt.Errorf("counting %s: %w", object.GetName(), err)
			}
		case "Cluster":
			// One more than there are: for the job that makes a server's volume, and for a server that is made anew while the volume
			// of the broken one is still there.
			instances, _, _ := unstructured.NestedInt64(object.Object, "spec", "instances")
			pods += instances + 1
			claims += instances + 1
			if err := add(sums["requests.storage"], instances+1, object.Object, "spec", "storage", "size"); err != nil {
				return fmt.Errorf("counting the volumes of %s: %w", object.GetName(), err)
			}
			spec, _, _ := mapAt(object.Object, "spec")
			if err := addContainer(sums, instances+1, spec); err != nil {
				return fmt.Errorf("counting the servers of %s: %w", object.GetName(), err)
			}
			plugins, _ := listAt(object.Object, "spec", "plugins")
			for range plugins {
				if err := addContainer(sums, instances+1, sidecar); err != nil {
					return fmt.Errorf("counting the plugins of %s: %w", object.GetName(), err)
				}
			}
		case "Deployment", "StatefulSet", "Job", "CronJob":
			most := mostPods(object, scaled)
			pods += most
			if err := addPods(sums, most, object); err != nil {
				return fmt.Errorf("counting the pods of %s: %w", object.GetName(), err)
			}
		}
	}
	if quota == nil {
		return fmt.Errorf("the base has no ResourceQuota")
	}
	hard := map[string]any{"pods": strconv.FormatInt(pods, 10), "persistentvolumeclaims": strconv.FormatInt(claims, 10)}
	for name, sum := range sums {
		hard[name] = sum.String()
	}
	return set(quota.Object, hard, "spec", "hard")
}

// sidecar is what a plugin's container beside each server may use: docs/backup.md tells the platform team to give it no more.
var sidecar = map[string]any{"resources": map[string]any{
	"requests": map[string]any{"cpu": "50m", "memory": "128Mi"},
	"limits":   map[string]any{"memory": "512Mi"},
}}

// mostPods counts a workload's pods at their most; scaled is how far autoscalers may go, by the Deployment's name.
func mostPods(object *unstructured.Unstructured, scaled map[string]int64) int64 {
	switch object.GetKind() {
	case "Job":
		return 1
	case "CronJob":
		return 2 // the scheduled one, and one on demand that waits for it
	case "Deployment":
		replicas, stated, _ := unstructured.NestedInt64(object.Object, "spec", "replicas")
		if !stated {
			replicas = scaled[object.GetName()]
		}
		surge, _, _ := unstructured.NestedInt64(object.Object, "spec", "strategy", "rollingUpdate", "maxSurge")
		return 2*replicas + surge
	default:
		replicas, _, _ := unstructured.NestedInt64(object.Object, "spec", "replicas")
		return replicas
	}
}

func addPods(sums map[string]*resource.Quantity, pods int64, object *unstructured.Unstructured) error {
	return inList(object.Object, func(container map[string]any) error { return addContainer(sums, pods, container) },
		inTemplate(object, "spec", "containers")...)
}

// addContainer adds what a container, or whatever else has resources, asks for.
func addContainer(sums map[string]*resource.Quantity, times int64, container map[string]any) error {
	for name, path := range map[string][]string{
		"requests.cpu":    {"resources", "requests", "cpu"},
		"requests.memory": {"resources", "requests", "memory"},
		"limits.memory":   {"resources", "limits", "memory"},
	} {
		if err := add(sums[name], times, container, path...); err != nil {
			return err
		}
	}
	return nil
}

// add adds a quantity so many times; every pod must state it, or the quota would keep it from starting.
func add(sum *resource.Quantity, times int64, object map[string]any, path ...string) error {
	text, found, err := unstructured.NestedString(object, path...)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("%v is not stated", path)
	}
	quantity, err := resource.ParseQuantity(text)
	if err != nil {
		return fmt.Errorf("%v is %q: %w", path, text, err)
	}
	for range times {
		sum.Add(quantity)
	}
	return nil
}
