package controllers_test

import (
	"strings"
	"testing"
	"time"

	"github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
)

// A last backup that failed is made again without being asked; when that will be is told.
func TestAFailedLastBackupIsMadeAgain(t *testing.T) {
	startOperator(t, asOperator(t))
	for ods, policy := range map[string]v1alpha1.DeletionPolicy{"SM1": v1alpha1.DeletionArchive, "SM2": v1alpha1.DeletionDelete} {
		t.Run(string(policy), func(t *testing.T) {
			ics := declared(t, ods, policy)
			before := dataOf(t, ics)
			cluster.FailOnce(ics.TenantNamespace(), v1alpha1.ComponentBackup, time.Now().Add(-2*time.Minute))
			remove(t, ics)
			waitGone(t, ics)
			job := finalJob(ics)
			must(t, get(t, job))
			if try := job.Annotations[v1alpha1.AnnotationTry]; try != "2" {
				t.Errorf("the Job that completed is try %q, not the second", try)
			}
			mustTellOfBackup(t, ics, true)
			if policy == v1alpha1.DeletionDelete {
				mustBeRemoved(t, ics, before)
			} else {
				mustKeep(t, ics, before)
				mustRest(t, ics)
			}
		})
	}
	t.Run("not before its time", func(t *testing.T) {
		ics := declared(t, "SM3", v1alpha1.DeletionDelete)
		before := dataOf(t, ics)
		failed := time.Now().Add(-70 * time.Second).Truncate(time.Second)
		cluster.Fail(ics.TenantNamespace(), v1alpha1.ComponentBackup)
		cluster.FailOnce(ics.TenantNamespace(), v1alpha1.ComponentBackup, failed)
		remove(t, ics)
		said := ""
		eventually(t, func(g gomega.Gomega) {
			said = waitDeleting(t, ics, v1alpha1.ReasonFinalBackupFailed)
			g.Expect(said).To(gomega.ContainSubstring("at try 2"))
		})
		_, rest, _ := strings.Cut(said, "it is made again at ")
		text, _, _ := strings.Cut(rest, ",")
		next, err := time.Parse(time.RFC3339, text)
		must(t, err)
		job := finalJob(ics)
		must(t, get(t, job))
		if wait := next.Sub(job.CreationTimestamp.Time); wait < 2*time.Minute || wait > 3*time.Minute {
			t.Errorf("the third try begins %s after the second, want a little more than two minutes", wait)
		}
		mustKeep(t, ics, before)
		cluster.Release(ics.TenantNamespace(), v1alpha1.ComponentBackup)
		must(t, k8s.Delete(t.Context(), job, client.PropagationPolicy(metav1.DeletePropagationBackground))) // as kubectl does
		waitGone(t, ics)
		mustBeRemoved(t, ics, before)
	})
}
