package main

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/cmhf/operator/internal/testkit/calls"
	"github.com/cmhf/operator/internal/testkit/controlplane"
	"github.com/cmhf/operator/internal/testkit/logcheck"
	"github.com/cmhf/operator/internal/testkit/stubcluster"
)

// A country that is as declared is left alone: nothing is written while nothing changes, nor by an operator that starts over it; what
// an operator leaves behind when it stops is nothing, and no error is logged on the way.
func TestCountryIsQuiet(t *testing.T) {
	logged := &logcheck.Errors{}
	ctrl.SetLogger(logged.Logger())
	klog.SetLogger(logged.Logger())
	config, stop, err := controlplane.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	if _, err := stubcluster.Start(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	b, err := newBench(t.Context(), config, options{systems: 36}, &table{})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.bringUp(t.Context(), b.systems(36)); err != nil {
		t.Fatal(err)
	}
	nothingWritten := func(when string, made []calls.Call) {
		t.Helper()
		for _, call := range made {
			if call.Writes() {
				t.Errorf("written %s: %s", when, call)
			}
		}
	}
	time.Sleep(5 * time.Second) // a quiet window: its length is what is being shown
	nothingWritten("in a quiet window", b.counter.Take())
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	before := goleak.IgnoreCurrent()
	// The wrapper that controller-runtime puts around a watch of metadata hangs on the event that comes while it is stopped.
	hanging := goleak.IgnoreTopFunction("k8s.io/apimachinery/pkg/watch.(*filteredWatch).loop")
	if err := b.startOperator(t.Context()); err != nil {
		t.Fatal(err)
	}
	var made []calls.Call
	if err := until(t.Context(), "the look at every system", func() (bool, error) {
		made = append(made, b.counter.Take()...)
		return calls.Summary(made)["dry-run"] >= 36, nil
	}); err != nil {
		t.Fatal(err)
	}
	more, _, err := b.settle(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	nothingWritten("after a restart", append(made, more...))
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	if err := goleak.Find(before, hanging); err != nil {
		t.Errorf("the operator left goroutines: %v", err)
	}
	if lines := logged.Take(); len(lines) > 0 {
		t.Errorf("errors were logged without a fault:\n%s", strings.Join(lines, "\n"))
	}
}
