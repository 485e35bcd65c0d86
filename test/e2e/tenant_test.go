//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/testkit/apiclient"
)

// tenant is a system of its own with one service and one replica of each program, for tests that run beside each other.
type tenant struct {
	*suite
	name, namespace string
	// manifest declares it.
	manifest string
	// server is what kubectl exec needs to get at the database as its superuser: pod, container and namespace.
	server []string
	// database is its name.
	database string
}

// newTenant declares a system whose settings of the database are given, with a referral system in config/dev/identity.
func newTenant(t *testing.T, name, policy, database string, server ...string) *tenant {
	t.Helper()
	x := &tenant{suite: newSuite(t), name: name, namespace: "ics-" + name, server: server, database: "cmhf"}
	x.manifest = strings.NewReplacer("NAME", name, "CODE", strings.ToUpper(name), "POLICY", policy, "DATABASE", database,
		"PORT", fmt.Sprint(x.cluster.HTTPPort)).Replace(`
apiVersion: cmhf.health/v1alpha1
kind: IntegratedCareSystem
metadata: {name: NAME}
spec:
  odsCode: CODE
  displayName: System NAME of a test
  region: NorthWest
  deletionPolicy: POLICY
  places: [{name: Coast}]
  neighbourhoods: [{name: Harbour, place: Coast}]
  stack:
    data: Synthetic
    database: DATABASE
    authentication: {issuer: "http://idp.identity.cmhf.localhost:PORT"}
    coordinationAPI: {url: "http://coordination-api.ics-NAME.cmhf.localhost:PORT"}
    dashboard: {url: "http://dashboard.ics-NAME.cmhf.localhost:PORT"}
`)
	x.declare(t)
	// Once its test has passed it makes room for the next.
	t.Cleanup(func() {
		if !t.Failed() {
			_, _ = x.try(context.Background(), "", "patch", "ics", name, "--type=merge", "-p", `{"spec":{"state":"Hibernated"}}`) // it may be deleted
		}
	})
	return x
}

// declare applies the system, and its service once there is a namespace for it.
func (x *tenant) declare(t *testing.T) {
	t.Helper()
	x.apply(t, x.manifest)
	x.until(t, "NamespaceReady", "True", "")
	x.apply(t, strings.ReplaceAll(harbour, "ics-q9z", x.namespace))
}

// ready waits until the system and its service are.
func (x *tenant) ready(t *testing.T) {
	t.Helper()
	x.until(t, "Ready", "True", "")
	x.run(t, "-n", x.namespace, "wait", "--for=condition=Ready", "ccs/harbour-core", withPatience)
}

// condition gives status, reason and message of a condition of the system, empty where it has none.
func (x *tenant) condition(t *testing.T, kind string) (status, reason, message string) {
	t.Helper()
	var ics v1alpha1.IntegratedCareSystem
	if err := x.reader.Get(t.Context(), client.ObjectKey{Name: x.name}, &ics); err != nil {
		return "", "", err.Error()
	}
	for _, c := range ics.Status.Conditions {
		if c.Type == kind && c.ObservedGeneration == ics.Generation {
			return string(c.Status), c.Reason, c.Message
		}
	}
	return "", "", ""
}

// until waits for a condition of the system, with any reason where none is given, and gives its message.
func (x *tenant) until(t *testing.T, kind, wantStatus, wantReason string) string {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(300 * time.Millisecond) {
		status, reason, message := x.condition(t, kind)
		if status == wantStatus && (wantReason == "" || reason == wantReason) {
			return message
		}
		if time.Now().After(deadline) {
			state, _ := x.try(t.Context(), "", "-n", x.namespace, "get", "pods,pvc,jobs", "-o", "wide")
			all, _ := x.try(t.Context(), "", "describe", "ics", x.name)
			t.Fatalf("%s of %s is %s %s (%s), not %s %s\n%s\n%s", kind, x.name, status, reason, message, wantStatus, wantReason, state, all)
		}
	}
}

// refer refers a number of people, the first of them the person of that number.
func (x *tenant) refer(t *testing.T, from, count int) {
	t.Helper()
	system := x.cluster.SignIn(t.Context(), x.name, "referrals-"+x.name, "demo")
	for n := from; n < from+count; n++ {
		person := apiclient.SyntheticPerson(n)
		person.GivenName, person.FamilyName = fmt.Sprintf("Peregrine%d", n), fmt.Sprintf("Fotheringay%d", n)
		x.keep("NHS number", person.NHSNumber)
		x.keep("given name", person.GivenName)
		x.keep("family name", person.FamilyName)
		if _, err := system.Refer(t.Context(), fmt.Sprintf("%s-%d", x.name, n), person, "harbour-core", "Self", 1); err != nil {
			t.Fatal(err)
		}
	}
}

// records gives rows and checksum of the tables with people's records, as a backup counts them. The program is the tenant's own.
func (x *tenant) records(t *testing.T) map[string]string {
	t.Helper()
	program := x.run(t, "-n", x.namespace, "get", "configmap", "backup-programs", "-o", "jsonpath={.data.contents\\.sql}")
	args := append(append([]string{"exec", "-i"}, x.server...), "--", "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align",
		"--set=ON_ERROR_STOP=1", "--single-transaction", "--username=postgres", "--dbname="+x.database, "--file=-")
	out, err := x.try(t.Context(), program, args...)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for line := range strings.Lines(out) {
		fields := strings.SplitN(strings.TrimSpace(line), "\t", 3)
		for _, table := range []string{"people", "referrals", "person_access", "episodes"} {
			if len(fields) == 3 && fields[1] == "public."+table {
				found[table] = fields[2]
			}
		}
	}
	if found["people"] == "" || found["referrals"] == "" {
		t.Fatalf("no tables of people and referrals in\n%s", out)
	}
	return found
}

func (x *tenant) sameRecords(t *testing.T, was map[string]string) {
	t.Helper()
	if diff := cmp.Diff(was, x.records(t)); diff != "" {
		t.Errorf("rows and checksums of %s are others (-were +are):\n%s", x.name, diff)
	}
}

// backUp makes a backup on demand as docs/backup.md says, and gives its name.
func (x *tenant) backUpNow(t *testing.T) string {
	t.Helper()
	x.run(t, "-n", x.namespace, "create", "job", "--from=cronjob/database-backup", "now")
	if _, err := x.try(t.Context(), "", "-n", x.namespace, "wait", "--for=condition=Complete", "job/now", withPatience); err != nil {
		log, _ := x.try(t.Context(), "", "-n", x.namespace, "logs", "job/now")
		t.Fatalf("%v\n%s", err, log)
	}
	x.until(t, "BackupsReady", "True", "Verified")
	return x.run(t, "get", "ics", x.name, "-o", "jsonpath={.status.backups.name}")
}

// deleteConfirmed deletes the system as docs/operations.md says: refused first, then confirmed.
func (x *tenant) deleteConfirmed(t *testing.T) {
	t.Helper()
	x.collectLogs(t)
	if _, err := x.try(t.Context(), "", "delete", "ics", x.name, "--timeout=60s"); err == nil || !strings.Contains(err.Error(), "cmhf.health/confirm-deletion="+x.name) {
		t.Fatalf("deleted without a confirmation, or refused without saying how to confirm: %v", err)
	}
	x.run(t, "annotate", "ics", x.name, "cmhf.health/confirm-deletion="+x.name, "--overwrite")
	begin := time.Now()
	if _, err := x.try(t.Context(), "", "delete", "ics", x.name, withPatience); err != nil {
		state, _ := x.try(t.Context(), "", "describe", "ics", x.name)
		t.Fatalf("%v\n%s", err, state)
	}
	t.Logf("%s was deleted in %.0f s", x.name, time.Since(begin).Seconds())
}

// annotation of the namespace.
func (x *tenant) annotation(t *testing.T, key string) string {
	t.Helper()
	return x.run(t, "get", "namespace", x.namespace, "-o", "jsonpath={.metadata.annotations['"+strings.ReplaceAll(key, ".", `\.`)+"']}")
}

// volume is what a claim is bound to: the PersistentVolume and its folder on the node.
type volume struct{ name, folder string }

func (x *tenant) volume(t *testing.T, claim string) volume {
	t.Helper()
	name := x.run(t, "-n", x.namespace, "get", "pvc", claim, "-o", "jsonpath={.spec.volumeName}")
	v := volume{name, x.run(t, "get", "pv", name, "-o", "jsonpath={.spec.local.path}")}
	if v.folder == "" || !x.folderThere(t, v.folder) {
		t.Fatalf("the folder %q of volume %s is not there", v.folder, name)
	}
	return v
}

func (x *tenant) folderThere(t *testing.T, folder string) bool {
	t.Helper()
	command := exec.CommandContext(t.Context(), x.devcluster[0], append(x.devcluster[1:], "exec", "--", "test", "-d", folder)...)
	out, err := command.CombinedOutput()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatalf("looking for %s: %v\n%s", folder, err, out)
	}
	return err == nil
}

// volumeGone waits until the volume and what was on it are no more.
func (x *tenant) volumeGone(t *testing.T, v volume) {
	t.Helper()
	eventually(t, "volume "+v.name+" is gone", func() error {
		if err := x.absent(t.Context(), "pv", v.name); err != nil {
			return err
		}
		if x.folderThere(t, v.folder) {
			return fmt.Errorf("%s is still there", v.folder)
		}
		return nil
	})
}

// absent says whether there is no such object.
func (x *tenant) absent(ctx context.Context, args ...string) error {
	out, err := x.try(ctx, "", append([]string{"get", "-o", "name"}, args...)...)
	if err == nil {
		return fmt.Errorf("%s is there", strings.TrimSpace(out))
	}
	if !strings.Contains(err.Error(), "NotFound") {
		return err
	}
	return nil
}
