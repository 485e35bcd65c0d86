// Package apiserver knows where the API server of Kubernetes is, as pods see it. Its duty: from what the API server itself keeps in namespace
// default, the addresses of Service kubernetes and of those who serve it, each with its port. Network policies are given both, because some
// that enforce them see where a pod meant to go and some where the Service led it.
//
// It reads these two objects by name and no others, and it writes nothing.
package apiserver

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/cmhf/operator/internal/stack"
)

// The Service of the API server, and the EndpointSlice of the same name.
const (
	namespace = metav1.NamespaceDefault
	name      = "kubernetes"
)

// stays is how long an address counts after it is gone: an API server that restarts takes its own out and puts it back, and whoever
// talks to it again should not have to wait for a policy.
const stays = 10 * time.Minute

// Watcher follows the addresses.
type Watcher struct {
	cache.Cache

	mu sync.Mutex
	// now are the places that were there last; gone, until when others still count.
	now  map[place]bool
	gone map[place]time.Time
}

// place is where the API server answers.
type place struct {
	cidr string
	port int64
}

// Follow adds a watcher to a manager.
func Follow(manager ctrl.Manager) (*Watcher, error) {
	own, err := cache.New(manager.GetConfig(), cache.Options{
		HTTPClient: manager.GetHTTPClient(), Scheme: manager.GetScheme(), Mapper: manager.GetRESTMapper(),
		DefaultNamespaces:           map[string]cache.Config{namespace: {FieldSelector: fields.OneTermEqualSelector("metadata.name", name)}},
		DefaultTransform:            cache.TransformStripManagedFields(),
		ReaderFailOnMissingInformer: true,
	})
	if err != nil {
		return nil, fmt.Errorf("making a cache for the addresses of the API server: %w", err)
	}
	w := &Watcher{Cache: own}
	if err := manager.Add(w); err != nil {
		return nil, fmt.Errorf("adding the watch for the addresses of the API server: %w", err)
	}
	return w, nil
}

// GetCache has the manager fill the cache before it starts what reads from it.
func (w *Watcher) GetCache() cache.Cache { return w.Cache }

// Sources wake a controller when an address may have changed; concerned says for whom.
func (w *Watcher) Sources(concerned func(context.Context) []reconcile.Request) []source.Source {
	return []source.Source{
		source.Kind(w.Cache, &corev1.Service{}, handler.TypedEnqueueRequestsFromMapFunc(
			func(ctx context.Context, _ *corev1.Service) []reconcile.Request { return concerned(ctx) })),
		source.Kind(w.Cache, &discoveryv1.EndpointSlice{}, handler.TypedEnqueueRequestsFromMapFunc(
			func(ctx context.Context, _ *discoveryv1.EndpointSlice) []reconcile.Request { return concerned(ctx) })),
	}
}

// Addresses gives where the API server is, nothing when that is not known, and when to ask again although no watch tells of
// anything; zero when that is not needed.
func (w *Watcher) Addresses(ctx context.Context) ([]stack.Addresses, time.Duration, error) {
	found, err := places(ctx, w.Cache)
	if err != nil {
		return nil, 0, err
	}
	all, again := w.remember(found, time.Now())
	return grouped(all), again, nil
}

// places reads where the API server is now.
func places(ctx context.Context, reader client.Reader) (map[place]bool, error) {
	key := client.ObjectKey{Namespace: namespace, Name: name}
	service, slice := &corev1.Service{}, &discoveryv1.EndpointSlice{}
	for _, object := range []client.Object{service, slice} {
		if err := reader.Get(ctx, key, object); client.IgnoreNotFound(err) != nil {
			return nil, fmt.Errorf("reading the addresses of the API server: %w", err)
		}
	}
	found := map[place]bool{}
	add := func(address string, port int32) {
		if parsed, err := netip.ParseAddr(address); err == nil {
			found[place{netip.PrefixFrom(parsed, parsed.BitLen()).String(), int64(port)}] = true
		}
	}
	for _, endpoint := range slice.Endpoints {
		for _, address := range endpoint.Addresses {
			for _, port := range slice.Ports {
				if port.Port != nil {
					add(address, *port.Port)
				}
			}
		}
	}
	for _, address := range service.Spec.ClusterIPs {
		for _, port := range service.Spec.Ports {
			add(address, port.Port)
		}
	}
	return found, nil
}

// remember adds what was there a while ago to what was found.
func (w *Watcher) remember(found map[place]bool, now time.Time) (all map[place]bool, again time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for was := range w.now {
		if !found[was] {
			if w.gone == nil {
				w.gone = map[place]time.Time{}
			}
			w.gone[was] = now.Add(stays)
		}
	}
	w.now = found
	all = maps.Clone(found)
	for was, until := range w.gone {
		left := until.Sub(now)
		if found[was] || left <= 0 {
			delete(w.gone, was)
			continue
		}
		all[was] = true
		if again == 0 || left < again {
			again = left
		}
	}
	return all, again
}

// grouped puts the places together by port, in an order that depends on nothing else.
func grouped(places map[place]bool) []stack.Addresses {
	byPort := map[int64][]string{}
	for at := range places {
		byPort[at.port] = append(byPort[at.port], at.cidr)
	}
	var all []stack.Addresses
	for _, port := range slices.Sorted(maps.Keys(byPort)) {
		all = append(all, stack.Addresses{CIDRs: slices.Sorted(slices.Values(byPort[port])), Ports: []int64{port}})
	}
	return all
}

// Now reads the addresses when it is asked, by any client.
type Now struct{ client.Reader }

// Addresses are those of this moment.
func (n Now) Addresses(ctx context.Context) ([]stack.Addresses, time.Duration, error) {
	found, err := places(ctx, n.Reader)
	return grouped(found), 0, err
}

// Sources are none.
func (Now) Sources(func(context.Context) []reconcile.Request) []source.Source { return nil }

// Given are addresses that do not change.
type Given []stack.Addresses

// Addresses are those that were given.
func (g Given) Addresses(context.Context) ([]stack.Addresses, time.Duration, error) { return g, 0, nil }

// Sources are none.
func (Given) Sources(func(context.Context) []reconcile.Request) []source.Source { return nil }
