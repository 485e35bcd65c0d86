// Package stubcluster does for tests what an etcd and kube-apiserver alone lack: workloads become ready, claims bind, jobs
// complete and namespaces that are deleted go. A component can be held back or made to fail. It runs no containers.
package stubcluster

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/cmhf/operator/api/v1alpha1"
)

// Cluster is a running stub.
type Cluster struct {
	client client.Client
	// uncached is for kinds that come and go.
	uncached client.Client

	mu     sync.Mutex
	held   map[string]bool
	failed map[string]bool
	// once holds since when the next Job of a component has failed.
	once map[string]time.Time
}

// poll is how often a held component is looked at again.
const poll = 50 * time.Millisecond

// Start runs the stub until the context ends.
func Start(ctx context.Context, config *rest.Config) (*Cluster, error) {
	manager, err := ctrl.NewManager(config, ctrl.Options{Metrics: server.Options{BindAddress: "0"}})
	if err != nil {
		return nil, fmt.Errorf("making the stub cluster: %w", err)
	}
	uncached, err := client.New(config, client.Options{})
	if err != nil {
		return nil, fmt.Errorf("making the stub cluster's client: %w", err)
	}
	c := &Cluster{client: manager.GetClient(), uncached: uncached, held: map[string]bool{}, failed: map[string]bool{}, once: map[string]time.Time{}}
	skip := true
	for name, part := range map[string]struct {
		kind client.Object
		step func(context.Context, client.ObjectKey) (bool, error)
	}{
		"deployment":  {&appsv1.Deployment{}, c.deployment},
		"statefulset": {&appsv1.StatefulSet{}, c.statefulSet},
		"job":         {&batchv1.Job{}, c.job},
		"claim":       {&corev1.PersistentVolumeClaim{}, c.claim},
		"namespace":   {&corev1.Namespace{}, c.namespace},
	} {
		step := part.step
		err := ctrl.NewControllerManagedBy(manager).Named("stub-" + name).For(part.kind).
			WithOptions(controller.Options{SkipNameValidation: &skip, MaxConcurrentReconciles: 4}).
			Complete(reconcile.Func(func(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
				done, err := step(ctx, request.NamespacedName)
				if err != nil || !done {
					// A real cluster's controllers try again too; a conflict with the operator is no news.
					return reconcile.Result{RequeueAfter: poll}, nil
				}
				return reconcile.Result{}, nil
			}))
		if err != nil {
			return nil, fmt.Errorf("making the stub for %ss: %w", name, err)
		}
	}
	go func() { _ = manager.Start(ctx) }()
	if !manager.GetCache().WaitForCacheSync(ctx) {
		return nil, fmt.Errorf("filling the stub cluster's cache: %w", ctx.Err())
	}
	return c, nil
}

// Hold keeps the workloads of a component in a namespace from becoming ready, until Release.
func (c *Cluster) Hold(namespace, component string) { c.set(c.held, namespace, component, true) }

// Fail makes the jobs of a component in a namespace fail from now on.
func (c *Cluster) Fail(namespace, component string) { c.set(c.failed, namespace, component, true) }

// FailOnce makes the next job of a component in a namespace fail, as of a time in the past.
func (c *Cluster) FailOnce(namespace, component string, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.once[namespace+"/"+component] = at
}

// fails says whether a job fails, and since when.
func (c *Cluster) fails(job client.Object) (since time.Time, failed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := job.GetNamespace() + "/" + job.GetLabels()[v1alpha1.LabelComponent]
	if since, failed = c.once[key]; failed {
		delete(c.once, key)
		return since, true
	}
	return time.Now(), c.failed[key]
}

// Release ends Hold and Fail.
func (c *Cluster) Release(namespace, component string) {
	c.set(c.held, namespace, component, false)
	c.set(c.failed, namespace, component, false)
}

func (c *Cluster) set(in map[string]bool, namespace, component string, value bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	in[namespace+"/"+component] = value
}

func (c *Cluster) is(in map[string]bool, object client.Object) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return in[object.GetNamespace()+"/"+object.GetLabels()[v1alpha1.LabelComponent]]
}

func (c *Cluster) deployment(ctx context.Context, key client.ObjectKey) (bool, error) {
	d := &appsv1.Deployment{}
	if err := c.client.Get(ctx, key, d); err != nil {
		return true, client.IgnoreNotFound(err)
	}
	if !d.DeletionTimestamp.IsZero() {
		return c.finish(ctx, d)
	}
	held := c.is(c.held, d)
	before := d.Status.DeepCopy()
	replicas := int32(1)
	if d.Spec.Replicas != nil {
		replicas = *d.Spec.Replicas
	}
	d.Status.ObservedGeneration = d.Generation
	d.Status.Replicas, d.Status.UpdatedReplicas = replicas, replicas
	available := corev1.ConditionTrue
	d.Status.ReadyReplicas, d.Status.AvailableReplicas, d.Status.UnavailableReplicas = replicas, replicas, 0
	if held {
		available = corev1.ConditionFalse
		d.Status.ReadyReplicas, d.Status.AvailableReplicas, d.Status.UnavailableReplicas = 0, 0, replicas
	}
	d.Status.Conditions = []appsv1.DeploymentCondition{
		{Type: appsv1.DeploymentAvailable, Status: available, Reason: "Stub"},
		{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: "NewReplicaSetAvailable"},
	}
	if equality.Semantic.DeepEqual(*before, d.Status) {
		return !held, nil
	}
	return !held, c.client.Status().Update(ctx, d)
}

func (c *Cluster) statefulSet(ctx context.Context, key client.ObjectKey) (bool, error) {
	s := &appsv1.StatefulSet{}
	if err := c.client.Get(ctx, key, s); err != nil {
		return true, client.IgnoreNotFound(err)
	}
	held := c.is(c.held, s)
	replicas := int32(1)
	if s.Spec.Replicas != nil {
		replicas = *s.Spec.Replicas
	}
	ready := replicas
	if held {
		ready = 0
	}
	before := s.Status.DeepCopy()
	revision := fmt.Sprintf("%s-%d", s.Name, s.Generation)
	s.Status = appsv1.StatefulSetStatus{
		ObservedGeneration: s.Generation, Replicas: replicas, CurrentReplicas: replicas, UpdatedReplicas: replicas,
		ReadyReplicas: ready, AvailableReplicas: ready, CurrentRevision: revision, UpdateRevision: revision,
	}
	if equality.Semantic.DeepEqual(*before, s.Status) {
		return !held, nil
	}
	return !held, c.client.Status().Update(ctx, s)
}

func (c *Cluster) job(ctx context.Context, key client.ObjectKey) (bool, error) {
	j := &batchv1.Job{}
	if err := c.client.Get(ctx, key, j); err != nil {
		return true, client.IgnoreNotFound(err)
	}
	if !j.DeletionTimestamp.IsZero() {
		return c.finish(ctx, j)
	}
	if c.is(c.held, j) {
		return false, nil
	}
	if len(j.Status.Conditions) > 0 {
		return true, nil
	}
	since, failed := c.fails(j)
	now := metav1.NewTime(since)
	condition := func(kind batchv1.JobConditionType, reason string) batchv1.JobCondition {
		return batchv1.JobCondition{Type: kind, Status: corev1.ConditionTrue, Reason: reason, Message: "said by the stub", LastTransitionTime: now}
	}
	j.Status.StartTime = &now
	if failed {
		j.Status.Failed = 1
		j.Status.Conditions = []batchv1.JobCondition{condition(batchv1.JobFailureTarget, "BackoffLimitExceeded"), condition(batchv1.JobFailed, "BackoffLimitExceeded")}
	} else {
		j.Status.Succeeded = 1
		j.Status.CompletionTime = &now
		j.Status.Conditions = []batchv1.JobCondition{condition(batchv1.JobSuccessCriteriaMet, "CompletionsReached"), condition(batchv1.JobComplete, "CompletionsReached")}
	}
	return true, c.client.Status().Update(ctx, j)
}

func (c *Cluster) claim(ctx context.Context, key client.ObjectKey) (bool, error) {
	claim := &corev1.PersistentVolumeClaim{}
	if err := c.client.Get(ctx, key, claim); err != nil {
		return true, client.IgnoreNotFound(err)
	}
	if !claim.DeletionTimestamp.IsZero() {
		return c.finish(ctx, claim)
	}
	wanted := claim.Spec.Resources.Requests[corev1.ResourceStorage]
	if bound := claim.Status.Capacity[corev1.ResourceStorage]; claim.Status.Phase == corev1.ClaimBound && bound.Equal(wanted) {
		return true, nil
	}
	claim.Status.Phase = corev1.ClaimBound
	claim.Status.Capacity = corev1.ResourceList{corev1.ResourceStorage: wanted}
	return true, c.client.Status().Update(ctx, claim)
}

// finish ends a deletion that waits for what a real cluster's controllers see to: that the pods of a workload, or those that use a
// claim, have ended. A held component's have not.
func (c *Cluster) finish(ctx context.Context, object client.Object) (bool, error) {
	if job, ok := object.(*batchv1.Job); c.is(c.held, object) && !(ok && len(job.Status.Conditions) > 0) {
		return false, nil
	}
	before := object.DeepCopyObject().(client.Object)
	finalizers := slices.DeleteFunc(object.GetFinalizers(), func(name string) bool {
		return name == metav1.FinalizerDeleteDependents || name == "kubernetes.io/pvc-protection"
	})
	if len(finalizers) == len(before.GetFinalizers()) {
		return true, nil
	}
	object.SetFinalizers(finalizers)
	return true, client.IgnoreNotFound(c.client.Patch(ctx, object, client.MergeFrom(before)))
}

// namespace finishes a deletion: without a namespace controller a deleted namespace would stay for ever.
func (c *Cluster) namespace(ctx context.Context, key client.ObjectKey) (bool, error) {
	namespace := &corev1.Namespace{}
	if err := c.client.Get(ctx, key, namespace); err != nil {
		return true, client.IgnoreNotFound(err)
	}
	if namespace.DeletionTimestamp.IsZero() || len(namespace.Spec.Finalizers) == 0 {
		return true, nil
	}
	for _, kind := range []client.Object{
		&appsv1.Deployment{}, &appsv1.StatefulSet{}, &batchv1.CronJob{}, &batchv1.Job{}, &corev1.ConfigMap{}, &corev1.Secret{},
		&corev1.Service{}, &corev1.ServiceAccount{}, &corev1.PersistentVolumeClaim{}, &corev1.LimitRange{}, &corev1.ResourceQuota{},
		&networkingv1.Ingress{}, &networkingv1.NetworkPolicy{}, &policyv1.PodDisruptionBudget{}, &autoscalingv2.HorizontalPodAutoscaler{},
		&rbacv1.RoleBinding{}, &rbacv1.Role{},
	} {
		if err := c.client.DeleteAllOf(ctx, kind, client.InNamespace(key.Name)); client.IgnoreNotFound(err) != nil {
			return false, fmt.Errorf("emptying namespace %s: %w", key.Name, err)
		}
	}
	namespace.Spec.Finalizers = nil
	return true, c.client.SubResource("finalize").Update(ctx, namespace)
}
