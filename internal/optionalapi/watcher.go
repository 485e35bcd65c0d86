package optionalapi

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

// How soon a definition that discovery does not tell of yet is looked for again: often at first, because it takes a moment
// only, then seldom, because it may never be established.
const (
	lookSoon   = 100 * time.Millisecond
	lookSeldom = time.Minute
)

// changeSpreads is how long after a change of a definition discovery may still tell of what was served before.
const changeSpreads = 5 * time.Second

// Watcher follows the optional kinds. It is a source for one controller; Served may be asked by anyone.
type Watcher struct {
	cache     cache.Cache
	discovery discovery.ServerResourcesInterface
	// kinds by the name of their definition.
	kinds map[string]schema.GroupVersionKind
	// object says whom an object's event concerns, everyone whom a kind that comes or goes does.
	object   handler.EventHandler
	everyone func(context.Context) ([]reconcile.Request, error)
	synced   chan struct{}
	// owed: a kind came or went, and not everyone was told of it yet. Only the loop of Start touches it.
	owed bool

	mu sync.RWMutex
	// served holds the definition that each served kind came from.
	served map[schema.GroupVersionKind]origin
}

// origin is a definition as it was when discovery was asked.
type origin struct {
	uid        types.UID
	generation int64
	// changed is when another generation of it was first seen; zero when none was.
	changed time.Time
}

// New returns a watcher that follows nothing until a controller starts it.
func New(cache cache.Cache, discovery discovery.ServerResourcesInterface, kinds []schema.GroupVersionKind,
	object handler.EventHandler, everyone func(context.Context) ([]reconcile.Request, error)) *Watcher {
	w := &Watcher{
		cache: cache, discovery: discovery, kinds: map[string]schema.GroupVersionKind{}, object: object, everyone: everyone,
		synced: make(chan struct{}), served: map[schema.GroupVersionKind]origin{},
	}
	for _, kind := range kinds {
		w.kinds[definitionOf(kind)] = kind
	}
	return w
}

// Served says whether objects of the kind can be read from the cache and applied.
func (w *Watcher) Served(kind schema.GroupVersionKind) bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	_, served := w.served[kind]
	return served
}

var _ source.SyncingSource = &Watcher{}

func (w *Watcher) String() string { return "optional kinds" }

// Start implements source.Source: it follows the kinds until the context ends.
func (w *Watcher) Start(ctx context.Context, wake workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	informer, err := w.cache.GetInformer(ctx, Definition(), cache.BlockUntilSynced(false))
	if err != nil {
		return fmt.Errorf("watching CustomResourceDefinitions: %w", err)
	}
	queue := workqueue.NewTypedRateLimitingQueue(workqueue.NewTypedItemExponentialFailureRateLimiter[string](lookSoon, lookSeldom))
	changed := func(object any) {
		if gone, ok := object.(toolscache.DeletedFinalStateUnknown); ok {
			object = gone.Obj
		}
		if definition, ok := object.(client.Object); ok {
			if _, ours := w.kinds[definition.GetName()]; ours {
				queue.Forget(definition.GetName())
				queue.Add(definition.GetName())
			}
		}
	}
	if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: changed, UpdateFunc: func(_, now any) { changed(now) }, DeleteFunc: changed,
	}); err != nil {
		queue.ShutDown()
		return fmt.Errorf("watching CustomResourceDefinitions: %w", err)
	}
	go func() {
		<-ctx.Done()
		queue.ShutDown()
	}()
	go func() {
		if !toolscache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
			return
		}
		for name := range w.kinds {
			w.step(ctx, name, queue, wake)
		}
		w.owed = false // the controller looks at everyone after its start in any case
		close(w.synced)
		for {
			name, stop := queue.Get()
			if stop {
				return
			}
			w.step(ctx, name, queue, wake)
			queue.Done(name)
		}
	}()
	return nil
}

// WaitForSync implements source.SyncingSource: no tenant is looked at before it is known what is served.
func (w *Watcher) WaitForSync(ctx context.Context) error {
	select {
	case <-w.synced:
		return nil
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil // the operator stops
		}
		return fmt.Errorf("waiting to know which optional kinds are served: %w", ctx.Err())
	}
}

// step brings one kind to where its definition is, and comes back to it when that can't be said yet.
func (w *Watcher) step(ctx context.Context, name string, queue workqueue.TypedRateLimitingInterface[string], wake workqueue.TypedRateLimitingInterface[reconcile.Request]) {
	settled, err := w.follow(ctx, name, wake)
	if err == nil && w.owed && w.isSynced() {
		err = w.wakeEveryone(ctx, wake)
	}
	if err != nil && ctx.Err() == nil {
		log.FromContext(ctx).Info("an optional kind could not be followed; trying again", "definition", name, "cause", err.Error())
	}
	if err != nil || !settled {
		queue.AddRateLimited(name)
		return
	}
	queue.Forget(name)
}

func (w *Watcher) isSynced() bool {
	select {
	case <-w.synced:
		return true
	default:
		return false
	}
}

func (w *Watcher) wakeEveryone(ctx context.Context, wake workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	requests, err := w.everyone(ctx)
	if err != nil {
		return fmt.Errorf("finding whom a kind that came or went concerns: %w", err)
	}
	for _, request := range requests {
		wake.Add(request)
	}
	w.owed = false
	return nil
}

// follow starts or stops the informer of a kind. settled is false while the definition is there and not served yet.
func (w *Watcher) follow(ctx context.Context, name string, wake workqueue.TypedRateLimitingInterface[reconcile.Request]) (settled bool, err error) {
	kind := w.kinds[name]
	definition := Definition()
	err = w.cache.Get(ctx, client.ObjectKey{Name: name}, definition)
	if client.IgnoreNotFound(err) != nil {
		return false, fmt.Errorf("reading CustomResourceDefinition %s: %w", name, err)
	}
	there := err == nil && definition.DeletionTimestamp == nil
	served := false
	if there {
		if served, err = w.discovered(kind); err != nil {
			return false, err
		}
	}
	w.mu.RLock()
	from, was := w.served[kind]
	w.mu.RUnlock()
	if was && served && from.uid == definition.UID {
		return w.spread(kind, from, definition.Generation), nil
	}
	if was {
		w.owed = true
		if err := w.stop(ctx, kind); err != nil {
			return false, err
		}
	}
	if !served {
		return !there, nil
	}
	if err := w.start(ctx, kind, origin{uid: definition.UID, generation: definition.Generation}, wake); err != nil {
		return false, err
	}
	w.owed = true
	return true, nil
}

// spread says whether what discovery tells of a kind can be relied on: a definition that was changed a moment ago may have ceased to
// serve it.
func (w *Watcher) spread(kind schema.GroupVersionKind, from origin, generation int64) bool {
	if from.generation != generation {
		from.generation, from.changed = generation, time.Now()
		w.mu.Lock()
		w.served[kind] = from
		w.mu.Unlock()
	}
	return time.Since(from.changed) > changeSpreads
}

// discovered says whether the API server serves the very version.
func (w *Watcher) discovered(kind schema.GroupVersionKind) (bool, error) {
	resources, err := w.discovery.ServerResourcesForGroupVersion(kind.GroupVersion().String())
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("asking whether %s is served: %w", kind, err)
	}
	for _, resource := range resources.APIResources {
		if resource.Kind == kind.Kind {
			return true, nil
		}
	}
	return false, nil
}

// start fills the cache with the objects of a kind and lets them wake the controller.
func (w *Watcher) start(ctx context.Context, kind schema.GroupVersionKind, definition origin, wake workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	// A definition that goes this moment leaves an informer that never fills; it is thrown away again.
	patience, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	informer, err := w.cache.GetInformer(patience, objectOf(kind))
	if err == nil {
		err = (&source.Informer{Informer: informer, Handler: w.object}).Start(ctx, wake)
	}
	if err != nil {
		if removal := w.cache.RemoveInformer(ctx, objectOf(kind)); removal != nil {
			err = fmt.Errorf("%w (and removing its informer: %w)", err, removal)
		}
		return fmt.Errorf("watching %s: %w", kind, err)
	}
	w.mu.Lock()
	w.served[kind] = definition
	w.mu.Unlock()
	log.FromContext(ctx).Info("an optional kind is served now", "kind", kind.String())
	return nil
}

// stop ends the watch of a kind; whoever asks for it from then on is told that it is not served.
func (w *Watcher) stop(ctx context.Context, kind schema.GroupVersionKind) error {
	w.mu.Lock()
	delete(w.served, kind)
	w.mu.Unlock()
	if err := w.cache.RemoveInformer(ctx, objectOf(kind)); err != nil {
		return fmt.Errorf("ending the watch of %s: %w", kind, err)
	}
	log.FromContext(ctx).Info("an optional kind is served no longer", "kind", kind.String())
	return nil
}

func objectOf(kind schema.GroupVersionKind) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(kind)
	return object
}

// definitionOf names the CustomResourceDefinition of a kind whose plural is regular.
func definitionOf(kind schema.GroupVersionKind) string {
	plural, _ := meta.UnsafeGuessKindToResource(kind)
	return plural.GroupResource().String()
}

// Definition is a CustomResourceDefinition as the cache holds it.
func Definition() *metav1.PartialObjectMetadata {
	definition := &metav1.PartialObjectMetadata{}
	definition.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"})
	return definition
}
