package stack

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/mattfenwick/cyclonus/pkg/matcher"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

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
