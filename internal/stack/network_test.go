package stack

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/mattfenwick/cyclonus/pkg/matcher"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/credentials"
)

// flow is a row of the table of what may talk. A role of the stack (database, dashboard, …) means that pod of one tenant, on
// both sides of the same tenant.
type flow struct{ from, to, port string }

const (
	tenantPods = "every pod of the tenant"
	outside    = "outside" // a way out to addresses outside the cluster; it lets nobody in
	// apiService is no pod and yet an address of the cluster's own.
	apiService = "Service of the API server"
)

// allowed is every flow that there is; all others are denied.
func allowed(issuerPort string) []flow {
	return []flow{
		{"migration", "database", "5432/TCP"},
		{"logins", "database", "5432/TCP"},
		{"backup", "database", "5432/TCP"},
		{"restore", "database", "5432/TCP"},
		{"coordination-api", "database", "5432/TCP"},
		{"dashboard", "coordination-api", "8080/TCP"},
		{"gateway", "coordination-api", "8080/TCP"},
		{"gateway", "dashboard", "8080/TCP"},
		{"operator", "coordination-api", "8081/TCP"},
		{tenantPods, "kube-dns", "53/UDP"},
		{tenantPods, "kube-dns", "53/TCP"},
		// The identity provider. Policies know no names, so the way there is open to its port at every address that is not
		// the cluster's.
		{"coordination-api", outside, issuerPort},
		{"dashboard", outside, issuerPort},
	}
}

// objectStore is the engine CloudNativePG with backups of its own.
const objectStore = "CloudNativePG with an object store"

// allowedWith adds what an engine needs to the table.
func allowedWith(engine, issuerPort string) []flow {
	table := allowed(issuerPort)
	switch engine {
	case objectStore:
		return append(allowedWith(EngineCloudNativePG, issuerPort), flow{"database", "object store", "9000/TCP"})
	case EngineCloudNativePG:
		// Its servers replicate and look after each other, their operator looks after them, and they read their Cluster at the API
		// server, which is at the address of its Service and at its own: at each on its port, and nowhere else.
		for _, from := range []string{"database", "cloudnative-pg"} {
			table = append(table, flow{from, "database", "5432/TCP"}, flow{from, "database", "8000/TCP"})
		}
		return append(table, flow{"database", apiService, "443/TCP"}, flow{"database", "API server", "6443/TCP"})
	case EngineExternal:
		table = slices.DeleteFunc(table, func(f flow) bool { return f.to == "database" })
		for _, from := range []string{"coordination-api", "migration", "backup", "restore"} {
			table = append(table, flow{from, "external database", "6432/TCP"})
		}
	}
	return table
}

// ports are those that something serves, and one that nothing does.
var ports = []string{"5432/TCP", "6432/TCP", "8000/TCP", "8080/TCP", "8081/TCP", "53/UDP", "53/TCP", "443/TCP", "6443/TCP", "9000/TCP", "9999/TCP"}

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

// verdict is the decision at one end of a flow: the source's pod lets it leave, or the destination's pod lets it enter. Both are
// held against the table, so that one end cannot hide that the other is too wide.
type verdict struct {
	end            string
	from, to, port string
}

func (v verdict) String() string { return v.from + " " + v.end + " " + v.to + " : " + v.port }

const (
	leaves = "may leave for"
	enters = "may enter"
)

// Traffic between a node and its own pods (the kubelet's probes) is never subject to policies and is not in the matrix.
func TestOnlyTheseFlowsAreOpen(t *testing.T) {
	for _, test := range []struct{ name, engine, issuer, port string }{
		{"provider on 443", EngineStandalone, "https://idp.example.org", "443/TCP"},
		// The way to the provider must not lead into another tenant even when it listens on a port that tenants serve.
		{"provider on the tenants' port", EngineStandalone, "http://idp.localhost:8080", "8080/TCP"},
		{"CloudNativePG", EngineCloudNativePG, "https://idp.example.org", "443/TCP"},
		{"CloudNativePG with an object store", objectStore, "https://idp.example.org", "443/TCP"},
		{"external database", EngineExternal, "https://idp.example.org", "443/TCP"},
	} {
		t.Run(test.name, func(t *testing.T) {
			policies, endpoints := twoTenants(t, test.engine, test.issuer)
			got, want := evaluate(policies, endpoints), expected(allowedWith(test.engine, test.port), endpoints)
			for _, line := range differences(want, got) {
				t.Error(line)
			}
			for _, from := range endpoints {
				for _, to := range endpoints {
					if from.tenant == "" || to.tenant == "" || from.tenant == to.tenant {
						continue
					}
					for _, port := range ports {
						if got[verdict{leaves, from.String(), to.String(), port}] && got[verdict{enters, from.String(), to.String(), port}] {
							t.Errorf("tenants are not apart: %s reaches %s on %s", from, to, port)
						}
					}
				}
			}
		})
	}
}

// Each change to a single policy of one tenant must be seen: the policy is gone, holds for more pods, lets more in or out, or
// lets less.
func TestTheMatrixSeesEveryChangedPolicy(t *testing.T) {
	// With an external database the programs' way to one in the namespace leads to nothing, so nothing would show that it changed.
	for _, engine := range []string{EngineStandalone, EngineCloudNativePG, objectStore} {
		t.Run(engine, func(t *testing.T) { seesEveryChangedPolicy(t, engine) })
	}
}

func seesEveryChangedPolicy(t *testing.T, engine string) {
	policies, endpoints := twoTenants(t, engine, "https://idp.example.org")
	want := expected(allowedWith(engine, "443/TCP"), endpoints)
	dropped := 0
	for i, policy := range policies {
		if policy.Namespace != "ics-qop" {
			continue
		}
		seen := func(t *testing.T, policies []*networkingv1.NetworkPolicy) {
			lines := differences(want, evaluate(policies, endpoints))
			if len(lines) == 0 {
				t.Fatal("no expected flow has changed")
			}
			t.Logf("%d changed, the first: %s", len(lines), lines[0])
		}
		dropped++
		t.Run(policy.Name+"/dropped", func(t *testing.T) { seen(t, slices.Delete(slices.Clone(policies), i, i+1)) })
		for name, change := range changes(policy) {
			t.Run(policy.Name+"/"+name, func(t *testing.T) {
				changed := slices.Clone(policies)
				changed[i] = policy.DeepCopy()
				change(changed[i])
				seen(t, changed)
			})
		}
	}
	if dropped == 0 {
		t.Fatal("the stack of qop has no policies")
	}
}

// changes are the ways to change one policy by one step.
func changes(policy *networkingv1.NetworkPolicy) map[string]func(*networkingv1.NetworkPolicy) {
	all := map[string]func(*networkingv1.NetworkPolicy){}
	if !empty(&policy.Spec.PodSelector) {
		all["for every pod"] = func(p *networkingv1.NetworkPolicy) { p.Spec.PodSelector = metav1.LabelSelector{} }
	}
	for r, rule := range rules(policy) {
		add := func(name string, change func(policyRule)) {
			all[fmt.Sprintf("%s %d %s", rule.direction, r, name)] = func(p *networkingv1.NetworkPolicy) { change(rules(p)[r]) }
		}
		// Every address is as good as no restriction.
		if !slices.ContainsFunc(*rule.peers, func(p networkingv1.NetworkPolicyPeer) bool { return p.IPBlock != nil }) {
			add("with anyone", func(r policyRule) { *r.peers = nil })
		}
		add("on any port", func(r policyRule) { *r.ports = nil })
		for i := range *rule.ports {
			if len(*rule.ports) > 1 {
				add(fmt.Sprintf("without port %d", i), func(r policyRule) { *r.ports = slices.Delete(*r.ports, i, i+1) })
			}
		}
		for i, peer := range *rule.peers {
			if len(*rule.peers) > 1 {
				add(fmt.Sprintf("without peer %d", i), func(r policyRule) { *r.peers = slices.Delete(*r.peers, i, i+1) })
			}
			if peer.IPBlock != nil {
				continue
			}
			if !empty(peer.NamespaceSelector) {
				add(fmt.Sprintf("with peer %d of any namespace", i), func(r policyRule) { (*r.peers)[i].NamespaceSelector = &metav1.LabelSelector{} })
			}
			if peer.PodSelector != nil && !empty(peer.PodSelector) {
				add(fmt.Sprintf("with any pod of peer %d", i), func(r policyRule) { (*r.peers)[i].PodSelector = &metav1.LabelSelector{} })
			}
		}
	}
	return all
}

// policyRule is what ingress and egress rules have alike.
type policyRule struct {
	direction string
	peers     *[]networkingv1.NetworkPolicyPeer
	ports     *[]networkingv1.NetworkPolicyPort
}

func rules(policy *networkingv1.NetworkPolicy) []policyRule {
	var all []policyRule
	for i := range policy.Spec.Ingress {
		all = append(all, policyRule{"ingress", &policy.Spec.Ingress[i].From, &policy.Spec.Ingress[i].Ports})
	}
	for i := range policy.Spec.Egress {
		all = append(all, policyRule{"egress", &policy.Spec.Egress[i].To, &policy.Spec.Egress[i].Ports})
	}
	return all
}

func empty(selector *metav1.LabelSelector) bool {
	return selector != nil && len(selector.MatchLabels) == 0 && len(selector.MatchExpressions) == 0
}

// expected writes the table out for every tenant.
func expected(table []flow, endpoints []endpoint) map[verdict]bool {
	want := map[verdict]bool{}
	for _, tenant := range []string{"qop", "qsl"} {
		matches := func(row string, e endpoint) bool {
			switch row {
			case outside:
				return e.peer.Internal == nil && e.name != apiService
			case tenantPods:
				return e.tenant == tenant
			default:
				return e.name == row && (e.tenant == tenant || e.tenant == "")
			}
		}
		for _, row := range table {
			for _, from := range endpoints {
				for _, to := range endpoints {
					if !matches(row.from, from) || !matches(row.to, to) {
						continue
					}
					if from.tenant != "" {
						want[verdict{leaves, from.String(), to.String(), row.port}] = true
					}
					if to.tenant != "" && row.to != outside {
						want[verdict{enters, from.String(), to.String(), row.port}] = true
					}
				}
			}
		}
	}
	return want
}

// evaluate gives what the policies allow at the tenants' ends of every flow. A pod facing itself stands for two replicas.
func evaluate(policies []*networkingv1.NetworkPolicy, endpoints []endpoint) map[verdict]bool {
	engine := matcher.BuildNetworkPolicies(false, policies)
	got := map[verdict]bool{}
	for _, from := range endpoints {
		for _, to := range endpoints {
			for _, port := range ports {
				number, protocol, _ := strings.Cut(port, "/")
				n, err := strconv.Atoi(number)
				if err != nil {
					panic(err) // a constant above
				}
				traffic := &matcher.Traffic{Source: from.peer, Destination: to.peer, ResolvedPort: n, Protocol: corev1.Protocol(protocol)}
				if from.tenant != "" && engine.IsIngressOrEgressAllowed(traffic, false).IsAllowed() {
					got[verdict{leaves, from.String(), to.String(), port}] = true
				}
				if to.tenant != "" && engine.IsIngressOrEgressAllowed(traffic, true).IsAllowed() {
					got[verdict{enters, from.String(), to.String(), port}] = true
				}
			}
		}
	}
	return got
}

func differences(want, got map[verdict]bool) []string {
	var lines []string
	for v := range got {
		if !want[v] {
			lines = append(lines, "wrongly open: "+v.String())
		}
	}
	for v := range want {
		if !got[v] {
			lines = append(lines, "wrongly closed: "+v.String())
		}
	}
	slices.Sort(lines)
	return lines
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
