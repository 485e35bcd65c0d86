package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/testkit/calls"
)

// learn lets the operator bring up one system and keeps its writes, and those of the user, for the floor.
func (b *bench) learn(ctx context.Context) (creation, change []write, err error) {
	b.prototype = b.systems(1)[0]
	if err := b.bringUp(ctx, []*v1alpha1.IntegratedCareSystem{b.prototype}); err != nil {
		return nil, nil, err
	}
	b.recorder.take() // the first one came up with informers still filling
	b.prototype = b.systems(1)[0]
	if err := b.bringUp(ctx, []*v1alpha1.IntegratedCareSystem{b.prototype}); err != nil {
		return nil, nil, err
	}
	creation = needed(b.recorder.take())
	for _, service := range services(b.prototype) {
		body, err := json.Marshal(service)
		if err != nil {
			return nil, nil, fmt.Errorf("encoding a service: %w", err)
		}
		creation = append(creation, write{method: http.MethodPost, contentType: "application/json", body: withKind(body),
			path: "/apis/cmhf.health/v1alpha1/namespaces/" + service.Namespace + "/corecommunityservices"})
	}
	if err := b.rename(ctx, []*v1alpha1.IntegratedCareSystem{b.prototype}); err != nil {
		return nil, nil, err
	}
	if _, _, err := b.settle(ctx); err != nil {
		return nil, nil, err
	}
	return creation, needed(b.recorder.take()), nil
}

// withKind names the type that the API server needs and a typed object leaves out.
func withKind(body []byte) []byte {
	return append([]byte(`{"apiVersion":"cmhf.health/v1alpha1","kind":"CoreCommunityService",`), body[1:]...)
}

func (b *bench) bringUp(ctx context.Context, systems []*v1alpha1.IntegratedCareSystem) error {
	if err := b.declare(ctx, systems); err != nil {
		return err
	}
	if err := b.ready(ctx, systems); err != nil {
		return err
	}
	_, _, err := b.settle(ctx)
	return err
}

// coldCreate: S1. A round declares a country and waits for it; the floor declares one that no operator sees.
func (b *bench) coldCreate(ctx context.Context) error {
	creation, change, err := b.learn(ctx)
	if err != nil {
		return err
	}
	var operator, bare []time.Duration
	var used, usedBare []processor
	var writes int
	for range b.options.rounds {
		if err := b.stop(); err != nil {
			return err
		}
		before, err := processorTime()
		if err != nil {
			return err
		}
		systems := b.systems(b.options.systems)
		began := time.Now()
		if err := b.floorOfCreation(ctx, creation, systems); err != nil {
			return err
		}
		bare = append(bare, time.Since(began))
		if usedBare, err = before.note(usedBare); err != nil {
			return err
		}
		if err := b.takeAway(ctx, systems); err != nil {
			return err
		}
		if err := b.startOperator(ctx); err != nil {
			return err
		}
		// A look at what earlier rounds left is not what is measured.
		if _, _, err := b.settle(ctx); err != nil {
			return err
		}
		b.recorder.take()
		b.last = b.systems(b.options.systems)
		endProfile, err := b.options.profileTo()
		if err != nil {
			return err
		}
		if before, err = processorTime(); err != nil {
			return err
		}
		began = time.Now()
		if err := b.declare(ctx, b.last); err != nil {
			return err
		}
		if err := b.ready(ctx, b.last); err != nil {
			return err
		}
		operator = append(operator, time.Since(began))
		if used, err = before.note(used); err != nil {
			return err
		}
		endProfile()
		if _, _, err := b.settle(ctx); err != nil {
			return err
		}
		writes = len(b.recorder.take())
	}
	b.table.add("S1 cold create", "wall / floor", ratio(operator, bare), "", "<= 1.3")
	b.table.add("S1 cold create", "wall", quantile(operator, 0.5).Seconds(), "s", "")
	b.table.add("S1 cold create", "floor", quantile(bare, 0.5).Seconds(), "s", "")
	b.table.add("S1 cold create", "processor / floor's", median(used, processor.all)/median(usedBare, processor.all), "", "")
	b.table.add("S1 cold create", "processor, operator and stub", median(used, processor.own), "s", "")
	b.table.add("S1 cold create", "processor, control plane", median(used, processor.other), "s", "")
	b.table.add("S1 cold create", "processor of the floor, loop and stub", median(usedBare, processor.own), "s", "")
	b.table.add("S1 cold create", "processor of the floor, control plane", median(usedBare, processor.other), "s", "")
	b.table.add("S1 cold create", "writes of the operator", float64(writes), "", "")
	b.table.add("S1 cold create", "writes of the floor", float64(len(creation)-servicesPerSystem)*float64(b.options.systems), "", "")
	b.change = change
	return nil
}

// floorOfCreation makes a country by hand.
func (b *bench) floorOfCreation(ctx context.Context, creation []write, systems []*v1alpha1.IntegratedCareSystem) error {
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for _, ics := range systems {
		group.Go(func() error { return b.user.Create(groupCtx, ics.DeepCopy()) })
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("declaring the floor's systems: %w", err)
	}
	return floor(ctx, b.rest, b.prototype.Name, creation, systems, &versions{}, creationRank)
}

// takeAway takes the floor's country from the operator's sight: without the resources nothing of it is the operator's to look after.
func (b *bench) takeAway(ctx context.Context, systems []*v1alpha1.IntegratedCareSystem) error {
	for _, ics := range systems {
		if err := b.user.DeleteAllOf(ctx, &v1alpha1.CoreCommunityService{}, client.InNamespace(ics.TenantNamespace())); err != nil {
			return fmt.Errorf("taking the floor's services away: %w", err)
		}
		patch := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`))
		if err := b.user.Patch(ctx, ics, patch); err != nil {
			return fmt.Errorf("taking the floor's systems away: %w", err)
		}
		if err := b.user.Delete(ctx, ics); err != nil {
			return fmt.Errorf("taking the floor's systems away: %w", err)
		}
	}
	return nil
}

func ratio(of, to []time.Duration) float64 {
	return quantile(of, 0.5).Seconds() / quantile(to, 0.5).Seconds()
}

// rename changes one field of every system and waits for it to run.
func (b *bench) rename(ctx context.Context, systems []*v1alpha1.IntegratedCareSystem) error {
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	patch := fmt.Appendf(nil, `{"spec":{"displayName":"System %d"}}`, rand.Int())
	for _, ics := range systems {
		group.Go(func() error { return b.user.Patch(groupCtx, ics, client.RawPatch(types.MergePatchType, patch)) })
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("changing a field: %w", err)
	}
	return b.ready(ctx, systems)
}

// versions are those of the services of the last round, which an operator has in its cache.
func (b *bench) versions(ctx context.Context) (*versions, error) {
	known := &versions{}
	services := &v1alpha1.CoreCommunityServiceList{}
	if err := b.view.List(ctx, services); err != nil {
		return nil, fmt.Errorf("reading the services: %w", err)
	}
	for i := range services.Items {
		known.set(pathOf(&services.Items[i]), services.Items[i].ResourceVersion)
	}
	return known, nil
}

// oneField: S3. The floor makes again those of the writes that any operator must make, while no operator runs.
func (b *bench) oneField(ctx context.Context) error {
	var operator, bare []time.Duration
	for range b.options.rounds {
		began := time.Now()
		if err := b.rename(ctx, b.last); err != nil {
			return err
		}
		operator = append(operator, time.Since(began))
		if _, _, err := b.settle(ctx); err != nil {
			return err
		}
		if err := b.stop(); err != nil {
			return err
		}
		known, err := b.versions(ctx)
		if err != nil {
			return err
		}
		began = time.Now()
		group, groupCtx := errgroup.WithContext(ctx)
		group.SetLimit(workers)
		for _, ics := range b.last {
			patch := client.RawPatch(types.MergePatchType, fmt.Appendf(nil, `{"spec":{"displayName":"System %d"}}`, rand.Int()))
			group.Go(func() error {
				renamed := ics.DeepCopy()
				err := b.user.Patch(groupCtx, renamed, patch)
				known.set(pathOf(renamed), renamed.ResourceVersion)
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return fmt.Errorf("changing a field for the floor: %w", err)
		}
		if err := floor(ctx, b.rest, b.prototype.Name, b.change, b.last, known, anyRank); err != nil {
			return err
		}
		bare = append(bare, time.Since(began))
		if err := b.startOperator(ctx); err != nil {
			return err
		}
		if err := b.rename(ctx, b.last); err != nil {
			return err
		}
		if _, _, err := b.settle(ctx); err != nil {
			return err
		}
	}
	b.table.add("S3 one field of every ICS", "wall / floor", ratio(operator, bare), "", "<= 1.5")
	b.table.add("S3 one field of every ICS", "wall", quantile(operator, 0.5).Seconds(), "s", "")
	return nil
}

// quiet: S2.
func (b *bench) quiet(ctx context.Context) error {
	if _, _, err := b.settle(ctx); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(b.options.quiet):
	}
	made := b.counter.Take()
	b.table.add("S2 quiet window of "+b.options.quiet.String(), "writes", float64(written(made)), "", "0")
	b.table.add("S2 quiet window of "+b.options.quiet.String(), "calls", float64(len(made))/b.options.quiet.Seconds(), "/s", "< 1 /s")
	return nil
}

func written(made []calls.Call) (n int) {
	for _, call := range made {
		if call.Writes() {
			n++
		}
	}
	return n
}

// drifting are kinds that someone may change without anything else happening for it.
var drifting = []schema.GroupVersionKind{
	{Version: "v1", Kind: "ConfigMap"}, {Version: "v1", Kind: "Service"}, {Version: "v1", Kind: "ServiceAccount"},
	{Group: "networking.k8s.io", Version: "v1", Kind: "NetworkPolicy"}, {Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "RoleBinding"},
	{Group: "apps", Version: "v1", Kind: "Deployment"},
}

// drift: S4. A label of ours is changed in a hundred objects, eight at a time, and each is watched until it is back.
func (b *bench) drift(ctx context.Context) error {
	const label = "app.kubernetes.io/part-of"
	var objects []unstructured.Unstructured
	for _, kind := range drifting {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(kind)
		if err := b.user.List(ctx, list, client.HasLabels{v1alpha1.LabelICS, label}); err != nil {
			return fmt.Errorf("listing what may drift: %w", err)
		}
		for _, object := range list.Items {
			for _, ics := range b.last {
				if object.GetNamespace() == ics.TenantNamespace() {
					objects = append(objects, object)
				}
			}
		}
	}
	rand.Shuffle(len(objects), func(i, j int) { objects[i], objects[j] = objects[j], objects[i] })
	if len(objects) < 100 {
		return fmt.Errorf("only %d objects with label %s can drift", len(objects), label)
	}
	var mu sync.Mutex
	var taken []time.Duration
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for _, object := range objects[:100] {
		group.Go(func() error {
			was := object.GetLabels()[label]
			began := time.Now()
			patch := fmt.Appendf(nil, `{"metadata":{"labels":{%q:"changed"}}}`, label)
			if err := b.user.Patch(ctx, &object, client.RawPatch(types.MergePatchType, patch), client.FieldOwner("someone-else")); err != nil {
				return fmt.Errorf("changing an object: %w", err)
			}
			err := until(ctx, "a repair", func() (bool, error) {
				err := b.user.Get(ctx, client.ObjectKeyFromObject(&object), &object)
				return object.GetLabels()[label] == was, err
			})
			mu.Lock()
			defer mu.Unlock()
			taken = append(taken, time.Since(began))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	b.table.add("S4 drift in 100 objects", "repair p50", quantile(taken, 0.5).Seconds(), "s", "< 0.2 s")
	b.table.add("S4 drift in 100 objects", "repair p99", quantile(taken, 0.99).Seconds(), "s", "< 1 s")
	return nil
}

// restart: S5. Idle is the moment of the last call.
func (b *bench) restart(ctx context.Context) error {
	if _, _, err := b.settle(ctx); err != nil {
		return err
	}
	if err := b.stop(); err != nil {
		return err
	}
	b.counter.Take()
	began := time.Now()
	if err := b.startOperator(ctx); err != nil {
		return err
	}
	systems := b.options.rounds*b.options.systems + 2
	var first []calls.Call
	if err := until(ctx, "the first call", func() (bool, error) {
		first = b.counter.Take()
		return len(first) > 0, nil
	}); err != nil {
		return err
	}
	made, idle, err := b.settle(ctx)
	if err != nil {
		return err
	}
	made = append(made, first...)
	scenario := fmt.Sprintf("S5 restart over %d ICSs", systems)
	for _, call := range made {
		if call.Writes() {
			fmt.Fprintln(os.Stderr, "written at the restart:", call)
		}
	}
	b.table.add(scenario, "writes", float64(written(made)), "", "0")
	b.table.add(scenario, "time to idle", (time.Since(began) - idle).Seconds(), "s", "< 5 s for 36")
	return b.stop()
}
