// Package oracle watches systems while a test does something to them or to the operator, and says afterwards which promises were
// broken on the way, however briefly:
//
//   - truthful: at each moment at which a system says that it is Ready in its present generation, its objects are as that generation
//     renders, by the word of the API server (applying them would change nothing), and no others are left of an earlier render
//     but those that hold data;
//   - data-safe: no namespace, volume claim, database or database Secret goes or is replaced;
//   - the spec is the user's: the operator owns no field of any spec.
//
// It reads and asks what would be; it changes nothing. That nothing is written in a steady state, and how much is asked, is counted in the
// connection (see package calls); the log is listened to by package logcheck.
package oracle

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
	"github.com/cmhf/operator/internal/stack"
)

// Inputs gives what a system's stack is rendered from.
type Inputs func(context.Context, client.Client, *v1alpha1.IntegratedCareSystem) (stack.Inputs, error)

// Oracle watches some systems.
type Oracle struct {
	client   client.Client
	inputs   Inputs
	renderer *stack.Renderer
	systems  []string

	mu     sync.Mutex
	broken []string
	data   map[string]types.UID
	// looked holds the generation in which each system was last seen Ready and compared.
	looked map[string]int64
}

// dataKinds hold data or are what data can't be reached without.
var dataKinds = []schema.GroupVersionKind{
	{Version: "v1", Kind: "Namespace"}, {Version: "v1", Kind: "PersistentVolumeClaim"}, {Version: "v1", Kind: "Secret"},
	{Group: "apps", Version: "v1", Kind: "StatefulSet"}, {Group: "postgresql.cnpg.io", Version: "v1", Kind: "Cluster"},
}

// Watch begins with the systems of these names, which need not exist yet, and goes on until the context ends.
func Watch(ctx context.Context, config *rest.Config, scheme *runtime.Scheme, inputs Inputs, systems ...string) (*Oracle, error) {
	direct, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("making the oracle's client: %w", err)
	}
	o := &Oracle{client: direct, inputs: inputs, renderer: stack.NewRenderer(), systems: systems, data: map[string]types.UID{}, looked: map[string]int64{}}
	view, err := cache.New(config, cache.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("making the oracle's view: %w", err)
	}
	if err := o.listen(ctx, view, &v1alpha1.IntegratedCareSystem{}, o.system); err != nil {
		return nil, err
	}
	if err := o.listen(ctx, view, &v1alpha1.CoreCommunityService{}, o.service); err != nil {
		return nil, err
	}
	for _, kind := range dataKinds {
		object := &metav1.PartialObjectMetadata{}
		object.SetGroupVersionKind(kind)
		err := o.listen(ctx, view, object, o.holder(kind.Kind))
		if err != nil && !(meta.IsNoMatchError(err) && slices.Contains(stack.OptionalKinds, kind)) {
			return nil, err
		}
	}
	go func() { _ = view.Start(ctx) }() // ends with the context
	if !view.WaitForCacheSync(ctx) {
		return nil, fmt.Errorf("filling the oracle's view: %w", ctx.Err())
	}
	return o, nil
}

// Broken lists the promises that were broken so far.
func (o *Oracle) Broken() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.broken)
}

// Looked gives the last generation of a system that was Ready and compared with its render. A test that goes on before can't
// tell a lie from its own next change, and what is found then does not count.
func (o *Oracle) Looked(system string) int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.looked[system]
}

func (o *Oracle) report(format string, values ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.broken = append(o.broken, fmt.Sprintf(format, values...))
}

// listen calls seen with each object as it was and as it is; either is nil for one that comes or goes.
func (o *Oracle) listen(ctx context.Context, view cache.Cache, object client.Object, seen func(ctx context.Context, was, is client.Object)) error {
	informer, err := view.GetInformer(ctx, object, cache.BlockUntilSynced(false))
	if err != nil {
		return fmt.Errorf("watching %T: %w", object, err)
	}
	as := func(value any) client.Object {
		if gone, ok := value.(toolscache.DeletedFinalStateUnknown); ok {
			value = gone.Obj
		}
		object, _ := value.(client.Object)
		return object
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(is any) { seen(ctx, nil, as(is)) },
		UpdateFunc: func(was, is any) { seen(ctx, as(was), as(is)) },
		DeleteFunc: func(was any) { seen(ctx, as(was), nil) },
	})
	if err != nil {
		return fmt.Errorf("watching %T: %w", object, err)
	}
	return nil
}

func (o *Oracle) service(_ context.Context, _, is client.Object) {
	if is != nil && slices.Contains(o.systems, strings.TrimPrefix(is.GetNamespace(), v1alpha1.NamespacePrefix)) {
		o.owned(is)
	}
}

// owned: no spec has a field of the operator's.
func (o *Oracle) owned(object client.Object) {
	for _, entry := range object.GetManagedFields() {
		if strings.HasPrefix(entry.Manager, applyset.FieldManager) && strings.Contains(string(entry.FieldsV1.GetRawBytes()), `"f:spec"`) {
			o.report("the operator owns fields of the spec of %s: %s", object.GetName(), entry.FieldsV1.GetRawBytes())
		}
	}
}

// holder: what holds data stays, and stays the same.
func (o *Oracle) holder(kind string) func(context.Context, client.Object, client.Object) {
	return func(_ context.Context, was, is client.Object) {
		object := is
		if object == nil {
			object = was
		}
		database := kind != "Secret" || object.GetLabels()[v1alpha1.LabelComponent] == v1alpha1.ComponentDatabase
		if !slices.Contains(o.systems, object.GetLabels()[v1alpha1.LabelICS]) || !database {
			return
		}
		key := kind + " " + object.GetNamespace() + "/" + object.GetName()
		if is == nil {
			o.report("%s is gone", key)
			return
		}
		o.mu.Lock()
		before := o.data[key]
		o.data[key] = is.GetUID()
		o.mu.Unlock()
		if before != "" && before != is.GetUID() {
			o.report("%s was replaced", key)
		}
	}
}

// system: Ready is the truth.
func (o *Oracle) system(ctx context.Context, was, is client.Object) {
	now, ok := is.(*v1alpha1.IntegratedCareSystem)
	if !ok || !slices.Contains(o.systems, now.Name) {
		return
	}
	o.owned(now)
	before, _ := was.(*v1alpha1.IntegratedCareSystem)
	if !saysReady(now) || before != nil && saysReady(before) && before.Generation == now.Generation {
		return
	}
	wrong, err := o.differences(ctx, now)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		o.report("%s: %v", now.Name, err)
		return
	}
	// What the user changed meanwhile is the next generation's.
	latest := &v1alpha1.IntegratedCareSystem{}
	if err := o.client.Get(ctx, client.ObjectKeyFromObject(now), latest); err != nil || latest.Generation != now.Generation || !latest.DeletionTimestamp.IsZero() {
		return
	}
	for _, what := range wrong {
		o.report("%s says that it is Ready in generation %d, but %s", now.Name, now.Generation, what)
	}
	o.mu.Lock()
	o.looked[now.Name] = now.Generation
	o.mu.Unlock()
}

func saysReady(ics *v1alpha1.IntegratedCareSystem) bool {
	ready := meta.FindStatusCondition(ics.Status.Conditions, v1alpha1.ConditionReady)
	return ready != nil && ready.Status == metav1.ConditionTrue && ready.ObservedGeneration == ics.Generation && ics.Status.ObservedGeneration == ics.Generation
}

// differences compares what there is with a fresh render.
func (o *Oracle) differences(ctx context.Context, ics *v1alpha1.IntegratedCareSystem) (wrong []string, err error) {
	inputs, err := o.inputs(ctx, o.client, ics)
	if err != nil {
		return nil, err
	}
	objects, err := o.renderer.Render(inputs)
	if err != nil {
		return nil, fmt.Errorf("rendering what should be: %w", err)
	}
	for _, desired := range objects {
		live, err := applyset.Current(ctx, o.client, desired)
		if err != nil {
			return nil, err
		}
		switch {
		case live == nil:
			wrong = append(wrong, applyset.Ref(desired)+" is not there")
			continue
		case !applyset.Matches(live, desired):
			wrong = append(wrong, applyset.Ref(desired)+" is of another render")
			continue
		}
		would := desired.DeepCopy()
		err = o.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(would), client.FieldOwner(applyset.FieldManager), client.ForceOwnership, client.DryRunAll)
		if err != nil {
			return nil, fmt.Errorf("asking what applying %s would change: %w", applyset.Ref(desired), err)
		}
		if !same(live, would) {
			wrong = append(wrong, applyset.Ref(desired)+" differs from what was applied")
		}
	}
	left, err := o.left(ctx, inputs, objects)
	return append(wrong, left...), err
}

// left lists the members of the set that are not rendered, without those that hold data, of which nothing is ever removed.
func (o *Oracle) left(ctx context.Context, inputs stack.Inputs, objects []*unstructured.Unstructured) (left []string, err error) {
	rendered := map[string]bool{}
	for _, object := range objects {
		rendered[applyset.Ref(object)] = true
	}
	for _, kind := range slices.Concat(stack.Kinds, stack.OptionalKinds) {
		if slices.Contains(dataKinds, kind) {
			continue
		}
		members := &metav1.PartialObjectMetadataList{}
		members.SetGroupVersionKind(kind)
		err := o.client.List(ctx, members, client.MatchingLabels{applyset.LabelPartOf: inputs.Set})
		if meta.IsNoMatchError(err) && slices.Contains(stack.OptionalKinds, kind) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("listing the %ss of set %s: %w", kind.Kind, inputs.Set, err)
		}
		for i := range members.Items {
			member := &unstructured.Unstructured{}
			member.SetGroupVersionKind(kind)
			member.SetNamespace(members.Items[i].Namespace)
			member.SetName(members.Items[i].Name)
			if members.Items[i].DeletionTimestamp == nil && !rendered[applyset.Ref(member)] {
				left = append(left, applyset.Ref(member)+" of an earlier render is still there")
			}
		}
	}
	return left, nil
}

// same leaves out what the API server itself keeps, and the status.
func same(a, b *unstructured.Unstructured) bool {
	bare := func(object *unstructured.Unstructured) map[string]any {
		object = object.DeepCopy()
		object.SetManagedFields(nil)
		object.SetResourceVersion("")
		object.SetGeneration(0)
		unstructured.RemoveNestedField(object.Object, "status")
		return object.Object
	}
	return equality.Semantic.DeepEqual(bare(a), bare(b))
}
