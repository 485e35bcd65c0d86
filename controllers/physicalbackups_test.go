package controllers_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/onsi/gomega"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/stack"
)

func physicallyBackedUp() v1alpha1.Backup {
	return v1alpha1.Backup{
		Schedule:        "15 2 * * *",
		VolumeSnapshots: &v1alpha1.VolumeSnapshots{ClassName: "csi"},
		ObjectStore:     &v1alpha1.ObjectStore{Name: "offsite", Schedule: "30 1 * * SUN", EgressCIDRs: []string{"198.51.100.0/24"}, Port: 9000},
	}
}

func scheduledBackup(ics *v1alpha1.IntegratedCareSystem, name string) *unstructured.Unstructured {
	return labelled("postgresql.cnpg.io/v1", "ScheduledBackup", ics.TenantNamespace(), name, ics.Name)
}

// CloudNativePG's own definitions take what is declared for its backups, and what comes of it stays when the declaration goes.
func TestPhysicalBackups(t *testing.T) {
	serveClusters(t)
	startOperator(t, asOperator(t))
	ics := clustered("RG1")
	leave(t, ics)
	ics.Spec.Stack.Database.Backup = physicallyBackedUp()
	create(t, ics)

	// Without the kind the schedule waits, and the system serves.
	stalled := waitCondition(t, ics, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonAPINotServed)
	if !strings.Contains(stalled.Message, "ScheduledBackup") {
		t.Errorf("the message is %q", stalled.Message)
	}
	waitCondition(t, ics, v1alpha1.ConditionDashboardReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
	serveDefinition(t, "scheduledbackups")
	serveDefinition(t, "backups")
	waitReady(t, ics)

	snapshots, store := scheduledBackup(ics, "database-snapshots"), scheduledBackup(ics, "database-object-store")
	for schedule, want := range map[*unstructured.Unstructured]string{snapshots: "0 15 2 * * *", store: "0 30 1 * * SUN"} {
		must(t, get(t, schedule))
		if got, _, _ := unstructured.NestedString(schedule.Object, "spec", "schedule"); got != want {
			t.Errorf("%s is scheduled at %q, not %q", schedule.GetName(), got, want)
		}
	}
	knowEveryField(t, ics, "Cluster", "ScheduledBackup")
	foreignChange{path: []string{"spec", "schedule"}, value: "0 0 0 1 1 *"}.isUndone(t, snapshots)
	live := databaseCluster(ics)
	must(t, get(t, live))
	way := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "database-to-object-store"}}
	must(t, get(t, way))

	// Nothing is backed up while the database is stopped.
	suspended := func(want bool) {
		t.Helper()
		eventually(t, func(g gomega.Gomega) {
			for _, schedule := range []*unstructured.Unstructured{snapshots, store} {
				g.Expect(get(t, schedule)).To(gomega.Succeed())
				is, _, _ := unstructured.NestedBool(schedule.Object, "spec", "suspend")
				g.Expect(is).To(gomega.Equal(want), schedule.GetName())
			}
		})
	}
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.State = v1alpha1.StateHibernated })
	suspended(true)
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.State = v1alpha1.StateActive })
	suspended(false)
	waitReady(t, ics)
	remove(t, ics)
	waitGone(t, ics)
	suspended(true)
	*ics = *clustered("RG1")
	ics.Spec.Stack.Database.Backup = physicallyBackedUp()
	create(t, ics)
	waitReady(t, ics)
	suspended(false)

	// As CloudNativePG makes them, with the labels of what they were made by.
	backup := labelled("postgresql.cnpg.io/v1", "Backup", ics.TenantNamespace(), "database-snapshots-20261122021500", ics.Name)
	backup.SetLabels(snapshots.GetLabels())
	must(t, unstructured.SetNestedMap(backup.Object, map[string]any{"cluster": map[string]any{"name": "database"}, "method": "volumeSnapshot"}, "spec"))
	create(t, backup)
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) {
		i.Spec.Stack.Database.Backup = v1alpha1.Backup{Schedule: "15 2 * * *"}
	})
	for _, object := range []client.Object{snapshots, store, way} {
		eventually(t, func(g gomega.Gomega) {
			g.Expect(apierrors.IsNotFound(get(t, object))).To(gomega.BeTrue(), object.GetName())
		})
	}
	waitReady(t, ics)
	must(t, get(t, backup))
	if backup.GetDeletionTimestamp() != nil {
		t.Error("the Backup goes with its schedule")
	}
	must(t, get(t, live))
	for _, path := range [][]string{{"spec", "plugins"}, {"spec", "backup", "volumeSnapshot"}} {
		if left, found, _ := unstructured.NestedFieldNoCopy(live.Object, path...); found {
			t.Errorf("the Cluster still has %v: %v", path, left)
		}
	}
}

// knowEveryField asks the API server whether the definitions know every field that is rendered: an unknown one would be dropped in silence.
func knowEveryField(t *testing.T, ics *v1alpha1.IntegratedCareSystem, kinds ...string) {
	t.Helper()
	in, err := settings().Inputs(t.Context(), k8s, ics)
	must(t, err)
	objects, err := stack.NewRenderer().Render(in)
	must(t, err)
	asked := map[string]bool{}
	for _, object := range objects {
		if !slices.Contains(kinds, object.GetKind()) {
			continue
		}
		asked[object.GetKind()] = true
		object = object.DeepCopy()
		object.SetName(object.GetName() + "-strict")
		if err := k8s.Create(t.Context(), object, client.DryRunAll, client.FieldValidation(metav1.FieldValidationStrict)); err != nil {
			t.Errorf("%s %s: %v", object.GetKind(), object.GetName(), err)
		}
	}
	if len(asked) != len(kinds) {
		t.Errorf("of the kinds %v only %v were rendered", kinds, asked)
	}
}

// A schedule that CloudNativePG takes exception to is told of, and the system serves.
func TestRefusedScheduleOfPhysicalBackups(t *testing.T) {
	serveClusters(t)
	definition := definition("postgresql.cnpg.io", "ScheduledBackup")
	versions, _, _ := unstructured.NestedSlice(definition.Object, "spec", "versions")
	must(t, unstructured.SetNestedMap(versions[0].(map[string]any), map[string]any{"type": "object", "properties": map[string]any{
		"spec": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true,
			"properties": map[string]any{"method": map[string]any{"type": "string"}}, "x-kubernetes-validations": []any{
				map[string]any{"rule": "self.method != 'volumeSnapshot'", "message": "missing VolumeSnapshot CRD"}}}}}, "schema", "openAPIV3Schema"))
	must(t, unstructured.SetNestedSlice(definition.Object, versions, "spec", "versions"))
	serve(t, definition)
	startOperator(t, restConfig)
	ics := clustered("RG2")
	leave(t, ics)
	ics.Spec.Stack.Database.Backup.VolumeSnapshots = &v1alpha1.VolumeSnapshots{ClassName: "csi"}
	create(t, ics)
	stalled := waitCondition(t, ics, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonApplyRefused)
	if !strings.Contains(stalled.Message, "missing VolumeSnapshot CRD") {
		t.Errorf("the message is %q", stalled.Message)
	}
	waitCondition(t, ics, v1alpha1.ConditionDashboardReady, metav1.ConditionTrue, v1alpha1.ReasonAvailable)
}

// The schema refuses CloudNativePG's backups with another engine, and what can't be meant.
func TestPhysicalBackupSettingsAreChecked(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*v1alpha1.Database)
		want   string
	}{
		"no engine":             {func(d *v1alpha1.Database) { d.Engine = "" }, "settings of the engine CloudNativePG"},
		"snapshots, standalone": {func(d *v1alpha1.Database) { d.Engine, d.Backup.ObjectStore = "Standalone", nil }, "settings of the engine CloudNativePG"},
		"store, standalone":     {func(d *v1alpha1.Database) { d.Engine, d.Backup.VolumeSnapshots = "Standalone", nil }, "settings of the engine CloudNativePG"},
		"six fields":            {func(d *v1alpha1.Database) { d.Backup.VolumeSnapshots.Schedule = "0 0 2 * * *" }, "volumeSnapshots.schedule"},
		"no class":              {func(d *v1alpha1.Database) { d.Backup.VolumeSnapshots.ClassName = "" }, "volumeSnapshots.className"},
		"no store":              {func(d *v1alpha1.Database) { d.Backup.ObjectStore.Name = "" }, "objectStore.name"},
		"a name as an address":  {func(d *v1alpha1.Database) { d.Backup.ObjectStore.EgressCIDRs = []string{"s3.example.org"} }, "must be a CIDR"},
		"a port too high":       {func(d *v1alpha1.Database) { d.Backup.ObjectStore.Port = 70000 }, "objectStore.port"},
	} {
		t.Run(name, func(t *testing.T) {
			ics := clustered("RG3")
			ics.Spec.Stack.Database.Backup = physicallyBackedUp()
			test.change(&ics.Spec.Stack.Database)
			if err := k8s.Create(t.Context(), ics, client.DryRunAll); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one that says %q", err, test.want)
			}
		})
	}
	ics := clustered("RG3")
	ics.Spec.Stack.Database.Backup = v1alpha1.Backup{ObjectStore: &v1alpha1.ObjectStore{Name: "offsite"}}
	must(t, k8s.Create(t.Context(), ics, client.DryRunAll))
	if ics.Spec.Stack.Database.Backup.ObjectStore.Port != 443 {
		t.Error("a store without a port is not at 443")
	}
}
