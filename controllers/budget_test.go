package controllers_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/patience"
	"github.com/cmhf/operator/internal/testkit/calls"
)

// quietly waits until no call was made for longer than any is kept back and returns all since the last time.
func quietly(t *testing.T, counter *calls.Counter) []calls.Call {
	t.Helper()
	var all []calls.Call
	last := time.Now()
	deadline := last.Add(20 * time.Second)
	for time.Since(last) < patience.Hold+700*time.Millisecond {
		if time.Now().After(deadline) {
			t.Fatalf("no end of calls: %v", all)
		}
		if now := counter.Take(); len(now) > 0 {
			all, last = append(all, now...), time.Now()
		}
		time.Sleep(20 * time.Millisecond)
	}
	return all
}

// What each scenario may ask of the API server. The numbers are what was measured, with room for a status more or
// less; a change that needs more raises them here, where it is seen.
func TestCallBudget(t *testing.T) {
	counter := &calls.Counter{}
	o := startOperator(t, counter.Wrap(restConfig))
	quietly(t, counter) // what other tests left is looked at first
	within := func(scenario string, budget map[string]int) {
		t.Helper()
		made := slices.DeleteFunc(quietly(t, counter), func(call calls.Call) bool {
			return !strings.Contains(call.Path, "rf2") && !strings.Contains(call.Path, "/events") // of what other tests left
		})
		counts := calls.Summary(made)
		t.Logf("%s: %v", scenario, counts)
		if over := calls.Over(counts, budget); over != nil {
			t.Errorf("%s: %v\n%v", scenario, over, made)
		}
	}
	ics := system("RF2")
	create(t, ics)
	waitReady(t, ics)
	// Every object of the stack, the record of its volume and the service directory. On a busy machine the cache may show a write
	// late, so that one is made again, or what holds the data, which is then looked for at the API server.
	objects := int(ics.Status.Inventory.Objects) + 2 + 1
	within("create one ICS", map[string]int{"apply": objects, "create": len(secrets(t, ics.TenantNamespace())), "event": 1, "get": 1 + 2, "patch": 1, "update": 3,
		"dry-run": 1}) // whether the data are guarded

	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Annotations["example.org/note"] = "one" })
	within("a touch that changes nothing", nil)

	changed := find(t, ics, corev1.SchemeGroupVersion.WithKind("Service"), "database")
	must(t, unstructured.SetNestedField(changed.Object, "dashboard", "spec", "selector", v1alpha1.LabelComponent))
	must(t, k8s.Update(t.Context(), changed, client.FieldOwner("someone-else")))
	eventually(t, func(g gomega.Gomega) {
		g.Expect(get(t, changed)).To(gomega.Succeed())
		now, _, _ := unstructured.NestedString(changed.Object, "spec", "selector", v1alpha1.LabelComponent)
		g.Expect(now).To(gomega.Equal("database"))
	})
	within("repair of one object", map[string]int{"apply": 1})

	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.DisplayName = "Renamed" })
	waitReady(t, ics)
	within("a new name", map[string]int{"apply": 4 + 2, "event": 2, "update": 2})

	// One that is declared a moment late is stored and counted with the next write.
	create(t, service(ics.TenantNamespace(), "one", "East", "Harbour"), service(ics.TenantNamespace(), "two", "East", "Hill"),
		service(ics.TenantNamespace(), "three", "West", "Meadow"))
	within("three services", map[string]int{"apply": 2, "event": 2, "update": 5})

	o.stop()
	_ = quietly(t, counter)
	startOperatorWith(t, counter.Wrap(restConfig), o.api)
	within("restart", map[string]int{"dry-run": 1, "get": 5})
}
