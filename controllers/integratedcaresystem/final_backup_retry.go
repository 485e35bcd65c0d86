package integratedcaresystem

import (
	"fmt"
	"strconv"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/health"
)

// A last backup that failed is made again without being asked, each time after twice as long: what was full or away may be back. It is
// never given up, because nothing is lost by another try and a deletion would wait for ever.
const (
	firstRetry = time.Minute
	lastRetry  = time.Hour
)

// retryDelay is how long after a try failed the next one begins.
func retryDelay(try int) time.Duration {
	delay := firstRetry
	for ; try > 1 && delay < lastRetry; try-- {
		delay *= 2
	}
	return min(delay, lastRetry)
}

// dueAgain says whether a Job failed so long ago that another takes its place.
func dueAgain(job *unstructured.Unstructured) bool {
	return job.GetDeletionTimestamp() == nil && health.Of(job).Failed && !time.Now().Before(nextTry(job))
}

// nextTry is when the Job that takes the place of a failed one is made.
func nextTry(job *unstructured.Unstructured) time.Time {
	failed := job.GetCreationTimestamp().Time
	conditions, _, _ := unstructured.NestedSlice(job.Object, "status", "conditions")
	for _, c := range conditions {
		condition, _ := c.(map[string]any)
		text, _ := condition["lastTransitionTime"].(string)
		if at, err := time.Parse(time.RFC3339, text); err == nil && condition["type"] == string(batchv1.JobFailed) {
			failed = at
		}
	}
	return failed.Add(retryDelay(tryOf(job)))
}

// finalBackupFailed says what failed, and when it is tried again.
func (s *scope) finalBackupFailed(job *unstructured.Unstructured, why string) *refusal {
	next := nextTry(job)
	return &refusal{v1alpha1.ReasonFinalBackupFailed, fmt.Sprintf(
		"the last backup failed at try %d (%s), so nothing was removed; its log says why: kubectl -n %[3]s logs job/%[4]s; it is made again at %[5]s, or at once when that Job is deleted: "+
			"kubectl -n %[3]s delete job %[4]s; %[6]s",
		tryOf(job), why, job.GetNamespace(), job.GetName(), next.UTC().Format(time.RFC3339), s.keepInstead()), max(time.Until(next), time.Second)}
}

// tryOf counts the Jobs of the last backup of one deletion, this one included.
func tryOf(job *unstructured.Unstructured) int {
	if try, err := strconv.Atoi(job.GetAnnotations()[v1alpha1.AnnotationTry]); err == nil && try > 1 {
		return try
	}
	return 1
}

func setTry(job *unstructured.Unstructured, try int) {
	annotations := job.GetAnnotations()
	annotations[v1alpha1.AnnotationTry] = strconv.Itoa(try)
	job.SetAnnotations(annotations)
}
