package integratedcaresystem

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/health"
	"github.com/cmhf/operator/internal/stack"
)

func up() part { return part{exists: true, current: true, state: health.State{Ready: true}} }

func allUp(s *scope) {
	s.namespaceApplied = true
	for stage := stack.StageDatabase; stage <= stack.StageDashboard; stage++ {
		s.parts[stage] = up()
	}
}

// Seeing the same again changes nothing in the status, in whatever state the tenant is, so that nothing is written.
func TestStatusSettles(t *testing.T) {
	for name, set := range map[string]func(*scope){
		"ready":    allUp,
		"new":      func(*scope) {},
		"refused":  func(s *scope) { s.refused = &refusal{reason: v1alpha1.ReasonNamespaceConflict, message: "taken"} },
		"failing":  func(s *scope) { s.failure = errors.New("timeout") },
		"starting": func(s *scope) { allUp(s); s.parts[stack.StageDashboard] = part{exists: true, current: true} },
		"stalled": func(s *scope) {
			allUp(s)
			s.parts[stack.StageMigration] = part{exists: true, current: true, state: health.State{Failed: true}}
		},
		"read-only":  func(s *scope) { allUp(s); s.inputs.ReadOnly = true },
		"hibernated": func(s *scope) { allUp(s); s.inputs.Hibernated = true },
		"stopping":   func(s *scope) { s.stopping = "stopping" },
		"suspended":  func(s *scope) { s.ics.Spec.Suspend = true },
	} {
		t.Run(name, func(t *testing.T) {
			ics := &v1alpha1.IntegratedCareSystem{ObjectMeta: metav1.ObjectMeta{Name: "qop", Generation: 3}}
			first := newScope(ics)
			set(first)
			computeStatus(first)
			for i := range first.ics.Status.Conditions { // as if it had been a while ago
				first.ics.Status.Conditions[i].LastTransitionTime = metav1.NewTime(time.Now().Add(-time.Hour))
			}
			again := newScope(first.ics)
			set(again)
			computeStatus(again)
			if diff := cmp.Diff(first.ics.Status, again.ics.Status); diff != "" {
				t.Errorf("the second look changed the status:\n%s", diff)
			}
		})
	}
}

// Of several refusals that everything else goes on without the first gives the reason, all are told of once, and it is looked again as
// soon as one of them asks for it.
func TestRefusalsAreToldTogether(t *testing.T) {
	s := newScope(&v1alpha1.IntegratedCareSystem{})
	for _, problem := range []*refusal{
		{v1alpha1.ReasonEngineChange, "another engine", 0}, {v1alpha1.ReasonSecretMissing, "no certificate", lookAgain}, {v1alpha1.ReasonSecretMissing, "no certificate", lookAgain},
	} {
		s.goOnWithout(problem)
	}
	if got, want := *s.refused, (refusal{v1alpha1.ReasonEngineChange, "another engine; no certificate", lookAgain}); got != want {
		t.Errorf("told is %+v, want %+v", got, want)
	}
}

// A call that failed before the parts were looked at says nothing about them.
func TestFailureLeavesThePartsAlone(t *testing.T) {
	ready := newScope(&v1alpha1.IntegratedCareSystem{ObjectMeta: metav1.ObjectMeta{Name: "qop", Generation: 3}})
	allUp(ready)
	computeStatus(ready)
	failing := newScope(ready.ics)
	failing.failure = errors.New("the API server does not answer")
	computeStatus(failing)
	for _, kind := range []string{v1alpha1.ConditionNamespaceReady, v1alpha1.ConditionDatabaseReady, v1alpha1.ConditionCoordinationAPIReady, v1alpha1.ConditionDashboardReady, v1alpha1.ConditionReady} {
		if !meta.IsStatusConditionTrue(failing.ics.Status.Conditions, kind) {
			t.Errorf("%s is no longer True", kind)
		}
	}
	if !meta.IsStatusConditionTrue(failing.ics.Status.Conditions, v1alpha1.ConditionReconciling) {
		t.Error("Reconciling does not tell of it")
	}
	// For a generation that was never reached, Ready is not True.
	failing.ics.Generation = 4
	next := newScope(failing.ics)
	next.failure = errors.New("the API server does not answer")
	computeStatus(next)
	if meta.IsStatusConditionTrue(next.ics.Status.Conditions, v1alpha1.ConditionReady) {
		t.Error("Ready is True for a generation that was never applied")
	}
}
