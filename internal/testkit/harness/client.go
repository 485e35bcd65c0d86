package harness

import (
	"context"
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// client makes the test's own client, which tells the oracle what it deletes.
func (e *Env) client(scheme *runtime.Scheme) (client.Client, error) {
	direct, err := client.NewWithWatch(e.Config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("making the tests' client: %w", err)
	}
	return interceptor.NewClient(direct, interceptor.Funcs{
		Delete: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.DeleteOption) error {
			kind, err := apiutil.GVKForObject(object, scheme)
			if err != nil {
				return err
			}
			found := &metav1.PartialObjectMetadata{}
			found.SetGroupVersionKind(kind)
			looked := c.Get(ctx, client.ObjectKeyFromObject(object), found)
			err = c.Delete(ctx, object, options...)
			if asked := (&client.DeleteOptions{}).ApplyOptions(options); looked == nil && err == nil && len(asked.DryRun) == 0 {
				e.Oracle.Asked(found.UID)
			}
			return err
		},
		DeleteAllOf: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.DeleteAllOfOption) error {
			asked := (&client.DeleteAllOfOptions{}).ApplyOptions(options)
			kind, err := apiutil.GVKForObject(object, scheme)
			if err != nil {
				return err
			}
			before, err := identities(ctx, c, kind.GroupVersion().WithKind(kind.Kind+"List"), &asked.ListOptions)
			if err != nil {
				return err
			}
			err = c.DeleteAllOf(ctx, object, options...)
			// A refusal comes after what was allowed.
			after, listErr := identities(ctx, c, kind.GroupVersion().WithKind(kind.Kind+"List"), &asked.ListOptions)
			for uid, leaving := range before {
				if now, there := after[uid]; !leaving && (!there || now) && len(asked.DryRun) == 0 {
					e.Oracle.Asked(uid)
				}
			}
			return errors.Join(err, listErr)
		},
	}), nil
}

// identities lists objects, and whether each is on its way out.
func identities(ctx context.Context, c client.Reader, kind schema.GroupVersionKind, options client.ListOption) (map[types.UID]bool, error) {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(kind)
	if err := c.List(ctx, list, options); err != nil {
		return nil, fmt.Errorf("listing what is to be deleted: %w", err)
	}
	found := map[types.UID]bool{}
	for i := range list.Items {
		found[list.Items[i].UID] = list.Items[i].DeletionTimestamp != nil
	}
	return found, nil
}
