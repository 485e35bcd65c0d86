package controllers_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/stack"
	"github.com/cmhf/operator/internal/testkit/faults"
)

// Killing the operator after any of its writes and starting it again ends in the state of a run without a kill.
func TestCrashAtEveryWriteOfACreation(t *testing.T) {
	writes, want := createWithCrash(t, "QD0", 0)
	if len(writes) < 25 {
		t.Fatalf("only %d writes for a new tenant; is the fault wired?\n%v", len(writes), writes)
	}
	for k := 1; k <= len(writes); k++ {
		_, got := createWithCrash(t, fmt.Sprintf("QD0%02d", k), k)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("after a crash at write %d (%s) the tenant is another (-without +with):\n%s", k, writes[k-1], diff)
		}
	}
}

func createWithCrash(t *testing.T, ods string, at int) (writes []string, end map[string]string) {
	t.Helper()
	crash := &faults.Crash{At: at}
	died := make(chan struct{})
	crash.OnCrash = func() { close(died) }
	o := startOperator(t, crash.Wrap(restConfig))
	ics := system(ods)
	east := service(ics.TenantNamespace(), "east", "East", "Harbour")
	create(t, ics)
	if at > 0 {
		waitForCrash(t, died, func() bool {
			return get(t, ics) == nil && meta.IsStatusConditionTrue(ics.Status.Conditions, v1alpha1.ConditionReady)
		})
		o.stop()
		o = startOperator(t, restConfig)
	}
	waitReady(t, ics)
	create(t, east)
	eventually(t, func(g gomega.Gomega) {
		g.Expect(get(t, east)).To(gomega.Succeed())
		g.Expect(get(t, ics)).To(gomega.Succeed())
		g.Expect(ics.Status.Services.Summary).To(gomega.Equal("1/1"))
	})
	o.stop()
	defer forget(t, ics)
	return crash.Writes(), endState(t, ics)
}

// forget takes the resource away without an operator, so that the next one has nothing to do with it.
func forget(t *testing.T, ics *v1alpha1.IntegratedCareSystem) {
	t.Helper()
	must(t, get(t, ics))
	ics.Finalizers = nil
	must(t, k8s.Update(t.Context(), ics))
	remove(t, ics)
}

// waitForCrash waits until the operator has died, or has finished without: two runs need not make the same number of writes,
// because a status in between may be skipped.
func waitForCrash(t *testing.T, died <-chan struct{}, finished func() bool) {
	t.Helper()
	eventually(t, func(g gomega.Gomega) {
		select {
		case <-died:
		default:
			g.Expect(finished()).To(gomega.BeTrue(), "neither crashed nor finished")
		}
	})
}

// Killing it after any write of a deletion: the resource still goes, and what holds data is the same as before.
func TestCrashAtEveryWriteOfADeletion(t *testing.T) {
	writes := deleteWithCrash(t, "QE0", 0)
	if len(writes) < 5 {
		t.Fatalf("only %d writes for a deletion; is the fault wired?\n%v", len(writes), writes)
	}
	for k := 1; k <= len(writes); k++ {
		deleteWithCrash(t, fmt.Sprintf("QE0%02d", k), k)
	}
}

func deleteWithCrash(t *testing.T, ods string, at int) []string {
	t.Helper()
	ics := system(ods)
	first := startOperator(t, restConfig)
	create(t, ics)
	waitReady(t, ics)
	first.stop()
	before := secrets(t, ics.TenantNamespace())

	crash := &faults.Crash{At: at}
	died := make(chan struct{})
	crash.OnCrash = func() { close(died) }
	o := startOperator(t, crash.Wrap(restConfig))
	remove(t, ics)
	if at > 0 {
		waitForCrash(t, died, func() bool { return apierrors.IsNotFound(get(t, ics)) })
		o.stop()
		o = startOperator(t, restConfig)
	}
	eventually(t, func(g gomega.Gomega) { g.Expect(apierrors.IsNotFound(get(t, ics))).To(gomega.BeTrue()) })
	o.stop()
	for name, secret := range secrets(t, ics.TenantNamespace()) {
		if secret.UID != before[name].UID {
			t.Errorf("crash at write %d: Secret %s was replaced", at, name)
		}
	}
	left := endState(t, ics)
	if _, ok := left["PersistentVolumeClaim/database-data"]; !ok {
		t.Errorf("crash at write %d: the volume claim is gone", at)
	}
	for name := range left {
		if name == "Deployment/dashboard" || name == "Deployment/coordination-api" {
			t.Errorf("crash at write %d: %s still runs", at, name)
		}
	}
	return crash.Writes()
}

// endState lists what is in the tenant's namespace, by kind and name, with what tells whether it is as rendered.
func endState(t *testing.T, ics *v1alpha1.IntegratedCareSystem) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, kind := range stack.Kinds {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(kind)
		must(t, k8s.List(t.Context(), list, client.MatchingLabels{v1alpha1.LabelICS: ics.Name}))
		for _, object := range list.Items {
			name := strings.Replace(object.GetName(), ics.TenantNamespace(), "tenant", 1)
			if object.GetKind() == "Job" {
				name = "migration" // the rest is a hash of what differs from tenant to tenant
			}
			replicas, _, _ := unstructured.NestedInt64(object.Object, "spec", "replicas")
			if was := found[object.GetKind()+"/"+name]; was != "" {
				name += " and another" // two migrations where there should be one
			}
			found[object.GetKind()+"/"+name] = fmt.Sprintf("hash: %t, replicas: %d, owners: %d",
				object.GetAnnotations()[v1alpha1.AnnotationRenderHash] != "", replicas, len(object.GetOwnerReferences()))
		}
	}
	for name, secret := range secrets(t, ics.TenantNamespace()) {
		found["Secret/"+name] = fmt.Sprintf("%d keys", len(secret.Data))
	}
	return found
}
