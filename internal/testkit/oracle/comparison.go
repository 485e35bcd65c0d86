package oracle

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
	"github.com/cmhf/operator/internal/stack"
)

// Comparison looks at some systems each time that they come to say that they are Ready, and asks the API server what applying their
// render would change.
type Comparison struct {
	client   client.Client
	inputs   Inputs
	renderer *stack.Renderer
	systems  []string

	mu     sync.Mutex
	broken []string
	// looked holds the generation in which each system was last seen Ready and compared.
	looked map[string]int64
}

// Compare begins with the systems of these names, which need not exist yet, and goes on until the context ends.
func Compare(ctx context.Context, config *rest.Config, scheme *runtime.Scheme, inputs Inputs, systems ...string) (*Comparison, error) {
	direct, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("making the comparison's client: %w", err)
	}
	o := &Comparison{client: direct, inputs: inputs, renderer: stack.NewRenderer(), systems: systems, looked: map[string]int64{}}
	view, err := cache.New(config, cache.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("making the comparison's view: %w", err)
	}
	informer, err := view.GetInformer(ctx, &v1alpha1.IntegratedCareSystem{}, cache.BlockUntilSynced(false))
	if err != nil {
		return nil, fmt.Errorf("watching IntegratedCareSystems: %w", err)
	}
	if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(is any) { o.system(ctx, nil, is) },
		UpdateFunc: func(was, is any) { o.system(ctx, was, is) },
	}); err != nil {
		return nil, fmt.Errorf("watching IntegratedCareSystems: %w", err)
	}
	go func() { _ = view.Start(ctx) }() // ends with the context
	if !view.WaitForCacheSync(ctx) {
		return nil, fmt.Errorf("filling the comparison's view: %w", ctx.Err())
	}
	return o, nil
}

// Broken lists what was not true so far.
func (o *Comparison) Broken() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.broken)
}

// Looked gives the last generation of a system that was Ready and compared with its render. A test that goes on before can't
// tell a lie from its own next change, and what is found then does not count.
func (o *Comparison) Looked(system string) int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.looked[system]
}

func (o *Comparison) report(format string, values ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.broken = append(o.broken, fmt.Sprintf(format, values...))
}

// system: Ready is the truth.
func (o *Comparison) system(ctx context.Context, was, is any) {
	now, ok := is.(*v1alpha1.IntegratedCareSystem)
	if !ok || !slices.Contains(o.systems, now.Name) {
		return
	}
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
func (o *Comparison) differences(ctx context.Context, ics *v1alpha1.IntegratedCareSystem) (wrong []string, err error) {
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
func (o *Comparison) left(ctx context.Context, inputs stack.Inputs, objects []*unstructured.Unstructured) (left []string, err error) {
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
