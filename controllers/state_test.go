package controllers_test

import (
	"testing"

	"github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cmhf/operator/api/v1alpha1"
)

// A hibernated tenant has no pods, goes down from the dashboard to the database, and comes back as it was.
func TestHibernation(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("QH1")
	create(t, ics)
	waitReady(t, ics)
	database := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "database"}}
	api := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "coordination-api"}}
	east := service(ics.TenantNamespace(), "east", "East", "Harbour")
	create(t, east)
	waitCondition(t, east, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonRegistered)

	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.State = v1alpha1.StateHibernated })
	waitCondition(t, ics, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonHibernated)
	waitCondition(t, ics, v1alpha1.ConditionDatabaseReady, metav1.ConditionFalse, v1alpha1.ReasonHibernated)
	must(t, get(t, database))
	must(t, get(t, api))
	if *database.Spec.Replicas != 0 || *api.Spec.Replicas != 0 {
		t.Errorf("still %d and %d replicas", *database.Spec.Replicas, *api.Spec.Replicas)
	}

	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.State = v1alpha1.StateActive })
	waitCondition(t, ics, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAsDeclared)
	must(t, get(t, database))
	if *database.Spec.Replicas != 1 {
		t.Errorf("Ready, but the database has %d replicas", *database.Spec.Replicas)
	}
	waitCondition(t, east, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonRegistered)
}

// A suspended tenant is left alone, whatever is changed or deleted, until it is resumed.
func TestSuspend(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("QH2")
	create(t, ics)
	waitReady(t, ics)
	ready := meta.FindStatusCondition(ics.Status.Conditions, v1alpha1.ConditionReady).ObservedGeneration
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) {
		i.Spec.Suspend = true
		i.Spec.Stack.Dashboard.Replicas = new(int32(3))
	})
	waitCondition(t, ics, v1alpha1.ConditionSuspended, metav1.ConditionTrue, v1alpha1.ReasonSuspended)
	if now := meta.FindStatusCondition(ics.Status.Conditions, v1alpha1.ConditionReady).ObservedGeneration; now != ready || ics.Status.ObservedGeneration != ready {
		t.Errorf("Ready speaks of generation %d, which was not applied", now)
	}
	remove(t, ics)
	dashboard := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "dashboard"}}
	eventually(t, func(g gomega.Gomega) {
		g.Expect(get(t, ics)).To(gomega.Succeed())
		g.Expect(ics.DeletionTimestamp).NotTo(gomega.BeNil())
		suspended := meta.FindStatusCondition(ics.Status.Conditions, v1alpha1.ConditionSuspended)
		g.Expect(suspended.ObservedGeneration).To(gomega.Equal(ics.Generation))
	})
	must(t, get(t, dashboard))
	if *dashboard.Spec.Replicas != 1 {
		t.Errorf("the dashboard has %d replicas though the tenant is suspended", *dashboard.Spec.Replicas)
	}
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.Suspend = false })
	eventually(t, func(g gomega.Gomega) { g.Expect(apierrors.IsNotFound(get(t, ics))).To(gomega.BeTrue()) })
}
