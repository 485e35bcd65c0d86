package controllers_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/stack"
)

// generation gives the names of the Secrets that a tenant has at rest.
func generation(n int) []string {
	suffix := func(n int) string {
		if n == 1 {
			return ""
		}
		return fmt.Sprintf("-%d", n)
	}
	names := []string{"api-internal" + suffix(n), "dashboard-session" + suffix(n), "database-app" + suffix(n), "database-logins", "database-owner" + suffix(n)}
	if n > 1 {
		names = append(names, "dashboard-session"+suffix(n-1)) // sessions of before stay readable
	}
	slices.Sort(names)
	return names
}

func requestRotation(t *testing.T, ics *v1alpha1.IntegratedCareSystem, value string) {
	t.Helper()
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) {
		metav1.SetMetaDataAnnotation(&i.ObjectMeta, v1alpha1.AnnotationRotateSecrets, value)
	})
}

// waitRotated waits until a generation is in use and nothing of the rotation is left.
func waitRotated(t *testing.T, ics *v1alpha1.IntegratedCareSystem, n int) {
	t.Helper()
	eventually(t, func(g gomega.Gomega) {
		g.Expect(get(t, ics)).To(gomega.Succeed())
		g.Expect(ics.Status.Credentials).NotTo(gomega.BeNil())
		g.Expect(ics.Status.Credentials.Generation).To(gomega.Equal(int64(n)))
		g.Expect(meta.FindStatusCondition(ics.Status.Conditions, v1alpha1.ConditionCredentialsRotating)).To(gomega.BeNil())
		g.Expect(meta.IsStatusConditionTrue(ics.Status.Conditions, v1alpha1.ConditionReady)).To(gomega.BeTrue())
		g.Expect(slices.Sorted(maps.Keys(secrets(t, ics.TenantNamespace())))).To(gomega.Equal(generation(n)))
		g.Expect(loginJobs(t, ics)).To(gomega.BeEmpty())
	})
}

func loginJobs(t *testing.T, ics *v1alpha1.IntegratedCareSystem) []batchv1.Job {
	t.Helper()
	jobs := &batchv1.JobList{}
	must(t, k8s.List(t.Context(), jobs, client.InNamespace(ics.TenantNamespace()), client.MatchingLabels{v1alpha1.LabelComponent: v1alpha1.ComponentLogins}))
	return slices.DeleteFunc(jobs.Items, func(job batchv1.Job) bool { return job.DeletionTimestamp != nil })
}

// uses gives the Secrets that the pods of a workload are made with.
func uses(t *testing.T, ics *v1alpha1.IntegratedCareSystem, kind, name string) string {
	t.Helper()
	for _, gvk := range stack.Kinds {
		if gvk.Kind != kind {
			continue
		}
		raw, err := json.Marshal(find(t, ics, gvk, name).Object["spec"])
		must(t, err)
		var found []string
		for secret := range secrets(t, ics.TenantNamespace()) {
			if strings.Contains(string(raw), `"`+secret+`"`) {
				found = append(found, secret)
			}
		}
		slices.Sort(found)
		return strings.Join(found, " ")
	}
	t.Fatalf("no kind %s", kind)
	return ""
}

// leavingPod is a pod of the API that was deleted and has not stopped yet. No kubelet runs here.
func leavingPod(t *testing.T, namespace string) *corev1.Pod {
	t.Helper()
	pod := podOf(namespace, "coordination-api-leaving", v1alpha1.ComponentCoordinationAPI)
	pod.Finalizers = []string{"example.org/stops"}
	create(t, pod)
	must(t, k8s.Delete(t.Context(), pod))
	return pod
}

func kindOf(name string) schema.GroupVersionKind {
	return stack.Kinds[slices.IndexFunc(stack.Kinds, func(kind schema.GroupVersionKind) bool { return kind.Kind == name })]
}
