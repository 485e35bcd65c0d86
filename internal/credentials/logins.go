package credentials

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
)

// annotationLogins names the Secrets that database-logins was written from, so that it is read and written only when they change.
const annotationLogins = "cmhf.health/logins-of"

// ensureLogins makes database-logins say what the record does: for the owner and for the app, a line "role verifier" for each
// login that may be used, the current one last. secrets are those of the current and the next generation, with their content where
// they were made just now.
func (k *Keeper) ensureLogins(ctx context.Context, tenant Tenant, secrets map[string]*corev1.Secret) error {
	var used []*corev1.Secret
	var sources []string
	for _, generation := range tenant.Record.logins() {
		for _, purpose := range []string{DatabaseOwner, DatabaseApp} {
			name := Name(purpose, generation)
			secret := secrets[name]
			if secret == nil && generation < tenant.Record.Generation {
				existing, err := k.metadata(ctx, tenant.Namespace, name)
				if err != nil {
					return err
				}
				if existing != nil {
					secret = &corev1.Secret{ObjectMeta: existing.ObjectMeta}
				}
			}
			if secret != nil { // a login whose Secret is lost can be used by nobody
				used, sources = append(used, secret), append(sources, name+"="+string(secret.UID))
			}
		}
	}
	wanted := strings.Join(sources, ",")
	existing, err := k.unlessNew(ctx, tenant, Logins)
	if err != nil {
		return err
	}
	if existing != nil && existing.Annotations[annotationLogins] == wanted {
		return nil
	}
	lists, err := k.loginLists(ctx, used)
	if err != nil {
		return err
	}
	if existing == nil {
		return k.createLogins(ctx, tenant, wanted, lists)
	}
	// A list of which every Secret is lost stays as it is: the rotation that replaces them writes the next one.
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{annotationLogins: wanted}, "resourceVersion": existing.ResourceVersion},
		"data":     lists,
	})
	if err != nil {
		return fmt.Errorf("encoding Secret %s/%s: %w", tenant.Namespace, Logins, err)
	}
	if err := k.writer.Patch(ctx, existing, client.RawPatch(types.MergePatchType, patch)); err != nil {
		return fmt.Errorf("updating Secret %s/%s: %w", tenant.Namespace, Logins, err)
	}
	return nil
}

func (k *Keeper) createLogins(ctx context.Context, tenant Tenant, sources string, lists map[string][]byte) error {
	err := k.writer.Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: Logins, Namespace: tenant.Namespace,
			Labels:      map[string]string{v1alpha1.LabelICS: tenant.ICS, v1alpha1.LabelComponent: v1alpha1.ComponentDatabase},
			Annotations: map[string]string{annotationLogins: sources},
		},
		Data: lists,
	})
	if apierrors.IsAlreadyExists(err) {
		// Someone else has made it meanwhile: what it says is to be looked at.
		return apierrors.NewConflict(corev1.Resource("secrets"), Logins, err)
	}
	if err != nil {
		return fmt.Errorf("creating Secret %s/%s: %w", tenant.Namespace, Logins, err)
	}
	return nil
}

// loginLists makes the two lists from Secrets of logins. Those of early releases hold no verifier yet.
func (k *Keeper) loginLists(ctx context.Context, secrets []*corev1.Secret) (map[string][]byte, error) {
	lists := map[string][]byte{}
	for _, secret := range secrets {
		if secret.Data == nil {
			if err := k.reader.Get(ctx, client.ObjectKeyFromObject(secret), secret); err != nil {
				return nil, fmt.Errorf("reading Secret %s/%s: %w", secret.Namespace, secret.Name, err)
			}
		}
		verifier := string(secret.Data["verifier"])
		if verifier == "" {
			verifier = Verifier(string(secret.Data["password"]))
		}
		list := "app"
		if strings.HasPrefix(secret.Name, DatabaseOwner) {
			list = "owner"
		}
		lists[list] = fmt.Appendf(lists[list], "%s %s\n", secret.Data["username"], verifier)
	}
	return lists, nil
}
