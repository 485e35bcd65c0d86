package corecommunityservice

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/announce"
	"github.com/cmhf/operator/internal/directory"
)

// writeStatuses writes those that changed, and says for how long news are kept back that may wait; zero when there are none.
func (r *Reconciler) writeStatuses(ctx context.Context, services []v1alpha1.CoreCommunityService, found outcome) (keep time.Duration, failed error) {
	var registered []string
	for i := range services {
		service := &services[i]
		before := service.DeepCopy()
		computeStatus(service, found)
		name := client.ObjectKeyFromObject(service).String()
		if equality.Semantic.DeepEqual(before.Status, service.Status) {
			r.news.Told(name)
			continue
		}
		if mayWait(before, service) {
			if wait := r.news.Keep(name); wait > 0 {
				keep = min(cmp.Or(keep, wait), wait)
				continue
			}
		}
		r.news.Told(name)
		if err := r.Client.Status().Update(ctx, service); client.IgnoreNotFound(err) != nil {
			failed = errors.Join(failed, fmt.Errorf("writing the status of CoreCommunityService %s: %w", name, err))
			continue
		}
		if r.tell(before, service) {
			registered = append(registered, service.Name)
		}
	}
	if n := len(registered); n > 0 {
		if n > 5 { // there is room for a thousand characters
			registered = append(registered[:5], fmt.Sprintf("%d more", n-5))
		}
		r.Recorder.Eventf(found.ics, nil, corev1.EventTypeNormal, v1alpha1.ReasonRegistered, "Reconcile",
			"people can be referred to %s", strings.Join(registered, ", "))
	}
	return keep, failed
}

// mayWait says whether what changed may be kept back for a moment, because it is on its way to change again: that the API has yet to commit
// a declaration which is accepted.
func mayWait(before, after *v1alpha1.CoreCommunityService) bool {
	was, is := meta.FindStatusCondition(before.Status.Conditions, v1alpha1.ConditionReady), meta.FindStatusCondition(after.Status.Conditions, v1alpha1.ConditionReady)
	if meta.IsStatusConditionTrue(before.Status.Conditions, v1alpha1.ConditionStalled) || is.Reason != v1alpha1.ReasonWaitingForAPI {
		return false
	}
	return was == nil || was.Status != metav1.ConditionTrue || was.ObservedGeneration != is.ObservedGeneration
}

// tell makes an event of a change that is worth one, and says whether the service was registered: of those there is one event together.
func (r *Reconciler) tell(before, service *v1alpha1.CoreCommunityService) (registered bool) {
	was := meta.FindStatusCondition(before.Status.Conditions, v1alpha1.ConditionReady)
	ready := meta.FindStatusCondition(service.Status.Conditions, v1alpha1.ConditionReady)
	stalled := meta.IsStatusConditionTrue(service.Status.Conditions, v1alpha1.ConditionStalled)
	switch {
	case !announce.Worth(was, ready, stalled):
		return false
	case ready.Status == metav1.ConditionTrue:
		return true
	}
	kind := corev1.EventTypeNormal
	if stalled {
		kind = corev1.EventTypeWarning
	}
	r.Recorder.Eventf(service, nil, kind, ready.Reason, "Reconcile", "%s", ready.Message)
	return false
}

// computeStatus is pure: the service and what was found in, status out.
func computeStatus(service *v1alpha1.CoreCommunityService, found outcome) {
	service.Status.ObservedGeneration = service.Generation
	set := func(kind string, status metav1.ConditionStatus, reason, message string) {
		meta.SetStatusCondition(&service.Status.Conditions, metav1.Condition{
			Type: kind, Status: status, Reason: reason, Message: message, ObservedGeneration: service.Generation,
		})
	}
	judged := found.verdicts[service.Name]
	if found.namespaceRefused != nil {
		judged = *found.namespaceRefused
	}
	status := map[bool]metav1.ConditionStatus{true: metav1.ConditionTrue, false: metav1.ConditionFalse}
	set(v1alpha1.ConditionAccepted, status[judged.accepted], judged.reason, judged.message)

	registered := registration(service, judged, found)
	set(v1alpha1.ConditionRegistered, registered.Status, registered.Reason, registered.Message)

	// Only what no longer holds is removed: a condition that stays keeps the time since when it has been so.
	if judged.accepted {
		meta.RemoveStatusCondition(&service.Status.Conditions, v1alpha1.ConditionStalled)
	}
	if !judged.accepted || registered.Status == metav1.ConditionTrue {
		meta.RemoveStatusCondition(&service.Status.Conditions, v1alpha1.ConditionReconciling)
	}
	switch {
	case !judged.accepted:
		set(v1alpha1.ConditionReady, metav1.ConditionFalse, judged.reason, judged.message)
		set(v1alpha1.ConditionStalled, metav1.ConditionTrue, judged.reason, judged.message)
	case registered.Status != metav1.ConditionTrue:
		set(v1alpha1.ConditionReady, metav1.ConditionFalse, registered.Reason, registered.Message)
		set(v1alpha1.ConditionReconciling, metav1.ConditionTrue, registered.Reason, registered.Message)
	default:
		set(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonRegistered, "people can be referred to the service")
	}
}

// registration computes the Registered condition and keeps status.registered to what is known to be committed.
func registration(service *v1alpha1.CoreCommunityService, judged verdict, found outcome) metav1.Condition {
	known := &service.Status.Registered
	entry := entryOf(found.directory, service.Name)
	if found.committed != nil {
		digest, ok := found.committed.Services[service.Name]
		switch {
		case !ok:
			*known = nil
		case *known == nil || (*known).Digest != digest || (judged.accepted && entry != nil && entry.Digest() == digest):
			generation := service.Generation
			if !judged.accepted && *known != nil {
				generation = (*known).Generation
			}
			*known = &v1alpha1.Registration{Digest: digest, Generation: generation}
		}
	}
	current := *known != nil && entry != nil && (*known).Digest == entry.Digest() && entry.State == directory.StateOpen
	switch {
	case judged.accepted && current && (*known).Generation == service.Generation:
		return metav1.Condition{Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonRegistered, Message: "this generation is committed in the service directory"}
	case judged.accepted:
		return metav1.Condition{Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonWaitingForAPI, Message: waitingMessage(found)}
	case current:
		return metav1.Condition{Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonLastAccepted,
			Message: fmt.Sprintf("generation %d stays registered until this one is accepted", (*known).Generation)}
	default:
		return metav1.Condition{Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonNotRegistered, Message: "the service is not in the directory"}
	}
}

func waitingMessage(found outcome) string {
	if found.waiting == "" {
		return "waits for the coordination API to commit it"
	}
	return "waits for the coordination API to commit it: " + found.waiting
}

func entryOf(d directory.Directory, name string) *directory.Service {
	for i := range d.Services {
		if d.Services[i].Name == name {
			return &d.Services[i]
		}
	}
	return nil
}
