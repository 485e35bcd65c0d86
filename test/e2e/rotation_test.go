//go:build e2e

package e2e

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/testkit/apiclient"
)

// TestRotation replaces the Secrets of a tenant with one replica of each program and of one with two, while clients read and write
// without repeating anything. No request may fail; afterwards the old passwords are of no use, the old Secrets are gone, and the
// database was never restarted.
func TestRotation(t *testing.T) {
	s := newSuite(t)
	s.declareSamples(t)
	s.run(t, "patch", "ics", "qop", "--type=merge", "-p", `{"spec":{"stack":{"coordinationAPI":{"replicas":2},"dashboard":{"replicas":2}}}}`)
	s.waitFor(t, "ics", "Ready")
	for _, tenant := range []struct{ name, service string }{{"qsl", "mendip-core"}, {"qop", "salford-core"}} {
		t.Run(tenant.name, func(t *testing.T) { s.rotate(t, tenant.name, tenant.service, "database-0") })
	}
	s.run(t, "patch", "ics", "qop", "--type=merge", "-p", `{"spec":{"stack":{"coordinationAPI":{"replicas":1},"dashboard":{"replicas":1}}}}`)
	s.waitFor(t, "ics", "Ready")
	s.logsAreClean(t)
	s.hibernate(t)
}

// hibernate lays all systems to rest: the tests that run at the same time after this one have systems of their own.
func (s *suite) hibernate(t *testing.T) {
	t.Helper()
	for _, name := range strings.Fields(s.run(t, "get", "ics", "-o", "jsonpath={.items[*].metadata.name}")) {
		s.setState(t, name, "Hibernated")
		eventually(t, "nothing of "+name+" runs", func() error {
			if pods := s.run(t, "-n", "ics-"+name, "get", "pods", "--field-selector=status.phase=Running", "-o", "name"); pods != "" {
				return fmt.Errorf("still there: %s", pods)
			}
			return nil
		})
	}
	s.waitFor(t, "ics", "Ready")
}

// rotate replaces the Secrets of a tenant, whose database has its primary in a pod.
func (s *suite) rotate(t *testing.T, tenant, service, pod string) {
	namespace := "ics-" + tenant
	s.keepCredentials(t, namespace)
	before := s.credentials(t, tenant)
	old := map[string]string{}
	for role, purpose := range map[string]string{"cmhf_owner": "database-owner", "cmhf_app": "database-app"} {
		name := secretName(purpose, before)
		old[s.secretValue(t, namespace, name, "username")] = s.secretValue(t, namespace, name, "password")
		if _, there := old[role]; before == 1 && !there {
			t.Fatalf("Secret %s is not for %s", name, role)
		}
	}
	for role, password := range old {
		if out, err := s.psql(t, namespace, pod, role, password); err != nil {
			t.Fatalf("before the rotation %s is not let in: %v\n%s", role, err, out)
		}
	}
	server := s.uid(t, "-n", namespace, "pod", pod)
	restarts := s.run(t, "-n", namespace, "get", "pod", pod, "-o", "jsonpath={.status.containerStatuses[0].restartCount}")
	s.collectLogs(t)

	load := s.begin(t, tenant, service)
	began := time.Now()
	s.run(t, "annotate", "ics", tenant, "--overwrite", fmt.Sprintf("cmhf.health/rotate-secrets=%d", began.UnixNano()))
	eventually(t, "the rotation", func() error {
		if now := s.credentials(t, tenant); now != before+1 {
			return fmt.Errorf("generation %d of the Secrets is in use", now)
		}
		waits := s.run(t, "get", "ics", tenant, "-o", "jsonpath={.status.conditions[?(@.type=='CredentialsRotating')].message}")
		if waits != "" {
			return errors.New(waits)
		}
		return nil
	})
	took := time.Since(began)
	time.Sleep(3 * time.Second) // what the clients do after it counts too
	calls, failures := load.end()
	s.keepCredentials(t, namespace)
	t.Logf("%s: rotated in %s; %d requests, each on a connection of its own, %d failed", tenant, took.Round(100*time.Millisecond), calls, len(failures))
	for i, failure := range failures {
		if i == 10 {
			break
		}
		t.Errorf("a request failed: %s", failure)
	}
	if calls < 50 {
		t.Errorf("only %d requests were made", calls)
	}
	for role, password := range old {
		out, err := s.psql(t, namespace, pod, role, password)
		if err == nil || !strings.Contains(err.Error()+out, "authentication failed") {
			t.Errorf("the old login %s is still let in, or fails otherwise: %v", role, err)
		}
	}
	for _, purpose := range []string{"database-owner", "database-app", "api-internal"} {
		if _, err := s.try(t.Context(), "", "-n", namespace, "get", "secret", secretName(purpose, before)); err == nil || !strings.Contains(err.Error(), "NotFound") {
			t.Errorf("Secret %s is still there: %v", secretName(purpose, before), err)
		}
	}
	if now := s.uid(t, "-n", namespace, "pod", pod); now != server {
		t.Error("the database's pod is another one")
	}
	if now := s.run(t, "-n", namespace, "get", "pod", pod, "-o", "jsonpath={.status.containerStatuses[0].restartCount}"); now != restarts {
		t.Errorf("the database restarted: %s times, before the rotation %s", now, restarts)
	}
	s.run(t, "wait", "--for=condition=Ready", "ics/"+tenant, withPatience)
}

func secretName(purpose string, generation int) string {
	if generation == 1 {
		return purpose
	}
	return fmt.Sprintf("%s-%d", purpose, generation)
}

// credentials gives the generation of Secrets that a tenant's status names.
func (s *suite) credentials(t *testing.T, tenant string) int {
	t.Helper()
	var ics v1alpha1.IntegratedCareSystem
	if err := s.reader.Get(t.Context(), client.ObjectKey{Name: tenant}, &ics); err != nil {
		t.Fatal(err)
	}
	if ics.Status.Credentials == nil {
		t.Fatalf("the status of %s names no credentials", tenant)
	}
	return int(ics.Status.Credentials.Generation)
}

func (s *suite) secretValue(t *testing.T, namespace, name, key string) string {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(s.run(t, "-n", namespace, "get", "secret", name, "-o", "jsonpath={.data."+key+"}"))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// psql tries a login over TCP from within the database's own pod.
func (s *suite) psql(t *testing.T, namespace, pod, role, password string) (string, error) {
	t.Helper()
	return s.try(t.Context(), "", "-n", namespace, "exec", pod, "--", "env", "PGPASSWORD="+password, "psql", "--no-psqlrc", "--host=127.0.0.1",
		"--username="+role, "--dbname=cmhf", "--command=SELECT 1")
}

// load is clients at work.
type load struct {
	stop  context.CancelFunc
	group sync.WaitGroup

	mu       sync.Mutex
	calls    int
	failures []string
}

// begin starts clients that read figures and refer people, each call on a connection of its own and none of them repeated.
func (s *suite) begin(t *testing.T, tenant, service string) *load {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	l := &load{stop: stop}
	anew := s.cluster
	anew.NewConnections = true
	reader, writer := anew.SignIn(ctx, tenant, "clinical-"+tenant, "demo"), anew.SignIn(ctx, tenant, "referrals-"+tenant, "demo")
	for client := range 3 {
		l.group.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				var err error
				if client == 0 {
					person := apiclient.SyntheticPerson(5000 + n%100)
					_, err = writer.Refer(context.WithoutCancel(ctx), fmt.Sprintf("rotation-%s-%d-%d", tenant, time.Now().UnixNano(), n), person, service, "Self", 0)
				} else {
					_, err = reader.AtAGlance(context.WithoutCancel(ctx))
				}
				l.count(err)
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
	return l
}

func (l *load) count(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	if err != nil {
		l.failures = append(l.failures, time.Now().Format("15:04:05.000 ")+err.Error())
	}
}

// end stops the clients, each after its call.
func (l *load) end() (int, []string) {
	l.stop()
	l.group.Wait()
	return l.calls, l.failures
}
