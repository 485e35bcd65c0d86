package controllers_test

import (
	"context"
	"strings"
	"testing"

	"github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/stack"
)

// leave suspends a system at the end of its test, so that the operators of other tests leave it alone.
func leave(t *testing.T, ics *v1alpha1.IntegratedCareSystem) {
	t.Helper()
	t.Cleanup(func() {
		err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
			if err := k8s.Get(context.Background(), client.ObjectKeyFromObject(ics), ics); err != nil {
				return client.IgnoreNotFound(err)
			}
			ics.Spec.Suspend = true
			return k8s.Update(context.Background(), ics)
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// The engine is chosen once, and neither the spec nor the operator's default, nor the deletion of the resource, changes it.
func TestEngineIsChosenOnce(t *testing.T) {
	first := startOperator(t, restConfig)
	ics := system("RA5")
	leave(t, ics)
	create(t, ics)
	waitReady(t, ics)
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.Stack.Database.Engine = stack.EngineCloudNativePG })
	said := waitCondition(t, ics, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonEngineChange)
	if !strings.Contains(said.Message, "Set it back to Standalone") {
		t.Errorf("the message does not say how to mend it: %s", said.Message)
	}
	// What runs is looked after meanwhile.
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "database"}}
	must(t, k8s.Delete(t.Context(), service))
	eventually(t, func(g gomega.Gomega) { g.Expect(get(t, service)).To(gomega.Succeed()) })
	waitCondition(t, ics, v1alpha1.ConditionDatabaseReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)

	remove(t, ics)
	eventually(t, func(g gomega.Gomega) { g.Expect(apierrors.IsNotFound(get(t, ics))).To(gomega.BeTrue()) })
	*ics = *clustered("RA5")
	create(t, ics)
	waitCondition(t, ics, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonEngineChange)

	// Without a word in the spec, what was recorded counts, not the default.
	first.stop()
	other := settings()
	other.DefaultEngine = stack.EngineCloudNativePG
	startRelease(t, restConfig, newTenants(), other)
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.Stack.Database.Engine = "" })
	waitReady(t, ics)
	if ics.Status.Database.Engine != stack.EngineStandalone {
		t.Errorf("the engine became %s", ics.Status.Database.Engine)
	}
	// The record on the namespace can be lost; the status still knows.
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ics.TenantNamespace()}}
	change(t, namespace, func(n *corev1.Namespace) { delete(n.Annotations, v1alpha1.AnnotationDatabaseEngine) })
	eventually(t, func(g gomega.Gomega) {
		g.Expect(get(t, namespace)).To(gomega.Succeed())
		g.Expect(namespace.Annotations[v1alpha1.AnnotationDatabaseEngine]).To(gomega.Equal(stack.EngineStandalone))
	})
}

// Where the class allows it, the volume of a standalone database grows.
func TestStandaloneVolumeGrows(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("RA6")
	leave(t, ics)
	ics.Spec.Stack.Database.Storage.ClassName = expandable(t, "ra6")
	create(t, ics)
	waitReady(t, ics)
	if message := meta.FindStatusCondition(ics.Status.Conditions, v1alpha1.ConditionDatabaseReady).Message; !strings.Contains(message, "one server without a standby, for evaluation and small systems") {
		t.Errorf("the condition does not say what a standalone database is for: %s", message)
	}
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.Stack.Database.Storage.Size = "20Gi" })
	waitReady(t, ics)
	claim := dataClaim(ics)
	must(t, get(t, claim))
	if got := claim.Spec.Resources.Requests[corev1.ResourceStorage]; got.Cmp(resource.MustParse("20Gi")) != 0 {
		t.Errorf("the claim asks for %s", got.String())
	}
}

// An external database: the namespace is there for its Secret, nothing runs before it is, and no database is made.
func TestExternalDatabase(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("RA7")
	leave(t, ics)
	ics.Spec.Stack.Database.Engine = stack.EngineExternal
	ics.Spec.Stack.Database.External = &v1alpha1.ExternalDatabase{SecretRef: v1alpha1.SecretReference{Name: "elsewhere"}, EgressCIDRs: []string{"192.0.2.0/24"}}
	create(t, ics)
	said := waitCondition(t, ics, v1alpha1.ConditionDatabaseReady, metav1.ConditionFalse, v1alpha1.ReasonSecretMissing)
	if !strings.Contains(said.Message, "Secret ics-ra7/elsewhere") {
		t.Errorf("the message does not name the Secret: %s", said.Message)
	}
	waitCondition(t, ics, v1alpha1.ConditionNamespaceReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)

	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "elsewhere"}, StringData: map[string]string{
		"host": "db.example.org", "port": "6432", "database": "records",
		"ownerUsername": "owner", "ownerPassword": "a-password-of-the-owner", "appUsername": "app",
	}}
	create(t, secret)
	touch := func() {
		change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.DisplayName += "." })
	}
	touch()
	eventually(t, func(g gomega.Gomega) {
		g.Expect(get(t, ics)).To(gomega.Succeed())
		message := meta.FindStatusCondition(ics.Status.Conditions, v1alpha1.ConditionDatabaseReady).Message
		g.Expect(message).To(gomega.ContainSubstring("lacks the keys appPassword"))
		g.Expect(message).NotTo(gomega.ContainSubstring("a-password"))
	})
	change(t, secret, func(s *corev1.Secret) { s.Data["appPassword"] = []byte("a-password-of-the-app") })
	touch()
	waitReady(t, ics)
	if message := meta.FindStatusCondition(ics.Status.Conditions, v1alpha1.ConditionDatabaseReady).Message; !strings.Contains(message, "db.example.org:6432, which someone else runs") {
		t.Errorf("the condition does not say where the database is: %s", message)
	}
	if got, want := *ics.Status.Database, (v1alpha1.DatabaseStatus{Engine: "External"}); got != want {
		t.Errorf("status.database is %+v", got)
	}
	for _, object := range []client.Object{&appsv1.StatefulSet{}, &corev1.PersistentVolumeClaim{}} {
		object.SetNamespace(ics.TenantNamespace())
		object.SetName("database")
		if _, isClaim := object.(*corev1.PersistentVolumeClaim); isClaim {
			object.SetName("database-data")
		}
		if err := get(t, object); !apierrors.IsNotFound(err) {
			t.Errorf("%T %s was made: %v", object, object.GetName(), err)
		}
	}
	connection := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "database-connection"}}
	must(t, get(t, connection))
	if d := connection.Data; d["host"] != "db.example.org" || d["port"] != "6432" || d["database"] != "records" || d["sslMode"] != "verify-full" {
		t.Errorf("the programs are led to %v", d)
	}

	// New credentials roll the pods. Another server is another database until someone says that the data have moved.
	api := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "coordination-api"}}
	must(t, get(t, api))
	before := api.Spec.Template.Annotations[v1alpha1.AnnotationConfigHash]
	change(t, secret, func(s *corev1.Secret) { s.Data["appPassword"] = []byte("another-password-of-the-app") })
	touch()
	waitReady(t, ics)
	eventually(t, func(g gomega.Gomega) {
		g.Expect(get(t, api)).To(gomega.Succeed())
		g.Expect(api.Spec.Template.Annotations[v1alpha1.AnnotationConfigHash]).NotTo(gomega.Equal(before))
	})
	change(t, secret, func(s *corev1.Secret) { s.Data["host"] = []byte("other.example.org") })
	touch()
	missing := waitCondition(t, ics, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonDataMissing)
	if !strings.Contains(missing.Message, "kubectl -n ics-ra7 delete configmap database-record") {
		t.Errorf("the message does not say how to go on: %s", missing.Message)
	}
	change(t, secret, func(s *corev1.Secret) { s.Data["host"] = []byte("db.example.org") })
	touch()
	waitReady(t, ics)
}
