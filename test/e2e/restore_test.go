//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/cmhf/operator/internal/testkit/apiclient"
)

// TestRestore is a restore drill: what one system backed up becomes the database of another, with the same people.
func TestRestore(t *testing.T) {
	s := newSuite(t)
	var referrals []apiclient.Referral
	var backup string
	for _, step := range []struct {
		name string
		run  func(t *testing.T)
	}{
		{"a system with people", func(t *testing.T) { referrals = s.peopleToKeep(t) }},
		{"a backup that is cut off leaves nothing, and the next try is whole", s.backupCutOff},
		{"a backup on demand", func(t *testing.T) { backup = s.backupOnDemand(t) }},
		{"becomes another system's database", func(t *testing.T) { s.restoreElsewhere(t, backup, referrals) }},
		{"no log holds anything personal or secret", s.logsAreClean},
	} {
		if !t.Run(step.name, step.run) {
			t.Fatal("the steps build on each other: stopping")
		}
	}
}

func (s *suite) peopleToKeep(t *testing.T) []apiclient.Referral {
	s.apply(t, s.sample(t, "ics"))
	s.waitFor(t, "ics", "NamespaceReady")
	s.apply(t, s.sample(t, "services"))
	s.waitFor(t, "ics", "Ready")
	s.waitFor(t, "ccs", "Ready")
	s.keepCredentials(t, "ics-qsl")
	system := s.cluster.SignIn(t.Context(), "qsl", "referrals-qsl", "demo")
	var made []apiclient.Referral
	for n := range 3 {
		person := apiclient.SyntheticPerson(2000 + n)
		person.GivenName, person.FamilyName = fmt.Sprintf("Ottoline%c", 'a'+n), fmt.Sprintf("Brackenbury%c", 'a'+n)
		s.keep("NHS number", person.NHSNumber)
		s.keep("given name", person.GivenName)
		s.keep("family name", person.FamilyName)
		referral, err := system.Refer(t.Context(), fmt.Sprintf("drill-%d", n), person, "mendip-core", "Self", n)
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, referral)
	}
	return made
}

// backupCutOff kills the pod while the backup is being verified; its Job tries again.
func (s *suite) backupCutOff(t *testing.T) {
	s.run(t, "-n", "ics-qsl", "delete", "job", "cut-off", "--ignore-not-found")
	s.run(t, "-n", "ics-qsl", "create", "job", "--from=cronjob/database-backup", "cut-off")
	eventually(t, "the verification", func() error {
		log, err := s.try(t.Context(), "", "-n", "ics-qsl", "logs", "job/cut-off")
		if err == nil && !strings.Contains(log, "throwaway server") {
			err = errors.New("not yet")
		}
		return err
	})
	s.collectLogs(t)
	s.run(t, "-n", "ics-qsl", "delete", "pod", "-l", "job-name=cut-off", "--grace-period=0", "--force")
	s.run(t, "-n", "ics-qsl", "wait", "--for=condition=Complete", "job/cut-off", withPatience)
	s.apply(t, s.besideBackups(t, "ics-qsl", "reader", true))
	s.run(t, "-n", "ics-qsl", "wait", "--for=condition=Ready", "pod/reader", withPatience)
	for _, name := range strings.Fields(s.run(t, "-n", "ics-qsl", "exec", "reader", "--", "ls", "-A", "/backups")) {
		if name == ".lock" || name == "lost+found" {
			continue
		}
		if strings.HasPrefix(name, ".") {
			t.Errorf("a half backup was left: %s", name)
			continue
		}
		s.run(t, "-n", "ics-qsl", "exec", "reader", "--", "sh", "-c", "cd /backups/"+name+" && sha256sum --check --quiet SHA256SUMS")
	}
}

func (s *suite) backupOnDemand(t *testing.T) string {
	s.run(t, "-n", "ics-qsl", "delete", "job", "drill", "--ignore-not-found")
	before := s.run(t, "get", "ics", "qsl", "-o", "jsonpath={.status.backups.name}")
	s.run(t, "-n", "ics-qsl", "create", "job", "--from=cronjob/database-backup", "drill")
	s.run(t, "-n", "ics-qsl", "wait", "--for=condition=Complete", "job/drill", withPatience)
	var backup string
	eventually(t, "the operator tells of it", func() error {
		if backup = s.run(t, "get", "ics", "qsl", "-o", "jsonpath={.status.backups.name}"); backup == before || backup == "" {
			return fmt.Errorf("it tells of %q", backup)
		}
		return nil
	})
	s.run(t, "wait", "--for=condition=BackupsReady", "ics/qsl", withPatience)
	t.Log(s.run(t, "get", "ics", "qsl", "-o", "jsonpath={.status.conditions[?(@.type=='BackupsReady')].message}"))
	return backup
}

func (s *suite) restoreElsewhere(t *testing.T, backup string, referrals []apiclient.Referral) {
	sample, err := os.ReadFile("../../config/samples/ics/qsl.yaml")
	if err != nil {
		t.Fatal(err)
	}
	own := strings.NewReplacer("qsl", "qdr", "QSL", "QDR", "displayName: Somerset", "displayName: Restore drill",
		"cmhf.localhost:8080", fmt.Sprintf("cmhf.localhost:%d", s.cluster.HTTPPort),
		"    database:\n", "    database:\n      restoreFrom: {backup: "+backup+", odsCode: QSL}\n")
	drill := own.Replace(string(sample))
	if !strings.Contains(drill, "restoreFrom") {
		t.Fatal("the sample has no place for restoreFrom")
	}
	s.apply(t, drill)
	s.run(t, "wait", "--for=condition=NamespaceReady", "ics/qdr", withPatience)
	s.keepCredentials(t, "ics-qdr")
	eventually(t, "the restore waits for the backup", func() error {
		log, err := s.try(t.Context(), "", "-n", "ics-qdr", "logs", "-l", "app.kubernetes.io/component=restore")
		if err == nil && !strings.Contains(log, "waiting for the backup") {
			err = errors.New("not yet")
		}
		return err
	})
	s.copyBackup(t, "ics-qsl", "ics-qdr", backup)
	s.run(t, "wait", "--for=condition=Ready", "ics/qdr", withPatience)
	s.run(t, "wait", "--for=condition=DatabaseRestored", "ics/qdr", withPatience)
	services, err := os.ReadFile("../../config/samples/services/qsl.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s.apply(t, own.Replace(string(services)))
	s.run(t, "-n", "ics-qdr", "wait", "--for=condition=Ready", "ccs", "--all", withPatience)
	was, is := s.contents(t, "ics-qsl"), s.contents(t, "ics-qdr")
	for _, table := range []string{"people", "referrals", "person_access", "episodes", "closures", "matching_queue"} {
		if was["public."+table] == "" || was["public."+table] != is["public."+table] {
			t.Errorf("%s: rows and checksum were %q and are %q", table, was["public."+table], is["public."+table])
		}
	}
	there := s.cluster.SignIn(t.Context(), "qdr", "clinical-qdr", "demo")
	for _, referral := range referrals {
		var again apiclient.Referral
		if err := there.Do(t.Context(), http.MethodGet, "/v1/referrals/"+referral.ID, "", nil, &again); err != nil || again.PersonID != referral.PersonID {
			t.Errorf("referral %s: %v, want the same person", referral.ID, err)
		}
	}
	// What is recorded from now on refers to the services that were restored.
	if _, err := s.cluster.SignIn(t.Context(), "qdr", "clinical-qdr", "demo").Accept(t.Context(), "drill-accept", referrals[0].ID); err != nil {
		t.Errorf("accepting a restored referral: %v", err)
	}
}

// contents gives rows and checksum of each table, as a backup counts them.
func (s *suite) contents(t *testing.T, namespace string) map[string]string {
	t.Helper()
	program := s.run(t, "-n", namespace, "get", "configmap", "backup-programs", "-o", "jsonpath={.data.contents\\.sql}")
	out, err := s.try(t.Context(), program, "-n", namespace, "exec", "-i", "database-0", "--", "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align",
		"--set=ON_ERROR_STOP=1", "--single-transaction", "--host=/var/run/postgresql", "--username=postgres", "--dbname=cmhf", "--file=-")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for line := range strings.Lines(out) {
		if fields := strings.SplitN(strings.TrimSpace(line), "\t", 3); len(fields) == 3 {
			found[fields[1]] = fields[2]
		}
	}
	return found
}

// copyBackup takes a backup of one system to the backups of another, as docs/backup.md shows it.
func (s *suite) copyBackup(t *testing.T, from, to, backup string) {
	t.Helper()
	pods := []struct {
		namespace, name string
		readOnly        bool
	}{{from, "reader", true}, {to, "writer", false}}
	for _, pod := range pods {
		s.apply(t, s.besideBackups(t, pod.namespace, pod.name, pod.readOnly))
		s.run(t, "-n", pod.namespace, "wait", "--for=condition=Ready", "pod/"+pod.name, withPatience)
	}
	archive := s.run(t, "-n", from, "exec", "reader", "--", "tar", "-C", "/backups", "-cf", "-", backup)
	if _, err := s.try(t.Context(), archive, "-n", to, "exec", "-i", "writer", "--", "sh", "-ec",
		"mkdir /backups/.incoming; tar -C /backups/.incoming -xf -; mv /backups/.incoming/* /backups/; rmdir /backups/.incoming"); err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods {
		s.run(t, "-n", pod.namespace, "delete", "pod", pod.name, "--now")
	}
}

// besideBackups is a pod that has the backups of a system mounted, as docs/backup.md shows it.
func (s *suite) besideBackups(t *testing.T, namespace, name string, readOnly bool) string {
	t.Helper()
	image := s.run(t, "-n", namespace, "get", "cronjob", "database-backup", "-o", "jsonpath={.spec.jobTemplate.spec.template.spec.containers[0].image}")
	return fmt.Sprintf(`
apiVersion: v1
kind: Pod
metadata: {name: %s, namespace: %s}
spec:
  automountServiceAccountToken: false
  restartPolicy: Never
  securityContext: {runAsNonRoot: true, runAsUser: 26, runAsGroup: 26, fsGroup: 26, fsGroupChangePolicy: OnRootMismatch, seccompProfile: {type: RuntimeDefault}}
  containers:
  - name: shell
    image: %s
    command: [sleep, "3600"]
    securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
    resources: {requests: {cpu: 10m, memory: 32Mi}, limits: {memory: 128Mi}}
    volumeMounts: [{name: backups, mountPath: /backups, readOnly: %t}]
  volumes: [{name: backups, persistentVolumeClaim: {claimName: database-backups}}]
`, name, namespace, image, readOnly)
}
