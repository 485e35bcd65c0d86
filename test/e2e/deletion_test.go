//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
)

const standaloneDatabase = "{engine: Standalone, storage: {size: 1Gi}, backup: {storage: {size: 1Gi}}}"

// A volume that is lost with all that was on it is told of, and nothing is made in its place, until someone restores the last backup.
// Deleted with Archive, the system leaves its data and one more backup, and comes back as it was.
func TestLostVolumeAndArchive(t *testing.T) {
	t.Parallel()
	x := newTenant(t, "sh1", "Archive", standaloneDatabase, "-n", "ics-sh1", "database-0")
	x.ready(t)
	x.keepCredentials(t, x.namespace)
	x.refer(t, 7000, 5)
	was := x.records(t)
	backup := x.backUpNow(t)
	x.refer(t, 7005, 1) // what came after the backup is lost with the volume

	x.collectLogs(t)
	volume := x.volume(t, "database-data")
	x.run(t, "-n", x.namespace, "annotate", "pvc", "database-data", "cmhf.health/confirm-deletion=database-data")
	x.run(t, "-n", x.namespace, "delete", "pvc", "database-data", "--wait=false")
	x.run(t, "-n", x.namespace, "delete", "pod", "database-0", "--wait=false")
	x.volumeGone(t, volume)
	said := x.until(t, "Stalled", "True", "DataMissing")
	if want := "kubectl -n ics-sh1 delete configmap database-record"; !strings.Contains(said, want) {
		t.Errorf("the message lacks %q: %s", want, said)
	}
	if err := x.absent(t.Context(), "-n", x.namespace, "pvc", "database-data"); err != nil {
		t.Errorf("something was made in the volume's place: %v", err)
	}
	x.restore(t, backup)
	x.sameRecords(t, was)
	x.refer(t, 7006, 1)
	was = x.records(t)

	claim := x.uid(t, "-n", x.namespace, "pvc", "database-data")
	x.deleteConfirmed(t)
	if now := x.uid(t, "-n", x.namespace, "pvc", "database-data"); now != claim {
		t.Error("the volume claim was replaced")
	}
	if at := x.annotation(t, "cmhf.health/final-backup"); at == "" {
		t.Error("the namespace names no last backup")
	}
	if backups := x.backups(t); len(backups) != 2 || backups[0] != backup {
		t.Errorf("the backups are %v, want %s and the last one", backups, backup)
	}
	x.declare(t)
	x.ready(t)
	x.sameRecords(t, was)
	x.logsAreClean(t)
}

// Deleted with Delete, the database goes with its volume and its Secrets, the backups stay, and the last of them brings all back.
func TestDelete(t *testing.T) {
	t.Parallel()
	x := newTenant(t, "sh2", "Delete", standaloneDatabase, "-n", "ics-sh2", "database-0")
	x.ready(t)
	x.keepCredentials(t, x.namespace)
	x.refer(t, 7100, 5)
	was := x.records(t)
	volume := x.volume(t, "database-data")
	x.deleteConfirmed(t)
	x.databaseGone(t, "statefulset/database", "pvc/database-data")
	x.volumeGone(t, volume)
	backups := x.backups(t)
	if len(backups) != 1 {
		t.Fatalf("the backups are %v, want one", backups)
	}

	x.declare(t)
	x.until(t, "Stalled", "True", "DataMissing")
	x.restore(t, backups[0])
	x.sameRecords(t, was)
	x.refer(t, 7105, 1)
	x.logsAreClean(t)
}

// A Cluster goes with all its volumes too. At the end the namespace, and with it the backups, is disposed of.
func TestDeleteCloudNativePG(t *testing.T) {
	t.Parallel()
	x := newTenant(t, "sh3", "Delete", "{engine: CloudNativePG, instances: 1, storage: {size: 1Gi}, backup: {storage: {size: 1Gi}}}",
		"-n", "ics-sh3", "database-1", "-c", "postgres")
	x.ready(t)
	x.keepCredentials(t, x.namespace)
	x.refer(t, 7200, 5)
	volume := x.volume(t, "database-1")
	x.deleteConfirmed(t)
	x.databaseGone(t, "cluster.postgresql.cnpg.io/database", "pvc/database-1", "secret/database-ca", "secret/database-server", "secret/database-replication")
	x.volumeGone(t, volume)
	if backups := x.backups(t); len(backups) != 1 {
		t.Fatalf("the backups are %v, want one", backups)
	}

	kept := x.volume(t, "database-backups")
	if _, err := x.try(t.Context(), "", "delete", "namespace", x.namespace); err == nil || !strings.Contains(err.Error(), "cmhf.health/confirm-deletion="+x.namespace) {
		t.Fatalf("the namespace was deleted without a confirmation, or refused without saying how to confirm: %v", err)
	}
	x.collectLogs(t)
	x.run(t, "annotate", "namespace", x.namespace, "cmhf.health/confirm-deletion="+x.namespace)
	x.run(t, "delete", "namespace", x.namespace, withPatience)
	x.volumeGone(t, kept)
	x.logsAreClean(t)
}

// restore fills the database anew, in the order of docs/backup.md.
func (x *tenant) restore(t *testing.T, backup string) {
	t.Helper()
	x.run(t, "patch", "ics", x.name, "--type=merge", "-p", fmt.Sprintf(`{"spec":{"stack":{"database":{"restoreFrom":{"backup":%q}}}}}`, backup))
	x.run(t, "-n", x.namespace, "delete", "configmap", "database-record")
	x.until(t, "DatabaseRestored", "True", "Restored")
	x.ready(t)
}

// backups are those on the claim, each checked against its own sums.
func (x *tenant) backups(t *testing.T) []string {
	t.Helper()
	x.apply(t, x.besideBackups(t, x.namespace, "reader", true))
	x.run(t, "-n", x.namespace, "wait", "--for=condition=Ready", "pod/reader", withPatience)
	found := strings.Fields(x.run(t, "-n", x.namespace, "exec", "reader", "--", "sh", "-ec",
		`cd /backups; for b in 2*; do (cd "$b"; sha256sum --check --quiet SHA256SUMS); echo "$b"; done`))
	x.run(t, "-n", x.namespace, "delete", "pod", "reader", "--now")
	return found
}

// databaseGone: nothing is left of what held the data, nor of the logins to it, and no right to remove more.
func (x *tenant) databaseGone(t *testing.T, objects ...string) {
	t.Helper()
	for _, object := range append(objects, "secret/database-owner", "secret/database-app", "secret/api-internal", "secret/dashboard-session", "rolebinding/cmhf-operator-tenant-removal") {
		if err := x.absent(t.Context(), "-n", x.namespace, object); err != nil {
			t.Errorf("after the deletion: %v", err)
		}
	}
	if at := x.annotation(t, "cmhf.health/final-backup"); at == "" {
		t.Error("the namespace names no last backup")
	}
	if pods := x.run(t, "-n", x.namespace, "get", "pods", "--field-selector=status.phase=Running", "-o", "name"); pods != "" {
		t.Errorf("still running: %s", pods)
	}
}
