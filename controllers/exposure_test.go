package controllers_test

import (
	"strings"
	"testing"

	"github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/stack"
	"github.com/cmhf/operator/internal/testkit/controlplane"
)

// Certificates that are missing are told of together, and say nothing of an external database, whose Secret is there.
func TestMissingCertificatesBesideAnExternalDatabase(t *testing.T) {
	startOperator(t, asOperator(t))
	ics := system("ZA2")
	leave(t, ics)
	ics.Spec.Stack.Database.Engine = stack.EngineExternal
	ics.Spec.Stack.Database.External = &v1alpha1.ExternalDatabase{SecretRef: v1alpha1.SecretReference{Name: "elsewhere"}}
	ics.Spec.Stack.Exposure = &v1alpha1.Exposure{Type: v1alpha1.ExposureIngress}
	ics.Spec.Stack.CoordinationAPI.TLSSecretRef = &v1alpha1.SecretReference{Name: "certificate-api"}
	ics.Spec.Stack.Dashboard.TLSSecretRef = &v1alpha1.SecretReference{Name: "certificate-dashboard"}
	create(t, ics)
	waitCondition(t, ics, v1alpha1.ConditionDatabaseReady, metav1.ConditionFalse, v1alpha1.ReasonSecretMissing)
	create(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "elsewhere"}, StringData: map[string]string{
		"host": "db.example.org", "port": "5432", "database": "records",
		"ownerUsername": "owner", "ownerPassword": "x", "appUsername": "app", "appPassword": "y",
	}})
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.DisplayName += "." })
	waitCondition(t, ics, v1alpha1.ConditionDatabaseReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	stalled := waitCondition(t, ics, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonSecretMissing)
	for _, missing := range []string{"no Secret certificate-api", "no Secret certificate-dashboard"} {
		if !strings.Contains(stalled.Message, missing) {
			t.Errorf("the message does not say that there is %s: %s", missing, stalled.Message)
		}
	}
}

// An Ingress is there while it is declared; a certificate that it refers to and that is missing is told of and stops nothing.
func TestIngressExposure(t *testing.T) {
	ics := system("RD4")
	compared := watchOver(t, ics)
	startOperator(t, asOperator(t))
	ics.Spec.Stack.Exposure = &v1alpha1.Exposure{Type: v1alpha1.ExposureIngress, Ingress: &v1alpha1.IngressExposure{ClassName: "internal"}}
	ics.Spec.Stack.Dashboard.TLSSecretRef = &v1alpha1.SecretReference{Name: "certificate"}
	create(t, ics)
	stalled := waitCondition(t, ics, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonSecretMissing)
	if !strings.Contains(stalled.Message, "no Secret certificate in namespace ics-rd4") || !strings.Contains(stalled.Message, "spec.stack.dashboard.tlsSecretRef") {
		t.Errorf("the message is %q", stalled.Message)
	}
	waitCondition(t, ics, v1alpha1.ConditionDashboardReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	ingress := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "dashboard"}}
	must(t, get(t, ingress))
	if ingress.Spec.Rules[0].Host != "dashboard.rd4.example.org" || ingress.Spec.TLS[0].SecretName != "certificate" {
		t.Errorf("the Ingress has %+v", ingress.Spec)
	}

	create(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "certificate"}})
	waitReady(t, ics)
	before := ics.Spec.Stack.Exposure
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) {
		i.Spec.Stack.Exposure, i.Spec.Stack.Dashboard.TLSSecretRef = nil, nil
	})
	waitReady(t, ics)
	eventually(t, func(g gomega.Gomega) { g.Expect(apierrors.IsNotFound(get(t, ingress))).To(gomega.BeTrue()) })

	// It goes while the system hibernates as well.
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.Stack.Exposure = before })
	waitReady(t, ics)
	must(t, get(t, ingress))
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) {
		i.Spec.Stack.Exposure, i.Spec.State = nil, v1alpha1.StateHibernated
	})
	compared(ics)
	if err := get(t, ingress); !apierrors.IsNotFound(err) {
		t.Errorf("the Ingress of a system that hibernates and declares none: %v", err)
	}
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.State = v1alpha1.StateActive })
	compared(ics)

	// It goes with the system too, though the data stay.
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.Stack.Exposure = before })
	waitReady(t, ics)
	must(t, get(t, ingress))
	remove(t, ics)
	waitGone(t, ics)
	if err := get(t, ingress); !apierrors.IsNotFound(err) {
		t.Errorf("the Ingress of a system that is gone: %v", err)
	}
}

// A route is made as soon as the cluster serves the Gateway API, whose own schema accepts it; until then everything else goes on.
func TestGatewayExposure(t *testing.T) {
	startOperator(t, asOperator(t))
	ics := system("RD5")
	ics.Spec.Stack.Exposure = &v1alpha1.Exposure{Type: v1alpha1.ExposureGateway, Gateway: &v1alpha1.GatewayExposure{Name: "edge", Namespace: "gateways", SectionName: "https"}}
	create(t, ics)
	stalled := waitCondition(t, ics, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonAPINotServed)
	if !strings.Contains(stalled.Message, "HTTPRoute") || !strings.Contains(stalled.Message, "install it") {
		t.Errorf("the message is %q", stalled.Message)
	}
	waitCondition(t, ics, v1alpha1.ConditionDashboardReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)

	crd := gatewayDefinition(t, "httproutes")
	create(t, crd)
	t.Cleanup(func() { uninstall(t, crd) })
	follow(t, crd)
	waitReady(t, ics)
	kind := schema.GroupVersionKind{Group: "gateway.networking.k8s.io", Version: "v1", Kind: "HTTPRoute"}
	route := find(t, ics, kind, "coordination-api")
	if hosts, _, _ := unstructured.NestedStringSlice(route.Object, "spec", "hostnames"); len(hosts) != 1 || hosts[0] != "api.rd5.example.org" {
		t.Errorf("the route is for %v", hosts)
	}
	// Drift in it is put back like any other, and what the gateway's controller writes is none.
	must(t, unstructured.SetNestedStringSlice(route.Object, []string{"other.example.org"}, "spec", "hostnames"))
	must(t, k8s.Update(t.Context(), route, client.FieldOwner("someone-else")))
	eventually(t, func(g gomega.Gomega) {
		g.Expect(get(t, route)).To(gomega.Succeed())
		hosts, _, _ := unstructured.NestedStringSlice(route.Object, "spec", "hostnames")
		g.Expect(hosts).To(gomega.Equal([]string{"api.rd5.example.org"}))
	})
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) {
		i.Spec.Stack.Exposure.Type, i.Spec.Stack.Exposure.Gateway = v1alpha1.ExposureNone, nil
	})
	eventually(t, func(g gomega.Gomega) { g.Expect(apierrors.IsNotFound(get(t, route))).To(gomega.BeTrue()) })
	waitReady(t, ics)
}

// gatewayDefinition is a definition of the Gateway API as its project publishes it.
func gatewayDefinition(t *testing.T, plural string) *unstructured.Unstructured {
	t.Helper()
	crd, err := controlplane.GatewayDefinition(plural)
	must(t, err)
	return crd
}
