package applyset

import (
	"context"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// ReplicasManager owns the number of a workload's pods between the operator and an autoscaler.
const ReplicasManager = FieldManager + "-replicas"

// HandOver makes a workload's number of pods stay when the operator stops applying it, and brings it up to the fewest that an
// autoscaler keeps. A field that its last owner no longer applies is removed, and the API server would then fill in its
// default: three pods would become one. So another manager takes it over first; the autoscaler takes it from that one. It writes
// only while the operator still owns the number or too few are asked for, and fails with a conflict when live is not the present object.
func (a *Applier) HandOver(ctx context.Context, live *unstructured.Unstructured, fewest int64) error {
	count, stated, err := unstructured.NestedInt64(live.Object, "spec", "replicas")
	if err != nil {
		return fmt.Errorf("reading the replicas of %s: %w", Ref(live), err)
	}
	if stated && count >= fewest && !ownsReplicas(live) {
		return nil
	}
	owned := &unstructured.Unstructured{}
	owned.SetGroupVersionKind(live.GroupVersionKind())
	owned.SetNamespace(live.GetNamespace())
	owned.SetName(live.GetName())
	owned.SetUID(live.GetUID())
	owned.SetResourceVersion(live.GetResourceVersion())
	if err := unstructured.SetNestedField(owned.Object, max(count, fewest), "spec", "replicas"); err != nil {
		return fmt.Errorf("setting the replicas of %s: %w", Ref(live), err)
	}
	if err := a.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(owned), client.FieldOwner(ReplicasManager), client.ForceOwnership); err != nil {
		return fmt.Errorf("handing over the replicas of %s: %w", Ref(live), err)
	}
	return nil
}

// ownsReplicas says whether the number of pods is among the fields that we applied.
func ownsReplicas(object *unstructured.Unstructured) bool {
	entry := ownEntry(object)
	if entry == nil {
		return false
	}
	var fields struct {
		Spec map[string]json.RawMessage `json:"f:spec"`
	}
	if err := json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields); err != nil {
		return true // better one write too many than pods too few
	}
	_, owns := fields.Spec["f:replicas"]
	return owns
}
