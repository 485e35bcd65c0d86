package integratedcaresystem

import (
	"context"
	"fmt"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/credentials"
	"github.com/cmhf/operator/internal/stack"
)

// lookForPods is how often pods are looked for that still use old Secrets: they are not watched.
const lookForPods = 2 * time.Second

// awaitPreparation: the next logins are made, and no dashboard is left that can't read the next sessions. Where Secrets are lost
// the dashboard may be what waits for new ones.
func (r *Reconciler) awaitPreparation(ctx context.Context, s *scope) (*awaited, error) {
	if waits := s.awaitJob(v1alpha1.ReasonPreparing, "making the new logins of the database"); waits != nil {
		return waits, nil
	}
	if len(s.secrets.Lost) > 0 {
		return nil, nil
	}
	if !s.allUp() {
		return &awaited{v1alpha1.ReasonPreparing, "the dashboard learns to read the next sessions"}, nil
	}
	return r.awaitPods(ctx, s, v1alpha1.ReasonPreparing, nil)
}

// awaitSwitch: every program has rolled, and no pod is left that uses the previous Secrets, not even one that is stopping.
func (r *Reconciler) awaitSwitch(ctx context.Context, s *scope) (*awaited, error) {
	if s.inputs.Hibernated || !s.allUp() {
		return progress(s.record), nil
	}
	return r.awaitPods(ctx, s, v1alpha1.ReasonSwitching, s.record.Retired())
}

// awaitRestart: a Standalone database takes the login of an owner whose Secret was lost and made anew when it starts, and nobody but
// its owner could give it that login before.
func (r *Reconciler) awaitRestart(ctx context.Context, s *scope) (*awaited, error) {
	known := look{s.namespaceUID, "the database started after its owner's Secret of " + s.secrets.OwnerAnew.String()}
	if s.secrets.OwnerAnew.IsZero() || s.inputs.Database.Engine != stack.EngineStandalone || s.inputs.Hibernated || r.looks.holds(known, looksHoldWhenReady) {
		return nil, nil
	}
	pods := &corev1.PodList{}
	err := r.Uncached.List(ctx, pods, client.InNamespace(s.inputs.Namespace), client.MatchingLabels{v1alpha1.LabelComponent: v1alpha1.ComponentDatabase})
	if err != nil {
		return nil, fmt.Errorf("listing the pods of the database of %s: %w", s.ics.Name, err)
	}
	for i := range pods.Items {
		if pod := &pods.Items[i]; pod.CreationTimestamp.Time.Before(s.secrets.OwnerAnew) {
			s.lookAfter(lookAgain)
			return &awaited{v1alpha1.ReasonDatabaseRestartNeeded, fmt.Sprintf("Secret %s was lost and made anew, and the database takes the new password when it starts; "+
				"until then backups and migrations fail: kubectl -n %s delete pod %s", credentials.Name(credentials.DatabaseOwner, s.record.Generation), pod.Namespace, pod.Name)}, nil
		}
	}
	r.looks.remember(known)
	return nil, nil
}

// awaitJob: the Job that works on the logins has completed. Its absence is no completion: it is applied when the database is up. An
// external database's logins are its owner's, so none is made for it.
func (s *scope) awaitJob(reason, doing string) *awaited {
	seen := s.parts[stack.StageLogins]
	switch {
	case seen.up(), s.inputs.Database.Engine == stack.EngineExternal && !s.inputs.Hibernated:
		return nil
	case seen.state.Failed:
		return &awaited{v1alpha1.ReasonRotationFailed, fmt.Sprintf("%s failed: %s; both generations go on working. Its log says why: kubectl -n %s logs -l %s=%s; "+
			"delete the Job after mending, it is made again", doing, seen.state.Message, s.ics.TenantNamespace(), v1alpha1.LabelComponent, v1alpha1.ComponentLogins)}
	case s.inputs.Hibernated:
		return &awaited{reason, doing + " waits until the system is active again"}
	}
	return &awaited{reason, doing}
}

// awaitPods waits for pods that are stopping and for those that refer to one of the Secrets, also those that a Job has yet to make:
// between two tries of a backup there is no pod.
func (r *Reconciler) awaitPods(ctx context.Context, s *scope, reason string, secrets []string) (*awaited, error) {
	pods := &corev1.PodList{}
	if err := r.Uncached.List(ctx, pods, client.InNamespace(s.inputs.Namespace)); err != nil {
		return nil, fmt.Errorf("listing the pods of %s: %w", s.ics.Name, err)
	}
	for i := range pods.Items {
		pod := &pods.Items[i]
		if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
			continue
		}
		program := slices.Contains([]string{v1alpha1.ComponentCoordinationAPI, v1alpha1.ComponentDashboard}, pod.Labels[v1alpha1.LabelComponent])
		if (program && pod.DeletionTimestamp != nil) || usesAny(&pod.Spec, secrets) {
			s.lookAfter(lookForPods)
			return &awaited{reason, fmt.Sprintf("pod %s is still there with the Secrets that it began with", pod.Name)}, nil
		}
	}
	if len(secrets) == 0 {
		return nil, nil
	}
	jobs := &batchv1.JobList{}
	if err := r.Uncached.List(ctx, jobs, client.InNamespace(s.inputs.Namespace)); err != nil {
		return nil, fmt.Errorf("listing the jobs of %s: %w", s.ics.Name, err)
	}
	for i := range jobs.Items {
		job := &jobs.Items[i]
		if job.DeletionTimestamp == nil && !finished(job) && usesAny(&job.Spec.Template.Spec, secrets) {
			s.lookAfter(lookForPods)
			return &awaited{reason, fmt.Sprintf("Job %s has not ended and tries again with the Secrets that it began with", job.Name)}, nil
		}
	}
	return nil, nil
}

// finished says whether a Job makes no pod any more.
func finished(job *batchv1.Job) bool {
	return slices.ContainsFunc(job.Status.Conditions, func(c batchv1.JobCondition) bool {
		return (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue
	})
}

// usesAny says whether a pod refers to one of the Secrets.
func usesAny(pod *corev1.PodSpec, secrets []string) bool {
	for _, volume := range pod.Volumes {
		if volume.Secret != nil && slices.Contains(secrets, volume.Secret.SecretName) {
			return true
		}
		if volume.Projected == nil {
			continue
		}
		for _, source := range volume.Projected.Sources {
			if source.Secret != nil && slices.Contains(secrets, source.Secret.Name) {
				return true
			}
		}
	}
	for _, container := range slices.Concat(pod.InitContainers, pod.Containers) {
		for _, variable := range container.Env {
			if from := variable.ValueFrom; from != nil && from.SecretKeyRef != nil && slices.Contains(secrets, from.SecretKeyRef.Name) {
				return true
			}
		}
	}
	return false
}
