// Package shutdown keeps the operator's log quiet while it stops: calls that its own end cuts short are no errors. The next
// start goes on where they were.
package shutdown

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// Quiet drops the error of a reconcile that the operator's stop has cut short.
func Quiet(r reconcile.Reconciler) reconcile.Reconciler {
	return reconcile.Func(func(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
		result, err := r.Reconcile(ctx, request)
		if ctx.Err() != nil {
			return reconcile.Result{}, nil
		}
		return result, err
	})
}
