// Package credentials makes the Secrets of a tenant: once, with random values, immutable. They are never rendered, never
// listed or watched, and never overwritten: a Secret that exists is used as it is.
package credentials

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
)

// Names of a tenant's Secrets.
const (
	DatabaseOwner    = "database-owner"
	DatabaseApp      = "database-app"
	APIInternal      = "api-internal"
	DashboardSession = "dashboard-session"
)

// Ensure makes the Secrets that are missing in the tenant's namespace. uncached must read from the API server.
func Ensure(ctx context.Context, uncached client.Reader, writer client.Writer, ics, namespace string) error {
	for _, wanted := range []struct {
		name, component string
		data            func() map[string][]byte
	}{
		{DatabaseOwner, v1alpha1.ComponentDatabase, login("cmhf_owner")},
		{DatabaseApp, v1alpha1.ComponentDatabase, login("cmhf_app")},
		{APIInternal, v1alpha1.ComponentCoordinationAPI, value("token", base64.RawURLEncoding)},
		{DashboardSession, v1alpha1.ComponentDashboard, value("key", base64.StdEncoding)},
	} {
		existing := &metav1.PartialObjectMetadata{}
		existing.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
		err := uncached.Get(ctx, client.ObjectKey{Namespace: namespace, Name: wanted.name}, existing)
		if err == nil {
			continue
		}
		if !apierrors.IsNotFound(err) {
			return fmt.Errorf("looking for Secret %s/%s: %w", namespace, wanted.name, err)
		}
		immutable := true
		err = writer.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{
				Name: wanted.name, Namespace: namespace,
				Labels: map[string]string{v1alpha1.LabelICS: ics, v1alpha1.LabelComponent: wanted.component},
			},
			Immutable: &immutable,
			Data:      wanted.data(),
		})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("creating Secret %s/%s: %w", namespace, wanted.name, err)
		}
	}
	return nil
}

// InternalToken reads the bearer token of the tenant's internal port from the API server.
func InternalToken(ctx context.Context, uncached client.Reader, namespace string) (string, error) {
	secret := &corev1.Secret{}
	if err := uncached.Get(ctx, client.ObjectKey{Namespace: namespace, Name: APIInternal}, secret); err != nil {
		return "", fmt.Errorf("reading Secret %s/%s: %w", namespace, APIInternal, err)
	}
	return string(secret.Data["token"]), nil
}

func login(user string) func() map[string][]byte {
	return func() map[string][]byte {
		// Letters that need no quoting anywhere.
		return map[string][]byte{"username": []byte(user), "password": random(base64.RawURLEncoding)}
	}
}

func value(key string, encoding *base64.Encoding) func() map[string][]byte {
	return func() map[string][]byte { return map[string][]byte{key: random(encoding)} }
}

// random gives 256 bits as text.
func random(encoding *base64.Encoding) []byte {
	raw := make([]byte, 32)
	rand.Read(raw) // never fails; see crypto/rand
	return []byte(encoding.EncodeToString(raw))
}
