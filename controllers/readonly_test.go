package controllers_test

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cmhf/operator/api/v1alpha1"
)

// A read-only tenant runs, says so, and its programs are told by a roll that takes no replica away; the database is not touched.
func TestReadOnlyState(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("RD1")
	create(t, ics)
	waitReady(t, ics)
	settings := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "stack-settings"}}
	database := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "database"}}
	api := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "coordination-api"}}
	must(t, get(t, database))
	generation := database.Generation
	var told string
	for _, test := range []struct {
		state  v1alpha1.State
		reason string
		want   string
	}{
		{v1alpha1.StateReadOnly, v1alpha1.ReasonReadOnly, "true"},
		{v1alpha1.StateActive, v1alpha1.ReasonAsDeclared, "false"},
	} {
		change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.State = test.state })
		waitCondition(t, ics, v1alpha1.ConditionReady, metav1.ConditionTrue, test.reason)
		must(t, get(t, settings))
		must(t, get(t, api))
		must(t, get(t, database))
		if settings.Data["readOnly"] != test.want {
			t.Errorf("%s: the settings say %q", test.state, settings.Data["readOnly"])
		}
		if now := api.Spec.Template.Annotations[v1alpha1.AnnotationConfigHash]; now == told {
			t.Errorf("%s: the API's pods are not told", test.state)
		} else {
			told = now
		}
		if roll := api.Spec.Strategy.RollingUpdate; roll.MaxUnavailable.IntValue() != 0 || roll.MaxSurge.IntValue() != 1 {
			t.Errorf("%s: the roll may take a replica away: %+v", test.state, roll)
		}
		if database.Generation != generation {
			t.Errorf("%s: the database was changed", test.state)
		}
	}
}
