// Package integratedcaresystem reconciles an IntegratedCareSystem into its stack: namespace, credentials, database, migration,
// coordination API and dashboard.
//
// A reconcile is a list of phases over one scope: resolve (what should this tenant run), render (pure), namespace,
// configuration, workloads (gated by health), then one status write computed from the scope alone. Deletion is a list of its
// own and needs no render. It never writes a spec, never deletes anything that holds data, and does not deal with services
// (see package corecommunityservice).
package integratedcaresystem

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
	"github.com/cmhf/operator/internal/credentials"
	"github.com/cmhf/operator/internal/patience"
	"github.com/cmhf/operator/internal/stack"
)

// Reconciler turns IntegratedCareSystems into stacks.
type Reconciler struct {
	// Client reads from the cache and writes to the API server.
	Client client.Client
	// Uncached reads from the API server: foreign namespaces and Secrets are not in the cache.
	Uncached client.Reader
	Recorder events.EventRecorder
	Renderer *stack.Renderer
	Applier  *applyset.Applier
	// Credentials makes and removes Secrets.
	Credentials *credentials.Keeper
	Settings    Settings
	// APIServer knows where the API server is.
	APIServer interface {
		Addresses(context.Context) ([]stack.Addresses, time.Duration, error)
		Sources(concerned func(context.Context) []reconcile.Request) []source.Source
	}

	// optional says which kinds of other projects are served: set by SetupWithManager.
	optional interface {
		Served(schema.GroupVersionKind) bool
	}
	looks looks
	// news are statuses that wait for a moment.
	news patience.News
	// guard remembers whether tenants' data are guarded.
	guard guard
}

// Settings are what the operator brings to every tenant.
type Settings struct {
	// Release names the stack that this operator brings.
	Release string
	Images  stack.Images
	// Registry holds the images in the place of their own registries; PullSecret opens it. Either may be empty.
	Registry, PullSecret string
	Operator             stack.Operator
	// ClusterCIDRs are the address ranges of the cluster's pods and Services.
	ClusterCIDRs []string
	// DefaultEngine runs the database of a new tenant whose spec names none.
	DefaultEngine string
	// CloudNativePG is the namespace of that operator.
	CloudNativePG string
	// APIServer is where the API server is for the pods that CloudNativePG makes; empty: where it says that it is.
	APIServer []stack.Addresses
}

// phase does one step. It returns false when the rest has to wait for something that a watch will tell.
type phase func(context.Context, *scope) (bool, error)

// Reconcile brings one tenant a step nearer to what is declared.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	ics := &v1alpha1.IntegratedCareSystem{}
	if err := r.Client.Get(ctx, request.NamespacedName, ics); err != nil {
		r.news.Told(request.Name)
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	s := newScope(ics)
	if ics.Spec.Suspend {
		err := r.writeStatus(ctx, s)
		if s.isPassing(err) {
			return ctrl.Result{RequeueAfter: passingDelay}, nil
		}
		return ctrl.Result{}, err
	}
	if !ics.DeletionTimestamp.IsZero() {
		return r.reconcileDeletion(ctx, s)
	}
	err := run(ctx, s, r.protect, r.find, r.resolve, r.resolveRestore, r.render, r.served, r.namespace, r.external, r.volume, r.configuration,
		r.credentials, r.certificates, r.unscale, r.forgetEarlier, r.workloads, r.noteRestore, r.recordVolume, r.lookAtBackups, r.prune, r.rotate, r.services, r.guarded)
	if s.isPassing(err) {
		return ctrl.Result{RequeueAfter: passingDelay}, nil
	}
	var refused *refusal
	if errors.As(refuse(err), &refused) {
		s.refused, err = refused, nil
	}
	if s.refused != nil {
		err = errors.Join(r.observe(ctx, s), r.watchOver(ctx, s))
	}
	s.failure = err
	if statusErr := r.writeStatus(ctx, s); statusErr != nil {
		err = errors.Join(err, statusErr)
	}
	switch {
	case s.isPassing(err):
		return ctrl.Result{RequeueAfter: passingDelay}, nil
	case err != nil:
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: s.next()}, nil
}

// next is how soon the first of all that no watch tells of is due; zero when nothing is.
func (s *scope) next() time.Duration {
	switch {
	case s.refused != nil:
		s.lookAfter(s.refused.retry)
	case !meta.IsStatusConditionTrue(s.ics.Status.Conditions, v1alpha1.ConditionReady):
		// A watch tells of what comes up; that a Secret is missing, which keeps it from coming up, a live look does.
		s.lookAfter(looksHold)
	}
	if s.backups != nil {
		s.lookAfter(s.backups.overdueIn())
	}
	return s.again
}

func run(ctx context.Context, s *scope, phases ...phase) error {
	for _, phase := range phases {
		proceed, err := phase(ctx, s)
		if err != nil || !proceed {
			return err
		}
	}
	return nil
}

// refusal is a failure that someone has to mend.
type refusal struct {
	reason, message string
	// retry is when to look again; zero when only a change of the spec can mend it, which a watch tells.
	retry time.Duration
}

// lookAgain is how soon something that no watch tells (a policy, a foreign namespace) may have been mended.
const lookAgain = 15 * time.Second

func (r *refusal) Error() string { return r.reason + ": " + r.message }

// refuse turns an answer of the API server that won't change soon into a refusal.
func refuse(err error) error {
	var immutable *applyset.ImmutableError
	if errors.As(err, &immutable) {
		return &refusal{v1alpha1.ReasonImmutableFieldChange, err.Error() + "; the API server allows no change of it, and what holds data is never replaced", lookAgain}
	}
	var absent *applyset.NotServedError
	if errors.As(err, &absent) {
		return notServed(absent.Kind)
	}
	if apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || apierrors.IsForbidden(err) {
		return &refusal{v1alpha1.ReasonApplyRefused, err.Error(), lookAgain}
	}
	return err
}

// protect adds the finalizer before anything exists that it has to look after, and marks the resource as the parent of its
// set of objects.
func (r *Reconciler) protect(ctx context.Context, s *scope) (bool, error) {
	before := s.ics.DeepCopy()
	controllerutil.AddFinalizer(s.ics, v1alpha1.FinalizerRetain)
	metav1.SetMetaDataLabel(&s.ics.ObjectMeta, applyset.LabelID, setID(s.ics))
	metav1.SetMetaDataAnnotation(&s.ics.ObjectMeta, applyset.AnnotationTooling, applyset.FieldManager+"/v1alpha1")
	metav1.SetMetaDataAnnotation(&s.ics.ObjectMeta, applyset.AnnotationContains, stack.GroupKinds())
	if equality.Semantic.DeepEqual(before.ObjectMeta, s.ics.ObjectMeta) {
		return true, nil
	}
	if err := patchMetadata(ctx, r.Client, s.ics, before); err != nil {
		return false, fmt.Errorf("adding the finalizer to IntegratedCareSystem %s: %w", s.ics.Name, err)
	}
	s.original = s.ics.DeepCopy()
	return true, nil
}

// setID is the id of the set of objects of a system.
func setID(ics *v1alpha1.IntegratedCareSystem) string {
	return applyset.ID(ics.Name, schema.GroupKind{Group: v1alpha1.Group, Kind: "IntegratedCareSystem"})
}
