package integratedcaresystem

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
)

// GuardPolicy is the policy that guards what holds the data of tenants.
const GuardPolicy = "cmhf-deletion-tenants"

// putInForce is how to mend what is not guarded.
const putInForce = "put the policies in force: kubectl apply --server-side -k config/policy (docs/policies.md)"

// How long an answer holds: a watch tells of policies that change, so that asking again is for what no watch tells of. A policy that
// was changed a moment ago is not yet in force on every API server.
const (
	guardHolds          = 10 * time.Minute
	guardHoldsUnguarded = time.Minute
	guardHoldsSettling  = 3 * time.Second
	guardSettles        = 20 * time.Second
)

// guard remembers, by tenant, whether the policy refused to delete the sentinel when it was last asked, and for all of them what the other
// policies leave unguarded.
type guard struct {
	mu      sync.Mutex
	changed time.Time
	answers map[types.UID]guardAnswer
	others  struct {
		said  string
		until time.Time
	}
	// reading is held while the other policies are read.
	reading sync.Mutex
}

type guardAnswer struct {
	condition metav1.Condition
	until     time.Time
}

// policiesChanged makes every answer an old one.
func (g *guard) policiesChanged() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.changed, g.answers, g.others.until = time.Now(), nil, time.Time{}
}

// known gives the answer for a namespace, while it holds, and for how much longer.
func (g *guard) known(namespace types.UID) (metav1.Condition, time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	answer := g.answers[namespace]
	return answer.condition, time.Until(answer.until)
}

func (g *guard) remember(namespace types.UID, condition metav1.Condition) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	holds := g.holds(condition.Status == metav1.ConditionTrue)
	if g.answers == nil {
		g.answers = map[types.UID]guardAnswer{}
	}
	g.answers[namespace] = guardAnswer{condition, time.Now().Add(holds)}
	return holds
}

// holds says for how long an answer that was given now holds; g.mu is held.
func (g *guard) holds(guarded bool) time.Duration {
	holds := guardHolds
	switch {
	case time.Since(g.changed) < guardSettles:
		holds = guardHoldsSettling
	case !guarded:
		holds = guardHoldsUnguarded
	}
	// Tenants that were asked about at the same moment are not asked about at the same moment again.
	return holds + rand.N(holds/5)
}

// guarded finds out whether the tenant's data are guarded against deletion: by asking, in a dry run, to delete an object that holds
// nothing and that the same policy guards. That a policy exists would prove nothing; of those that can't be asked it has to do. A
// confirmation that was left on an object takes the guard off that one.
func (r *Reconciler) guarded(ctx context.Context, s *scope) (bool, error) {
	if s.namespaceUID == "" {
		return true, nil // made this moment; the next pass knows it
	}
	condition, holds := r.guard.known(s.namespaceUID)
	if holds <= 0 {
		var err error
		if condition, err = r.askToDelete(ctx, s); err != nil {
			return false, err
		}
		holds = r.guard.remember(s.namespaceUID, condition)
	}
	s.lookAfter(holds)
	gaps, holds, err := r.unguarded(ctx)
	if err != nil {
		return false, err
	}
	s.lookAfter(holds)
	if gaps != "" && condition.Status == metav1.ConditionTrue {
		condition.Status, condition.Reason, condition.Message = metav1.ConditionFalse, v1alpha1.ReasonNotGuarded, gaps+"; "+putInForce
	}
	left, err := r.confirmed(ctx, s)
	if err != nil {
		return false, err
	}
	if len(left) > 0 && (condition.Status == metav1.ConditionTrue || left[0].GetName() == v1alpha1.DeletionSentinel) {
		condition.Status, condition.Reason = metav1.ConditionFalse, v1alpha1.ReasonDeletionConfirmed
		condition.Message = fmt.Sprintf("confirmed to be deleted, so not guarded: %s; take that back: %s", firstFew(refs(left), 3), takeBack(left[0]))
	}
	condition.Type, condition.ObservedGeneration = v1alpha1.ConditionDeletionProtected, s.ics.Generation
	s.guard = &condition
	return true, nil
}

// askToDelete deletes the sentinel in a dry run.
func (r *Reconciler) askToDelete(ctx context.Context, s *scope) (metav1.Condition, error) {
	err := r.Client.Delete(ctx, sentinelOf(s), client.DryRunAll)
	switch {
	case err == nil:
		return metav1.Condition{Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonNotGuarded, Message: "the API server would let the namespace, the volumes, " +
			"the database and its Secrets be deleted without a confirmation; " + putInForce}, nil
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), "ValidatingAdmissionPolicy '"+GuardPolicy+"'"):
		return metav1.Condition{Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonGuarded,
			Message: "the namespace, the volumes, the database and its Secrets can't be deleted without a confirmation of each"}, nil
	case apierrors.ReasonForError(err) == metav1.StatusReasonUnknown:
		return metav1.Condition{}, fmt.Errorf("asking whether the data of %s are guarded: %w", s.ics.Name, err)
	}
	return metav1.Condition{Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonGuardUnknown, Message: fmt.Sprintf(
		"whether policy %s guards the data can't be told, because asking to delete ConfigMap %s was answered otherwise: %v", GuardPolicy, v1alpha1.DeletionSentinel, err)}, nil
}

func sentinelOf(s *scope) *unstructured.Unstructured {
	return named(configMapKind, s.ics.TenantNamespace(), v1alpha1.DeletionSentinel)
}

// confirmed lists what may be deleted because of a confirmation that stands on it, the sentinel first, as far as the cache holds it:
// Secrets it does not.
func (r *Reconciler) confirmed(ctx context.Context, s *scope) ([]unstructured.Unstructured, error) {
	var left []unstructured.Unstructured
	note := func(object unstructured.Unstructured) {
		if object.GetAnnotations()[v1alpha1.AnnotationConfirmDeletion] == object.GetName() {
			left = append(left, object)
		}
	}
	sentinel, err := applyset.Current(ctx, r.Client, sentinelOf(s))
	if err != nil {
		return nil, err
	}
	if sentinel != nil {
		note(*sentinel)
	}
	ics := named(v1alpha1.GroupVersion.WithKind("IntegratedCareSystem"), "", s.ics.Name)
	ics.SetAnnotations(s.ics.Annotations)
	note(*ics)
	namespace, err := r.existingNamespace(ctx, s.ics.TenantNamespace())
	if err != nil {
		return nil, err
	}
	if namespace != nil {
		note(*namespace)
	}
	for _, kind := range dataKinds {
		if kind == clusterKind && !r.optional.Served(kind) {
			continue
		}
		found := list(kind)
		if err := r.Client.List(ctx, found, r.stack(s)...); err != nil {
			return nil, fmt.Errorf("listing the %ss of %s: %w", kind.Kind, s.ics.Name, err)
		}
		for _, object := range found.Items {
			note(object)
		}
	}
	return left, nil
}

func refs(objects []unstructured.Unstructured) []string {
	names := make([]string, 0, len(objects))
	for _, object := range objects {
		names = append(names, object.GetKind()+" "+object.GetName())
	}
	return names
}

// takeBack is the command that removes a confirmation.
func takeBack(object unstructured.Unstructured) string {
	in := ""
	if object.GetNamespace() != "" {
		in = "-n " + object.GetNamespace() + " "
	}
	kind := strings.ToLower(object.GetKind())
	if group := object.GroupVersionKind().Group; group != "" {
		kind += "." + group
	}
	return fmt.Sprintf("kubectl %sannotate %s %s %s-", in, kind, object.GetName(), v1alpha1.AnnotationConfirmDeletion)
}
