// Package oracle judges what an operator did while a test did something to it or to its systems. It writes down every version of every
// object of every system in the order in which the API server made them, by the API server's own word and not by any controller's, and
// says afterwards which promises were broken on the way, however briefly:
//
//   - truthful: whenever a system came to say that it is Ready in its present generation, its objects were as that generation
//     renders, and none was left of an earlier render but those that hold data;
//   - data-safe: no namespace, volume claim, database or Secret went, but what a confirmed deletion with the policy Delete removes once a
//     last backup is verified, and the Secrets that a rotation has retired and nothing is made with any more;
//   - the spec is the user's: the operator owned no field of any spec.
//
// What the test itself deletes is nobody's fault (see Asked), and a test that breaks a promise by its own hand says so (see Expect).
// A Comparison asks besides, for some systems, what applying them would change. Both only look. That nothing is written in a
// steady state, and how much is asked, is counted in the connection (see package calls); the log is listened to by package logcheck.
package oracle

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/stack"
)

// Inputs gives what a system's stack is rendered from.
type Inputs func(context.Context, client.Client, *v1alpha1.IntegratedCareSystem) (stack.Inputs, error)

// Promise is one that the oracle judges.
type Promise string

const (
	Truthful    Promise = "truthful"
	DataSafe    Promise = "data-safe"
	SpecIsUsers Promise = "the spec is the user's"
)

// Oracle writes down what happens to all systems.
type Oracle struct {
	client   client.WithWatch
	renderer *stack.Renderer

	mu       sync.Mutex
	events   map[string][]Event
	lost     []string
	asked    map[types.UID]bool
	expected map[string][]Promise
	releases []release
}

// release is what an operator renders with from a revision on.
type release struct {
	from   uint64
	inputs Inputs
}

// kinds are those that are always served; a test that serves others lets them be followed too.
var kinds = append([]schema.GroupVersionKind{
	v1alpha1.GroupVersion.WithKind("IntegratedCareSystem"), v1alpha1.GroupVersion.WithKind("CoreCommunityService"), secretKind,
}, stack.Kinds...)

// Watch begins before the first system exists and goes on until the context ends.
func Watch(ctx context.Context, config *rest.Config, scheme *runtime.Scheme) (*Oracle, error) {
	direct, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("making the oracle's client: %w", err)
	}
	o := &Oracle{
		client: direct, renderer: stack.NewRenderer(), events: map[string][]Event{}, asked: map[types.UID]bool{}, expected: map[string][]Promise{},
	}
	for _, kind := range kinds {
		if err := o.Follow(ctx, kind); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// Operates notes that from now on an operator is at work that renders from these inputs.
func (o *Oracle) Operates(ctx context.Context, inputs Inputs) error {
	now, err := o.revision(ctx)
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.releases = append(o.releases, release{now, inputs})
	return nil
}

// Asked notes that the test itself has deleted an object.
func (o *Oracle) Asked(object types.UID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked[object] = true
}

// Expect notes that a test breaks a promise by its own hand.
func (o *Oracle) Expect(system string, promise Promise) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.expected[system] = append(o.expected[system], promise)
}

// late is how much time a watch is given to tell what the API server has already done.
const late = time.Second

// Broken lists the promises that were broken to a system so far, and not by the test itself.
func (o *Oracle) Broken(ctx context.Context, system string) []string {
	broken := o.judge(ctx, system)
	if len(broken) > 0 {
		time.Sleep(late) // an event that a watch has not brought yet may explain it
		broken = o.judge(ctx, system)
	}
	return broken
}

// AllBroken does so for every system that there was, and lists where the watches missed something.
func (o *Oracle) AllBroken(ctx context.Context) []string {
	o.mu.Lock()
	broken := slices.Clone(o.lost)
	var systems []string
	for system := range o.events {
		systems = append(systems, system)
	}
	o.mu.Unlock()
	slices.Sort(systems)
	for _, system := range systems {
		for _, promise := range o.Broken(ctx, system) {
			broken = append(broken, system+": "+promise)
		}
	}
	return broken
}

func (o *Oracle) judge(ctx context.Context, system string) []string {
	o.mu.Lock()
	log := inOrder(o.events[system])
	asked := make(map[types.UID]bool, len(o.asked))
	for uid := range o.asked {
		asked[uid] = true
	}
	expected, releases := slices.Clone(o.expected[system]), slices.Clone(o.releases)
	o.mu.Unlock()
	var broken []string
	for promise, judged := range map[Promise]func() []string{
		Truthful:    func() []string { return o.untruths(ctx, log, releases) },
		DataSafe:    func() []string { return losses(log, asked) },
		SpecIsUsers: func() []string { return trespasses(log) },
	} {
		if !slices.Contains(expected, promise) {
			broken = append(broken, judged()...)
		}
	}
	slices.Sort(broken)
	return broken
}

// systemOf names the system that an object belongs to, empty when none.
func systemOf(object client.Object, kind schema.GroupVersionKind) string {
	if kind.Kind == "IntegratedCareSystem" {
		return object.GetName()
	}
	if name := object.GetLabels()[v1alpha1.LabelICS]; name != "" {
		return name
	}
	namespace := object.GetNamespace()
	if kind.Kind == "Namespace" {
		namespace = object.GetName()
	}
	name, of := strings.CutPrefix(namespace, v1alpha1.NamespacePrefix)
	if !of {
		return ""
	}
	return name
}
