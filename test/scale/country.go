package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlconfig "sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/controllers"
	"github.com/cmhf/operator/controllers/integratedcaresystem"
	"github.com/cmhf/operator/internal/patience"
	"github.com/cmhf/operator/internal/stack"
	"github.com/cmhf/operator/internal/testkit/calls"
	"github.com/cmhf/operator/internal/testkit/stubtenants"
)

// bench has a user's client, a view of what the user sees, and an operator in this process.
type bench struct {
	options  options
	table    *table
	config   *rest.Config
	user     client.Client
	view     cache.Cache
	rest     rest.Interface
	tenants  *stubtenants.API
	recorder recorder
	counter  calls.Counter
	stop     func() error

	// prototype is the system whose writes the floor repeats.
	prototype *v1alpha1.IntegratedCareSystem
	// change are the writes that follow a change of one field.
	change []write
	// last are the systems of the last round.
	last []*v1alpha1.IntegratedCareSystem
	next int
}

func newBench(ctx context.Context, config *rest.Config, o options, t *table) (*bench, error) {
	scheme, err := controllers.Scheme()
	if err != nil {
		return nil, err
	}
	b := &bench{options: o, table: t, config: config, tenants: stubtenants.New()}
	if b.user, err = client.New(config, client.Options{Scheme: scheme}); err != nil {
		return nil, fmt.Errorf("making the user's client: %w", err)
	}
	// Nothing read from the view is changed, and copies would cost the operator processor time.
	if b.view, err = cache.New(config, cache.Options{Scheme: scheme, DefaultUnsafeDisableDeepCopy: new(true)}); err != nil {
		return nil, fmt.Errorf("making the user's view: %w", err)
	}
	for _, object := range []client.Object{&v1alpha1.IntegratedCareSystem{}, &v1alpha1.CoreCommunityService{}} {
		if _, err := b.view.GetInformer(ctx, object, cache.BlockUntilSynced(false)); err != nil {
			return nil, fmt.Errorf("making the user's view: %w", err)
		}
	}
	go func() { _ = b.view.Start(ctx) }()
	b.view.WaitForCacheSync(ctx)
	discover, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making the floor's client: %w", err)
	}
	b.rest = discover.RESTClient()
	return b, b.startOperator(ctx)
}

// startOperator runs it as cmd/manager wires it, and returns when it begins to reconcile.
func (b *bench) startOperator(ctx context.Context) error {
	scheme, err := controllers.Scheme()
	if err != nil {
		return err
	}
	cacheOptions, err := controllers.Cache()
	if err != nil {
		return err
	}
	skip := true
	manager, err := ctrl.NewManager(b.counter.Wrap(b.recorder.wrap(b.config)), ctrl.Options{
		Scheme: scheme, Cache: cacheOptions, Client: controllers.Client(), Metrics: server.Options{BindAddress: "0"},
		Controller: ctrlconfig.Controller{SkipNameValidation: &skip},
	})
	if err != nil {
		return fmt.Errorf("making the manager: %w", err)
	}
	if err := controllers.Setup(manager, settings(), b.tenants); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- manager.Start(ctx) }()
	b.stop = func() error { cancel(); return <-ended }
	if !manager.GetCache().WaitForCacheSync(ctx) {
		return fmt.Errorf("filling the operator's cache: %w", ctx.Err())
	}
	return nil
}

func settings() integratedcaresystem.Settings {
	return integratedcaresystem.Settings{
		Release:  "v0.0.0-scale",
		Images:   stack.Images{CoordinationAPI: "example/coordination-api:1", Dashboard: "example/dashboard:1", Postgres: "example/postgres:15"},
		Operator: stack.Operator{Namespace: "cmhf-system", ServiceAccount: "cmhf-operator"},

		DefaultEngine: stack.EngineStandalone, CloudNativePG: "cnpg-system",
	}
}

// systems gives n that were not declared before: two places, five neighbourhoods and as many services.
func (b *bench) systems(n int) []*v1alpha1.IntegratedCareSystem {
	made := make([]*v1alpha1.IntegratedCareSystem, n)
	for i := range made {
		b.next++
		made[i] = system(b.next)
	}
	return made
}

func system(n int) *v1alpha1.IntegratedCareSystem {
	ods := "Z" + strings.ToUpper(fmt.Sprintf("%04s", strconv.FormatInt(int64(n), 36)))
	ics := &v1alpha1.IntegratedCareSystem{
		ObjectMeta: metav1.ObjectMeta{Name: strings.ToLower(ods)},
		Spec: v1alpha1.IntegratedCareSystemSpec{
			ODSCode: ods, DisplayName: "System " + ods, Region: "NorthWest", Places: []v1alpha1.Place{{Name: "East"}, {Name: "West"}},
			Stack: v1alpha1.Stack{
				Authentication:  v1alpha1.Authentication{Issuer: "https://idp.example.org"},
				CoordinationAPI: v1alpha1.Program{URL: "https://api.example.org"},
				Dashboard:       v1alpha1.Program{URL: "https://dashboard.example.org"},
			},
		},
	}
	for i := range servicesPerSystem {
		ics.Spec.Neighbourhoods = append(ics.Spec.Neighbourhoods, v1alpha1.Neighbourhood{Name: fmt.Sprintf("Neighbourhood %d", i), Place: "East"})
	}
	return ics
}

// servicesPerSystem is what a system has on average.
const servicesPerSystem = 5

func services(ics *v1alpha1.IntegratedCareSystem) []*v1alpha1.CoreCommunityService {
	made := make([]*v1alpha1.CoreCommunityService, servicesPerSystem)
	for i := range made {
		made[i] = &v1alpha1.CoreCommunityService{
			ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: fmt.Sprintf("service-%d", i)},
			Spec: v1alpha1.CoreCommunityServiceSpec{
				DisplayName: fmt.Sprintf("Service %d", i), Place: "East", Neighbourhoods: []string{fmt.Sprintf("Neighbourhood %d", i)},
				LeadProvider: v1alpha1.Provider{ODSCode: "RXV", Name: "A provider"},
			},
		}
	}
	return made
}

// declare creates systems and, as soon as there is a namespace for them, their services.
func (b *bench) declare(ctx context.Context, systems []*v1alpha1.IntegratedCareSystem) error {
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for _, ics := range systems {
		group.Go(func() error { return b.user.Create(groupCtx, ics.DeepCopy()) })
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("declaring the systems: %w", err)
	}
	group, groupCtx = errgroup.WithContext(ctx)
	group.SetLimit(workers)
	waiting := slices.Clone(systems)
	err := until(groupCtx, "namespaces", func() (bool, error) {
		waiting = slices.DeleteFunc(waiting, func(ics *v1alpha1.IntegratedCareSystem) bool {
			if !b.condition(ctx, ics, v1alpha1.ConditionNamespaceReady) {
				return false
			}
			for _, service := range services(ics) {
				group.Go(func() error { return b.user.Create(groupCtx, service) })
			}
			return true
		})
		return len(waiting) == 0, nil
	})
	if err := cmp.Or(group.Wait(), err); err != nil {
		return fmt.Errorf("declaring the services: %w", err)
	}
	return nil
}

// condition is True for the generation that the view shows.
func (b *bench) condition(ctx context.Context, ics *v1alpha1.IntegratedCareSystem, kind string) bool {
	now := &v1alpha1.IntegratedCareSystem{}
	if err := b.view.Get(ctx, client.ObjectKeyFromObject(ics), now); err != nil || now.Generation < ics.Generation {
		return false
	}
	found := meta.FindStatusCondition(now.Status.Conditions, kind)
	return found != nil && found.Status == metav1.ConditionTrue && found.ObservedGeneration == now.Generation
}

// ready waits until every system and its services are. One that was is not looked at again: looking costs processor time, which the
// operator would lack.
func (b *bench) ready(ctx context.Context, systems []*v1alpha1.IntegratedCareSystem) error {
	done := 0
	return until(ctx, "systems and services", func() (bool, error) {
		for ; done < len(systems); done++ {
			ics := systems[done]
			if !b.condition(ctx, ics, v1alpha1.ConditionReady) {
				return false, nil
			}
			list := &v1alpha1.CoreCommunityServiceList{}
			if err := b.view.List(ctx, list, client.InNamespace(ics.TenantNamespace())); err != nil {
				return false, fmt.Errorf("reading the services: %w", err)
			}
			if len(list.Items) < servicesPerSystem {
				return false, nil
			}
			for _, service := range list.Items {
				if !meta.IsStatusConditionTrue(service.Status.Conditions, v1alpha1.ConditionReady) || service.Status.ObservedGeneration != service.Generation {
					return false, nil
				}
			}
		}
		return true, nil
	})
}

// tooLong is more than 360 systems take on a slow machine.
const tooLong = 10 * time.Minute

// until polls a view in memory.
func until(ctx context.Context, what string, reached func() (bool, error)) error {
	deadline := time.Now().Add(tooLong)
	for {
		done, err := reached()
		if done || err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("waiting for %s: not there after %s", what, tooLong)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// settle waits until the operator has made no call for longer than it keeps back any, and returns how long its last call is ago.
func (b *bench) settle(ctx context.Context) (made []calls.Call, idle time.Duration, err error) {
	last := time.Now()
	err = until(ctx, "the end of calls", func() (bool, error) {
		if now := b.counter.Take(); len(now) > 0 {
			made, last = append(made, now...), time.Now()
		}
		return time.Since(last) > patience.Hold+time.Second, nil
	})
	return made, time.Since(last), err
}
