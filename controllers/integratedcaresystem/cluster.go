package integratedcaresystem

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
)

// Names by which CloudNativePG marks what belongs to a Cluster.
const (
	clusterName  = "database"
	labelCluster = "cnpg.io/cluster"
	labelRole    = "cnpg.io/instanceRole"
	primaryRole  = "primary"
)

var clusterKind = schema.GroupVersionKind{Group: "postgresql.cnpg.io", Version: "v1", Kind: "Cluster"}

// clusterMissing says what became of the Cluster that holds the data. It owns its volumes: in the place of one that is gone, CloudNativePG
// would begin with an empty database, or take over volumes that no one owns.
func (r *Reconciler) clusterMissing(ctx context.Context, s *scope, there, recorded holder) (string, error) {
	found, claims := "", ""
	switch {
	case there.id == "":
		found = "is gone"
		var err error
		if claims, err = r.ownerless(ctx, s); err != nil {
			return "", err
		}
	case there.system == "":
		found = "is another one now (" + there.id + "), and its servers do not say yet whose data they have"
	default:
		found = fmt.Sprintf("runs another database now (system identifier %s instead of %s)", there.system, recorded.system)
	}
	return fmt.Sprintf("the Cluster %s that holds this system's data (%s) %s; nothing was made in its place.%s Give the data back, then, to go on with what "+
		"is there (or with an empty database): kubectl -n %s delete configmap %s", clusterName, recorded.id, found, claims, s.inputs.Namespace, recordName), nil
}

// ownerless describes the volume claims that a Cluster left behind. CloudNativePG takes over those without an owner when a Cluster of
// their name is made; which of them was the primary's it can only tell by a label, and a standby's may lack the last changes. So a
// person decides.
func (r *Reconciler) ownerless(ctx context.Context, s *scope) (string, error) {
	claims, err := r.clusterClaims(ctx, s)
	if err != nil {
		return "", err
	}
	var free []string
	primary := ""
	for _, claim := range claims {
		if len(claim.GetOwnerReferences()) > 0 || claim.GetDeletionTimestamp() != nil {
			continue
		}
		free = append(free, claim.GetName())
		if claim.GetLabels()[labelRole] == primaryRole {
			primary = claim.GetName()
		}
	}
	switch {
	case len(free) == 0:
		return " None of its volume claims is left without an owner: a new Cluster would be empty.", nil
	case primary == "":
		return fmt.Sprintf(" Its volume claims %s are there, but none is marked as the primary's: a new Cluster would begin with the one of the "+
			"highest number, which may lack the last changes. Label the right one %s=%s first.", strings.Join(free, ", "), labelRole, primaryRole), nil
	}
	return fmt.Sprintf(" Its volume claims %s are there, %s is marked as the primary's: a new Cluster would take them over.", strings.Join(free, ", "), primary), nil
}

// clusterClaims are the volume claims of the Cluster by name, as the cache has them.
func (r *Reconciler) clusterClaims(ctx context.Context, s *scope) ([]unstructured.Unstructured, error) {
	claims := list(claimKind)
	err := r.Client.List(ctx, claims, client.InNamespace(s.inputs.Namespace), client.MatchingLabels{labelCluster: clusterName})
	if err != nil {
		return nil, fmt.Errorf("listing the volume claims of %s: %w", s.ics.Name, err)
	}
	slices.SortFunc(claims.Items, func(a, b unstructured.Unstructured) int { return strings.Compare(a.GetName(), b.GetName()) })
	return claims.Items, nil
}

// fitStorage leaves the storage of a Cluster as it is where it can't become what is declared, and says so: another class, a smaller
// size, a larger one that the API server would not let the claims have. CloudNativePG would go on trying to enlarge them, and a
// server that fails meanwhile would wait.
func (r *Reconciler) fitStorage(ctx context.Context, s *scope, desired *unstructured.Unstructured) error {
	live, err := applyset.Current(ctx, r.Client, desired)
	if err != nil || live == nil {
		return err
	}
	has, _, err := unstructured.NestedMap(live.Object, "spec", "storage")
	if err != nil {
		return fmt.Errorf("reading the storage of %s: %w", applyset.Ref(live), err)
	}
	wants, _, _ := unstructured.NestedMap(desired.Object, "spec", "storage")
	problem, err := r.storageProblem(ctx, s, has, wants)
	if err != nil || problem == nil {
		return err
	}
	s.goOnWithout(problem)
	for _, field := range []string{"size", "storageClass"} {
		unstructured.RemoveNestedField(desired.Object, "spec", "storage", field)
		if has[field] != nil {
			if err := unstructured.SetNestedField(desired.Object, has[field], "spec", "storage", field); err != nil {
				return fmt.Errorf("keeping the storage of %s: %w", applyset.Ref(desired), err)
			}
		}
	}
	// It is not what was rendered, and must not pass for it.
	annotations := desired.GetAnnotations()
	annotations[v1alpha1.AnnotationRenderHash] += "-storage-kept"
	desired.SetAnnotations(annotations)
	return nil
}

// storageProblem says why the storage can't become what is wanted, nil when it can.
func (r *Reconciler) storageProblem(ctx context.Context, s *scope, has, wants map[string]any) (*refusal, error) {
	kept := func(reason, why string) *refusal {
		return &refusal{reason, fmt.Sprintf("the volumes of the database stay at %v and serve on: %s", has["size"], why), lookAgain}
	}
	if wants["storageClass"] != nil && has["storageClass"] != wants["storageClass"] {
		return kept(v1alpha1.ReasonImmutableFieldChange, fmt.Sprintf("their storage class can't become %v", wants["storageClass"])), nil
	}
	was, wasErr := resource.ParseQuantity(fmt.Sprint(has["size"]))
	wanted, wantedErr := resource.ParseQuantity(fmt.Sprint(wants["size"]))
	if err := errors.Join(wasErr, wantedErr); err != nil {
		return nil, fmt.Errorf("reading the size of the database's volumes: %w", err)
	}
	switch wanted.Cmp(was) {
	case 0:
		return nil, nil
	case -1:
		return kept(v1alpha1.ReasonImmutableFieldChange, fmt.Sprintf("they can't shrink to %v", wants["size"])), nil
	}
	claims, err := r.clusterClaims(ctx, s)
	if err != nil {
		return nil, err
	}
	for i := range claims {
		claim := &claims[i]
		before := claim.DeepCopy()
		if err := unstructured.SetNestedField(claim.Object, wants["size"], "spec", "resources", "requests", "storage"); err != nil {
			return nil, fmt.Errorf("growing %s: %w", applyset.Ref(claim), err)
		}
		// Only asked: CloudNativePG does it.
		err := r.Client.Patch(ctx, claim, client.MergeFrom(before), client.DryRunAll)
		switch {
		case apierrors.IsForbidden(err) || apierrors.IsInvalid(err):
			return kept(v1alpha1.ReasonApplyRefused, fmt.Sprintf("they can't grow to %v: %v", wants["size"], err)), nil
		case client.IgnoreNotFound(err) != nil:
			return nil, fmt.Errorf("asking whether %s may grow: %w", applyset.Ref(claim), err)
		}
	}
	return nil, nil
}

// seeGrowth notes which of the database's volumes are getting larger.
func (r *Reconciler) seeGrowth(ctx context.Context, s *scope) error {
	claims := list(claimKind)
	err := r.Client.List(ctx, claims, client.InNamespace(s.inputs.Namespace),
		client.MatchingLabels{v1alpha1.LabelICS: s.ics.Name, v1alpha1.LabelComponent: v1alpha1.ComponentDatabase})
	if err != nil {
		return fmt.Errorf("listing the volume claims of %s: %w", s.ics.Name, err)
	}
	s.growing = growth(claims.Items)
	return nil
}

// growth tells of claims that are larger already than their volumes: " (database-1 grows from 10Gi to 20Gi)".
func growth(claims []unstructured.Unstructured) string {
	var growing []string
	for _, claim := range claims {
		wants, _, _ := unstructured.NestedString(claim.Object, "spec", "resources", "requests", "storage")
		has, _, _ := unstructured.NestedString(claim.Object, "status", "capacity", "storage")
		wanted, wantedErr := resource.ParseQuantity(wants)
		got, gotErr := resource.ParseQuantity(has)
		if wantedErr == nil && gotErr == nil && wanted.Cmp(got) > 0 {
			growing = append(growing, fmt.Sprintf("%s grows from %s to %s", claim.GetName(), has, wants))
		}
	}
	if len(growing) == 0 {
		return ""
	}
	slices.Sort(growing)
	return " (" + strings.Join(growing, ", ") + ")"
}
