package integratedcaresystem

import (
	"context"
	"fmt"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
)

// certificates looks whether the Secrets exist that Ingresses refer to, by name: their content is nothing to the operator. While
// one is missing everything else goes on, and the ingress controller serves with its own certificate.
func (r *Reconciler) certificates(ctx context.Context, s *scope) (bool, error) {
	for _, p := range []struct{ field, secret string }{
		{"coordinationAPI", s.inputs.CoordinationAPI.TLSSecret}, {"dashboard", s.inputs.Dashboard.TLSSecret},
	} {
		// One that was there is looked for again from time to time only.
		seen := look{s.namespaceUID, "certificate " + p.secret}
		if p.secret == "" || r.looks.holds(seen, looksHoldWhenReady) {
			continue
		}
		secret := &metav1.PartialObjectMetadata{}
		secret.SetGroupVersionKind(secretKind)
		err := r.Uncached.Get(ctx, client.ObjectKey{Namespace: s.inputs.Namespace, Name: p.secret}, secret)
		switch {
		case apierrors.IsNotFound(err):
			s.goOnWithout(&refusal{v1alpha1.ReasonSecretMissing, fmt.Sprintf(
				"there is no Secret %s in namespace %s, to which spec.stack.%s.tlsSecretRef refers; make it (kubectl -n %[2]s create secret tls %[1]s --cert=… --key=…) or take the reference out",
				p.secret, s.inputs.Namespace, p.field), lookAgain})
		case err != nil:
			return false, fmt.Errorf("looking for Secret %s/%s: %w", s.inputs.Namespace, p.secret, err)
		default:
			r.looks.remember(seen)
		}
	}
	return true, nil
}

// waysIn are what leads requests to a tenant's programs from outside the cluster.
var waysIn = []schema.GroupVersionKind{
	networkingv1.SchemeGroupVersion.WithKind("Ingress"),
	{Group: "gateway.networking.k8s.io", Version: "v1", Kind: "HTTPRoute"},
}

// closeWays removes what leads to programs that are about to stop: their host names are free again.
func (r *Reconciler) closeWays(ctx context.Context, s *scope) (bool, error) {
	for _, kind := range waysIn {
		if !slices.Contains(r.kinds(), kind) {
			continue
		}
		ways := list(kind)
		if err := r.Uncached.List(ctx, ways, r.stack(s)...); err != nil {
			return false, fmt.Errorf("listing what leads to the programs of %s: %w", s.ics.Name, err)
		}
		for _, way := range ways.Items {
			if way.GetDeletionTimestamp() != nil {
				continue
			}
			if err := r.Applier.Remove(ctx, &way); err != nil {
				return false, fmt.Errorf("closing the ways to the programs of %s: %w", s.ics.Name, err)
			}
		}
	}
	return true, nil
}
