package integratedcaresystem

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cmhf/operator/api/v1alpha1"
)

// What is refused, however long it stays so, puts off nothing else that is due.
func TestWhenToLookAgain(t *testing.T) {
	taken := time.Date(2026, 11, 22, 2, 15, 0, 0, time.UTC)
	overdue := &backups{now: taken.Add(time.Hour), schedule: "15 2 * * *", record: backupRecord{TakenAt: taken}} // in 23 + 6 hours
	for name, c := range map[string]struct {
		ready   bool
		refused *refusal
		again   time.Duration
		backups *backups
		want    time.Duration
	}{
		"nothing is due":                             {ready: true, want: 0},
		"it does not come up":                        {want: looksHold},
		"a backup may come to be overdue":            {ready: true, backups: overdue, want: 29 * time.Hour},
		"no new one is made":                         {ready: true, backups: &backups{schedule: "15 2 * * *", suspended: true}, want: 0},
		"refused until the spec changes":             {refused: &refusal{}, want: 0},
		"refused, and something is due":              {refused: &refusal{}, again: 3 * time.Minute, backups: overdue, want: 3 * time.Minute},
		"refused, and a backup comes to be overdue":  {refused: &refusal{}, backups: overdue, want: 29 * time.Hour},
		"refused for a while, and something is due":  {refused: &refusal{retry: lookAgain}, again: time.Minute, want: lookAgain},
		"refused for a while, and more is due first": {refused: &refusal{retry: lookAgain}, again: time.Second, want: time.Second},
	} {
		s := newScope(&v1alpha1.IntegratedCareSystem{})
		if c.ready {
			s.ics.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue}}
		}
		s.refused, s.again, s.backups = c.refused, c.again, c.backups
		if got := s.next(); got != c.want {
			t.Errorf("%s: looks again after %s, not %s", name, got, c.want)
		}
	}
}
