package controllers_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
)

// A rotation, step by step: each waits for what it needs, and while it waits the tenant is Ready and the old Secrets are in use.
func TestRotationStepByStep(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("RE1")
	ics.Spec.Stack.CoordinationAPI.Replicas = ptr.To[int32](2)
	create(t, ics)
	waitReady(t, ics)
	namespace := ics.TenantNamespace()
	if status := ics.Status.Credentials; status == nil || status.Generation != 1 || status.Since == nil {
		t.Fatalf("status.credentials is %+v", status)
	}
	database := find(t, ics, kindOf("StatefulSet"), "database")
	before := secrets(t, namespace)

	cluster.Hold(namespace, v1alpha1.ComponentLogins)
	requestRotation(t, ics, "2026-11-22")
	waitCondition(t, ics, v1alpha1.ConditionCredentialsRotating, metav1.ConditionTrue, v1alpha1.ReasonPreparing)
	eventually(t, func(g gomega.Gomega) { g.Expect(loginJobs(t, ics)).To(gomega.HaveLen(1)) })
	waitReady(t, ics)
	if got := uses(t, ics, "Deployment", "coordination-api"); got != "api-internal database-app" {
		t.Errorf("before the logins are made the API uses %s", got)
	}
	eventually(t, func(g gomega.Gomega) {
		g.Expect(uses(t, ics, "Deployment", "dashboard")).To(gomega.Equal("dashboard-session dashboard-session-2"))
	})
	if lists := secrets(t, namespace)["database-logins"].Data; lists["app"] == nil || strings.Count(string(lists["app"]), "\n") != 2 ||
		!strings.Contains(string(lists["app"]), "\ncmhf_app SCRAM-SHA-256$") {
		t.Error("while the logins are made the database does not list both, the current one last")
	}
	for _, job := range loginJobs(t, ics) {
		if args := job.Spec.Template.Spec.Containers[0].Args; !slices.Equal(args, []string{"logins", "make"}) {
			t.Errorf("the Job does %v", args)
		}
	}

	// A pod of the API that still stops holds everything back: its requests need the old login.
	api := find(t, ics, kindOf("Deployment"), "coordination-api")
	cluster.Hold(namespace, v1alpha1.ComponentCoordinationAPI)
	cluster.Release(namespace, v1alpha1.ComponentLogins)
	waitCondition(t, ics, v1alpha1.ConditionCredentialsRotating, metav1.ConditionTrue, v1alpha1.ReasonSwitching)
	eventually(t, func(g gomega.Gomega) {
		g.Expect(uses(t, ics, "Deployment", "coordination-api")).To(gomega.Equal("api-internal-2 database-app-2"))
	})
	pod := leavingPod(t, api.GetNamespace())
	cluster.Release(namespace, v1alpha1.ComponentCoordinationAPI)
	eventually(t, func(g gomega.Gomega) {
		g.Expect(get(t, ics)).To(gomega.Succeed())
		waits := meta.FindStatusCondition(ics.Status.Conditions, v1alpha1.ConditionCredentialsRotating)
		g.Expect(waits).NotTo(gomega.BeNil())
		g.Expect(waits.Message).To(gomega.ContainSubstring("pod coordination-api-leaving"))
	})
	now := secrets(t, namespace)
	for name, secret := range before {
		if now[name].UID != secret.UID {
			t.Errorf("Secret %s is gone or another one while a pod uses it", name)
		}
	}
	if got := uses(t, ics, "Deployment", "dashboard"); got != "dashboard-session dashboard-session-2" {
		t.Errorf("after the switch the dashboard uses %s", got)
	}
	change(t, pod, func(p *corev1.Pod) { p.Finalizers = nil })
	waitRotated(t, ics, 2)
	if list := string(secrets(t, namespace)["database-logins"].Data["app"]); strings.Count(list, "\n") != 1 || !strings.HasPrefix(list, "cmhf_app_2 SCRAM-SHA-256$") {
		t.Error("after the rotation the database does not list the new login alone")
	}
	after := find(t, ics, kindOf("StatefulSet"), "database")
	if after.GetGeneration() != database.GetGeneration() || after.GetUID() != database.GetUID() {
		t.Error("the database was changed, which would restart it")
	}
	eventually(t, func(g gomega.Gomega) { // the cache of events is the API server's own
		events := &corev1.EventList{}
		g.Expect(k8s.List(t.Context(), events, client.InNamespace("default"))).To(gomega.Succeed())
		g.Expect(slices.ContainsFunc(events.Items, func(e corev1.Event) bool {
			return e.InvolvedObject.Name == ics.Name && e.Reason == v1alpha1.ReasonCredentialsRotated
		})).To(gomega.BeTrue())
	})

	// The same value is no new request, not even for a resource that is declared anew.
	remove(t, ics)
	eventually(t, func(g gomega.Gomega) { g.Expect(apierrors.IsNotFound(get(t, ics))).To(gomega.BeTrue()) })
	again := system("RE1")
	again.Annotations = map[string]string{v1alpha1.AnnotationRotateSecrets: "2026-11-22"}
	create(t, again)
	waitReady(t, again)
	waitRotated(t, again, 2)
	if got := uses(t, again, "Deployment", "coordination-api"); got != "api-internal-2 database-app-2" {
		t.Errorf("the tenant came back with %s", got)
	}
}

// podOf is a pod of a part that the policies of a namespace let in.
func podOf(namespace, name, component string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{v1alpha1.LabelComponent: component}},
		Spec: corev1.PodSpec{
			ServiceAccountName: "coordination-api",
			SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: ptr.To(true), RunAsUser: ptr.To[int64](65532),
				SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
			Containers: []corev1.Container{{
				Name: "program", Image: "example/program:1",
				SecurityContext: &corev1.SecurityContext{AllowPrivilegeEscalation: ptr.To(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}},
			}},
		},
	}
}

// A second request during a rotation waits for its turn, and the same value is never acted on twice.
func TestASecondRequestWaits(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("RE2")
	ics.Annotations = map[string]string{v1alpha1.AnnotationRotateSecrets: "from the beginning"}
	create(t, ics)
	waitReady(t, ics)
	waitRotated(t, ics, 1) // a request that is as old as the tenant asks for nothing
	cluster.Hold(ics.TenantNamespace(), v1alpha1.ComponentLogins)
	requestRotation(t, ics, "first")
	waitCondition(t, ics, v1alpha1.ConditionCredentialsRotating, metav1.ConditionTrue, v1alpha1.ReasonPreparing)
	requestRotation(t, ics, "second")
	cluster.Release(ics.TenantNamespace(), v1alpha1.ComponentLogins)
	waitRotated(t, ics, 3)
}

// At the declared age they are replaced without being asked, and only once.
func TestRotationByAge(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("RE3")
	ics.Spec.Stack.Credentials.RotateAfterDays = ptr.To[int32](90)
	create(t, ics)
	waitReady(t, ics)
	waitRotated(t, ics, 1)
	// Time can't be turned forward; the record can be turned back.
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ics.TenantNamespace()}}
	change(t, namespace, func(n *corev1.Namespace) {
		n.Annotations[v1alpha1.AnnotationCredentials] = `{"generation":1,"since":"2026-01-01T00:00:00Z","revision":1}`
	})
	waitRotated(t, ics, 2)
	if age := metav1.Now().Sub(ics.Status.Credentials.Since.Time); age.Hours() > 1 {
		t.Errorf("the new Secrets are said to be in use for %s", age)
	}
}

// Secrets that are gone are replaced by new ones of another name; the owner's login is made again and counts at the database's
// next start.
func TestLostSecretsAreReplaced(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("RE4")
	create(t, ics)
	waitReady(t, ics)
	record := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "database-record"}}
	eventually(t, func(g gomega.Gomega) { g.Expect(get(t, record)).To(gomega.Succeed()) })
	lost := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "database-app"}}
	remove(t, lost)
	startOperator(t, restConfig) // one that has not seen it
	waitRotated(t, ics, 2)
}

// A Job that fails leaves both generations at work and says how to go on.
func TestRotationThatFails(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("RE5")
	create(t, ics)
	waitReady(t, ics)
	cluster.Fail(ics.TenantNamespace(), v1alpha1.ComponentLogins)
	requestRotation(t, ics, "x")
	said := waitCondition(t, ics, v1alpha1.ConditionCredentialsRotating, metav1.ConditionTrue, v1alpha1.ReasonRotationFailed)
	if !strings.Contains(said.Message, "kubectl -n ics-re5 logs -l app.kubernetes.io/component=logins") {
		t.Errorf("the message does not lead to the log: %s", said.Message)
	}
	waitReady(t, ics)
	cluster.Release(ics.TenantNamespace(), v1alpha1.ComponentLogins)
	for _, job := range loginJobs(t, ics) {
		must(t, k8s.Delete(t.Context(), &job, client.PropagationPolicy(metav1.DeletePropagationBackground)))
	}
	waitRotated(t, ics, 2)
}

// A record that can't be read stops everything that depends on it; nothing is guessed.
func TestUnreadableRecord(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("RE6")
	create(t, ics)
	waitReady(t, ics)
	before := secrets(t, ics.TenantNamespace())
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ics.TenantNamespace()}}
	for _, text := range []string{"x", `{"generation":0}`, `{"generation":1,"phase":"Retiring"}`, `{"generation":2,"phase":"Resting"}`} {
		change(t, namespace, func(n *corev1.Namespace) { n.Annotations[v1alpha1.AnnotationCredentials] = text })
		waitCondition(t, ics, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonCredentialsUnknown)
	}
	change(t, namespace, func(n *corev1.Namespace) { n.Annotations[v1alpha1.AnnotationCredentials] = `{"generation":1}` })
	waitReady(t, ics)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(secrets(t, ics.TenantNamespace())))); diff != "" {
		t.Errorf("Secrets changed:\n%s", diff)
	}
}

// Who follows the message and puts the record of a system back that was rotated is taken at their word by the same operator that wrote another:
// the request that stands is acted on again, as the message says, and the next one goes its way. A record that was taken away is damaged.
func TestRecordThatWasPutBack(t *testing.T) {
	running := startOperator(t, restConfig)
	ics := system("ZA1")
	create(t, ics)
	waitReady(t, ics)
	requestRotation(t, ics, "one")
	waitRotated(t, ics, 2)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ics.TenantNamespace()}}
	current := 2
	removed := func(n *corev1.Namespace) { delete(n.Annotations, v1alpha1.AnnotationCredentials) }
	for i, spoil := range []func(){
		func() {
			change(t, namespace, func(n *corev1.Namespace) { n.Annotations[v1alpha1.AnnotationCredentials] = "x" })
		},
		func() { change(t, namespace, removed) },
		func() { // while no operator runs that could know better
			running.stop()
			change(t, namespace, removed)
			running = startOperatorWith(t, restConfig, running.api)
		},
	} {
		spoil()
		said := waitCondition(t, ics, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonCredentialsUnknown)
		if !strings.Contains(said.Message, "kubectl annotate namespace ics-za1 --overwrite") {
			t.Errorf("the message does not say how to mend it: %s", said.Message)
		}
		change(t, namespace, func(n *corev1.Namespace) {
			n.Annotations[v1alpha1.AnnotationCredentials] = fmt.Sprintf(`{"generation":%d}`, current)
		})
		waitRotated(t, ics, current+1)
		requestRotation(t, ics, fmt.Sprintf("after %d", i))
		current += 2
		waitRotated(t, ics, current)
	}
}
