package stack

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mattfenwick/cyclonus/pkg/matcher"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/credentials"
)

// endpoint is a pod or an address outside the cluster.
type endpoint struct {
	name   string // of a tenant's pods without the tenant
	tenant string // empty outside the tenants
	peer   *matcher.TrafficPeer
}

func (e endpoint) String() string {
	if e.tenant != "" {
		return e.tenant + "/" + e.name
	}
	return e.name
}

// twoTenants renders qop and qsl and gives all their policies, and their pods among others of a cluster.
func twoTenants(t *testing.T, engine, issuer string) ([]*networkingv1.NetworkPolicy, []endpoint) {
	t.Helper()
	var policies []*networkingv1.NetworkPolicy
	var endpoints []endpoint
	add := func(tenant, name string, namespace, labels map[string]string) {
		endpoints = append(endpoints, endpoint{name, tenant, &matcher.TrafficPeer{
			IP: fmt.Sprintf("10.244.0.%d", len(endpoints)+1),
			Internal: &matcher.InternalPeer{
				PodLabels: labels, NamespaceLabels: namespace, Namespace: namespace[corev1.LabelMetadataName],
			},
		}})
	}

	renderer := NewRenderer()
	roles := map[string]map[string]string{}
	for _, name := range []string{"qop", "qsl"} {
		in := withEngine(engine)
		if engine == objectStore {
			in = withPhysicalBackups()
		}
		in.Name, in.ODSCode, in.Namespace, in.Issuer = name, strings.ToUpper(name), "ics-"+name, issuer
		in.Credentials = credentials.Record{Generation: 1, Phase: credentials.Preparing}
		in.Database.Restore = Restore{Backup: "20261122T011003Z", ODSCode: in.ODSCode, Claim: "database-backups"}
		objects, err := renderer.Render(in)
		if err != nil {
			t.Fatal(err)
		}
		namespace := namespaceLabels(in.Namespace)
		for _, object := range objects {
			if object.GetKind() == "Namespace" {
				maps.Copy(namespace, object.GetLabels())
			}
		}
		for _, object := range objects {
			if object.GetKind() == "NetworkPolicy" {
				policies = append(policies, policyOf(t, object))
			}
			if labels := podLabels(t, object); labels != nil {
				role := labels[v1alpha1.LabelComponent]
				roles[role] = labels
				add(name, role, namespace, labels)
			}
		}
		add(name, "unknown pod", namespace, map[string]string{"run": "shell"})
	}
	want := []string{"backup", "coordination-api", "dashboard", "database", "logins", "migration", "restore"}
	if engine == EngineExternal {
		want = slices.DeleteFunc(want, func(role string) bool { return role == "database" || role == "logins" })
	}
	if got := slices.Sorted(maps.Keys(roles)); !slices.Equal(got, want) {
		t.Fatalf("the stack's pods are %v, the table is written for %v", got, want)
	}

	operatorNamespace, operator := installedOperator(t)
	add("", "operator", operatorNamespace, operator)
	add("", "neighbour of the operator", operatorNamespace, map[string]string{"app.kubernetes.io/name": "other"})
	gateways := namespaceLabels("gateways")
	gateways[v1alpha1.LabelGateway] = "true"
	add("", "gateway", gateways, map[string]string{"app": "gateway"})
	system, dns := namespaceLabels("kube-system"), map[string]string{"k8s-app": "kube-dns"}
	add("", "kube-dns", system, dns)
	add("", "neighbour of kube-dns", system, map[string]string{"k8s-app": "other"})

	postgres, cnpg := namespaceLabels("cnpg-system"), map[string]string{"app.kubernetes.io/name": "cloudnative-pg"}
	add("", "cloudnative-pg", postgres, cnpg)
	add("", "neighbour of cloudnative-pg", postgres, map[string]string{"app.kubernetes.io/name": "other"})

	// A foreign namespace may label its pods like anyone's.
	foreign := namespaceLabels("foreign")
	foreign[v1alpha1.LabelGateway] = "false"
	add("", "foreign pod", foreign, map[string]string{"app": "other"})
	add("", "foreign pod labelled operator", foreign, operator)
	add("", "foreign pod labelled kube-dns", foreign, dns)
	add("", "foreign pod labelled cloudnative-pg", foreign, cnpg)
	for _, role := range slices.Sorted(maps.Keys(roles)) {
		add("", "foreign pod labelled "+role, foreign, roles[role])
	}
	endpoints = append(endpoints,
		endpoint{name: "identity provider", peer: &matcher.TrafficPeer{IP: "203.0.113.10"}},
		endpoint{name: "external database", peer: &matcher.TrafficPeer{IP: "192.0.2.10"}},
		endpoint{name: "object store", peer: &matcher.TrafficPeer{IP: "198.51.100.10"}},
		endpoint{name: apiService, peer: &matcher.TrafficPeer{IP: "10.96.0.1"}},
		endpoint{name: "API server", peer: &matcher.TrafficPeer{IP: "203.0.113.20"}},
		endpoint{name: "neighbour of the API server", peer: &matcher.TrafficPeer{IP: "203.0.113.21"}},
		endpoint{name: "identity provider over IPv6", peer: &matcher.TrafficPeer{IP: "2001:db8::10"}})
	return policies, endpoints
}

// namespaceLabels are those that Kubernetes gives every namespace.
func namespaceLabels(name string) map[string]string {
	return map[string]string{corev1.LabelMetadataName: name}
}

func policyOf(t *testing.T, object *unstructured.Unstructured) *networkingv1.NetworkPolicy {
	t.Helper()
	policy := &networkingv1.NetworkPolicy{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, policy, true); err != nil {
		t.Fatalf("reading the policy %s: %v", object.GetName(), err)
	}
	// Kubernetes lets NotIn match where the label is absent, the engine does not.
	if raw, err := object.MarshalJSON(); err != nil || bytes.Contains(raw, []byte(`"NotIn"`)) {
		t.Fatalf("policy %s selects by NotIn, which the engine cannot be trusted with (%v)", policy.Name, err)
	}
	return policy
}

// podLabels gives the labels of the pods that an object makes, or nil.
func podLabels(t *testing.T, object *unstructured.Unstructured) map[string]string {
	t.Helper()
	if object.GetKind() == "Cluster" {
		// As CloudNativePG labels its pods, with what they inherit.
		labels, _, _ := unstructured.NestedStringMap(object.Object, "spec", "inheritedMetadata", "labels")
		labels["cnpg.io/cluster"] = object.GetName()
		return labels
	}
	labels, _, err := unstructured.NestedStringMap(object.Object, inTemplate(object, "metadata", "labels")...)
	if err != nil {
		t.Fatalf("reading the pods' labels of %s %s: %v", object.GetKind(), object.GetName(), err)
	}
	return labels
}

// installedOperator gives the labels of the operator's namespace and pod from the manifests that install it.
func installedOperator(t *testing.T) (namespace, pod map[string]string) {
	t.Helper()
	read := func(name string) *unstructured.Unstructured {
		raw, err := os.ReadFile(filepath.Join("..", "..", "config", "manager", name))
		if err != nil {
			t.Fatal(err)
		}
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(raw, &object.Object); err != nil {
			t.Fatalf("reading %s: %v", name, err)
		}
		return object
	}
	of := read("namespace.yaml")
	namespace = namespaceLabels(of.GetName())
	maps.Copy(namespace, of.GetLabels())
	return namespace, podLabels(t, read("manager.yaml"))
}
