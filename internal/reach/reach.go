// Package reach tells whether the admission policy that keeps the operator to the namespaces of tenants speaks of the account under which
// this operator runs. The policy names the account; whoever installs the operator under another one must change it there too, and without
// this nobody would notice that they have not.
//
// It asks by a write in a dry run that the policy must refuse. It neither makes nor mends the policy (config/policy).
package reach

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Policy keeps the operator to the namespaces of tenants.
const Policy = "cmhf-reach-operator"

// often enough for a policy that somebody changes, and rarely enough not to be noticed.
const every = time.Hour

// Watch looks at the start and every hour until the context ends, and logs an error when the operator is not kept. Client writes as the
// operator.
type Watch struct {
	Client client.Client
	Log    logr.Logger
}

// Start implements manager.Runnable.
func (w Watch) Start(ctx context.Context) error {
	for {
		kept, err := Kept(ctx, w.Client)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			w.Log.Info("whether the operator is kept to the namespaces of tenants can't be told; trying again later", "why", err.Error())
		case !kept:
			w.Log.Error(nil, "the operator can write in every namespace: policy "+Policy+" does not speak of its account or is not in force; "+
				"put config/policy in force with the name of the account (docs/policies.md)")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(every):
		}
	}
}

// Kept tells whether the policy refuses the account of the client a write outside of tenants' namespaces.
func Kept(ctx context.Context, c client.Client) (bool, error) {
	tried := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, GenerateName: "cmhf-reach-"}}
	err := c.Create(ctx, tried, client.DryRunAll)
	switch {
	case err == nil:
		return false, nil
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), Policy):
		return true, nil
	}
	return false, fmt.Errorf("trying to write in namespace %s in a dry run: %w", metav1.NamespaceDefault, err)
}
