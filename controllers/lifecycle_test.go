package controllers_test

import (
	"strings"
	"testing"

	"github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
)

// Each part waits for the one before it, and the status says which one it is waiting for.
func TestPartsComeUpInTheirOrder(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("QA1")
	namespace := ics.TenantNamespace()
	for _, component := range []string{v1alpha1.ComponentDatabase, v1alpha1.ComponentMigration, v1alpha1.ComponentCoordinationAPI, v1alpha1.ComponentDashboard} {
		cluster.Hold(namespace, component)
	}
	create(t, ics)

	waitCondition(t, ics, v1alpha1.ConditionDatabaseReady, metav1.ConditionFalse, v1alpha1.ReasonProgressing)
	waitCondition(t, ics, v1alpha1.ConditionNamespaceReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	waitCondition(t, ics, v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonProgressing)
	jobs := &batchv1.JobList{}
	must(t, k8s.List(t.Context(), jobs, client.InNamespace(namespace)))
	if len(jobs.Items) != 0 {
		t.Error("the migration was started before the database was ready")
	}

	cluster.Release(namespace, v1alpha1.ComponentDatabase)
	waitCondition(t, ics, v1alpha1.ConditionDatabaseReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	waitCondition(t, ics, v1alpha1.ConditionCoordinationAPIReady, metav1.ConditionFalse, v1alpha1.ReasonMigrating)

	cluster.Release(namespace, v1alpha1.ComponentMigration)
	waitCondition(t, ics, v1alpha1.ConditionCoordinationAPIReady, metav1.ConditionFalse, v1alpha1.ReasonProgressing)
	waitCondition(t, ics, v1alpha1.ConditionDashboardReady, metav1.ConditionFalse, v1alpha1.ReasonWaiting)

	cluster.Release(namespace, v1alpha1.ComponentCoordinationAPI)
	waitCondition(t, ics, v1alpha1.ConditionDashboardReady, metav1.ConditionFalse, v1alpha1.ReasonProgressing)
	cluster.Release(namespace, v1alpha1.ComponentDashboard)
	waitReady(t, ics)
	for _, absent := range []string{v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled} {
		if meta.FindStatusCondition(ics.Status.Conditions, absent) != nil {
			t.Errorf("condition %s is still there", absent)
		}
	}
	if ics.Status.Namespace != namespace || ics.Status.Release.Current != "v0.0.0-test" || ics.Status.Database.Engine != "Standalone" || ics.Status.Inventory.Objects < 20 {
		t.Errorf("status is incomplete: %+v", ics.Status)
	}
}

// A migration that fails is told with the way to its log, and nothing after it is touched.
func TestFailedMigrationStalls(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("QA2")
	cluster.Fail(ics.TenantNamespace(), v1alpha1.ComponentMigration)
	create(t, ics)
	failed := waitCondition(t, ics, v1alpha1.ConditionCoordinationAPIReady, metav1.ConditionFalse, v1alpha1.ReasonMigrationFailed)
	if !strings.Contains(failed.Message, "kubectl -n ics-qa2 logs") {
		t.Errorf("the message does not lead to the log: %s", failed.Message)
	}
	waitCondition(t, ics, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonMigrationFailed)
	deployments := &appsv1.DeploymentList{}
	must(t, k8s.List(t.Context(), deployments, client.InNamespace(ics.TenantNamespace())))
	if len(deployments.Items) != 0 {
		t.Error("a program was started on a schema that was not migrated")
	}
}

// Ready speaks of the generation it names: a change is not Ready until the children run it.
func TestReadyIsTruthful(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("QA3")
	create(t, ics)
	waitReady(t, ics)
	cluster.Hold(ics.TenantNamespace(), v1alpha1.ComponentDashboard)
	two := int32(2)
	change(t, ics, func(o *v1alpha1.IntegratedCareSystem) {
		o.Spec.Stack.Dashboard.Replicas = &two
	})
	waitCondition(t, ics, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonProgressing)
	cluster.Release(ics.TenantNamespace(), v1alpha1.ComponentDashboard)
	waitReady(t, ics)
	dashboard := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "dashboard"}}
	must(t, get(t, dashboard))
	if *dashboard.Spec.Replicas != 2 {
		t.Errorf("Ready, but the dashboard has %d replicas", *dashboard.Spec.Replicas)
	}
}

// A namespace of someone else is left alone until its owner agrees; ours, with the same ODS code, is taken back.
func TestForeignNamespace(t *testing.T) {
	startOperator(t, restConfig)
	foreign := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "ics-qa4"}}
	create(t, foreign)
	ics := system("QA4")
	create(t, ics)
	conflict := waitCondition(t, ics, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonNamespaceConflict)
	if !strings.Contains(conflict.Message, v1alpha1.AnnotationAdopt) {
		t.Errorf("the message does not say how to mend it: %s", conflict.Message)
	}
	must(t, get(t, foreign))
	if foreign.Labels[v1alpha1.LabelICS] != "" {
		t.Error("the foreign namespace was labelled")
	}
	foreign.Annotations = map[string]string{v1alpha1.AnnotationAdopt: "true"}
	must(t, k8s.Update(t.Context(), foreign))
	// Foreign namespaces are not watched, so this takes up to a quarter of a minute.
	waitReady(t, ics)
}

// The credentials are made once: a second operator, or the same one started anew, uses what is there.
func TestCredentialsAreMadeOnce(t *testing.T) {
	first := startOperator(t, restConfig)
	ics := system("QA5")
	create(t, ics)
	waitReady(t, ics)
	before := secrets(t, ics.TenantNamespace())
	if len(before) != 5 {
		t.Fatalf("%d Secrets instead of 5", len(before))
	}
	first.stop()
	startOperator(t, restConfig)
	change(t, ics, func(o *v1alpha1.IntegratedCareSystem) {
		o.Spec.DisplayName = "Renamed"
	})
	waitReady(t, ics)
	for name, secret := range secrets(t, ics.TenantNamespace()) {
		if secret.ResourceVersion != before[name].ResourceVersion {
			t.Errorf("Secret %s was written again", name)
		}
		// What the database lets in is the one that a rotation changes.
		if immutable := secret.Immutable != nil && *secret.Immutable; immutable == (name == "database-logins") {
			t.Errorf("Secret %s is immutable: %t", name, immutable)
		}
	}
}

// Deleting the resource stops what runs and keeps what holds data; declaring it again brings the same tenant back.
func TestDeleteKeepsDataAndReapplyBringsItBack(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("QA6")
	create(t, ics)
	waitReady(t, ics)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ics.TenantNamespace()}}
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: namespace.Name, Name: "database-data"}}
	must(t, get(t, claim))
	before := secrets(t, namespace.Name)

	remove(t, ics)
	eventually(t, func(g gomega.Gomega) { g.Expect(apierrors.IsNotFound(get(t, ics))).To(gomega.BeTrue()) })
	must(t, get(t, namespace))
	if namespace.Annotations[v1alpha1.AnnotationRetainedSince] == "" {
		t.Error("the namespace does not say since when it is retained")
	}
	database := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: namespace.Name, Name: "database"}}
	must(t, get(t, database))
	if *database.Spec.Replicas != 0 {
		t.Errorf("the database still runs with %d replicas", *database.Spec.Replicas)
	}
	deployments := &appsv1.DeploymentList{}
	must(t, k8s.List(t.Context(), deployments, client.InNamespace(namespace.Name)))
	if len(deployments.Items) != 0 {
		t.Errorf("%d programs still run", len(deployments.Items))
	}
	kept := &corev1.PersistentVolumeClaim{ObjectMeta: claim.ObjectMeta}
	must(t, get(t, kept))
	if kept.UID != claim.UID || kept.DeletionTimestamp != nil {
		t.Error("the volume claim was deleted or replaced")
	}

	again := system("QA6")
	create(t, again)
	waitReady(t, again)
	must(t, get(t, database))
	if *database.Spec.Replicas != 1 {
		t.Errorf("Ready, but the database has %d replicas", *database.Spec.Replicas)
	}
	must(t, get(t, kept))
	if kept.UID != claim.UID {
		t.Error("the tenant came back with another volume")
	}
	for name, secret := range secrets(t, namespace.Name) {
		if secret.UID != before[name].UID {
			t.Errorf("the tenant came back with another Secret %s", name)
		}
	}
	must(t, get(t, namespace))
	if namespace.Annotations[v1alpha1.AnnotationRetainedSince] != "" {
		t.Error("the namespace still says it is retained")
	}
}

// The operator writes no spec: a GitOps tool sees nothing of it but metadata of the operator's own and the status.
func TestSpecBelongsToTheUser(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("QA7")
	must(t, k8s.Create(t.Context(), ics, client.FieldOwner("user")))
	waitReady(t, ics)
	east := service(ics.TenantNamespace(), "east", "East", "Harbour")
	must(t, k8s.Create(t.Context(), east, client.FieldOwner("user")))
	waitCondition(t, east, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonRegistered)
	must(t, get(t, ics))
	for _, object := range []client.Object{ics, east} {
		owners := map[string]bool{}
		for _, entry := range object.GetManagedFields() {
			if strings.Contains(string(entry.FieldsV1.GetRawBytes()), `"f:spec"`) {
				owners[entry.Manager] = true
			}
		}
		if len(owners) != 1 || !owners["user"] {
			t.Errorf("%s: fields of the spec belong to %v", object.GetName(), owners)
		}
	}
}

func TestSizesAreAdviceOnly(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("QA8")
	small, large := int32(15_000), int32(900_000)
	ics.Spec.Neighbourhoods[0].Population = &small
	ics.Spec.Places[1].Population = &large
	create(t, ics)
	advice := waitCondition(t, ics, v1alpha1.ConditionSizeAdvisory, metav1.ConditionTrue, v1alpha1.ReasonOutsideGuidance)
	for _, want := range []string{"Harbour (15000)", "West (900000)"} {
		if !strings.Contains(advice.Message, want) {
			t.Errorf("message %q does not name %s", advice.Message, want)
		}
	}
	waitReady(t, ics)
}
