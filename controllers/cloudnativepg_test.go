package controllers_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/stack"
	"github.com/cmhf/operator/internal/testkit/controlplane"
)

// serveClusters installs CloudNativePG's own definition of Cluster for the time of the test, and stands for its operator.
func serveClusters(t *testing.T) {
	t.Helper()
	serveDefinition(t, "clusters")
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan struct{})
	go func() { defer close(served); cluster.ServeClusters(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-served
	})
}

// serveDefinition installs a definition of CloudNativePG for the time of the test.
func serveDefinition(t *testing.T, plural string) {
	t.Helper()
	definition, err := controlplane.CloudNativePGDefinition(plural)
	must(t, err)
	serve(t, definition)
}

// follow lets the oracle follow the objects of a definition too, where the operator makes such, for the time of the test.
func follow(t *testing.T, definition *unstructured.Unstructured) {
	t.Helper()
	group, _, err := unstructured.NestedString(definition.Object, "spec", "group")
	must(t, err)
	kind, _, err := unstructured.NestedString(definition.Object, "spec", "names", "kind")
	must(t, err)
	i := slices.IndexFunc(stack.OptionalKinds, func(k schema.GroupVersionKind) bool { return k.Group == group && k.Kind == kind })
	if i < 0 {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	// Served a moment after they are defined.
	eventually(t, func(g gomega.Gomega) { g.Expect(env.Oracle.Follow(ctx, stack.OptionalKinds[i])).To(gomega.Succeed()) })
}

// serve installs a definition in the group of CloudNativePG for the time of the test.
func serve(t *testing.T, definition *unstructured.Unstructured) {
	t.Helper()
	create(t, definition)
	t.Cleanup(func() {
		gone := context.Background() // the test's own context has ended
		if err := errors.Join(k8s.Patch(gone, definition, confirmation(definition.GetName())), k8s.Delete(gone, definition)); err != nil {
			t.Error(err)
		}
		gomega.NewWithT(t).Eventually(func() bool {
			return apierrors.IsNotFound(k8s.Get(gone, client.ObjectKeyFromObject(definition), definition))
		}).WithTimeout(30 * time.Second).Should(gomega.BeTrue())
	})
	follow(t, definition)
}

func clustered(ods string) *v1alpha1.IntegratedCareSystem {
	ics := system(ods)
	ics.Spec.Stack.Database.Engine = stack.EngineCloudNativePG
	return ics
}

func databaseCluster(ics *v1alpha1.IntegratedCareSystem) *unstructured.Unstructured {
	return labelled("postgresql.cnpg.io/v1", "Cluster", ics.TenantNamespace(), "database", ics.Name)
}

// expandable is a class whose volumes may grow.
func expandable(t *testing.T, name string) *string {
	t.Helper()
	create(t, &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Provisioner: "example.org/stub", AllowVolumeExpansion: new(true)})
	return &name
}

func TestCloudNativePG(t *testing.T) {
	serveClusters(t)
	t.Run("comes up, hibernates and survives deletion", clusterLives)
	t.Run("is not replaced when it is lost", clusterLost)
	t.Run("comes back after a rotation", clusterComesBack)
	t.Run("takes the owner's new Secret for one that was lost", clusterOwnerLost)
	t.Run("rotates for a lost Secret of its own", clusterAppLost)
	t.Run("grows where it can", clusterGrows)
	t.Run("is let go where it can't be stopped", clusterLetGo)
}

func clusterLives(t *testing.T) {
	first := startOperator(t, restConfig)
	ics := clustered("RA1")
	leave(t, ics)
	ics.Spec.Stack.Database.Parameters = map[string]v1alpha1.ParameterValue{"work_mem": "8MB"}
	cluster.Hold(ics.TenantNamespace(), v1alpha1.ComponentDatabase)
	create(t, ics)
	said := waitCondition(t, ics, v1alpha1.ConditionDatabaseReady, metav1.ConditionFalse, v1alpha1.ReasonProgressing)
	if !strings.Contains(said.Message, "CloudNativePG") {
		t.Errorf("the message does not lead to who is at work: %s", said.Message)
	}
	waitCondition(t, ics, v1alpha1.ConditionCoordinationAPIReady, metav1.ConditionFalse, v1alpha1.ReasonWaiting)
	cluster.Release(ics.TenantNamespace(), v1alpha1.ComponentDatabase)
	waitReady(t, ics)
	database := meta.FindStatusCondition(ics.Status.Conditions, v1alpha1.ConditionDatabaseReady)
	if !strings.Contains(database.Message, "3 servers") || !strings.Contains(database.Message, "two of them") {
		t.Errorf("the condition does not say what is promised: %s", database.Message)
	}
	if got, want := *ics.Status.Database, (v1alpha1.DatabaseStatus{Engine: "CloudNativePG", Version: "15", Primary: "database-1"}); got != want {
		t.Errorf("status.database is %+v, not %+v", got, want)
	}
	live := databaseCluster(ics)
	must(t, get(t, live))
	uid := live.GetUID()
	if instances, _, _ := unstructured.NestedInt64(live.Object, "spec", "instances"); instances != 3 {
		t.Errorf("%d instances instead of three", instances)
	}

	foreignChange{path: []string{"spec", "instances"}, value: int64(1)}.isUndone(t, live)

	// Another operator finds everything as it is.
	first.stop()
	startOperator(t, restConfig)
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.State = v1alpha1.StateHibernated })
	waitReady(t, ics)
	must(t, get(t, live))
	if live.GetAnnotations()["cnpg.io/hibernation"] != "on" {
		t.Error("the Cluster does not hibernate")
	}
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.State = v1alpha1.StateActive })
	waitReady(t, ics)

	remove(t, ics)
	eventually(t, func(g gomega.Gomega) { g.Expect(apierrors.IsNotFound(get(t, ics))).To(gomega.BeTrue()) })
	must(t, get(t, live))
	if live.GetAnnotations()["cnpg.io/hibernation"] != "on" || live.GetDeletionTimestamp() != nil {
		t.Errorf("after the deletion of its system the Cluster is %v", live.GetAnnotations())
	}
	*ics = *clustered("RA1")
	create(t, ics)
	waitReady(t, ics)
	must(t, get(t, live))
	if live.GetUID() != uid || live.GetAnnotations()["cnpg.io/hibernation"] != "off" {
		t.Errorf("the Cluster was not taken back: %s instead of %s, %v", live.GetUID(), uid, live.GetAnnotations())
	}
}

// A Cluster that is gone is not made again: an empty one would take the place of the records.
func clusterLost(t *testing.T) {
	startOperator(t, restConfig)
	ics := clustered("RA2")
	leave(t, ics)
	create(t, ics)
	waitReady(t, ics)
	record := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "database-record"}}
	eventually(t, func(g gomega.Gomega) {
		g.Expect(get(t, record)).To(gomega.Succeed())
		g.Expect(record.Data["systemID"]).NotTo(gomega.BeEmpty())
	})
	// As a garbage collector leaves the claims when their owner goes and they are to stay.
	for _, name := range []string{"database-1", "database-2", "database-3"} {
		claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: name}}
		change(t, claim, func(c *corev1.PersistentVolumeClaim) { c.OwnerReferences = nil })
	}
	remove(t, databaseCluster(ics))
	said := waitCondition(t, ics, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonDataMissing)
	for _, part := range []string{"kubectl -n ics-ra2 delete configmap database-record", "database-1, database-2, database-3", "database-1 is marked as the primary's"} {
		if !strings.Contains(said.Message, part) {
			t.Errorf("the message lacks %q: %s", part, said.Message)
		}
	}
	if err := get(t, databaseCluster(ics)); !apierrors.IsNotFound(err) {
		t.Errorf("a Cluster was made in its place: %v", err)
	}
	must(t, k8s.Delete(t.Context(), record))
	waitReady(t, ics)
	must(t, get(t, databaseCluster(ics)))
}

// A system whose logins were replaced gets the first ones again with a new Cluster, which is made with them and knows no others.
func clusterComesBack(t *testing.T) {
	startOperator(t, restConfig)
	ics := clustered("YA5")
	leave(t, ics)
	create(t, ics)
	waitReady(t, ics)
	record := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "database-record"}}
	eventually(t, func(g gomega.Gomega) { g.Expect(get(t, record)).To(gomega.Succeed()) })
	requestRotation(t, ics, "x")
	rotated := func(generation int64) {
		eventually(t, func(g gomega.Gomega) {
			g.Expect(get(t, ics)).To(gomega.Succeed())
			g.Expect(ics.Status.Credentials.Generation).To(gomega.Equal(generation))
			g.Expect(meta.FindStatusCondition(ics.Status.Conditions, v1alpha1.ConditionCredentialsRotating)).To(gomega.BeNil())
			g.Expect(meta.IsStatusConditionTrue(ics.Status.Conditions, v1alpha1.ConditionReady)).To(gomega.BeTrue())
		})
	}
	rotated(2)
	remove(t, databaseCluster(ics))
	waitCondition(t, ics, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonDataMissing)
	if _, kept := secrets(t, ics.TenantNamespace())["database-owner-2"]; !kept {
		t.Error("the logins of a database that may come back are gone")
	}
	must(t, k8s.Delete(t.Context(), record))
	rotated(1)
	names := secrets(t, ics.TenantNamespace())
	for _, name := range []string{"database-owner", "database-app", "api-internal", "dashboard-session"} {
		if _, there := names[name]; !there {
			t.Errorf("Secret %s is missing", name)
		}
		if _, there := names[name+"-2"]; there {
			t.Errorf("Secret %s-2 is still there", name)
		}
	}
	live := databaseCluster(ics)
	must(t, get(t, live))
	roles, _, _ := unstructured.NestedSlice(live.Object, "spec", "managed", "roles")
	for _, role := range roles {
		if role, _ := role.(map[string]any); role["login"] != true || role["passwordSecret"] == nil {
			t.Errorf("the new Cluster keeps %v out", role["name"])
		}
	}
	requestRotation(t, ics, "y")
	rotated(2)
}

// A size that the volumes can't have leaves them as they are and stops nothing else.
func clusterGrows(t *testing.T) {
	startOperator(t, restConfig)
	size := func(ics *v1alpha1.IntegratedCareSystem) string {
		live := databaseCluster(ics)
		must(t, get(t, live))
		size, _, _ := unstructured.NestedString(live.Object, "spec", "storage", "size")
		return size
	}
	fixed := clustered("RA3")
	leave(t, fixed)
	create(t, fixed)
	waitReady(t, fixed)
	replicas := int32(1)
	for wanted, reason := range map[string]string{"20Gi": v1alpha1.ReasonApplyRefused, "5Gi": v1alpha1.ReasonImmutableFieldChange} {
		replicas++
		change(t, fixed, func(i *v1alpha1.IntegratedCareSystem) {
			i.Spec.Stack.Database.Storage.Size = wanted
			i.Spec.Stack.CoordinationAPI.Replicas = new(replicas)
		})
		said := waitCondition(t, fixed, v1alpha1.ConditionStalled, metav1.ConditionTrue, reason)
		if !strings.Contains(said.Message, "stay at 10Gi") || !strings.Contains(said.Message, wanted) {
			t.Errorf("%s: %s", wanted, said.Message)
		}
		waitCondition(t, fixed, v1alpha1.ConditionDatabaseReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
		api := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: fixed.TenantNamespace(), Name: "coordination-api"}}
		eventually(t, func(g gomega.Gomega) {
			g.Expect(get(t, api)).To(gomega.Succeed())
			g.Expect(*api.Spec.Replicas).To(gomega.Equal(replicas), "the API waits for the volumes")
		})
		if got := size(fixed); got != "10Gi" {
			t.Errorf("%s: the Cluster was told to become %s", wanted, got)
		}
	}
	change(t, fixed, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.Stack.Database.Storage.Size = "10Gi" })
	waitReady(t, fixed)

	growing := clustered("RA4")
	leave(t, growing)
	growing.Spec.Stack.Database.Storage.ClassName = expandable(t, "ra4")
	create(t, growing)
	waitReady(t, growing)
	change(t, growing, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.Stack.Database.Storage.Size = "20Gi" })
	waitReady(t, growing)
	if got := size(growing); got != "20Gi" {
		t.Errorf("the Cluster stayed at %s", got)
	}
}
