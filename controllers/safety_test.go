package controllers_test

import (
	"strings"
	"testing"

	"github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
)

func dataClaim(ics *v1alpha1.IntegratedCareSystem) *corev1.PersistentVolumeClaim {
	return &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "database-data"}}
}

// A lost volume is not replaced by an empty one in silence: the tenant stalls until someone says how to go on.
func TestLostVolumeIsNotReplaced(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("QK1")
	create(t, ics)
	waitReady(t, ics)
	record := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "database-record"}}
	eventually(t, func(g gomega.Gomega) { g.Expect(get(t, record)).To(gomega.Succeed()) })

	claim := dataClaim(ics)
	change(t, claim, func(c *corev1.PersistentVolumeClaim) { c.Finalizers = nil })
	remove(t, claim)
	said := waitCondition(t, ics, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonDataMissing)
	if !strings.Contains(said.Message, "kubectl -n ics-qk1 delete configmap database-record") {
		t.Errorf("the message does not say how to go on: %s", said.Message)
	}
	if err := get(t, dataClaim(ics)); !apierrors.IsNotFound(err) {
		t.Errorf("a claim was made in its place: %v", err)
	}

	must(t, k8s.Delete(t.Context(), record))
	waitReady(t, ics)
	must(t, get(t, dataClaim(ics)))
}

// The check and the apply are two calls: a claim that goes between them must not come back empty. Applying with the identifier
// of the claim that was seen is what the operator relies on; the API server refuses it when there is no such claim.
func TestApplyingAClaimThatIsGoneMakesNone(t *testing.T) {
	create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "claims"}})
	claim := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "PersistentVolumeClaim",
		"metadata": map[string]any{"name": "gone", "namespace": "claims", "uid": "6f0e4c0a-5b0e-4d5c-9a53-0d7b1c8c7f3e"},
		"spec":     map[string]any{"accessModes": []any{"ReadWriteOnce"}, "resources": map[string]any{"requests": map[string]any{"storage": "1Gi"}}},
	}}
	_, _, err := applyset.New(k8s).Apply(t.Context(), claim)
	if !apierrors.IsConflict(err) {
		t.Errorf("error %v, want a conflict", err)
	}
	if err := get(t, claim); !apierrors.IsNotFound(err) {
		t.Errorf("a claim was made: %v", err)
	}
}

// Invented people never become real ones, not even by deleting the resource and declaring it anew.
func TestSyntheticStaysSynthetic(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("QK2")
	ics.Spec.Stack.Data = v1alpha1.DataSynthetic
	create(t, ics)
	waitReady(t, ics)
	remove(t, ics)
	eventually(t, func(g gomega.Gomega) { g.Expect(apierrors.IsNotFound(get(t, ics))).To(gomega.BeTrue()) })
	live := system("QK2")
	create(t, live)
	waitCondition(t, live, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonDataKindConflict)
}

// A volume that can't grow leaves everything else as it is and says so; the size can be set back.
func TestVolumeThatCannotGrow(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("QK3")
	create(t, ics)
	waitReady(t, ics)
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) {
		i.Spec.Stack.Database.Storage.Size = "20Gi"
		i.Spec.Stack.Dashboard.Replicas = new(int32(2))
	})
	waitCondition(t, ics, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonApplyRefused)
	waitCondition(t, ics, v1alpha1.ConditionDatabaseReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	waitCondition(t, ics, v1alpha1.ConditionDashboardReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.Stack.Database.Storage.Size = "5Gi" })
	waitCondition(t, ics, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonImmutableFieldChange)
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.Stack.Database.Storage.Size = "10Gi" })
	waitReady(t, ics)
}

// The release in the status is the one that runs, not the one that could not be brought up.
func TestReleaseInStatusIsTheOneThatRuns(t *testing.T) {
	first := startOperator(t, restConfig)
	ics := system("QK4")
	create(t, ics)
	waitReady(t, ics)
	first.stop()
	cluster.Fail(ics.TenantNamespace(), v1alpha1.ComponentMigration)
	next := settings()
	next.Release, next.Images.CoordinationAPI = "v9", "example/coordination-api:9"
	startRelease(t, restConfig, newTenants(), next)
	waitCondition(t, ics, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonMigrationFailed)
	if ics.Status.Release.Current != "v0.0.0-test" {
		t.Errorf("status.release.current is %s, which does not run", ics.Status.Release.Current)
	}
	if !meta.IsStatusConditionTrue(ics.Status.Conditions, v1alpha1.ConditionDatabaseReady) {
		t.Error("the database is said not to be ready")
	}
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.Suspend = true }) // not for the tests after this one
}
