package controllers_test

import (
	"testing"

	"github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cmhf/operator/api/v1alpha1"
)

// Who keeps the data while they are being removed takes the right to remove them away too.
func TestKeptMidwayEndsTheGrant(t *testing.T) {
	startOperator(t, asOperator(t))
	ics := declared(t, "XA5", v1alpha1.DeletionDelete)
	data := dataClaim(ics)
	change(t, data, func(c *corev1.PersistentVolumeClaim) { c.Finalizers = append(c.Finalizers, "example.org/hold") })
	remove(t, ics)
	binding := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "cmhf-operator-tenant-removal"}}
	eventually(t, func(g gomega.Gomega) {
		g.Expect(get(t, data)).To(gomega.Succeed())
		g.Expect(data.DeletionTimestamp).NotTo(gomega.BeNil())
		g.Expect(get(t, binding)).To(gomega.Succeed())
	})
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Annotations[v1alpha1.AnnotationDeletionPolicy] = "Retain" })
	waitGone(t, ics)
	if err := get(t, binding); !apierrors.IsNotFound(err) {
		t.Errorf("the right to remove data is still there: %v", err)
	}
	change(t, data, func(c *corev1.PersistentVolumeClaim) { c.Finalizers = nil })
}
