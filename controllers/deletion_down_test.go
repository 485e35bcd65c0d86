package controllers_test

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/controllers/integratedcaresystem"
)

// Without an operator every deletion is refused or waits, and nothing is lost.
func TestDeletionsWhileTheOperatorIsDown(t *testing.T) {
	o := startOperator(t, asOperator(t))
	ics := declared(t, "RCF", v1alpha1.DeletionDelete)
	o.stop()
	before := dataOf(t, ics)
	in := client.InNamespace(ics.TenantNamespace())
	ours := client.MatchingLabels{v1alpha1.LabelICS: ics.Name}
	for what, deletion := range map[string]func() error{
		"the system": func() error { return k8s.Delete(t.Context(), ics) },
		"every system": func() error {
			return k8s.DeleteAllOf(t.Context(), &v1alpha1.IntegratedCareSystem{}, client.MatchingFields{"metadata.name": ics.Name})
		},
		"the namespace":   func() error { return k8s.Delete(t.Context(), tenantNamespaceOf(ics)) },
		"the claim":       func() error { return k8s.Delete(t.Context(), dataClaim(ics)) },
		"every claim":     func() error { return k8s.DeleteAllOf(t.Context(), &corev1.PersistentVolumeClaim{}, in) },
		"the backups":     func() error { return k8s.Delete(t.Context(), backupClaim(ics)) },
		"the StatefulSet": func() error { return k8s.DeleteAllOf(t.Context(), &appsv1.StatefulSet{}, in, ours) },
		"a Secret": func() error {
			return k8s.Delete(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "database-owner"}})
		},
		"every such Secret": func() error {
			return k8s.DeleteAllOf(t.Context(), &corev1.Secret{}, in, client.MatchingLabels{v1alpha1.LabelComponent: v1alpha1.ComponentDatabase})
		},
		"the definition": func() error { return k8s.Delete(t.Context(), definition(v1alpha1.Group, "IntegratedCareSystem")) },
	} {
		if err := deletion(); !apierrors.IsForbidden(err) {
			t.Errorf("deleting %s was answered %v", what, err)
		}
	}
	mustKeep(t, ics, before)

	// Confirmed, it waits for the operator.
	remove(t, ics)
	must(t, get(t, ics))
	mustKeep(t, ics, before)
	startOperator(t, asOperator(t))
	waitGone(t, ics)
	mustBeRemoved(t, ics, before)
}

// A confirmed deletion of a namespace finishes without an operator: nothing in it carries a finalizer of ours. A system that was still
// declared is made anew by the next one.
func TestNamespaceDeletedWhileTheOperatorIsDown(t *testing.T) {
	o := startOperator(t, asOperator(t))
	ics := declared(t, "RCG", v1alpha1.DeletionRetain)
	o.stop()
	namespace := tenantNamespaceOf(ics)
	remove(t, namespace)
	waitGone(t, namespace)
	remove(t, ics)
	startOperator(t, asOperator(t))
	waitGone(t, ics)
}

// A restore of a cluster's resources brings them back without status, with the annotations they had; the data were there all the time.
func TestRestoredResourceFindsItsData(t *testing.T) {
	o := startOperator(t, asOperator(t))
	ics := declared(t, "RCH", v1alpha1.DeletionRetain)
	o.stop()
	before := dataOf(t, ics)
	restored := ics.DeepCopy()
	forget(t, ics)
	restored.ObjectMeta = metav1.ObjectMeta{Name: ics.Name, Labels: ics.Labels, Annotations: ics.Annotations, Finalizers: restored.Finalizers}
	restored.Status = v1alpha1.IntegratedCareSystemStatus{}
	create(t, restored)
	startOperator(t, asOperator(t))
	waitReady(t, restored)
	mustKeep(t, restored, before)
}

// A deletion needs no render: an operator that can't render the stack any more still finishes it.
func TestDeletionNeedsNoRender(t *testing.T) {
	o := startOperator(t, asOperator(t))
	ics := declared(t, "RCI", v1alpha1.DeletionArchive)
	o.stop()
	before := dataOf(t, ics)
	broken := settings()
	broken.Images = integratedcaresystem.Settings{}.Images
	startRelease(t, asOperator(t), newTenants(), broken)
	remove(t, ics)
	waitGone(t, ics)
	mustKeep(t, ics, before)
	mustRest(t, ics)
}

// The operator's own rights don't let it delete what holds data: only a removal that has come to that brings them.
func TestOperatorMayNotDeleteData(t *testing.T) {
	config := asOperator(t)
	o := startOperator(t, config)
	ics := declared(t, "RCJ", v1alpha1.DeletionDelete)
	o.stop()
	operator, err := client.New(config, client.Options{Scheme: k8s.Scheme()})
	must(t, err)
	for _, object := range []client.Object{
		dataClaim(ics), backupClaim(ics), tenantNamespaceOf(ics), ics,
		&appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "database"}},
	} {
		must(t, get(t, object))
		confirm(t, object, object.GetName())
		if err := operator.Delete(t.Context(), object, client.DryRunAll); !apierrors.IsForbidden(err) {
			t.Errorf("the operator may delete %T %s: %v", object, object.GetName(), err)
		}
	}
	confirm(t, ics, "") // not for the tests after this one
}
