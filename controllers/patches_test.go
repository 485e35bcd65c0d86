package controllers_test

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cmhf/operator/api/v1alpha1"
)

// A patch is part of the stack as long as it is declared. One that is refused is told of with its place and path, and everything
// stays as it was.
func TestPatchesOfATenant(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("RD6")
	target := v1alpha1.PatchTarget{Kind: "Deployment", Name: "dashboard"}
	ics.Spec.Stack.Patches = []v1alpha1.Patch{{Target: target, Patch: "spec: {template: {spec: {nodeSelector: {disk: fast}}}}"}}
	create(t, ics)
	waitReady(t, ics)
	dashboard := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "dashboard"}}
	must(t, get(t, dashboard))
	if dashboard.Spec.Template.Spec.NodeSelector["disk"] != "fast" {
		t.Errorf("the node selector is %v", dashboard.Spec.Template.Spec.NodeSelector)
	}

	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) {
		i.Spec.DisplayName = "Another name"
		i.Spec.Stack.Patches = append(i.Spec.Stack.Patches, v1alpha1.Patch{Target: target, Patch: "spec: {template: {spec: {hostNetwork: true}}}"})
	})
	stalled := waitCondition(t, ics, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonPatchRefused)
	if !strings.HasPrefix(stalled.Message, "spec.stack.patches[1] (Deployment dashboard) at spec.template.spec.hostNetwork: must not be changed by a patch") {
		t.Errorf("the message is %q", stalled.Message)
	}
	waitCondition(t, ics, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonPatchRefused)
	generation := dashboard.Generation
	must(t, get(t, dashboard))
	if dashboard.Generation != generation {
		t.Error("a stack with a patch that is refused was applied in part")
	}

	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.Stack.Patches = nil })
	waitReady(t, ics)
	must(t, get(t, dashboard))
	if selector := dashboard.Spec.Template.Spec.NodeSelector; len(selector) != 0 {
		t.Errorf("the patch has gone, the node selector %v stays", selector)
	}
}
