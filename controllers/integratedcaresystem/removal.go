package integratedcaresystem

import (
	"context"
	"fmt"
	"slices"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
)

// removalRole is the ClusterRole with the rights to delete what holds data, and the name of the RoleBinding to it. The operator
// binds it in the one namespace, when a removal has come to that, and takes it away afterwards.
const removalRole = "cmhf-operator-tenant-removal"

// remove takes the database, its volumes and its Secrets away, one by one, each confirmed as a person would have to. It does so
// only when the deletion itself is confirmed, also where no policy asks for that, and while the last backup is where it was
// verified. The namespace and the claim with the backups stay.
func (r *Reconciler) remove(ctx context.Context, s *scope) (bool, error) {
	backup := s.ics.Status.Deletion.Backup
	if !s.deletes() || backup == nil {
		return r.callOff(ctx, s)
	}
	if s.ics.Annotations[v1alpha1.AnnotationConfirmDeletion] != s.ics.Name {
		return false, &refusal{v1alpha1.ReasonDeletionNotConfirmed, fmt.Sprintf("the last backup is verified and the data can be removed, but the deletion is not confirmed: "+
			"kubectl annotate ics %[1]s %[2]s=%[1]s; %[3]s", s.ics.Name, v1alpha1.AnnotationConfirmDeletion, s.keepInstead()), lookAgain}
	}
	namespace, err := r.tenantNamespace(ctx, s)
	if err != nil || namespace == nil {
		return err == nil, err
	}
	claim, err := r.live(ctx, s, claimKind, backup.Claim)
	if err != nil {
		return false, err
	}
	if claim == nil || claim.GetUID() != backup.ClaimUID || claim.GetDeletionTimestamp() != nil {
		return false, &refusal{v1alpha1.ReasonFinalBackupUnavailable, fmt.Sprintf("PersistentVolumeClaim %s/%s with the last backup is gone or another one, "+
			"so nothing more is removed; %s", namespace.GetName(), backup.Claim, s.keepInstead()), lookAgain}
	}
	s.stoppingReason = v1alpha1.ReasonRemoving
	for _, kind := range dataKinds {
		objects, err := r.dataObjects(ctx, s, kind)
		if err != nil {
			return false, err
		}
		// Whatever its labels say.
		objects = slices.DeleteFunc(objects, func(o unstructured.Unstructured) bool { return o.GetUID() == backup.ClaimUID })
		if gone, err := r.removeEach(ctx, s, objects); err != nil || !gone {
			return false, err
		}
	}
	r.Credentials.Forget(namespace.GetUID())
	secrets, err := r.ownSecrets(ctx, s, namespace)
	if err != nil {
		return false, err
	}
	if gone, err := r.removeEach(ctx, s, secrets); err != nil || !gone {
		s.again = passingDelay // no watch tells of Secrets
		return false, err
	}
	return r.endGrant(ctx, s)
}

// callOff ends a removal that was begun, where there is one: what is kept is no longer confirmed, and the right to remove it goes.
func (r *Reconciler) callOff(ctx context.Context, s *scope) (bool, error) {
	namespace, err := r.tenantNamespace(ctx, s)
	if err != nil || namespace == nil {
		return err == nil, err
	}
	binding, err := r.live(ctx, s, roleBindingKind, removalRole)
	if err != nil || binding == nil {
		return err == nil, err
	}
	kept, err := r.ownSecrets(ctx, s, namespace)
	if err != nil {
		return false, err
	}
	for _, kind := range dataKinds {
		objects, err := r.dataObjects(ctx, s, kind)
		if err != nil {
			return false, err
		}
		kept = append(kept, objects...)
	}
	for _, object := range kept {
		if object.GetDeletionTimestamp() != nil {
			continue
		}
		if err := r.annotate(ctx, &object, v1alpha1.AnnotationConfirmDeletion, ""); err != nil {
			return false, fmt.Errorf("taking back the confirmation of %s: %w", applyset.Ref(&object), err)
		}
	}
	err = r.Applier.Remove(ctx, binding)
	return err == nil, err
}

// removeEach confirms and deletes objects, and says whether they are gone.
func (r *Reconciler) removeEach(ctx context.Context, s *scope, objects []unstructured.Unstructured) (bool, error) {
	for _, object := range objects {
		s.stopping = "waits until " + applyset.Ref(&object) + " is gone"
		if object.GetDeletionTimestamp() != nil {
			continue
		}
		if err := r.grant(ctx, s); err != nil {
			return false, err
		}
		if err := r.annotate(ctx, &object, v1alpha1.AnnotationConfirmDeletion, object.GetName()); err != nil {
			return false, fmt.Errorf("confirming the deletion of %s: %w", applyset.Ref(&object), err)
		}
		if err := r.Applier.Remove(ctx, &object); err != nil {
			return false, err
		}
	}
	return len(objects) == 0, nil
}

// grant binds the right to delete what holds data in the tenant's namespace. It takes a moment to spread.
func (r *Reconciler) grant(ctx context.Context, s *scope) error {
	binding, err := r.live(ctx, s, roleBindingKind, removalRole)
	if err != nil {
		return err
	}
	if binding == nil {
		wanted := &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: s.ics.TenantNamespace(), Name: removalRole,
				// A member of the set, so that it goes with the next render, should the system be declared again first.
				Labels: map[string]string{v1alpha1.LabelICS: s.ics.Name, applyset.LabelPartOf: setID(s.ics)}},
			RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: removalRole},
			Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: r.Settings.Operator.Namespace, Name: r.Settings.Operator.ServiceAccount}},
		}
		if err := r.Client.Create(ctx, wanted, client.FieldOwner(applyset.FieldManager)); err != nil {
			return fmt.Errorf("binding ClusterRole %s in namespace %s: %w", removalRole, s.ics.TenantNamespace(), err)
		}
		s.granted = time.Now()
		return nil
	}
	s.granted = binding.GetCreationTimestamp().Time
	return nil
}

// endGrant takes the right away again, where it was given.
func (r *Reconciler) endGrant(ctx context.Context, s *scope) (bool, error) {
	if namespace, err := r.tenantNamespace(ctx, s); err != nil || namespace == nil {
		return err == nil, err
	}
	binding, err := r.live(ctx, s, roleBindingKind, removalRole)
	if err != nil || binding == nil {
		return err == nil, err
	}
	err = r.Applier.Remove(ctx, binding)
	return err == nil, err
}

// clusterSecrets are those that CloudNativePG makes for a Cluster.
var clusterSecrets = []string{clusterName + "-ca", clusterName + "-server", clusterName + "-replication"}

// ownSecrets finds the tenant's Secrets by the names that its record allows for: Secrets are never listed.
func (r *Reconciler) ownSecrets(ctx context.Context, s *scope, namespace *unstructured.Unstructured) ([]unstructured.Unstructured, error) {
	record, err := readRecord(namespace)
	if err != nil {
		return nil, err
	}
	var found []unstructured.Unstructured
	for _, name := range append(record.Names(), clusterSecrets...) {
		secret := &metav1.PartialObjectMetadata{}
		secret.SetGroupVersionKind(secretKind)
		err := r.Uncached.Get(ctx, client.ObjectKey{Namespace: s.ics.TenantNamespace(), Name: name}, secret)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("looking for Secret %s/%s: %w", s.ics.TenantNamespace(), name, err)
		}
		if secret.Labels[v1alpha1.LabelICS] != s.ics.Name {
			continue
		}
		object := named(secretKind, secret.Namespace, secret.Name)
		object.SetUID(secret.UID)
		object.SetAnnotations(secret.Annotations)
		object.SetDeletionTimestamp(secret.DeletionTimestamp)
		found = append(found, *object)
	}
	return found, nil
}
