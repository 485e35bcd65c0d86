package integratedcaresystem

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/robfig/cron/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cmhf/operator/api/v1alpha1"
)

func TestBackupCondition(t *testing.T) {
	at := func(text string) time.Time {
		parsed, err := time.Parse("2006-01-02 15:04", text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	verified := backupRecord{Verified: "a", Name: "20261122T011003Z", TakenAt: at("2026-11-22 01:10"), EndedAt: at("2026-11-22 01:20"), Bytes: 2 << 20}
	failed := verified
	failed.Failed, failed.FailedJob, failed.FailedAt, failed.Words = "b", "database-backup-1", at("2026-11-23 01:12"), "no room"
	for name, test := range map[string]struct {
		backups  backups
		status   metav1.ConditionStatus
		reason   string
		says     string
		overdueI time.Duration
	}{
		"none, not due":           {backups{now: at("2026-11-22 00:00"), since: at("2026-11-21 12:00")}, metav1.ConditionFalse, v1alpha1.ReasonNoBackupYet, "due at 2026-11-22T01:10Z", 7*time.Hour + 10*time.Minute},
		"none, late":              {backups{now: at("2026-11-22 07:11"), since: at("2026-11-21 12:00")}, metav1.ConditionFalse, v1alpha1.ReasonBackupOverdue, "one was due at 2026-11-22T01:10Z", 0},
		"verified":                {backups{now: at("2026-11-22 12:00"), record: verified}, metav1.ConditionTrue, v1alpha1.ReasonVerified, "20261122T011003Z, 2.0 MiB; the next is due at 2026-11-23T01:10Z", 19*time.Hour + 10*time.Minute},
		"verified, the next runs": {backups{now: at("2026-11-23 07:10"), record: verified}, metav1.ConditionTrue, v1alpha1.ReasonVerified, "2026-11-23T01:10Z", 0},
		"late":                    {backups{now: at("2026-11-23 07:11"), record: verified}, metav1.ConditionFalse, v1alpha1.ReasonBackupOverdue, "the last verified backup is 20261122T011003Z", 0},
		"failed":                  {backups{now: at("2026-11-23 02:00"), record: failed}, metav1.ConditionFalse, v1alpha1.ReasonBackupFailed, "no room", 5*time.Hour + 10*time.Minute},
		"suspended":               {backups{now: at("2027-01-01 00:00"), record: verified, suspended: true}, metav1.ConditionFalse, v1alpha1.ReasonBackupsSuspended, "20261122T011003Z", 0},
		"hibernated":              {backups{now: at("2027-01-01 00:00"), hibernated: true}, metav1.ConditionFalse, v1alpha1.ReasonHibernated, "there is no verified backup", 0},
	} {
		t.Run(name, func(t *testing.T) {
			test.backups.schedule, test.backups.namespace = "10 1 * * *", "ics-qop"
			got := test.backups.condition(3)
			if got.Status != test.status || got.Reason != test.reason || !strings.Contains(got.Message, test.says) {
				t.Errorf("got %s %s %q", got.Status, got.Reason, got.Message)
			}
			if left := test.backups.overdueIn(); left != test.overdueI {
				t.Errorf("looks again in %v, want %v", left, test.overdueI)
			}
			// What is written does not change while time goes by.
			later := test.backups
			later.now = later.now.Add(10 * time.Minute)
			if test.overdueI > 0 {
				if diff := cmp.Diff(got, later.condition(3)); diff != "" {
					t.Errorf("ten minutes later:\n%s", diff)
				}
			}
		})
	}
}

func TestNightlySpreads(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range []string{"qop", "qsl", "qwe", "qkk", "qr1", "qu9", "qhm", "qmj"} {
		seen[nightly(name)] = true
		if _, err := cron.ParseStandard(nightly(name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(seen) < 6 {
		t.Errorf("eight systems start at %d times", len(seen))
	}
}
