package controllers_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cmhf/operator/internal/testkit/calls"
	"github.com/cmhf/operator/internal/testkit/controlplane"
)

// The pods of CloudNativePG may talk to the API server where it says that it is: at its Service and at its own address. An address that
// comes is followed, for these tenants only.
func TestAddressesOfTheAPIServer(t *testing.T) {
	serveClusters(t)
	counter := &calls.Counter{}
	startOperator(t, counter.Wrap(asOperator(t)))
	ics, other := clustered("SE1"), system("SE2")
	leave(t, ics)
	leave(t, other)
	create(t, ics, other)
	waitReady(t, ics)
	waitReady(t, other)

	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "kubernetes"}}
	must(t, get(t, service))
	slice := &discoveryv1.EndpointSlice{ObjectMeta: service.ObjectMeta}
	must(t, get(t, slice))
	port := *slice.Ports[0].Port
	want := map[string]int32{service.Spec.ClusterIP + "/32": 443, controlplane.Address + "/32": port}
	eventually(t, func(g gomega.Gomega) { g.Expect(waysToAPIServer(t, ics.TenantNamespace())).To(gomega.Equal(want)) })

	quietly(t, counter)
	was := slice.DeepCopy()
	t.Cleanup(func() { // before other tests look
		was.ResourceVersion = ""
		must(t, k8s.Update(context.Background(), was))
	})
	change(t, slice, func(s *discoveryv1.EndpointSlice) {
		s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{Addresses: []string{"192.0.2.11"}})
	})
	// The API server takes it out again, because nobody renews it; it counts on for a while.
	want["192.0.2.11/32"] = port
	eventually(t, func(g gomega.Gomega) { g.Expect(waysToAPIServer(t, ics.TenantNamespace())).To(gomega.Equal(want)) })
	waitReady(t, ics)
	for _, call := range quietly(t, counter) {
		if call.Writes() && !strings.Contains(call.Path, "se1") && !strings.Contains(call.Path, "/events") {
			t.Errorf("wrote %s, though only the pods of CloudNativePG talk to the API server", call)
		}
	}
}

// waysToAPIServer gives the addresses that the policy lets the database's pods out to, each with its port.
func waysToAPIServer(t *testing.T, namespace string) map[string]int32 {
	t.Helper()
	policy := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "database-to-api-server"}}
	must(t, get(t, policy))
	ways := map[string]int32{}
	for _, rule := range policy.Spec.Egress {
		if len(rule.Ports) != 1 || slices.ContainsFunc(rule.To, func(p networkingv1.NetworkPolicyPeer) bool { return p.IPBlock == nil }) || len(rule.To) == 0 {
			t.Fatalf("a rule of the policy is %+v", rule)
		}
		for _, peer := range rule.To {
			ways[peer.IPBlock.CIDR] = rule.Ports[0].Port.IntVal
		}
	}
	return ways
}
