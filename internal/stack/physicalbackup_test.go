package stack

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cmhf/operator/api/v1alpha1"
)

// withPhysicalBackups are inputs of a tenant whose database CloudNativePG backs up both ways.
func withPhysicalBackups() Inputs {
	in := withEngine(EngineCloudNativePG)
	in.Database.VolumeSnapshots = VolumeSnapshots{Class: "csi", Schedule: "0 */6 * * *"}
	in.Database.ObjectStore = ObjectStore{Name: "offsite", Schedule: "30 1 * * SUN", CIDRs: []string{"198.51.100.0/24"}, Port: 9000}
	return in
}

// What CloudNativePG is told: the schedule with its seconds, and nothing that would take a backup away with the schedule, the
// Backup or the Cluster.
func TestScheduledBackups(t *testing.T) {
	in := withPhysicalBackups()
	for name, want := range map[string]map[string]any{
		"database-snapshots":    {"schedule": "0 0 */6 * * *", "method": "volumeSnapshot"},
		"database-object-store": {"schedule": "0 30 1 * * SUN", "method": "plugin", "pluginConfiguration": map[string]any{"name": "barman-cloud.cloudnative-pg.io"}},
	} {
		maps.Copy(want, map[string]any{"suspend": false, "cluster": map[string]any{"name": "database"}, "backupOwnerReference": "none"})
		if diff := cmp.Diff(want, one(t, in, "ScheduledBackup", name).Object["spec"]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		asleep := in
		asleep.Hibernated = true
		if suspended, _, _ := unstructured.NestedBool(one(t, asleep, "ScheduledBackup", name).Object, "spec", "suspend"); !suspended {
			t.Errorf("%s goes on while the database is stopped", name)
		}
	}
	cluster := one(t, in, "Cluster", "database")
	snapshot, _, _ := unstructured.NestedMap(cluster.Object, "spec", "backup", "volumeSnapshot")
	if snapshot["className"] != "csi" || snapshot["snapshotOwnerReference"] != "none" {
		t.Errorf("snapshots are %v", snapshot)
	}
	plugins, _, _ := unstructured.NestedSlice(cluster.Object, "spec", "plugins")
	want := []any{map[string]any{"name": "barman-cloud.cloudnative-pg.io", "enabled": true, "isWALArchiver": true,
		"parameters": map[string]any{"barmanObjectName": "offsite", "serverName": "ics-qop"}}}
	if diff := cmp.Diff(want, plugins); diff != "" {
		t.Errorf("plugins (-want +got):\n%s", diff)
	}
}

// Each of the two brings its own objects, changes the Cluster and leaves the verified backup and the programs as they are.
func TestWhatPhysicalBackupsTouch(t *testing.T) {
	hashes := func(in Inputs) map[string]string {
		objects, err := NewRenderer().Render(in)
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]string{}
		for _, object := range objects {
			found[object.GetKind()+"/"+object.GetName()] = object.GetAnnotations()[v1alpha1.AnnotationRenderHash]
		}
		return found
	}
	before := hashes(withEngine(EngineCloudNativePG))
	both := withPhysicalBackups()
	for name, test := range map[string]struct {
		add  func(*Inputs)
		want []string
	}{
		"snapshots": {func(in *Inputs) { in.Database.VolumeSnapshots = both.Database.VolumeSnapshots },
			[]string{"Cluster/database", "ScheduledBackup/database-snapshots"}},
		"object store": {func(in *Inputs) { in.Database.ObjectStore = both.Database.ObjectStore },
			[]string{"Cluster/database", "NetworkPolicy/database-to-object-store", "ResourceQuota/stack", "ScheduledBackup/database-object-store"}},
	} {
		t.Run(name, func(t *testing.T) {
			in := withEngine(EngineCloudNativePG)
			test.add(&in)
			after := hashes(in)
			for object := range before {
				if _, there := after[object]; !there {
					t.Errorf("%s is gone", object)
				}
			}
			maps.DeleteFunc(after, func(object, hash string) bool { return before[object] == hash })
			if diff := cmp.Diff(test.want, slices.Sorted(maps.Keys(after))); diff != "" {
				t.Errorf("changed objects (-want +got):\n%s", diff)
			}
		})
	}
}

// The plugin's container beside every server, and beside one that is made anew, is within the quota.
func TestQuotaCountsThePlugin(t *testing.T) {
	hard := func(in Inputs) map[string]string {
		hard, _, _ := unstructured.NestedStringMap(one(t, in, "ResourceQuota", "stack").Object, "spec", "hard")
		return hard
	}
	without, with := hard(withEngine(EngineCloudNativePG)), hard(withPhysicalBackups())
	for name, more := range map[string]string{"limits.memory": "2Gi", "requests.memory": "512Mi", "requests.cpu": "200m", "pods": "0", "requests.storage": "0"} {
		got := resource.MustParse(with[name])
		got.Sub(resource.MustParse(without[name]))
		if got.Cmp(resource.MustParse(more)) != 0 {
			t.Errorf("%s is %s more, not %s", name, got.String(), more)
		}
	}
}

// A schedule that can't be read is refused by its name.
func TestSchedulesOfPhysicalBackups(t *testing.T) {
	for field, change := range map[string]func(*Inputs){
		"volumeSnapshots.schedule": func(in *Inputs) { in.Database.VolumeSnapshots.Schedule = "61 * * * *" },
		"objectStore.schedule":     func(in *Inputs) { in.Database.ObjectStore.Schedule = "* 24 * * *" },
	} {
		in := withPhysicalBackups()
		change(&in)
		if _, err := NewRenderer().Render(in); err == nil || !strings.Contains(err.Error(), "spec.stack.database.backup."+field) {
			t.Errorf("error %v, want one that names %s", err, field)
		}
	}
}
