package controllers_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/util/retry"
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
}

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

// The schema refuses settings of one engine with another, and parameters that decide more than size.
func TestDatabaseSettingsAreValidated(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*v1alpha1.Database)
		want   string
	}{
		"instances without engine": {func(d *v1alpha1.Database) { d.Instances = new(int32(3)) }, "settings of the engine CloudNativePG"},
		"six instances":            {func(d *v1alpha1.Database) { d.Engine, d.Instances = "CloudNativePG", new(int32(6)) }, "less than or equal to 5"},
		"required with one": {func(d *v1alpha1.Database) {
			d.Engine, d.Instances, d.Durability = "CloudNativePG", new(int32(1)), v1alpha1.DurabilityRequired
		}, "at least two instances"},
		"synchronous_commit": {func(d *v1alpha1.Database) {
			d.Engine, d.Parameters = "CloudNativePG", map[string]v1alpha1.ParameterValue{"synchronous_commit": "off"}
		}, "only parameters that size and plan"},
		"log_statement": {func(d *v1alpha1.Database) {
			d.Engine, d.Parameters = "CloudNativePG", map[string]v1alpha1.ParameterValue{"log_statement": "all"}
		}, "only parameters that size and plan"},
		"a value with a line break": {func(d *v1alpha1.Database) {
			d.Engine, d.Parameters = "CloudNativePG", map[string]v1alpha1.ParameterValue{"work_mem": "8MB\nfsync = off"}
		}, "work_mem"},
		"external without a place": {func(d *v1alpha1.Database) { d.Engine = "External" }, "needs spec.stack.database.external"},
		"a place without external": {func(d *v1alpha1.Database) {
			d.External = &v1alpha1.ExternalDatabase{SecretRef: v1alpha1.SecretReference{Name: "x"}}
		}, "needs spec.stack.database.external"},
		"unknown engine": {func(d *v1alpha1.Database) { d.Engine = "Oracle" }, "Unsupported value"},
	} {
		t.Run(name, func(t *testing.T) {
			ics := system("RA8")
			test.change(&ics.Spec.Stack.Database)
			if err := k8s.Create(t.Context(), ics, client.DryRunAll); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one that says %q", err, test.want)
			}
		})
	}
	for name, allow := range map[string]func(*v1alpha1.Database){
		"two, required": func(d *v1alpha1.Database) {
			d.Engine, d.Instances, d.Durability = "CloudNativePG", new(int32(2)), v1alpha1.DurabilityRequired
		},
		"parameters": func(d *v1alpha1.Database) {
			d.Engine, d.Parameters = "CloudNativePG", map[string]v1alpha1.ParameterValue{"work_mem": "8MB", "checkpoint_timeout": "10min", "random_page_cost": "1.1"}
		},
		"external": func(d *v1alpha1.Database) {
			d.Engine, d.External = "External", &v1alpha1.ExternalDatabase{SecretRef: v1alpha1.SecretReference{Name: "x"}, SSLMode: v1alpha1.SSLModeRequire}
		},
	} {
		ics := system("RA8")
		allow(&ics.Spec.Stack.Database)
		if err := k8s.Create(t.Context(), ics, client.DryRunAll); err != nil {
			t.Errorf("%s is refused: %v", name, err)
		}
	}
}
