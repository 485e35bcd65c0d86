package controllers_test

import (
	"strings"
	"testing"

	"github.com/onsi/gomega"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cmhf/operator/api/v1alpha1"
)

// A host leads to one system: to the one that has it, else to the oldest. The other says so and goes on with all else; it gets the host
// when that is free.
func TestOneSystemForAHost(t *testing.T) {
	startOperator(t, asOperator(t))
	first, second := exposed("SF1"), exposed("SF2")
	create(t, first)
	waitReady(t, first)
	second.Spec.Stack.CoordinationAPI.URL = "https://API.SF1.example.org:443/"
	create(t, second)

	said := waitCondition(t, second, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonHostTaken)
	for _, want := range []string{"host api.sf1.example.org of spec.stack.coordinationAPI.url leads to IntegratedCareSystem sf1", "give one of the two"} {
		if !strings.Contains(said.Message, want) {
			t.Errorf("the message %q lacks %q", said.Message, want)
		}
	}
	waitCondition(t, second, v1alpha1.ConditionCoordinationAPIReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	waitCondition(t, second, v1alpha1.ConditionDashboardReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	mustLeadIn(t, second, "dashboard", "dashboard.sf2.example.org")
	mustLeadIn(t, second, "coordination-api", "")
	mustLeadIn(t, first, "coordination-api", "api.sf1.example.org")
	waitReady(t, first)

	t.Run("set right", func(t *testing.T) {
		change(t, second, func(i *v1alpha1.IntegratedCareSystem) {
			i.Spec.Stack.CoordinationAPI.URL = "https://api.sf2.example.org"
		})
		waitReady(t, second)
		mustLeadIn(t, second, "coordination-api", "api.sf2.example.org")
	})
	t.Run("the older one takes no host that is another's", func(t *testing.T) {
		change(t, first, func(i *v1alpha1.IntegratedCareSystem) {
			i.Spec.Stack.CoordinationAPI.URL = "https://api.sf2.example.org"
		})
		waitCondition(t, first, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonHostTaken)
		mustLeadIn(t, first, "coordination-api", "api.sf1.example.org") // what it has stays until the spec is mended
		mustLeadIn(t, second, "coordination-api", "api.sf2.example.org")
		waitReady(t, second)
	})
	t.Run("a host that is still led elsewhere", func(t *testing.T) {
		third := exposed("SF5")
		third.Spec.Stack.CoordinationAPI.URL = "https://api.sf1.example.org"
		create(t, third)
		said := waitCondition(t, third, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonHostTaken)
		if !strings.Contains(said.Message, "still led to IntegratedCareSystem sf1 by Ingress ics-sf1/coordination-api") {
			t.Errorf("the message is %q", said.Message)
		}
		mustLeadIn(t, third, "coordination-api", "")
		remove(t, third)
		waitGone(t, third)
	})
	t.Run("a host that becomes free", func(t *testing.T) {
		change(t, second, func(i *v1alpha1.IntegratedCareSystem) {
			i.Spec.Stack.CoordinationAPI.URL = "https://new.sf2.example.org"
		})
		waitReady(t, first)
		mustLeadIn(t, first, "coordination-api", "api.sf2.example.org")
		mustLeadIn(t, second, "coordination-api", "new.sf2.example.org")
	})
	t.Run("the host of a system that goes", func(t *testing.T) {
		change(t, second, func(i *v1alpha1.IntegratedCareSystem) {
			i.Spec.Stack.Dashboard.URL = "https://dashboard.sf1.example.org"
		})
		waitCondition(t, second, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonHostTaken)
		remove(t, first)
		waitGone(t, first)
		waitReady(t, second)
		mustLeadIn(t, second, "dashboard", "dashboard.sf1.example.org")
	})
}

// Whoever led there first, two that lead to one host come down to the older one.
func TestTwoThatLeadToOneHost(t *testing.T) {
	older, younger := exposed("SF4"), exposed("SF3")
	younger.Spec.Stack.Dashboard.URL = older.Spec.Stack.Dashboard.URL
	o := startOperator(t, asOperator(t))
	create(t, older)
	waitReady(t, older)
	o.stop()
	// As if both had been made at once, by operators that did not see each other's.
	namespace := namespaceCalled(younger.TenantNamespace())
	namespace.Labels = map[string]string{v1alpha1.LabelICS: younger.Name}
	way := ingressOf(older, "dashboard")
	must(t, get(t, way))
	way.ObjectMeta = metav1.ObjectMeta{Namespace: namespace.Name, Name: way.Name, Labels: map[string]string{v1alpha1.LabelICS: younger.Name}}
	create(t, namespace, way, younger)
	startOperator(t, asOperator(t))
	waitCondition(t, younger, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonHostTaken)
	mustLeadIn(t, younger, "dashboard", "")
	mustLeadIn(t, older, "dashboard", "dashboard.sf4.example.org")
	waitReady(t, older)
}

// exposed is a system that is reached by Ingresses.
func exposed(ods string) *v1alpha1.IntegratedCareSystem {
	ics := system(ods)
	ics.Spec.Stack.Exposure = &v1alpha1.Exposure{Type: v1alpha1.ExposureIngress}
	return ics
}

func ingressOf(ics *v1alpha1.IntegratedCareSystem, program string) *networkingv1.Ingress {
	return &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: program}}
}

// mustLeadIn waits until the Ingress of a program is for this host; empty: until there is none.
func mustLeadIn(t *testing.T, ics *v1alpha1.IntegratedCareSystem, program, host string) {
	t.Helper()
	eventually(t, func(g gomega.Gomega) {
		way := ingressOf(ics, program)
		err := get(t, way)
		if host == "" {
			g.Expect(apierrors.IsNotFound(err)).To(gomega.BeTrue(), "%s is led to its %s", ics.Name, program)
			return
		}
		g.Expect(err).NotTo(gomega.HaveOccurred())
		g.Expect(way.Spec.Rules[0].Host).To(gomega.Equal(host))
	})
}
