package optionalapi

import (
	"context"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// DefinitionsInCache says how a cache keeps definitions: all of them, and of each only what tells whether it is there.
func DefinitionsInCache() cache.ByObject {
	return cache.ByObject{Label: labels.Everything(), Transform: func(object any) (any, error) {
		if definition, ok := object.(*metav1.PartialObjectMetadata); ok {
			definition.Annotations, definition.Labels, definition.ManagedFields = nil, nil, nil
		}
		return object, nil
	}}
}

// WatchErrors gives a cache's handler of watch errors: that one of the kinds is not there is no error, and whether it is to be
// watched at all is decided elsewhere.
func WatchErrors(kinds []schema.GroupVersionKind) toolscache.WatchErrorHandlerWithContext {
	optional := map[string]bool{}
	for _, kind := range kinds {
		optional[kind.String()] = true
	}
	return func(ctx context.Context, reflector *toolscache.Reflector, err error) {
		// A watch of it that is ended on purpose ends with a cancelled call.
		if optional[reflector.TypeDescription()] && (apierrors.IsNotFound(err) || errors.Is(err, context.Canceled)) {
			log.FromContext(ctx).V(1).Info("an optional kind is not there", "kind", reflector.TypeDescription())
			return
		}
		toolscache.DefaultWatchErrorHandler(ctx, reflector, err)
	}
}
