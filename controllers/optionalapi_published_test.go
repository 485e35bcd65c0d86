package controllers_test

import (
	"testing"

	"github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/testkit/controlplane"
)

// The definitions as their projects publish them come, change their versions, stop being served, and go with objects in them, while one
// operator runs: it says what it lacks, heals when that comes back, logs no error, and makes no empty database in the place of one that
// went with its kind.
func TestPublishedDefinitionsComeAndGo(t *testing.T) {
	startOperator(t, restConfig)
	routed := system("SN1")
	leave(t, routed)
	routed.Spec.Stack.Exposure = &v1alpha1.Exposure{Type: v1alpha1.ExposureGateway, Gateway: &v1alpha1.GatewayExposure{Name: "edge", Namespace: "gateways", SectionName: "https"}}
	databased := clustered("SN2")
	leave(t, databased)
	create(t, routed, databased)
	lacks := func(ics *v1alpha1.IntegratedCareSystem) {
		t.Helper()
		waitCondition(t, ics, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonAPINotServed)
	}
	lacks(routed)
	lacks(databased)

	// They come.
	routes := gatewayDefinition(t, "httproutes")
	create(t, routes.DeepCopy())
	t.Cleanup(func() { uninstall(t, routes) })
	follow(t, routes)
	clusters, err := controlplane.CloudNativePGDefinition("clusters")
	must(t, err)
	serveClusters(t)
	waitReady(t, routed)
	waitReady(t, databased)
	record := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: databased.TenantNamespace(), Name: "database-record"}}
	eventually(t, func(g gomega.Gomega) {
		g.Expect(get(t, record)).To(gomega.Succeed())
		g.Expect(record.Data["systemID"]).NotTo(gomega.BeEmpty())
	})

	// Another version is served beside ours, then ours no longer, then again: whoever is changed meanwhile is told, and heals.
	for _, c := range []struct {
		crd *unstructured.Unstructured
		ics *v1alpha1.IntegratedCareSystem
	}{{routes, routed}, {clusters, databased}} {
		addVersion(t, c.crd)
		touchAndWaitReady(t, c.ics)
		serveVersion(t, c.crd, "v1", false)
		change(t, c.ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.DisplayName += "." })
		lacks(c.ics)
		serveVersion(t, c.crd, "v1", true)
		waitReady(t, c.ics)
	}

	// The routes' go with a route in them; it is made again with them.
	route := find(t, routed, schema.GroupVersionKind{Group: "gateway.networking.k8s.io", Version: "v1", Kind: "HTTPRoute"}, "dashboard")
	uninstall(t, routes)
	lacks(routed)
	waitCondition(t, routed, v1alpha1.ConditionDashboardReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	create(t, gatewayDefinition(t, "httproutes"))
	waitReady(t, routed)
	was := route.GetUID()
	must(t, get(t, route))
	if route.GetUID() == was {
		t.Error("the route is said to have outlived its kind")
	}

	// The databases' go with a database in them, confirmed by someone. No empty one takes its place.
	live := databaseCluster(databased)
	must(t, get(t, live))
	env.Oracle.Asked(live.GetUID())
	remove(t, clusters)
	lacks(databased)
	eventually(t, func(g gomega.Gomega) { g.Expect(apierrors.IsNotFound(get(t, clusters.DeepCopy()))).To(gomega.BeTrue()) })
	again, err := controlplane.CloudNativePGDefinition("clusters")
	must(t, err)
	create(t, again)
	waitCondition(t, databased, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonDataMissing)
	if err := get(t, databaseCluster(databased)); !apierrors.IsNotFound(err) {
		t.Errorf("a Cluster was made in the place of the one that went with its kind: %v", err)
	}
}

func touchAndWaitReady(t *testing.T, ics *v1alpha1.IntegratedCareSystem) {
	t.Helper()
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.DisplayName += "." })
	waitReady(t, ics)
}

// addVersion lets a definition have a version that the operator does not know.
func addVersion(t *testing.T, crd *unstructured.Unstructured) {
	t.Helper()
	change(t, crd, func(crd *unstructured.Unstructured) {
		versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
		later := (&unstructured.Unstructured{Object: versions[0].(map[string]any)}).DeepCopy().Object
		later["name"], later["storage"], later["served"] = "v9", false, true
		must(t, unstructured.SetNestedSlice(crd.Object, append(versions, later), "spec", "versions"))
	})
}

// serveVersion begins or ends the serving of one version of a definition.
func serveVersion(t *testing.T, crd *unstructured.Unstructured, name string, served bool) {
	t.Helper()
	change(t, crd, func(crd *unstructured.Unstructured) {
		versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
		for _, version := range versions {
			if version := version.(map[string]any); version["name"] == name {
				version["served"] = served
			}
		}
		must(t, unstructured.SetNestedSlice(crd.Object, versions, "spec", "versions"))
	})
}
