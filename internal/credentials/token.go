package credentials

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// InternalTokens reads the bearer tokens of a tenant's internal port: the current one, and while programs roll the previous one,
// which replicas that have not rolled yet accept. cached reads the namespace, uncached the Secrets.
func InternalTokens(ctx context.Context, cached, uncached client.Reader, namespace string) ([]string, error) {
	tenant := &unstructured.Unstructured{}
	tenant.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	if err := cached.Get(ctx, client.ObjectKey{Name: namespace}, tenant); err != nil {
		return nil, fmt.Errorf("reading Namespace %s: %w", namespace, err)
	}
	record, err := ReadRecord(tenant.GetAnnotations())
	if err != nil {
		return nil, fmt.Errorf("reading Namespace %s: %w", namespace, err)
	}
	names := []string{Name(APIInternal, record.Generation)}
	if record.Phase == Switching {
		names = append(names, Name(APIInternal, record.Previous()))
	}
	var tokens []string
	for _, name := range names {
		secret := &corev1.Secret{}
		err := uncached.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, secret)
		if apierrors.IsNotFound(err) && len(tokens) > 0 {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading Secret %s/%s: %w", namespace, name, err)
		}
		tokens = append(tokens, string(secret.Data["token"]))
	}
	return tokens, nil
}
