package health

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// cluster reads a Cluster of CloudNativePG, which says nothing of the generation that it has seen: it is ready when it says so, has
// the servers and the image that are declared, and has brought the logins to their Secrets. One that is to hibernate is ready when
// no server is left.
func cluster(object *unstructured.Unstructured) State {
	if object.GetAnnotations()["cnpg.io/hibernation"] == "on" {
		return hibernating(object)
	}
	phase, _, _ := unstructured.NestedString(object.Object, "status", "phase")
	ready := clusterCondition(object, "Ready")
	wanted, _, _ := unstructured.NestedInt64(object.Object, "spec", "instances")
	running, _, _ := unstructured.NestedInt64(object.Object, "status", "readyInstances")
	image, _, _ := unstructured.NestedString(object.Object, "spec", "imageName")
	uses, _, _ := unstructured.NestedString(object.Object, "status", "image")
	switch {
	case phase == "":
		return State{Message: "CloudNativePG has not looked at it yet; does its operator run?"}
	case phase == "Cluster is unrecoverable and needs manual intervention":
		return State{Failed: true, Message: "CloudNativePG can't recover it without a person: " + reason(object, phase)}
	case phase == "Invalid cluster definition":
		return State{Failed: true, Message: "CloudNativePG does not accept it: " + reason(object, phase)}
	case clusterCondition(object, "cnpg.io/hibernation") != "":
		return State{Message: "is being woken"}
	case running != wanted:
		return State{Message: fmt.Sprintf("%d of %d servers are ready%s; CloudNativePG says: %s", running, wanted, primaryOf(object), reason(object, phase))}
	case uses != image:
		return State{Message: "CloudNativePG is bringing the servers to another image"}
	case ready != "True":
		return State{Message: "CloudNativePG says: " + reason(object, phase)}
	}
	return logins(object)
}

// hibernating: CloudNativePG takes the servers away one after the other, the primary first.
func hibernating(object *unstructured.Unstructured) State {
	if clusterCondition(object, "cnpg.io/hibernation") == "True" {
		return State{Ready: true, Message: "hibernates"}
	}
	if WaitsToStop(object) {
		phase, _, _ := unstructured.NestedString(object.Object, "status", "phase")
		return State{Message: "CloudNativePG stops a database only while it is whole, and waits for that: " + reason(object, phase)}
	}
	return State{Message: "CloudNativePG is stopping the servers"}
}

// WaitsToStop says whether CloudNativePG puts off stopping the servers of a Cluster until the database is whole, which may be never.
func WaitsToStop(object *unstructured.Unstructured) bool {
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	return slices.ContainsFunc(conditions, func(c any) bool {
		condition, _ := c.(map[string]any)
		return condition["type"] == "cnpg.io/hibernation" && condition["reason"] == "WaitingForHealthy"
	})
}

// logins says whether every managed role is as declared.
func logins(object *unstructured.Unstructured) State {
	problems, _, _ := unstructured.NestedMap(object.Object, "status", "managedRolesStatus", "cannotReconcile")
	if len(problems) > 0 {
		return State{Message: "CloudNativePG can't bring the logins " + strings.Join(slices.Sorted(maps.Keys(problems)), ", ") +
			" to what is declared; status.managedRolesStatus of the Cluster says why"}
	}
	done, _, _ := unstructured.NestedStringSlice(object.Object, "status", "managedRolesStatus", "byStatus", "reconciled")
	roles, _, _ := unstructured.NestedSlice(object.Object, "spec", "managed", "roles")
	for _, r := range roles {
		role, _ := r.(map[string]any)
		if name, _ := role["name"].(string); !slices.Contains(done, name) {
			return State{Message: "CloudNativePG is bringing the login " + name + " to its Secret"}
		}
	}
	return State{Ready: true, Message: "every server is ready"}
}

func clusterCondition(object *unstructured.Unstructured, kind string) string {
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, c := range conditions {
		if condition, ok := c.(map[string]any); ok && condition["type"] == kind {
			status, _ := condition["status"].(string)
			return status
		}
	}
	return ""
}

func primaryOf(object *unstructured.Unstructured) string {
	if primary, _, _ := unstructured.NestedString(object.Object, "status", "currentPrimary"); primary != "" {
		return " (primary: " + primary + ")"
	}
	return ""
}

// reason is CloudNativePG's own text: its phase and, where it gives one, why.
func reason(object *unstructured.Unstructured, phase string) string {
	if why, _, _ := unstructured.NestedString(object.Object, "status", "phaseReason"); why != "" {
		return phase + ": " + why
	}
	return phase
}
