package applyset

import (
	"context"
	"fmt"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/client-go/applyconfigurations"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
)

// FieldManager owns every field that the operator writes.
const FieldManager = "cmhf-operator"

// Applier applies objects and remembers what it owns. It may be used by several goroutines.
type Applier struct {
	client client.Client
	types  managedfields.TypeConverter

	mu sync.Mutex
	// owned holds the ownership hash of each object as of our last apply or dry run, by UID: a new object is unknown.
	owned map[types.UID]string
}

// New returns an applier that remembers nothing yet. Unstructured reads of the client come from a cache, and those of metadata.
func New(c client.Client) *Applier {
	return &Applier{client: c, types: applyconfigurations.NewTypeConverter(c.Scheme()), owned: map[types.UID]string{}}
}

// Current gives the object as the cache knows it, nil when it does not exist.
func Current(ctx context.Context, reader client.Reader, desired *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(desired.GroupVersionKind())
	err := reader.Get(ctx, client.ObjectKeyFromObject(desired), live)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", Ref(desired), servedOr(err, desired.GroupVersionKind()))
	}
	return live, nil
}

// Matches says whether the live object was last applied from the desired one.
func Matches(live, desired *unstructured.Unstructured) bool {
	return live != nil && live.GetAnnotations()[v1alpha1.AnnotationRenderHash] == desired.GetAnnotations()[v1alpha1.AnnotationRenderHash]
}

// Apply makes the live object match the desired one and returns it as the API server now has it, and whether it was written.
// Only fields in desired are forced; what others added stays. A change of an immutable field comes back as *ImmutableError.
func (a *Applier) Apply(ctx context.Context, desired *unstructured.Unstructured) (*unstructured.Unstructured, bool, error) {
	live, err := a.current(ctx, desired)
	if err != nil {
		return nil, false, err
	}
	if Matches(live, desired) {
		intact, err := a.intact(ctx, live, desired)
		if err != nil || intact {
			return live, false, err
		}
	}
	if live != nil {
		if err := checkImmutable(live, desired); err != nil {
			return nil, false, err
		}
	}
	applied, err := a.send(ctx, desired)
	if err != nil {
		return nil, false, fmt.Errorf("applying %s: %w", Ref(desired), err)
	}
	a.remember(applied)
	return applied, true, nil
}

// intact says whether every field that we applied is still ours.
func (a *Applier) intact(ctx context.Context, live, desired *unstructured.Unstructured) (bool, error) {
	a.mu.Lock()
	remembered, known := a.owned[live.GetUID()]
	a.mu.Unlock()
	if known {
		return remembered == ownership(live), nil
	}
	if hash, known := a.expected(desired); known && hash == ownership(live) {
		a.remember(live)
		return true, nil
	}
	would, err := a.send(ctx, desired, client.DryRunAll)
	if err != nil {
		return false, fmt.Errorf("asking what applying %s would change: %w", Ref(desired), err)
	}
	if ownership(would) != ownership(live) {
		return false, nil
	}
	a.remember(live)
	return true, nil
}

func (a *Applier) send(ctx context.Context, desired *unstructured.Unstructured, options ...client.ApplyOption) (*unstructured.Unstructured, error) {
	applied := desired.DeepCopy()
	err := a.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(applied), append(options, client.FieldOwner(FieldManager), client.ForceOwnership)...)
	return applied, servedOr(err, desired.GroupVersionKind())
}

func (a *Applier) remember(object *unstructured.Unstructured) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.owned[object.GetUID()] = ownership(object)
}

// Ref names an object for people: kind and name, with the namespace where it has one.
func Ref(object client.Object) string {
	kind := object.GetObjectKind().GroupVersionKind().Kind
	if object.GetNamespace() == "" {
		return kind + " " + object.GetName()
	}
	return kind + " " + object.GetNamespace() + "/" + object.GetName()
}
