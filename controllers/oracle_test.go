package controllers_test

import (
	"context"
	"strings"
	"testing"

	"github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
	"github.com/cmhf/operator/internal/testkit/oracle"
)

// watchOver lets an oracle ask, each time that a system becomes Ready, what applying its render would change, until the end of the test. The function
// that comes back waits until a system is Ready and was compared.
func watchOver(t *testing.T, systems ...*v1alpha1.IntegratedCareSystem) func(*v1alpha1.IntegratedCareSystem) {
	t.Helper()
	c, stop := compare(t, systems...)
	t.Cleanup(func() {
		stop()
		for _, promise := range c.Broken() {
			t.Errorf("a promise was broken: %s", promise)
		}
	})
	return func(ics *v1alpha1.IntegratedCareSystem) {
		t.Helper()
		waitReady(t, ics)
		eventually(t, func(g gomega.Gomega) { g.Expect(c.Looked(ics.Name)).To(gomega.Equal(ics.Generation)) })
	}
}

func compare(t *testing.T, systems ...*v1alpha1.IntegratedCareSystem) (*oracle.Comparison, func()) {
	t.Helper()
	var names []string
	for _, ics := range systems {
		names = append(names, ics.Name)
	}
	ctx, stop := context.WithCancel(context.Background())
	c, err := oracle.Compare(ctx, restConfig, k8s.Scheme(), settings().Inputs, names...)
	if err != nil {
		stop()
		t.Fatal(err)
	}
	return c, stop
}

// One life of a system: what it says is true at every moment, and its data stay, whatever is declared and whoever is stopped.
func TestPromisesHoldThroughALife(t *testing.T) {
	ics := system("RF3")
	compared := watchOver(t, ics)
	first := startOperator(t, restConfig)
	create(t, ics)
	compared(ics)
	create(t, service(ics.TenantNamespace(), "east", "East", "Harbour"))
	for _, edit := range []func(*v1alpha1.IntegratedCareSystem){
		func(i *v1alpha1.IntegratedCareSystem) { i.Spec.Stack.Dashboard.Replicas = ptr.To[int32](2) },
		func(i *v1alpha1.IntegratedCareSystem) { i.Spec.DisplayName = "Renamed" },
		func(i *v1alpha1.IntegratedCareSystem) { i.Spec.State = v1alpha1.StateHibernated },
		func(i *v1alpha1.IntegratedCareSystem) {
			i.Spec.State, i.Spec.Stack.Dashboard.Replicas = v1alpha1.StateActive, nil
		},
	} {
		change(t, ics, edit)
		compared(ics)
	}
	first.stop()
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.DisplayName = "Renamed while nobody looked" })
	startOperatorWith(t, restConfig, first.api)
	compared(ics)
	remove(t, ics)
	eventually(t, func(g gomega.Gomega) { g.Expect(apierrors.IsNotFound(get(t, ics))).To(gomega.BeTrue()) })
	ics = system("RF3")
	create(t, ics)
	waitReady(t, ics)
}

// The oracle sees what it is there for: a status that lies, a claim that goes, and a spec that is not the user's alone.
func TestOracleSeesWhatIsWrong(t *testing.T) {
	ics := system("RF4")
	comparison, stop := compare(t, ics)
	t.Cleanup(stop)
	must(t, env.Oracle.Operates(t.Context(), settings().Inputs))
	sees := func(what string, broken func() []string) {
		t.Helper()
		eventually(t, func(g gomega.Gomega) { g.Expect(strings.Join(broken(), "\n")).To(gomega.ContainSubstring(what)) })
	}
	judged := func() []string { return env.Oracle.Broken(t.Context(), "rf4") }
	create(t, ics)
	ics.Status.ObservedGeneration = ics.Generation
	meta.SetStatusCondition(&ics.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonAsDeclared, ObservedGeneration: ics.Generation,
	})
	must(t, k8s.Status().Update(t.Context(), ics))
	sees("says that it is Ready in generation 1, but Namespace ics-rf4 is not there", comparison.Broken)
	sees("says that it is Ready in generation 1, but Namespace ics-rf4 was not there", judged)

	must(t, k8s.Patch(t.Context(), ics, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"displayName":"Not the user's"}}`)), client.FieldOwner(applyset.FieldManager)))
	sees("the operator owns fields of the spec of rf4", judged)

	create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "ics-rf4"}})
	inputs, err := settings().Inputs(t.Context(), k8s, ics)
	must(t, err)
	create(t, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "ics-rf4", Name: "of-old", Labels: map[string]string{applyset.LabelPartOf: inputs.Set}}})
	must(t, get(t, ics))
	ics.Status.ObservedGeneration = ics.Generation
	meta.FindStatusCondition(ics.Status.Conditions, v1alpha1.ConditionReady).ObservedGeneration = ics.Generation
	must(t, k8s.Status().Update(t.Context(), ics))
	sees("but ConfigMap ics-rf4/of-old of an earlier render is still there", comparison.Broken)
	sees("but ConfigMap ics-rf4/of-old of an earlier render was still there", judged)

	claim := labelled("v1", "PersistentVolumeClaim", "ics-rf4", "database-data", "rf4")
	create(t, claim)
	confirm(t, claim, claim.GetName())
	someone, err := client.New(restConfig, client.Options{Scheme: k8s.Scheme()})
	must(t, err)
	must(t, someone.Delete(t.Context(), claim))
	sees("PersistentVolumeClaim ics-rf4/database-data went: no deletion with the policy Delete was confirmed", judged)

	for _, promise := range []oracle.Promise{oracle.Truthful, oracle.SpecIsUsers, oracle.DataSafe} {
		env.Oracle.Expect("rf4", promise)
	}
	remove(t, ics)
}
