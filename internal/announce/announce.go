// Package announce decides which changes of a resource's readiness are told as events. It writes none.
package announce

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Worth says whether a change of the condition Ready is worth an event: it became True, ceased to be, or there is something to mend.
// What comes up on the way is in the conditions. was is nil for a resource without one.
func Worth(was, is *metav1.Condition, stalled bool) bool {
	changed := was == nil || was.Status != is.Status || was.Reason != is.Reason
	ready := is.Status == metav1.ConditionTrue || was != nil && was.Status == metav1.ConditionTrue
	return changed && (ready || stalled)
}
