package integratedcaresystem

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/credentials"
	"github.com/cmhf/operator/internal/stack"
)

// awaited says what a rotation waits for.
type awaited struct {
	reason, message string
}

// find reads the namespace and what it records of the tenant's Secrets. A cache may lag behind what this operator itself wrote.
func (r *Reconciler) find(ctx context.Context, s *scope) (bool, error) {
	var err error
	if s.existing, err = r.existingNamespace(ctx, s.ics.TenantNamespace()); err != nil {
		return false, err
	}
	s.found = true
	s.record = credentials.Record{Generation: 1}
	if s.existing == nil {
		return true, nil
	}
	if s.record, err = readRecord(s.existing); err != nil {
		return false, err
	}
	if err := r.refuseLostRecord(ctx, s); err != nil {
		return false, err
	}
	if r.Credentials.Latest(s.existing.GetUID(), s.record).Revision > s.record.Revision {
		s.record, err = r.liveRecord(ctx, s.existing)
	}
	return err == nil, err
}

// refuseLostRecord finds that the record of a tenant whose Secrets were rotated is gone, also when another operator than the present one
// wrote it: what stands for a tenant that was never rotated would lead its programs to Secrets that are no more.
func (r *Reconciler) refuseLostRecord(ctx context.Context, s *scope) error {
	_, there := s.existing.GetAnnotations()[v1alpha1.AnnotationCredentials]
	if told := s.ics.Status.Credentials; there || told == nil || told.Generation < 2 {
		return nil
	}
	// A namespace that was made anew has no Secrets yet, and the first generation is the right one.
	rotated, err := r.Credentials.Holds(ctx, s.existing.GetName(), s.ics.Status.Credentials.Generation)
	if err != nil || !rotated {
		return err
	}
	return recordGone(s.existing.GetName())
}

func recordGone(namespace string) error {
	return damagedRecord(namespace, fmt.Errorf("annotation %s is gone", v1alpha1.AnnotationCredentials))
}

// liveRecord asks the API server where a cache shows another record than the one that this operator wrote last: the cache may lag
// behind, or someone has put the annotation back by hand, whose word counts. One that was taken away is as good as damaged.
func (r *Reconciler) liveRecord(ctx context.Context, seen *unstructured.Unstructured) (credentials.Record, error) {
	namespace, err := currentNamespace(ctx, r.Uncached, seen.GetName())
	if err != nil {
		return credentials.Record{}, err
	}
	if namespace == nil || namespace.GetUID() != seen.GetUID() {
		return credentials.Record{}, apierrors.NewConflict(corev1.Resource("namespaces"), seen.GetName(), errors.New("it was deleted meanwhile"))
	}
	if _, there := namespace.GetAnnotations()[v1alpha1.AnnotationCredentials]; !there {
		return credentials.Record{}, recordGone(namespace.GetName())
	}
	record, err := readRecord(namespace)
	if err == nil {
		r.Credentials.Remember(namespace.GetUID(), record)
	}
	return record, err
}

// readRecord reads a namespace's record of the Secrets. One that can't be read is nobody's to guess.
func readRecord(namespace *unstructured.Unstructured) (credentials.Record, error) {
	record, err := credentials.ReadRecord(namespace.GetAnnotations())
	if err != nil {
		err = damagedRecord(namespace.GetName(), err)
	}
	return record, err
}

func damagedRecord(namespace string, problem error) error {
	return &refusal{v1alpha1.ReasonCredentialsUnknown, fmt.Sprintf("Namespace %s: %v; put back what it was, or, with the number of the newest Secret "+
		"database-app-N (1 where there is only database-app): kubectl annotate namespace %[1]s --overwrite %[3]s='{\"generation\":N}'. "+
		"A request to rotate that stands on the IntegratedCareSystem is then acted on again",
		namespace, problem, v1alpha1.AnnotationCredentials), lookAgain}
}

// noteFirstRequest takes a request to rotate that is as old as the tenant for done: its Secrets are new.
func (r *Reconciler) noteFirstRequest(ctx context.Context, s *scope) error {
	requested := s.ics.Annotations[v1alpha1.AnnotationRotateSecrets]
	if requested == "" || requested == s.record.Request {
		return nil
	}
	next := s.record
	next.Request = requested
	return r.writeRecord(ctx, s, next)
}

// rotate replaces the tenant's Secrets when that is asked for or due, one step a pass. Each step begins with a write of the record,
// and what it needs is rendered and applied by the passes after it; so an operator that dies goes on where it was, and a request
// that comes meanwhile waits for its turn.
func (r *Reconciler) rotate(ctx context.Context, s *scope) (bool, error) {
	s.rotationLooked = true
	next := s.record
	var err error
	if underWay := s.record.Phase == credentials.Switching || s.record.Phase == credentials.Retiring; underWay && len(s.secrets.Lost) > 0 {
		// What has rolled already holds the Secret that is gone, so one of the same name would be another: the next generation it is.
		next = s.record.Again()
		if err = r.writeRecord(ctx, s, next); err == nil {
			s.rotation = progress(next)
		}
		return err == nil, err
	}
	if s.rotation, err = r.awaitRestart(ctx, s); err != nil || s.rotation != nil {
		return err == nil, err
	}
	switch s.record.Phase {
	case credentials.Idle:
		if !r.rotationDue(s) {
			return true, nil
		}
		if s.rotation = s.beforeRotation(); s.rotation != nil {
			return true, nil
		}
		next.Phase, next.Request = credentials.Preparing, cmp.Or(s.ics.Annotations[v1alpha1.AnnotationRotateSecrets], s.record.Request)
	case credentials.Preparing:
		if s.rotation, err = r.awaitPreparation(ctx, s); err != nil || s.rotation != nil {
			return err == nil, err
		}
		next.Generation, next.Phase, next.Since = s.record.Next(), credentials.Switching, time.Now().UTC().Truncate(time.Second)
	case credentials.Switching:
		if s.rotation, err = r.awaitSwitch(ctx, s); err != nil || s.rotation != nil {
			return err == nil, err
		}
		next.Phase = credentials.Retiring
	case credentials.Retiring:
		if s.rotation = s.awaitJob(v1alpha1.ReasonRetiring, "taking the old logins out of the database"); s.rotation != nil {
			return true, nil
		}
		if err := r.Credentials.Remove(ctx, s.inputs.Namespace, s.record.Retired()); err != nil {
			return false, err
		}
		next.Phase, next.Oldest = credentials.Idle, 0
	}
	if err := r.writeRecord(ctx, s, next); err != nil {
		return false, err
	}
	s.rotation = progress(next)
	if next.Phase == credentials.Idle {
		r.Recorder.Eventf(s.ics, nil, corev1.EventTypeNormal, v1alpha1.ReasonCredentialsRotated, "Rotate",
			"generation %d of the Secrets is in use; the one before is deleted and lets nobody into the database any more", next.Generation)
	}
	return true, nil
}

// progress says what a step that has just begun does.
func progress(record credentials.Record) *awaited {
	switch record.Phase {
	case credentials.Preparing:
		return &awaited{v1alpha1.ReasonPreparing, fmt.Sprintf("making generation %d of the Secrets", record.Next())}
	case credentials.Switching:
		return &awaited{v1alpha1.ReasonSwitching, fmt.Sprintf("programs roll to generation %d of the Secrets", record.Generation)}
	case credentials.Retiring:
		return &awaited{v1alpha1.ReasonRetiring, fmt.Sprintf("generation %d of the Secrets is being retired", record.Previous())}
	}
	return nil
}

// rotationDue: a new request, an age that was declared, or Secrets that are gone. Otherwise it notes when the age will be reached.
func (r *Reconciler) rotationDue(s *scope) bool {
	if requested := s.ics.Annotations[v1alpha1.AnnotationRotateSecrets]; requested != "" && requested != s.record.Request {
		return true
	}
	if len(s.secrets.Lost) > 0 {
		return true
	}
	days := ptr.Deref(s.ics.Spec.Stack.Credentials.RotateAfterDays, 0)
	since := s.secretsSince()
	if days == 0 || since.IsZero() {
		return false
	}
	left := time.Until(since.AddDate(0, 0, int(days)))
	if left > 0 {
		s.lookAfter(left)
	}
	return left <= 0
}

// secretsSince is when the current generation came into use.
func (s *scope) secretsSince() time.Time {
	if !s.record.Since.IsZero() {
		return s.record.Since
	}
	return s.secrets.Since
}

// beforeRotation: a rotation begins when every part runs as declared, or to replace Secrets that a part misses.
func (s *scope) beforeRotation() *awaited {
	switch {
	case s.inputs.Hibernated:
		return &awaited{v1alpha1.ReasonPreparing, "a rotation is due and begins when the system is active again"}
	case len(s.secrets.Lost) == 0 && !s.allUp():
		return &awaited{v1alpha1.ReasonPreparing, "a rotation is due and begins when every part runs as declared"}
	}
	return nil
}

// allUp: every part serves as this render declares it.
func (s *scope) allUp() bool {
	for _, object := range s.objects {
		if stage := stack.StageOf(object); stage >= stack.StageDatabase && stage != stack.StageLogins && !s.parts[stage].up() {
			return false
		}
	}
	return true
}

// writeRecord notes the next step on the namespace, on the version that says what this pass began with.
func (r *Reconciler) writeRecord(ctx context.Context, s *scope, next credentials.Record) error {
	namespace, err := currentNamespace(ctx, r.Uncached, s.inputs.Namespace)
	if err != nil {
		return err
	}
	if namespace == nil {
		return fmt.Errorf("noting the rotation on Namespace %s: it is gone", s.inputs.Namespace)
	}
	found, err := credentials.ReadRecord(namespace.GetAnnotations())
	if err != nil {
		return err
	}
	if found.Revision != s.record.Revision {
		return apierrors.NewConflict(corev1.Resource("namespaces"), s.inputs.Namespace, errors.New("its record of the Secrets was written meanwhile"))
	}
	next.Revision++
	if err := r.annotate(ctx, namespace, v1alpha1.AnnotationCredentials, next.Text(), client.MergeFromWithOptimisticLock{}); err != nil {
		return fmt.Errorf("noting the rotation on Namespace %s: %w", s.inputs.Namespace, err)
	}
	r.Credentials.Remember(namespace.GetUID(), next)
	s.record = next
	return nil
}

// lookAfter asks for another pass, at the earliest of all that are asked for.
func (s *scope) lookAfter(wait time.Duration) {
	if wait > 0 && (s.again == 0 || wait < s.again) {
		s.again = wait
	}
}

// lostSecrets names Secrets that are gone, for people.
func (s *scope) lostSecrets() string { return strings.Join(s.secrets.Lost, ", ") }
