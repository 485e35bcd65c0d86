package integratedcaresystem

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/health"
	"github.com/cmhf/operator/internal/stack"
)

// What is on its way may wait, and nothing else: that a system serves or no longer does, and what someone has to mend, is told at once.
func TestNewsThatMayWait(t *testing.T) {
	starting := func(stage stack.Stage) func(*scope) {
		return func(s *scope) { allUp(s); s.parts[stage] = part{exists: true, current: true} }
	}
	declaredAnew := func(then func(*scope)) func(*scope) {
		return func(s *scope) { s.ics.Generation++; then(s) }
	}
	failed := func(s *scope) {
		allUp(s)
		s.parts[stack.StageMigration] = part{exists: true, current: true, state: health.State{Failed: true}}
	}
	refused := func(s *scope) { allUp(s); s.refused = &refusal{reason: v1alpha1.ReasonApplyRefused, message: "no"} }
	counted := func(s *scope) { allUp(s); s.servicesCounted, s.total = true, 5 }
	for name, c := range map[string]struct {
		before, after func(*scope)
		want          bool
	}{
		"the first status":             {nil, starting(stack.StageDatabase), false},
		"the next part starts":         {starting(stack.StageDatabase), starting(stack.StageDashboard), true},
		"it serves":                    {starting(stack.StageDashboard), allUp, false},
		"it no longer serves":          {allUp, starting(stack.StageDatabase), false},
		"a change is on its way":       {allUp, declaredAnew(starting(stack.StageCoordinationAPI)), true},
		"a change serves":              {allUp, declaredAnew(allUp), false},
		"the namespace can be used":    {func(s *scope) { s.failure = errors.New("timeout") }, starting(stack.StageDatabase), false},
		"it was refused":               {starting(stack.StageDatabase), refused, false},
		"it is no longer refused":      {refused, starting(stack.StageDatabase), false},
		"a part failed":                {starting(stack.StageMigration), failed, false},
		"a part no longer fails":       {failed, starting(stack.StageMigration), false},
		"a call failed":                {starting(stack.StageDatabase), func(s *scope) { s.failure = errors.New("timeout") }, false},
		"it stops":                     {allUp, func(s *scope) { s.stopping = "stopping" }, false},
		"it was suspended":             {func(s *scope) { s.ics.Spec.Suspend = true }, func(s *scope) { s.ics.Spec.Suspend = false; allUp(s) }, false},
		"its services are counted":     {allUp, counted, true},
		"counted, and it was migrated": {allUp, func(s *scope) { counted(s); s.counted = time.Now() }, false},
	} {
		ics := &v1alpha1.IntegratedCareSystem{ObjectMeta: metav1.ObjectMeta{Name: "qop", Generation: 3}}
		if c.before != nil {
			before := newScope(ics)
			c.before(before)
			computeStatus(before)
			ics = before.ics
		}
		after := newScope(ics)
		c.after(after)
		computeStatus(after)
		if c.want != after.mayWait() {
			t.Errorf("%s: may wait is %t, want %t", name, after.mayWait(), c.want)
		}
	}
}

// A system that is being brought up comes before one that was declared earlier and is not begun.
func TestWhatIsBegunComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queue := priorityqueue.New[reconcile.Request]("begun")
		defer queue.ShutDown()
		child := func(name string) *v1alpha1.CoreCommunityService {
			return &v1alpha1.CoreCommunityService{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{v1alpha1.LabelICS: name}}}
		}
		named := func(name string) reconcile.Request {
			request := reconcile.Request{}
			request.Name = name
			return request
		}
		begun.Create(t.Context(), event.CreateEvent{Object: child("listed"), IsInInitialList: true}, queue)
		queue.Add(named("declared"))
		begun.Update(t.Context(), event.UpdateEvent{ObjectOld: child("begun"), ObjectNew: child("begun")}, queue)
		time.Sleep(2 * together)
		for _, want := range []string{"begun", "declared", "listed"} {
			got, shutdown := queue.Get()
			if shutdown || got != named(want) {
				t.Errorf("next is %s, want %s", got.Name, want)
			}
			queue.Done(got)
		}
	})
}
