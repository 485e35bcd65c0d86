// Package health says in one word whether a child of a tenant is up, from its status alone. It wraps kstatus where that
// library's answer is not the one a gate needs.
package health

import (
	"fmt"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// State of one object.
type State struct {
	// Ready: it has reached what it declares and serves.
	Ready bool
	// Failed: it will not get there without a change.
	Failed bool
	// Retrying: a try failed, and there will be another.
	Retrying bool
	// Message says what is missing.
	Message string
}

// Of computes the state of an object as read from the API server.
func Of(object *unstructured.Unstructured) State {
	switch object.GetKind() {
	case "Job":
		return job(object)
	case "Cluster":
		return cluster(object)
	}
	result, err := status.Compute(object)
	if err != nil {
		return State{Message: fmt.Sprintf("its status can't be read: %v", err)}
	}
	return State{
		Ready:   result.Status == status.CurrentStatus,
		Failed:  result.Status == status.FailedStatus,
		Message: result.Message,
	}
}

// job is ready when it has completed; kstatus calls a running job current.
func job(object *unstructured.Unstructured) State {
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, c := range conditions {
		condition, ok := c.(map[string]any)
		if !ok || condition["status"] != "True" {
			continue
		}
		switch condition["type"] {
		case "Complete":
			return State{Ready: true, Message: "completed"}
		case "Failed":
			message, _ := condition["message"].(string)
			return State{Failed: true, Message: message}
		}
	}
	if failed, _, _ := unstructured.NestedInt64(object.Object, "status", "failed"); failed > 0 {
		return State{Retrying: true, Message: fmt.Sprintf("has not completed yet: %d of its pods failed, and it tries again", failed)}
	}
	return State{Message: "has not completed yet"}
}
