package controllers_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/stack"
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

// What is wrong with the spec hides nothing of what guards the data, and what is due to be looked at is.
func TestRefusalHidesNothing(t *testing.T) {
	for ods, refused := range map[string]struct {
		reason string
		by     func(*v1alpha1.IntegratedCareSystem)
	}{
		"XA3": {v1alpha1.ReasonPatchRefused, func(i *v1alpha1.IntegratedCareSystem) {
			i.Spec.Stack.Patches = []v1alpha1.Patch{{Target: v1alpha1.PatchTarget{Kind: "Deployment", Name: "dashboard"}, Patch: "spec: {template: {spec: {hostNetwork: true}}}"}}
		}},
		"XA4": {v1alpha1.ReasonEngineChange, func(i *v1alpha1.IntegratedCareSystem) {
			i.Spec.Stack.Database.Engine, i.Spec.Stack.Database.External = stack.EngineExternal, &v1alpha1.ExternalDatabase{SecretRef: v1alpha1.SecretReference{Name: "x"}}
		}},
	} {
		t.Run(refused.reason, func(t *testing.T) {
			startOperator(t, restConfig)
			ics := system(ods)
			leave(t, ics)
			ics.Spec.Stack.Database.Backup.Schedule = "15 2 * * *"
			create(t, ics)
			waitReady(t, ics)
			taken := time.Now().UTC().Truncate(time.Second)
			backUp(t, ics, "good", 0, fmt.Sprintf(`{"backup":%q,"takenAt":%q,"bytes":1}`, taken.Format("20060102T150405Z"), taken.Format(time.RFC3339)))
			verified := waitCondition(t, ics, v1alpha1.ConditionBackupsReady, metav1.ConditionTrue, v1alpha1.ReasonVerified)
			waitCondition(t, ics, v1alpha1.ConditionDeletionProtected, metav1.ConditionTrue, v1alpha1.ReasonGuarded)

			change(t, ics, refused.by)
			waitCondition(t, ics, v1alpha1.ConditionStalled, metav1.ConditionTrue, refused.reason)
			if now := waitCondition(t, ics, v1alpha1.ConditionBackupsReady, metav1.ConditionTrue, v1alpha1.ReasonVerified); now.Message != verified.Message {
				t.Errorf("of the same backup it is told %q, then %q", verified.Message, now.Message)
			}
			if now := meta.FindStatusCondition(ics.Status.Conditions, v1alpha1.ConditionBackupsReady); now.ObservedGeneration != ics.Generation {
				t.Error("the backups were not looked at for this generation")
			}
			cluster.Fail(ics.TenantNamespace(), v1alpha1.ComponentBackup)
			eventually(t, func(g gomega.Gomega) { g.Expect(time.Now().Unix()).To(gomega.BeNumerically(">", taken.Unix()+1)) }) // the API server's times have no fractions
			backUp(t, ics, "bad", 1, "the volume for backups is full (0 MiB are free): no backup was made")
			told := waitCondition(t, ics, v1alpha1.ConditionBackupsReady, metav1.ConditionFalse, v1alpha1.ReasonBackupFailed)
			if !strings.Contains(told.Message, "the volume for backups is full") {
				t.Errorf("told %q", told.Message)
			}
			sentinel := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: v1alpha1.DeletionSentinel}}
			change(t, sentinel, func(c *corev1.ConfigMap) {
				metav1.SetMetaDataAnnotation(&c.ObjectMeta, v1alpha1.AnnotationConfirmDeletion, c.Name)
			})
			waitCondition(t, ics, v1alpha1.ConditionDeletionProtected, metav1.ConditionFalse, v1alpha1.ReasonDeletionConfirmed)
			waitCondition(t, ics, v1alpha1.ConditionStalled, metav1.ConditionTrue, refused.reason)
		})
	}
}
