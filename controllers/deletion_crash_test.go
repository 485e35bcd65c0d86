package controllers_test

import (
	"fmt"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/testkit/faults"
)

// Killing the operator after any write of a deletion that makes a last backup: the resource still goes, nothing is gone before that
// backup is verified, and what is left is what the policy leaves.
func TestCrashAtEveryWriteOfADeletionWithABackup(t *testing.T) {
	for _, c := range []struct {
		policy v1alpha1.DeletionPolicy
		ods    string
		writes int
	}{{v1alpha1.DeletionArchive, "RCX", 10}, {v1alpha1.DeletionDelete, "RCY", 24}} {
		t.Run(string(c.policy), func(t *testing.T) {
			writes := deletePolicyWithCrash(t, c.ods, c.policy, 0)
			if len(writes) < c.writes {
				t.Fatalf("only %d writes for a deletion; is the fault wired?\n%v", len(writes), writes)
			}
			for k := 1; k <= len(writes); k++ {
				deletePolicyWithCrash(t, fmt.Sprintf("%s%02d", c.ods, k), c.policy, k)
			}
		})
	}
}

func deletePolicyWithCrash(t *testing.T, ods string, policy v1alpha1.DeletionPolicy, at int) []string {
	t.Helper()
	first := startOperator(t, restConfig)
	ics := declared(t, ods, policy)
	first.stop()
	before := dataOf(t, ics)

	crash := &faults.Crash{At: at}
	died := make(chan struct{})
	crash.OnCrash = func() { close(died) }
	o := startOperator(t, crash.Wrap(restConfig))
	remove(t, ics)
	if at > 0 {
		waitForCrash(t, died, func() bool { return apierrors.IsNotFound(get(t, ics)) })
		o.stop()
		if err := get(t, ics); err == nil && (ics.Status.Deletion == nil || ics.Status.Deletion.Backup == nil) {
			mustKeep(t, ics, before) // the backup is not verified yet
		}
		o = startOperator(t, restConfig)
	}
	waitGone(t, ics)
	o.stop()
	if policy == v1alpha1.DeletionDelete {
		mustBeRemoved(t, ics, before)
	} else {
		mustKeep(t, ics, before)
		mustRest(t, ics)
	}
	mustTellOfBackup(t, ics, true)
	if t.Failed() {
		t.Fatalf("after a crash at write %d", at)
	}
	return crash.Writes()
}
