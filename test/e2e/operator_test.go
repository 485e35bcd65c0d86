//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/cmhf/operator/internal/testkit/apiclient"
)

// five people of Somerset, with names that occur nowhere else.
func five() []apiclient.Person {
	var people []apiclient.Person
	for n := range 5 {
		person := apiclient.SyntheticPerson(1000 + n)
		person.GivenName, person.FamilyName = fmt.Sprintf("Quillon%c", 'a'+n), fmt.Sprintf("Thistlewaite%c", 'a'+n)
		people = append(people, person)
	}
	return people
}

func TestOperator(t *testing.T) {
	s := newSuite(t)
	var referrals []apiclient.Referral
	steps := []struct {
		name string
		run  func(t *testing.T)
	}{
		{"the samples become Ready", s.samplesReady},
		{"five referrals turn the star into 5, in their own system only", func(t *testing.T) { referrals = s.fiveReferrals(t) }},
		{"a token of one system is refused by another", s.foreignToken},
		{"bad input is refused and not echoed", s.badInput},
		{"a changed service is the API's within moments", s.serviceChanged},
		{"data survive the deletion of the database's pod, twice", func(t *testing.T) { s.databasePodDies(t, referrals) }},
		{"killing the operator between Secrets and database loses nothing", s.operatorDies},
		{"a service outside a tenant is told so", s.serviceElsewhere},
		{"data survive the deletion of the system and its services", func(t *testing.T) { s.systemDeleted(t, referrals) }},
		{"no log holds anything personal or secret", s.logsAreClean},
	}
	for _, step := range steps {
		if !t.Run(step.name, step.run) {
			t.Fatal("the steps build on each other: stopping")
		}
	}
}

func (s *suite) samplesReady(t *testing.T) {
	s.declareSamples(t)
	for _, namespace := range []string{"ics-qop", "ics-qsl", "ics-z9b2z"} {
		s.keepCredentials(t, namespace)
	}
	t.Log("\n" + s.run(t, "get", "ics,ccs", "-A"))
}

// declareSamples declares the samples, awake, and waits until they serve.
func (s *suite) declareSamples(t *testing.T) {
	t.Helper()
	s.apply(t, s.sample(t, "ics"))
	for _, name := range []string{"qop", "qsl", "z9b2z"} {
		s.setState(t, name, "Active")
	}
	s.waitFor(t, "ics", "NamespaceReady")
	s.apply(t, s.sample(t, "services"))
	s.waitFor(t, "ics", "Ready")
	s.waitFor(t, "ccs", "Ready")
}

func (s *suite) setState(t *testing.T, name, state string) {
	t.Helper()
	s.run(t, "patch", "ics", name, "--type=merge", "-p", `{"spec":{"state":"`+state+`"}}`)
}

func (s *suite) fiveReferrals(t *testing.T) []apiclient.Referral {
	s.page(t, "qsl", "people-referred=Hidden", "waiting=Hidden")
	s.page(t, "qop", "people-referred=Hidden", "waiting=Hidden")
	system := s.cluster.SignIn(t.Context(), "qsl", "referrals-qsl", "demo")
	var made []apiclient.Referral
	for n, person := range five() {
		s.keep("NHS number", person.NHSNumber)
		s.keep("spaced NHS number", person.NHSNumber[:3]+" "+person.NHSNumber[3:6]+" "+person.NHSNumber[6:])
		s.keep("given name", person.GivenName)
		s.keep("family name", person.FamilyName)
		referral, err := system.Refer(t.Context(), fmt.Sprintf("e2e-%d", n), person, "mendip-core", "Self", n)
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, referral)
	}
	s.page(t, "qsl", "people-referred=5", "waiting=5", walk)
	s.page(t, "qop", "people-referred=Hidden", "waiting=Hidden")
	return made
}

// walk, in place of a figure, looks at the dashboard's other pages too.
const walk = "--walk"

// page opens a tenant's dashboard in a browser, signs in as its digital lead and compares the figures.
func (s *suite) page(t *testing.T, tenant string, expect ...string) {
	t.Helper()
	args := []string{"check.mjs", "--url", s.cluster.URL("dashboard", "ics-"+tenant), "--user", "lead." + tenant, "--out", "out/" + tenant}
	for _, pair := range expect {
		if pair == walk {
			args = append(args, walk)
			continue
		}
		args = append(args, "--expect", pair)
	}
	browser := exec.CommandContext(t.Context(), "node", args...)
	browser.Dir = "../browser"
	browser.Env = append(os.Environ(), "DASHBOARD_PASSWORD=demo")
	out, err := browser.CombinedOutput()
	if err != nil {
		t.Fatalf("the dashboard of %s: %v\n%s", tenant, err, out)
	}
}

func (s *suite) foreignToken(t *testing.T) {
	somerset := s.cluster.SignIn(t.Context(), "qsl", "clinical-qsl", "demo")
	if _, err := somerset.AtAGlance(t.Context()); err != nil {
		t.Fatalf("its own system refuses it: %v", err)
	}
	var problem *apiclient.Problem
	if _, err := somerset.At(s.cluster, "qop").AtAGlance(t.Context()); !errors.As(err, &problem) || problem.Status != http.StatusUnauthorized {
		t.Errorf("the other system answered %v, want 401", err)
	}
}

// badInput sends what real systems send wrong; what it holds must not come back, nor stand in a log.
func (s *suite) badInput(t *testing.T) {
	system := s.cluster.SignIn(t.Context(), "qsl", "referrals-qsl", "demo")
	known := five()[0]
	wrongNumber := known
	wrongNumber.NHSNumber = known.NHSNumber[:9] + string('0'+(known.NHSNumber[9]-'0'+1)%10)
	s.keep("wrong NHS number", wrongNumber.NHSNumber)
	wrongDate := known
	wrongDate.BirthDate = "31/02/1990"
	for name, person := range map[string]apiclient.Person{"check digit": wrongNumber, "date": wrongDate} {
		_, err := system.Refer(t.Context(), "", person, "mendip-core", "Self", 0)
		var problem *apiclient.Problem
		if !errors.As(err, &problem) || problem.Status < 400 || problem.Status >= 500 {
			t.Errorf("%s: answered %v, want a problem", name, err)
			continue
		}
		if strings.Contains(problem.Error(), person.NHSNumber) || strings.Contains(problem.Error(), person.FamilyName) {
			t.Errorf("%s: the problem echoes what was sent", name)
		}
	}
	// The same person with another birth date is no error and reveals nothing.
	other := known
	other.BirthDate = "1941-01-01"
	if _, err := system.Refer(t.Context(), "", other, "taunton-core", "GP", 0); err != nil {
		t.Errorf("a mismatch was refused: %v", err)
	}
}

// still reads the referrals again, which must be as they were acknowledged.
func (s *suite) still(t *testing.T, referrals []apiclient.Referral) {
	t.Helper()
	system := s.cluster.SignIn(t.Context(), "qsl", "clinical-qsl", "demo")
	for _, referral := range referrals {
		eventually(t, "reading a referral", func() error {
			var again apiclient.Referral
			if err := system.Do(context.WithoutCancel(t.Context()), http.MethodGet, "/v1/referrals/"+referral.ID, "", nil, &again); err != nil {
				return err
			}
			if again.ID != referral.ID || again.PersonID != referral.PersonID {
				return fmt.Errorf("it is another one")
			}
			return nil
		})
	}
}

func (s *suite) databasePodDies(t *testing.T, referrals []apiclient.Referral) {
	for range 2 {
		s.collectLogs(t)
		before := s.uid(t, "-n", "ics-qsl", "pod", "database-0")
		s.run(t, "-n", "ics-qsl", "delete", "pod", "database-0", "--wait=true")
		eventually(t, "a new pod", func() error {
			now, err := s.try(t.Context(), "", "-n", "ics-qsl", "get", "pod", "database-0", "-o", "jsonpath={.metadata.uid}")
			if err == nil && now == before {
				err = errors.New("still the old one")
			}
			return err
		})
		s.run(t, "-n", "ics-qsl", "wait", "--for=condition=Ready", "pod/database-0", withPatience)
		s.still(t, referrals)
	}
	s.waitFor(t, "ics", "Ready")
}

// operatorDies holds the database back with a policy, so that the Secrets are there and the StatefulSet is not, then kills.
func (s *suite) operatorDies(t *testing.T) {
	s.apply(t, holdDatabases)
	eventually(t, "the policy in force", func() error {
		_, err := s.try(t.Context(), probe, "create", "--dry-run=server", "-f", "-")
		if err == nil || !strings.Contains(err.Error(), "held back") {
			return fmt.Errorf("not yet: %v", err)
		}
		return nil
	})
	sample, err := os.ReadFile("../../config/samples/ics/qop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s.apply(t, strings.NewReplacer("qop", "qwe", "QOP", "QWE", "Greater Manchester", "South West London",
		"cmhf.localhost:8080", fmt.Sprintf("cmhf.localhost:%d", s.cluster.HTTPPort)).Replace(string(sample)))
	secrets := []string{"database-owner", "database-app", "api-internal", "dashboard-session"}
	before := map[string]string{}
	eventually(t, "the Secrets", func() error {
		for _, name := range secrets {
			uid, err := s.try(t.Context(), "", "-n", "ics-qwe", "get", "secret", name, "-o", "jsonpath={.metadata.uid}")
			if err != nil {
				return err
			}
			before[name] = uid
		}
		return nil
	})
	if _, err := s.try(t.Context(), "", "-n", "ics-qwe", "get", "statefulset", "database"); err == nil {
		t.Fatal("the database was not held back")
	}
	s.collectLogs(t)
	restarts := func() string {
		out, _ := s.try(t.Context(), "", "-n", "cmhf-system", "get", "pods", "-o", "jsonpath={.items[0].status.containerStatuses[0].restartCount}")
		return out
	}
	was := restarts()
	kill := exec.CommandContext(t.Context(), s.devcluster[0], append(s.devcluster[1:], "exec", "--", "pkill", "-9", "-x", "manager")...)
	if out, err := kill.CombinedOutput(); err != nil {
		t.Fatalf("killing the operator: %v\n%s", err, out)
	}
	eventually(t, "the operator restarted", func() error {
		if now := restarts(); now == was || now == "" {
			return fmt.Errorf("%s restarts", now)
		}
		return nil
	})
	s.run(t, "delete", "validatingadmissionpolicybinding,validatingadmissionpolicy", "e2e-no-database")
	s.waitFor(t, "ics", "Ready")
	for _, name := range secrets {
		if s.uid(t, "-n", "ics-qwe", "secret", name) != before[name] {
			t.Errorf("Secret %s was replaced", name)
		}
	}
	s.keepCredentials(t, "ics-qwe")
}

const holdDatabases = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: e2e-no-database}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [statefulsets]}]
  validations: [{expression: "!(object.metadata.namespace in ['ics-qwe', 'default'])", message: held back by the test}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: e2e-no-database}
spec: {policyName: e2e-no-database, validationActions: [Deny]}
`

// probe is a StatefulSet that is asked about, never made.
const probe = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: probe, namespace: default}
spec:
  serviceName: probe
  selector: {matchLabels: {app: probe}}
  template:
    metadata: {labels: {app: probe}}
    spec: {containers: [{name: probe, image: probe}]}
`

func (s *suite) serviceElsewhere(t *testing.T) {
	sample, err := os.ReadFile("../../config/samples/services/qsl.yaml")
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(sample), "\n---\n")
	s.apply(t, strings.ReplaceAll(first, "namespace: ics-qsl", "namespace: default"))
	s.run(t, "-n", "default", "wait", "--for=jsonpath={.status.conditions[?(@.type=='Ready')].reason}=NotATenantNamespace", "ccs/mendip-core", withPatience)
	s.run(t, "-n", "default", "delete", "ccs/mendip-core")
	s.waitFor(t, "ics", "Ready")
}

func (s *suite) systemDeleted(t *testing.T, referrals []apiclient.Referral) {
	s.collectLogs(t)
	claim := s.uid(t, "-n", "ics-qsl", "pvc", "database-data")
	s.run(t, "delete", "ccs", "--all", "-n", "ics-qsl")
	_, err := s.try(t.Context(), "", "delete", "ics", "qsl", withPatience)
	if err == nil || !strings.Contains(err.Error(), "annotate integratedcaresystems.cmhf.health qsl cmhf.health/confirm-deletion=qsl") {
		t.Fatalf("deleted without a confirmation, or refused without saying how to confirm: %v", err)
	}
	s.run(t, "annotate", "ics", "qsl", "cmhf.health/confirm-deletion=qsl")
	s.run(t, "delete", "ics", "qsl", withPatience)
	if now := s.uid(t, "-n", "ics-qsl", "pvc", "database-data"); now != claim {
		t.Fatal("the volume claim was replaced")
	}
	eventually(t, "nothing runs any more", func() error {
		if pods := s.run(t, "-n", "ics-qsl", "get", "pods", "--field-selector=status.phase=Running", "-o", "name"); pods != "" {
			return fmt.Errorf("still there: %s", pods)
		}
		return nil
	})
	s.apply(t, s.sample(t, "ics"))
	s.waitFor(t, "ics", "NamespaceReady")
	s.apply(t, s.sample(t, "services"))
	s.waitFor(t, "ics", "Ready")
	s.waitFor(t, "ccs", "Ready")
	if now := s.uid(t, "-n", "ics-qsl", "pvc", "database-data"); now != claim {
		t.Fatal("the volume claim was replaced")
	}
	s.still(t, referrals)
	s.page(t, "qsl", "people-referred=5")
}

// logsAreClean looks for everything that was noted, and for anything that looks like a token, in every line of every pod.
func (s *suite) logsAreClean(t *testing.T) {
	s.collectLogs(t)
	if len(s.logs) < 100 {
		t.Fatalf("only %d log lines were collected; is the collection right?", len(s.logs))
	}
	found := map[string]int{}
	for line := range s.logs {
		for value, name := range s.secret {
			if strings.Contains(line, value) {
				found[name]++
			}
		}
		if strings.Contains(line, "eyJ") || strings.Contains(line, "Bearer ") {
			found["something like a token"]++
		}
	}
	for name, lines := range found {
		t.Errorf("%d log lines hold %s", lines, name)
	}
	t.Logf("%d log lines of every pod hold none of %d names, numbers and credentials", len(s.logs), len(s.secret))
}
