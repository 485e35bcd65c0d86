package stack

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/cmhf/operator/api/v1alpha1"
)

// exposed are inputs with addresses in the ways that people write them.
func exposed(kind v1alpha1.ExposureType) Inputs {
	in := inputs()
	in.CoordinationAPI.URL, in.Dashboard.URL = "https://API.qop.example.org:8443/", "http://dashboard.ics-qop.cmhf.localhost:8080"
	in.Exposure.Type = kind
	return in
}

func TestNothingIsExposedUnlessDeclared(t *testing.T) {
	for _, kind := range []v1alpha1.ExposureType{"", v1alpha1.ExposureNone} {
		by := renderedBy(t, exposed(kind))
		for _, name := range []string{"coordination-api", "dashboard"} {
			if by["Ingress/"+name] != nil || by["HTTPRoute/"+name] != nil {
				t.Errorf("%q exposes the %s", kind, name)
			}
		}
	}
}

func TestIngress(t *testing.T) {
	in := exposed(v1alpha1.ExposureIngress)
	in.Exposure.IngressClass, in.CoordinationAPI.TLSSecret = "internal", "api-certificate"
	by := renderedBy(t, in)
	api := typed[networkingv1.Ingress](t, by["Ingress/coordination-api"]).Spec
	if *api.IngressClassName != "internal" || api.Rules[0].Host != "api.qop.example.org" {
		t.Errorf("class %s, host %s", *api.IngressClassName, api.Rules[0].Host)
	}
	if diff := cmp.Diff([]networkingv1.IngressTLS{{Hosts: []string{"api.qop.example.org"}, SecretName: "api-certificate"}}, api.TLS); diff != "" {
		t.Error(diff)
	}
	dashboard := typed[networkingv1.Ingress](t, by["Ingress/dashboard"]).Spec
	if dashboard.TLS != nil || dashboard.Rules[0].Host != "dashboard.ics-qop.cmhf.localhost" {
		t.Errorf("an http address is served as %+v", dashboard)
	}
	// Each leads to the public port of its own Service and nowhere else.
	for name, spec := range map[string]networkingv1.IngressSpec{"coordination-api": api, "dashboard": dashboard} {
		if spec.DefaultBackend != nil || len(spec.Rules) != 1 || len(spec.Rules[0].HTTP.Paths) != 1 {
			t.Fatalf("%s: %+v", name, spec)
		}
		backend := spec.Rules[0].HTTP.Paths[0].Backend.Service
		service := typed[corev1.Service](t, by["Service/"+name])
		if backend.Name != name || backend.Port.Name != "http" || service.Spec.Ports[0].Name != "http" {
			t.Errorf("%s: leads to %+v", name, backend)
		}
	}
	in.Exposure.IngressClass = ""
	if class := typed[networkingv1.Ingress](t, renderedBy(t, in)["Ingress/dashboard"]).Spec.IngressClassName; class != nil {
		t.Errorf("class %q is asked for instead of the cluster's default", *class)
	}
}

func TestRoute(t *testing.T) {
	in := exposed(v1alpha1.ExposureGateway)
	in.Exposure.Gateway = Gateway{Name: "edge", Namespace: "gateways", Section: "https"}
	by := renderedBy(t, in)
	for name, hostname := range map[string]gatewayv1.Hostname{"coordination-api": "api.qop.example.org", "dashboard": "dashboard.ics-qop.cmhf.localhost"} {
		spec := typed[gatewayv1.HTTPRoute](t, by["HTTPRoute/"+name]).Spec
		if diff := cmp.Diff([]gatewayv1.Hostname{hostname}, spec.Hostnames); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		parent := spec.ParentRefs[0]
		if len(spec.ParentRefs) != 1 || parent.Name != "edge" || *parent.Namespace != "gateways" || *parent.SectionName != "https" {
			t.Errorf("%s: parents %+v", name, spec.ParentRefs)
		}
		backend := spec.Rules[0].BackendRefs[0]
		service := typed[corev1.Service](t, by["Service/"+name])
		if len(spec.Rules) != 1 || len(spec.Rules[0].BackendRefs) != 1 || string(backend.Name) != name || int32(*backend.Port) != service.Spec.Ports[0].Port || backend.Namespace != nil {
			t.Errorf("%s: leads to %+v", name, spec.Rules)
		}
	}
	in.Exposure.Gateway.Section = ""
	if section := typed[gatewayv1.HTTPRoute](t, renderedBy(t, in)["HTTPRoute/dashboard"]).Spec.ParentRefs[0].SectionName; section != nil {
		t.Errorf("section %q is asked for", *section)
	}
}
