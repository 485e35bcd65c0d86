package controllers_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
	"github.com/cmhf/operator/internal/stack"
	"github.com/cmhf/operator/internal/testkit/faults"
)

// foreignChange is what someone else does to an object of the stack.
type foreignChange struct {
	kind   schema.GroupVersionKind
	name   string
	path   []string
	value  any
	absent bool
}

// foreignChanges has at least one for every kind of a stack.
func foreignChanges() []foreignChange {
	kind := func(group, version, kind string) schema.GroupVersionKind {
		return schema.GroupVersionKind{Group: group, Version: version, Kind: kind}
	}
	return []foreignChange{
		{kind: kind("", "v1", "Namespace"), path: []string{"metadata", "labels", "pod-security.kubernetes.io/enforce"}, value: "privileged"},
		{kind: kind("", "v1", "ConfigMap"), name: "stack-settings", path: []string{"data", "oidcIssuer"}, value: "https://evil.example.org"},
		{kind: kind("", "v1", "PersistentVolumeClaim"), name: "database-data", path: []string{"metadata", "labels", v1alpha1.LabelComponent}, absent: true},
		{kind: kind("", "v1", "Service"), name: "database", path: []string{"spec", "selector", v1alpha1.LabelComponent}, value: "dashboard"},
		{kind: kind("", "v1", "ServiceAccount"), name: "dashboard", path: []string{"automountServiceAccountToken"}, value: true},
		{kind: kind("", "v1", "ResourceQuota"), name: "stack", path: []string{"spec", "hard", "pods"}, value: "1000"},
		{kind: kind("", "v1", "LimitRange"), name: "stack", path: []string{"spec", "limits"}, value: []any{}},
		{kind: kind("policy", "v1", "PodDisruptionBudget"), name: "dashboard", path: []string{"spec", "maxUnavailable"}, value: int64(2)},
		{kind: kind("rbac.authorization.k8s.io", "v1", "ClusterRole"), path: []string{"rules"}, value: []any{}},
		{kind: kind("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding"), path: []string{"subjects"}, value: []any{}},
		{kind: kind("apps", "v1", "Deployment"), name: "dashboard", path: []string{"spec", "replicas"}, value: int64(5)},
		{kind: kind("apps", "v1", "Deployment"), name: "coordination-api", path: []string{"metadata", "labels", v1alpha1.LabelICS}, absent: true},
		{kind: kind("apps", "v1", "StatefulSet"), name: "database", path: []string{"spec", "template", "spec", "terminationGracePeriodSeconds"}, value: int64(1)},
		{kind: kind("autoscaling", "v2", "HorizontalPodAutoscaler"), name: "coordination-api", path: []string{"spec", "maxReplicas"}, value: int64(9)},
		{kind: kind("batch", "v1", "CronJob"), name: "database-backup", path: []string{"spec", "suspend"}, value: true},
		{kind: kind("batch", "v1", "Job"), path: []string{"metadata", "labels", "app.kubernetes.io/part-of"}, value: "something-else"},
		{kind: kind("networking.k8s.io", "v1", "Ingress"), name: "dashboard", path: []string{"spec", "rules"}, value: []any{map[string]any{"host": "evil.example.org"}}},
		{kind: kind("networking.k8s.io", "v1", "NetworkPolicy"), name: "default-deny", path: []string{"spec", "policyTypes"}, value: []any{"Egress"}},
		{kind: kind("rbac.authorization.k8s.io", "v1", "RoleBinding"), name: "cmhf-operator-secrets", path: []string{"subjects"}, value: []any{}},
	}
}

// A foreign change of any field that we own is undone at once, in every kind; what others add stays.
func TestDriftIsRepaired(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("QF1")
	ics.Spec.DigitalLeads = []v1alpha1.DigitalLead{{Kind: "Group", Name: "qf1-leads"}}
	ics.Spec.Stack.Dashboard.Replicas = ptr.To[int32](2)
	ics.Spec.Stack.CoordinationAPI.Autoscaling = &v1alpha1.Autoscaling{MaxReplicas: 3}
	ics.Spec.Stack.Exposure = &v1alpha1.Exposure{Type: v1alpha1.ExposureIngress}
	create(t, ics)
	waitReady(t, ics)
	covered := map[string]bool{}
	for _, change := range foreignChanges() {
		covered[change.kind.Kind] = true
		t.Run(fmt.Sprintf("%s %s %v", change.kind.Kind, change.name, change.path), func(t *testing.T) {
			object := find(t, ics, change.kind, change.name)
			change.isUndone(t, object)
		})
	}
	for _, kind := range stack.Kinds {
		if !covered[kind.Kind] {
			t.Errorf("no foreign change is tried on %s", kind.Kind)
		}
	}
	waitReady(t, ics)
}

// isUndone makes the change to an object and sees it undone; make bench measures how soon.
func (change foreignChange) isUndone(t *testing.T, object *unstructured.Unstructured) {
	t.Helper()
	before, had, err := unstructured.NestedFieldCopy(object.Object, change.path...)
	if err != nil || !had {
		t.Fatalf("the object has no %v: %v", change.path, err)
	}
	annotations := maps.Clone(object.GetAnnotations())
	annotations["example.org/note"] = "added by someone else"
	object.SetAnnotations(annotations)
	if change.absent {
		unstructured.RemoveNestedField(object.Object, change.path...)
	} else {
		must(t, unstructured.SetNestedField(object.Object, change.value, change.path...))
	}
	must(t, k8s.Update(t.Context(), object, client.FieldOwner("someone-else")))
	began := time.Now()
	eventually(t, func(g gomega.Gomega) {
		g.Expect(get(t, object)).To(gomega.Succeed())
		now, _, _ := unstructured.NestedFieldCopy(object.Object, change.path...)
		g.Expect(now).To(gomega.Equal(before))
	})
	took := time.Since(began).Round(time.Millisecond)
	t.Logf("repaired after %v", took)
	if took > 10*time.Second {
		t.Error("the operator came by after a while, and was not woken by the change")
	}
	if object.GetAnnotations()["example.org/note"] == "" {
		t.Error("what someone else had added is gone")
	}
}

// What was changed while no operator ran is found after the start, without knowing what it was before.
func TestDriftDuringAnOutage(t *testing.T) {
	first := startOperator(t, restConfig)
	ics := system("QF2")
	create(t, ics)
	waitReady(t, ics)
	first.stop()
	service := find(t, ics, corev1.SchemeGroupVersion.WithKind("Service"), "database")
	must(t, unstructured.SetNestedField(service.Object, "dashboard", "spec", "selector", v1alpha1.LabelComponent))
	must(t, k8s.Update(t.Context(), service, client.FieldOwner("someone-else")))
	startOperator(t, restConfig)
	eventually(t, func(g gomega.Gomega) {
		g.Expect(get(t, service)).To(gomega.Succeed())
		now, _, _ := unstructured.NestedString(service.Object, "spec", "selector", v1alpha1.LabelComponent)
		g.Expect(now).To(gomega.Equal("database"))
	})
}

// A start over tenants that are as declared writes nothing, and nothing is written while nothing changes.
func TestSteadyStateWritesNothing(t *testing.T) {
	first := startOperator(t, restConfig)
	var systems []*v1alpha1.IntegratedCareSystem
	for _, ods := range []string{"QF3", "QF4", "QF5"} {
		ics := system(ods)
		if ods == "QF4" { // with everything that can be declared
			ics.Spec.Stack.CoordinationAPI.Autoscaling = &v1alpha1.Autoscaling{MinReplicas: ptr.To[int32](2), MaxReplicas: 4}
			ics.Spec.Stack.CoordinationAPI.Resources = &v1alpha1.Resources{Requests: &v1alpha1.Amounts{CPU: "0.5", Memory: "0.25Gi"}}
			ics.Spec.Stack.Exposure = &v1alpha1.Exposure{Type: v1alpha1.ExposureIngress}
			ics.Spec.Stack.Patches = []v1alpha1.Patch{{Target: v1alpha1.PatchTarget{Kind: "Deployment", Name: "dashboard"}, Patch: "metadata: {annotations: {example.org/note: x}}"}}
		}
		create(t, ics)
		systems = append(systems, ics)
	}
	for _, ics := range systems {
		waitReady(t, ics)
		create(t, service(ics.TenantNamespace(), "east", "East", "Harbour"))
	}
	for _, ics := range systems {
		east := service(ics.TenantNamespace(), "east", "East", "Harbour")
		waitCondition(t, east, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonRegistered)
		eventually(t, func(g gomega.Gomega) {
			g.Expect(get(t, ics)).To(gomega.Succeed())
			g.Expect(ics.Status.Services.Summary).To(gomega.Equal("1/1"))
		})
	}
	first.stop()
	points := map[string]faults.Point{} // nobody dies; their writes are counted
	for _, ics := range systems {
		points[ics.Name] = faults.Point{}
	}
	counted := faults.NewCrash(points)
	second := startOperatorWith(t, counted.Wrap(restConfig), first.api)
	// The marker is reconciled after the others have been: it is the only one with something to do.
	marker := system("QF6")
	create(t, marker)
	waitReady(t, marker)
	time.Sleep(2 * time.Second) // a quiet window: its length is what is being shown
	second.stop()
	for _, ics := range systems {
		for _, write := range counted.Writes(ics.Name) {
			t.Errorf("written in a steady state: %s", write)
		}
	}
}

// A member that is no longer rendered is removed; one that holds data is kept and reported, whoever made it.
func TestPrune(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("QF7")
	create(t, ics)
	waitReady(t, ics)
	member := func(object client.Object, name string) client.Object {
		object.SetName(name)
		object.SetNamespace(ics.TenantNamespace())
		object.SetLabels(map[string]string{v1alpha1.LabelICS: ics.Name,
			applyset.LabelPartOf: applyset.ID(ics.Name, schema.GroupKind{Group: v1alpha1.Group, Kind: "IntegratedCareSystem"})})
		return object
	}
	old := member(&corev1.ConfigMap{}, "of-an-earlier-release")
	claim := &corev1.PersistentVolumeClaim{Spec: corev1.PersistentVolumeClaimSpec{
		AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
	}}
	foreign := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "not-ours", Namespace: ics.TenantNamespace(), Labels: map[string]string{v1alpha1.LabelICS: ics.Name}}}
	create(t, foreign, member(claim, "data-of-an-earlier-release"), old)
	eventually(t, func(g gomega.Gomega) {
		g.Expect(apierrors.IsNotFound(get(t, old))).To(gomega.BeTrue())
		g.Expect(get(t, ics)).To(gomega.Succeed())
		g.Expect(ics.Status.Inventory.Retained).To(gomega.ContainElement("PersistentVolumeClaim ics-qf7/data-of-an-earlier-release"))
	})
	must(t, get(t, foreign))
	must(t, get(t, claim))
	if claim.DeletionTimestamp != nil {
		t.Error("a volume claim was deleted")
	}
}

func find(t *testing.T, ics *v1alpha1.IntegratedCareSystem, kind schema.GroupVersionKind, name string) *unstructured.Unstructured {
	t.Helper()
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(kind)
	must(t, k8s.List(t.Context(), list, client.MatchingLabels{v1alpha1.LabelICS: ics.Name}))
	for i := range list.Items {
		if name == "" || list.Items[i].GetName() == name {
			return &list.Items[i]
		}
	}
	t.Fatalf("%s has no %s %s", ics.Name, kind.Kind, name)
	return nil
}
