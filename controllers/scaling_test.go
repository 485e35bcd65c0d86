package controllers_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
)

// watchReplicas notes every number of pods that a Deployment asks for.
func watchReplicas(t *testing.T, deployment *appsv1.Deployment) (seen func() []int32) {
	t.Helper()
	watching, err := client.NewWithWatch(restConfig, client.Options{})
	must(t, err)
	watch, err := watching.Watch(t.Context(), &appsv1.DeploymentList{}, client.InNamespace(deployment.Namespace), client.MatchingFields{"metadata.name": deployment.Name})
	must(t, err)
	t.Cleanup(watch.Stop)
	var mu sync.Mutex
	var counts []int32
	go func() {
		for event := range watch.ResultChan() {
			if d, ok := event.Object.(*appsv1.Deployment); ok {
				mu.Lock()
				counts = append(counts, *d.Spec.Replicas)
				mu.Unlock()
			}
		}
	}()
	return func() []int32 {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(counts)
	}
}

// scale does what an autoscaler does.
func scale(t *testing.T, deployment *appsv1.Deployment, count int32) {
	t.Helper()
	asked := &autoscalingv1.Scale{ObjectMeta: metav1.ObjectMeta{Namespace: deployment.Namespace, Name: deployment.Name}, Spec: autoscalingv1.ScaleSpec{Replicas: count}}
	must(t, k8s.SubResource("scale").Update(t.Context(), deployment, client.WithSubResourceBody(asked)))
}

func ownerOfReplicas(d *appsv1.Deployment, manager string) bool {
	return slices.ContainsFunc(d.ManagedFields, func(e metav1.ManagedFieldsEntry) bool {
		return e.Manager == manager && e.FieldsV1 != nil && strings.Contains(string(e.FieldsV1.GetRawBytes()), `"f:replicas":{}`) && e.Subresource == ""
	})
}

// The number of pods goes from the operator to an autoscaler and back without one pod less on the way.
func TestAutoscaling(t *testing.T) {
	startOperator(t, asOperator(t))
	ics := system("RD2")
	ics.Spec.Stack.Dashboard.Replicas = new(int32(3))
	create(t, ics)
	waitReady(t, ics)
	in := metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "dashboard"}
	dashboard, autoscaler := &appsv1.Deployment{ObjectMeta: in}, &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: in}
	must(t, get(t, dashboard))
	seen := watchReplicas(t, dashboard)

	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) {
		i.Spec.Stack.Dashboard.Replicas = nil
		i.Spec.Stack.Dashboard.Autoscaling = &v1alpha1.Autoscaling{MinReplicas: new(int32(2)), MaxReplicas: 6, CPU: new(int32(70))}
	})
	waitReady(t, ics)
	eventually(t, func(g gomega.Gomega) { g.Expect(get(t, autoscaler)).To(gomega.Succeed()) })
	if s := autoscaler.Spec; *s.MinReplicas != 2 || s.MaxReplicas != 6 || *s.Metrics[0].Resource.Target.AverageUtilization != 70 || s.ScaleTargetRef.Name != "dashboard" {
		t.Errorf("the autoscaler is told %+v", s)
	}
	must(t, get(t, dashboard))
	if *dashboard.Spec.Replicas != 3 || ownerOfReplicas(dashboard, applyset.FieldManager) || !ownerOfReplicas(dashboard, applyset.ReplicasManager) {
		t.Errorf("%d replicas, owned by %v", *dashboard.Spec.Replicas, dashboard.ManagedFields)
	}
	must(t, get(t, &policyv1.PodDisruptionBudget{ObjectMeta: in}))
	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: in.Namespace, Name: "stack"}}
	must(t, get(t, quota))
	if pods := quota.Spec.Hard[corev1.ResourcePods]; pods.Value() < 2*6+1 {
		t.Errorf("the quota allows %s pods, too few for an update at the most", pods.String())
	}

	// What the autoscaler does is no drift, whatever else is changed or put back.
	scale(t, dashboard, 5)
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.DisplayName = "Another name" })
	waitReady(t, ics)
	must(t, get(t, dashboard))
	if *dashboard.Spec.Replicas != 5 {
		t.Errorf("%d replicas after the autoscaler asked for 5", *dashboard.Spec.Replicas)
	}

	// Back to a number of our own, above the present one.
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) {
		i.Spec.Stack.Dashboard.Replicas, i.Spec.Stack.Dashboard.Autoscaling = new(int32(7)), nil
	})
	eventually(t, func(g gomega.Gomega) {
		g.Expect(get(t, dashboard)).To(gomega.Succeed())
		g.Expect(*dashboard.Spec.Replicas).To(gomega.Equal(int32(7)))
		g.Expect(apierrors.IsNotFound(get(t, autoscaler))).To(gomega.BeTrue())
	})
	waitReady(t, ics)
	scale(t, dashboard, 5)
	eventually(t, func(g gomega.Gomega) {
		g.Expect(get(t, dashboard)).To(gomega.Succeed())
		g.Expect(*dashboard.Spec.Replicas).To(gomega.Equal(int32(7)), "a foreign change is put back again")
	})
	counts := seen()
	if len(counts) == 0 || slices.Min(counts) < 3 {
		t.Errorf("the numbers of pods were %v", counts)
	}
}

// Hibernation goes before autoscaling, and waking up does not stop at no pods, at which autoscalers do nothing.
func TestAutoscalingAndHibernation(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("RD3")
	ics.Spec.Stack.CoordinationAPI.Replicas = new(int32(1)) // as an earlier schema filled it in
	ics.Spec.Stack.CoordinationAPI.Autoscaling = &v1alpha1.Autoscaling{MinReplicas: new(int32(2)), MaxReplicas: 4}
	create(t, ics)
	waitReady(t, ics)
	in := metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "coordination-api"}
	api, autoscaler := &appsv1.Deployment{ObjectMeta: in}, &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: in}
	atLeastTwo := func() {
		t.Helper()
		eventually(t, func(g gomega.Gomega) {
			g.Expect(get(t, autoscaler)).To(gomega.Succeed())
			g.Expect(get(t, api)).To(gomega.Succeed())
			g.Expect(*api.Spec.Replicas).To(gomega.BeNumerically(">=", 2))
		})
	}
	atLeastTwo()

	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.State = v1alpha1.StateHibernated })
	waitCondition(t, ics, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonHibernated)
	must(t, get(t, api))
	if err := get(t, autoscaler); !apierrors.IsNotFound(err) || *api.Spec.Replicas != 0 {
		t.Errorf("hibernated with %d replicas and an autoscaler (%v)", *api.Spec.Replicas, err)
	}
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.State = v1alpha1.StateActive })
	waitReady(t, ics)
	atLeastTwo()

	// A person's scale to nothing would switch the autoscaler off for good.
	scale(t, api, 0)
	atLeastTwo()
}
