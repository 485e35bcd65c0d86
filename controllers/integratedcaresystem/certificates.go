package integratedcaresystem

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
)

// certificates looks whether the Secrets exist that Ingresses refer to, by name: their content is nothing to the operator. While
// one is missing everything else goes on, and the ingress controller serves with its own certificate.
func (r *Reconciler) certificates(ctx context.Context, s *scope) (bool, error) {
	for _, p := range []struct{ field, secret string }{
		{"coordinationAPI", s.inputs.CoordinationAPI.TLSSecret}, {"dashboard", s.inputs.Dashboard.TLSSecret},
	} {
		if p.secret == "" {
			continue
		}
		secret := &metav1.PartialObjectMetadata{}
		secret.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
		err := r.Uncached.Get(ctx, client.ObjectKey{Namespace: s.inputs.Namespace, Name: p.secret}, secret)
		switch {
		case apierrors.IsNotFound(err):
			s.refused = &refusal{v1alpha1.ReasonSecretMissing, fmt.Sprintf(
				"there is no Secret %s in namespace %s, to which spec.stack.%s.tlsSecretRef refers; make it (kubectl -n %[2]s create secret tls %[1]s --cert=… --key=…) or take the reference out",
				p.secret, s.inputs.Namespace, p.field), lookAgain}
		case err != nil:
			return false, fmt.Errorf("looking for Secret %s/%s: %w", s.inputs.Namespace, p.secret, err)
		}
	}
	return true, nil
}
