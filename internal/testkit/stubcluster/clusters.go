package stubcluster

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
)

var clusterKind = schema.GroupVersionKind{Group: "postgresql.cnpg.io", Version: "v1", Kind: "Cluster"}

// ServeClusters does what CloudNativePG's operator would until the context ends: servers become ready, have volumes that the Cluster
// owns and that grow with it, and stop when they are to hibernate. It asks again and again, because the kind comes and goes.
func (c *Cluster) ServeClusters(ctx context.Context) {
	for ctx.Err() == nil {
		clusters := &unstructured.UnstructuredList{}
		clusters.SetGroupVersionKind(clusterKind)
		if err := c.uncached.List(ctx, clusters); err == nil {
			for i := range clusters.Items {
				// A conflict with the operator is no news; the next round tries again.
				_ = c.cluster(ctx, &clusters.Items[i])
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(poll):
		}
	}
}

func (c *Cluster) cluster(ctx context.Context, cluster *unstructured.Unstructured) error {
	instances, _, _ := unstructured.NestedInt64(cluster.Object, "spec", "instances")
	for n := range instances {
		if err := c.serverClaim(ctx, cluster, fmt.Sprintf("%s-%d", cluster.GetName(), n+1), n == 0); err != nil {
			return err
		}
	}
	image, _, _ := unstructured.NestedString(cluster.Object, "spec", "imageName")
	roles, err := c.roles(ctx, cluster)
	if err != nil {
		return err
	}
	hibernates := cluster.GetAnnotations()["cnpg.io/hibernation"] == "on"
	held := c.is(c.held, cluster)
	phase, ready, condition := "Cluster in healthy state", instances, "True"
	if held {
		phase, ready, condition = "Setting up primary", 0, "False"
	}
	conditions := []any{map[string]any{"type": "Ready", "status": condition, "reason": "Stub", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}}
	switch {
	case hibernates && held:
		conditions = append(conditions, map[string]any{
			"type": "cnpg.io/hibernation", "status": "False", "reason": "WaitingForHealthy", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"})
	case hibernates:
		ready = 0
		conditions = append(conditions, map[string]any{
			"type": "cnpg.io/hibernation", "status": "True", "reason": "Hibernated", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"})
	}
	status := map[string]any{
		"instances": instances, "readyInstances": ready, "phase": phase, "image": image, "currentPrimary": cluster.GetName() + "-1",
		"systemID": "7" + string(cluster.GetUID()), "conditions": conditions, "managedRolesStatus": roles,
	}
	if equality.Semantic.DeepEqual(cluster.Object["status"], status) {
		return nil
	}
	cluster.Object["status"] = status
	return c.uncached.Status().Update(ctx, cluster)
}

// roles is what CloudNativePG says of the logins: it can't bring one to a Secret that is not there or is another login's.
func (c *Cluster) roles(ctx context.Context, cluster *unstructured.Unstructured) (map[string]any, error) {
	roles, _, _ := unstructured.NestedSlice(cluster.Object, "spec", "managed", "roles")
	done, problems := []any{}, map[string]any{}
	for _, entry := range roles {
		role, _ := entry.(map[string]any)
		login, _ := role["name"].(string)
		name, _, _ := unstructured.NestedString(role, "passwordSecret", "name")
		secret := &corev1.Secret{}
		err := c.uncached.Get(ctx, client.ObjectKey{Namespace: cluster.GetNamespace(), Name: name}, secret)
		switch {
		case name == "" || err == nil && string(secret.Data["username"]) == login:
			done = append(done, login)
		case client.IgnoreNotFound(err) != nil:
			return nil, err
		default:
			problems[login] = []any{"failed to get password secret " + name}
		}
	}
	return map[string]any{"byStatus": map[string]any{"reconciled": done}, "cannotReconcile": problems}, nil
}

// serverClaim makes the claim of one server, or enlarges it.
func (c *Cluster) serverClaim(ctx context.Context, cluster *unstructured.Unstructured, name string, primary bool) error {
	text, _, _ := unstructured.NestedString(cluster.Object, "spec", "storage", "size")
	size, err := resource.ParseQuantity(text)
	if err != nil {
		return fmt.Errorf("reading the size of %s: %w", cluster.GetName(), err)
	}
	claim := &corev1.PersistentVolumeClaim{}
	err = c.uncached.Get(ctx, client.ObjectKey{Namespace: cluster.GetNamespace(), Name: name}, claim)
	if err == nil {
		if has := claim.Spec.Resources.Requests[corev1.ResourceStorage]; has.Cmp(size) >= 0 {
			return nil
		}
		claim.Spec.Resources.Requests[corev1.ResourceStorage] = size
		return c.uncached.Update(ctx, claim)
	}
	if client.IgnoreNotFound(err) != nil {
		return err
	}
	role := "replica"
	if primary {
		role = "primary"
	}
	labels, _, _ := unstructured.NestedStringMap(cluster.Object, "spec", "inheritedMetadata", "labels")
	labels["cnpg.io/cluster"], labels["cnpg.io/instanceRole"] = cluster.GetName(), role
	claim = &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: cluster.GetNamespace(), Name: name, Labels: labels,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(cluster, clusterKind)},
		},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: size}},
		},
	}
	if class, found, _ := unstructured.NestedString(cluster.Object, "spec", "storage", "storageClass"); found {
		claim.Spec.StorageClassName = &class
	}
	if claim.Labels[v1alpha1.LabelICS] == "" {
		return fmt.Errorf("%s gives its volumes no labels of a tenant", cluster.GetName())
	}
	return c.uncached.Create(ctx, claim)
}
