//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cmhf/operator/internal/testkit/apiclient"
)

// replicated is a system whose database has two standbys, with one service.
const replicated = `
apiVersion: cmhf.health/v1alpha1
kind: IntegratedCareSystem
metadata: {name: q9z}
spec:
  odsCode: Q9Z
  displayName: A system with standbys
  region: NorthWest
  places: [{name: Coast}]
  neighbourhoods: [{name: Harbour, place: Coast}]
  stack:
    data: Synthetic
    database:
      engine: CloudNativePG
      instances: 3
      durability: Required
      storage: {size: 1Gi}
    authentication: {issuer: "http://idp.identity.cmhf.localhost:PORT"}
    coordinationAPI: {url: "http://coordination-api.ics-q9z.cmhf.localhost:PORT", replicas: 2}
    dashboard: {url: "http://dashboard.ics-q9z.cmhf.localhost:PORT"}
`

const harbour = `
apiVersion: cmhf.health/v1alpha1
kind: CoreCommunityService
metadata: {name: harbour-core, namespace: ics-q9z}
spec:
  displayName: Harbour community mental health team
  place: Coast
  neighbourhoods: [Harbour]
  leadProvider: {odsCode: RXX, name: A provider}
`

// A primary that dies under load costs a short wait and no acknowledged referral; none is there twice.
func TestPrimaryDies(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.apply(t, strings.ReplaceAll(replicated, "PORT", fmt.Sprint(s.cluster.HTTPPort)))
	s.q9z(t, "NamespaceReady")
	s.apply(t, harbour)
	begin := time.Now()
	s.q9z(t, "Ready")
	t.Logf("three servers, API and dashboard are up after %.0f s", time.Since(begin).Seconds())
	s.run(t, "-n", "ics-q9z", "wait", "--for=condition=Ready", "ccs/harbour-core", withPatience)

	load := startReferring(t, s.cluster)
	load.wait(t, 40)
	old := s.primary(t)
	killed := time.Now()
	s.run(t, "-n", "ics-q9z", "delete", "pod", old, "--grace-period=0", "--force")
	eventually(t, "another primary", func() error {
		if now := s.primary(t); now == old || now == "" {
			return fmt.Errorf("the primary is still %q", now)
		}
		return nil
	})
	load.wait(t, load.count()+40)
	acknowledged := load.stop()
	t.Logf("%s died, %s took over: %d referrals were acknowledged, the longest wait for the next one was %.1f s",
		old, s.primary(t), len(acknowledged), load.longest(killed).Seconds())
	s.q9z(t, "Ready")
	s.same(t, acknowledged)

	s.rotate(t, "q9z", "harbour-core", s.primary(t))
	s.loseOwner(t)
	s.backUp(t) // as the owner
	before := s.stored(t)

	// Asking again with the same key gives the same referral.
	system := s.cluster.SignIn(t.Context(), "q9z", "referrals-q9z", "demo")
	for _, n := range slices.Sorted(maps.Keys(acknowledged))[:3] {
		again, err := refer(t.Context(), system, n)
		if err != nil || again != acknowledged[n] {
			t.Errorf("referral %d asked for again is %s (%v), not %s", n, again, err, acknowledged[n])
		}
	}

	s.setState(t, "q9z", "Hibernated")
	eventually(t, "nothing runs", func() error {
		if pods := s.run(t, "-n", "ics-q9z", "get", "pods", "--field-selector=status.phase=Running", "-o", "name"); pods != "" {
			return fmt.Errorf("still there: %s", pods)
		}
		return nil
	})
	s.q9z(t, "Ready")
	s.setState(t, "q9z", "Active")
	s.run(t, "wait", "--for=jsonpath={.status.conditions[?(@.type=='DatabaseReady')].status}=True", "ics/q9z", withPatience)
	if after := s.stored(t); !slices.Equal(before, after) {
		t.Errorf("before it hibernated the database had %d referrals, and has %d now, or others", len(before), len(after))
	}

	// Deleting the system stops the database and keeps it.
	s.run(t, "-n", "ics-q9z", "delete", "ccs", "harbour-core")
	uid := s.uid(t, "-n", "ics-q9z", "cluster", "database")
	s.run(t, "annotate", "ics", "q9z", "cmhf.health/confirm-deletion=q9z", "--overwrite")
	s.run(t, "delete", "ics", "q9z", withPatience)
	if now := s.uid(t, "-n", "ics-q9z", "cluster", "database"); now != uid {
		t.Error("the Cluster was replaced")
	}
	if claims := s.run(t, "-n", "ics-q9z", "get", "pvc", "-l", "cnpg.io/cluster=database", "-o", "name"); strings.Count(claims, "\n") != 3 {
		t.Errorf("of three volume claims there are:\n%s", claims)
	}
}

// q9z waits for a condition of the system.
func (s *suite) q9z(t *testing.T, condition string) {
	t.Helper()
	if _, err := s.try(t.Context(), "", "wait", "--for=condition="+condition, "ics/q9z", withPatience); err != nil {
		state, _ := s.try(t.Context(), "", "-n", "ics-q9z", "get", "pods,clusters,pvc,jobs", "-o", "wide")
		conditions, _ := s.try(t.Context(), "", "get", "ics", "q9z", "-o", "jsonpath={.status.conditions}")
		t.Fatalf("%v\n%s\n%s", err, state, conditions)
	}
}

// loseOwner takes the Secret of the database's owner away, as only someone can who confirms it: the system tells, makes another one,
// and CloudNativePG brings the login to it.
func (s *suite) loseOwner(t *testing.T) {
	t.Helper()
	generation := s.credentials(t, "q9z")
	name := secretName("database-owner", generation)
	lost := s.uid(t, "-n", "ics-q9z", "secret", name)
	if _, err := s.try(t.Context(), "", "-n", "ics-q9z", "delete", "secret", name); err == nil {
		t.Fatal("it could be deleted without a confirmation")
	}
	s.run(t, "-n", "ics-q9z", "annotate", "secret", name, "cmhf.health/confirm-deletion="+name)
	begin := time.Now()
	s.run(t, "-n", "ics-q9z", "delete", "secret", name)
	message := "-o=jsonpath={.status.conditions[?(@.type=='DatabaseReady')].message}"
	eventually(t, "the condition tells", func() error {
		if said := s.run(t, "get", "ics", "q9z", message); !strings.Contains(said, fmt.Sprintf("can't bring the logins cmhf_owner_%d to what is declared", generation)) {
			return errors.New(said)
		}
		return nil
	})
	t.Logf("%s was told of after %.0f s", name, time.Since(begin).Seconds())
	eventually(t, "another Secret", func() error {
		now, err := s.try(t.Context(), "", "-n", "ics-q9z", "get", "secret", name, "-o", "jsonpath={.metadata.uid}")
		if err == nil && now == lost {
			err = errors.New("it is the old one")
		}
		return err
	})
	s.q9z(t, "Ready")
	s.keepCredentials(t, "ics-q9z")
	eventually(t, "the new password counts", func() error {
		_, err := s.psql(t, "ics-q9z", s.primary(t), s.secretValue(t, "ics-q9z", name, "username"), s.secretValue(t, "ics-q9z", name, "password"))
		return err
	})
	t.Logf("the database lets its owner in with the new one after %.0f s", time.Since(begin).Seconds())
}

// backUp makes a backup of the system: a Job of it that completes was restored and compared.
func (s *suite) backUp(t *testing.T) {
	t.Helper()
	begin := time.Now()
	s.run(t, "-n", "ics-q9z", "create", "job", "--from=cronjob/database-backup", "after-failover")
	if _, err := s.try(t.Context(), "", "-n", "ics-q9z", "wait", "--for=condition=Complete", "job/after-failover", withPatience); err != nil {
		log, _ := s.try(t.Context(), "", "-n", "ics-q9z", "logs", "job/after-failover")
		t.Fatalf("%v\n%s", err, log)
	}
	s.q9z(t, "BackupsReady")
	t.Logf("a backup was made and verified in %.0f s", time.Since(begin).Seconds())
}

func (s *suite) primary(t *testing.T) string {
	t.Helper()
	return s.run(t, "-n", "ics-q9z", "get", "cluster", "database", "-o", "jsonpath={.status.currentPrimary}")
}

// same compares what was acknowledged with what the database has.
func (s *suite) same(t *testing.T, acknowledged map[int]string) {
	t.Helper()
	stored := s.stored(t)
	want := slices.Sorted(maps.Values(acknowledged))
	if !slices.Equal(stored, want) {
		t.Errorf("%d referrals were acknowledged, the database has %d, and they are not the same", len(want), len(stored))
	}
}

// stored are the referrals that the database has.
func (s *suite) stored(t *testing.T) []string {
	t.Helper()
	return strings.Fields(s.run(t, "-n", "ics-q9z", "exec", s.primary(t), "-c", "postgres", "--", "psql", "--dbname=cmhf", "-Atc", "SELECT id FROM referrals ORDER BY id"))
}

// referring refers one person after the other, each with a key of its own, and tries again with the same key until it is acknowledged.
type referring struct {
	cancel  context.CancelFunc
	workers sync.WaitGroup

	mu           sync.Mutex
	acknowledged map[int]string
	at           []time.Time
}

func startReferring(t *testing.T, cluster apiclient.Cluster) *referring {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &referring{cancel: cancel, acknowledged: map[int]string{}}
	const workers = 4
	for worker := range workers {
		system := cluster.SignIn(t.Context(), "q9z", "referrals-q9z", "demo")
		l.workers.Go(func() {
			for n := worker; ctx.Err() == nil; n += workers {
				// What has begun is brought to its end: whether a referral without an answer is there can't be known.
				for {
					id, err := refer(t.Context(), system, n)
					if err == nil {
						l.note(n, id)
						break
					}
					if t.Context().Err() != nil {
						return
					}
					time.Sleep(50 * time.Millisecond)
				}
			}
		})
	}
	t.Cleanup(func() { l.cancel(); l.workers.Wait() })
	return l
}

func refer(ctx context.Context, system *apiclient.Tenant, n int) (string, error) {
	made, err := system.Refer(ctx, fmt.Sprintf("failover-%d", n), apiclient.SyntheticPerson(5000+n), "harbour-core", "Self", 1)
	return made.ID, err
}

func (l *referring) note(n int, id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acknowledged[n] = id
	l.at = append(l.at, time.Now())
}

func (l *referring) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acknowledged)
}

func (l *referring) wait(t *testing.T, count int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d referrals", count), func() error {
		if now := l.count(); now < count {
			return fmt.Errorf("%d so far", now)
		}
		return nil
	})
}

func (l *referring) stop() map[int]string {
	l.cancel()
	l.workers.Wait()
	return l.acknowledged
}

// longest is the longest time between two acknowledgements, the later of which came after a moment.
func (l *referring) longest(after time.Time) time.Duration {
	var longest time.Duration
	for i := 1; i < len(l.at); i++ {
		if l.at[i].After(after) {
			longest = max(longest, l.at[i].Sub(l.at[i-1]))
		}
	}
	return longest
}
