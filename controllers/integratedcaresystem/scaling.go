package integratedcaresystem

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cmhf/operator/internal/applyset"
)

// unscale removes the autoscalers that are no longer declared before the numbers of pods are applied that they would fight with.
func (r *Reconciler) unscale(ctx context.Context, s *scope) (bool, error) {
	_, err := r.Applier.Prune(ctx, s.inputs.Set, []schema.GroupVersionKind{autoscalers}, s.objects)
	return err == nil, err
}

// handOver keeps the number of pods of a workload that is left to an autoscaler.
func (r *Reconciler) handOver(ctx context.Context, s *scope, object *unstructured.Unstructured) error {
	fewest, scaled := s.fewest(object)
	if !scaled {
		return nil
	}
	live, err := applyset.Current(ctx, r.Client, object)
	if err != nil || live == nil {
		return err
	}
	return r.Applier.HandOver(ctx, live, fewest)
}

// fewest is how many pods the autoscaler of a workload keeps at least; false when it has none.
func (s *scope) fewest(workload *unstructured.Unstructured) (int64, bool) {
	if workload.GetKind() != "Deployment" {
		return 0, false
	}
	for _, object := range s.objects {
		if object.GetKind() != "HorizontalPodAutoscaler" || object.GetName() != workload.GetName() {
			continue
		}
		fewest, _, _ := unstructured.NestedInt64(object.Object, "spec", "minReplicas")
		return fewest, true
	}
	return 0, false
}
