// Scale measures the operator on a country: 36 integrated care systems with five services each, on a real etcd and kube-apiserver with
// a stub where a cluster's controllers would be. Figures that depend on the machine are given as ratios to a floor taken in the
// same run: a bare loop of client-go with eight workers that makes those of the writes that any operator must make.
//
// It prints a table and compares it with the ranges of earlier runs in ranges.json; -update widens them. It is no test: nothing
// fails when a figure is worse, a person reads it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/cmhf/operator/internal/testkit/controlplane"
	"github.com/cmhf/operator/internal/testkit/stubcluster"
)

type options struct {
	systems, rounds int
	quiet           time.Duration
	country, memory bool
	large           int
	ranges          string
	update          bool
	profile         string
}

// profileTo takes a processor profile of a cold creation, where one is asked for; the last round's stays.
func (o options) profileTo() (end func(), err error) {
	if o.profile == "" {
		return func() {}, nil
	}
	file, err := os.Create(o.profile)
	if err != nil {
		return nil, fmt.Errorf("making the profile: %w", err)
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, fmt.Errorf("starting the profile: %w", err)
	}
	return func() { pprof.StopCPUProfile(); _ = file.Close() }, nil
}

func main() {
	var o options
	flag.IntVar(&o.systems, "systems", 36, "integrated care systems in a country")
	flag.IntVar(&o.rounds, "rounds", 3, "how often what is compared with the floor is measured; the median counts")
	flag.DurationVar(&o.quiet, "quiet", time.Minute, "length of the quiet window")
	flag.BoolVar(&o.country, "country", true, "measure what is compared with the floor")
	flag.BoolVar(&o.memory, "memory", true, "measure the memory of the real manager too")
	flag.IntVar(&o.large, "large", 360, "integrated care systems of the large measurement of memory")
	flag.StringVar(&o.ranges, "ranges", "test/scale/ranges.json", "file with the ranges of earlier runs")
	flag.BoolVar(&o.update, "update", false, "widen the ranges by this run")
	flag.StringVar(&o.profile, "profile", "", "file for a processor profile of a cold creation, for go tool pprof")
	only := flag.Bool("render", false, "render the list of systems on the standard input and print what it took")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	run := func() error { return measure(ctx, o) }
	if *only {
		run = func() error { return render(os.Stdin, os.Stdout) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, o options) (err error) {
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	t := &table{}
	if o.country {
		if err := country(ctx, o, t); err != nil {
			return err
		}
	}
	if o.memory {
		for _, systems := range []int{o.systems, o.large} {
			if err := memory(ctx, systems, t); err != nil {
				return err
			}
		}
	}
	return t.print(os.Stdout, o.ranges, o.update)
}

// country measures what is compared with the floor, on one control plane.
func country(ctx context.Context, o options, t *table) (err error) {
	config, stop, err := controlplane.Start()
	if err != nil {
		return err
	}
	defer func() {
		if stopErr := stop(); err == nil {
			err = stopErr
		}
	}()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if _, err := stubcluster.Start(ctx, config); err != nil {
		return err
	}
	b, err := newBench(ctx, config, o, t)
	if err != nil {
		return err
	}
	for _, scenario := range []func(context.Context) error{b.coldCreate, b.renderCost, b.oneField, b.quiet, b.drift, b.restart} {
		if err := scenario(ctx); err != nil {
			return err
		}
	}
	return nil
}
