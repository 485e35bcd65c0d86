package controllers_test

import (
	"maps"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cmhf/operator/api/v1alpha1"
)

// The record of what was accepted is put back by a person, or made anew when they say so, and not overwritten.
func TestDamagedDirectory(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("QC6")
	create(t, ics)
	waitReady(t, ics)
	namespace := ics.TenantNamespace()
	east := service(namespace, "east", "East", "Harbour")
	create(t, east)
	waitCondition(t, east, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonRegistered)
	record := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "service-directory"}}
	must(t, get(t, record))
	was := maps.Clone(record.Data)
	for _, mend := range []func(){
		func() { change(t, record, func(c *corev1.ConfigMap) { c.Data = was }) },
		func() { must(t, k8s.Delete(t.Context(), record)) },
	} {
		change(t, record, func(c *corev1.ConfigMap) {
			for key := range c.Data {
				c.Data[key] = "{"
			}
		})
		said := waitCondition(t, east, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonDirectoryUnreadable)
		if want := "kubectl -n " + namespace + " delete configmap service-directory"; !strings.Contains(said.Message, want) {
			t.Errorf("the message lacks %q: %s", want, said.Message)
		}
		mend()
		waitCondition(t, east, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonRegistered)
	}
}

// While a system is suspended, nothing of its directory is stored or committed, and what was registered stays so.
func TestDirectoryOfASuspendedSystem(t *testing.T) {
	o := startOperator(t, restConfig)
	ics := system("QC7")
	create(t, ics)
	waitReady(t, ics)
	namespace := ics.TenantNamespace()
	east, west := service(namespace, "east", "East", "Harbour", "Hill"), service(namespace, "west", "West", "Meadow")
	create(t, east, west)
	waitCondition(t, east, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonRegistered)
	waitCondition(t, west, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonRegistered)
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.Suspend = true })
	waitCondition(t, ics, v1alpha1.ConditionSuspended, metav1.ConditionTrue, v1alpha1.ReasonSuspended)
	before, err := o.api.Committed(t.Context(), namespace)
	must(t, err)
	change(t, east, func(o *v1alpha1.CoreCommunityService) { o.Spec.DisplayName = "Another name" })
	said := waitCondition(t, east, v1alpha1.ConditionRegistered, metav1.ConditionFalse, v1alpha1.ReasonWaitingForAPI)
	if !strings.Contains(said.Message, "is suspended") {
		t.Errorf("the message does not say that the system is suspended: %s", said.Message)
	}
	waitCondition(t, west, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonRegistered)
	if after, err := o.api.Committed(t.Context(), namespace); err != nil || before.Digest != after.Digest {
		t.Errorf("the directory was committed although the system is suspended: %v", err)
	}
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.Suspend = false })
	waitCondition(t, east, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonRegistered)
}
