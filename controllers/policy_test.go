package controllers_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/stack"
)

// The policies of config/policy on a real API server. They are in force for every test of this package.
func TestPolicy(t *testing.T) {
	t.Run("every guarded kind is kept until it is confirmed", policyKeepsUntilConfirmed)
	t.Run("of a real stack the data are guarded and nothing else", policyFitsTheStack)
	t.Run("a collection is judged one by one", policyJudgesCollections)
	t.Run("a confirmed namespace takes its content along", policyLetsNamespaceGo)
	t.Run("an unconfirmed namespace does not", policyKeepsContentOfUnconfirmed)
	t.Run("nobody is exempt but CloudNativePG for its volumes", policyExemptions)
	t.Run("what is not labelled is not guarded", policyLeavesOthersAlone)
}

// mustRefuse fails unless the error is the refusal of this policy, in these words when they are given.
func mustRefuse(t *testing.T, err error, policy, words string) {
	t.Helper()
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "ValidatingAdmissionPolicy '"+policy+"'") || !strings.HasSuffix(err.Error(), words) {
		t.Errorf("answered %v\nwant %s to refuse: %s", err, policy, words)
	}
}

func policyKeepsUntilConfirmed(t *testing.T) {
	defineKinds(t)
	objects := guardedObjects("QZ8")
	for _, g := range objects {
		// A kind that was defined a moment ago is not served at once, nor is the policy asked about it.
		eventually(t, func(w gomega.Gomega) {
			w.Expect(client.IgnoreAlreadyExists(k8s.Create(t.Context(), g.object))).To(gomega.Succeed())
			w.Expect(apierrors.IsForbidden(tryDelete(t, g.object))).To(gomega.BeTrue())
		})
	}
	for _, g := range slices.Backward(objects) { // the namespace last
		ref, _, _ := strings.Cut(g.refusal, " is kept")
		t.Run(ref, func(t *testing.T) {
			mustRefuse(t, k8s.Delete(t.Context(), g.object), g.policy, g.refusal)
			for _, wrong := range []string{"", "true", strings.ToUpper(g.object.GetName()), g.object.GetName() + " "} {
				confirm(t, g.object, wrong)
				mustRefuse(t, k8s.Delete(t.Context(), g.object), g.policy, g.refusal)
			}
			must(t, get(t, g.object))
			if g.object.GetDeletionTimestamp() != nil {
				t.Error("refused, and yet being deleted")
			}
			confirm(t, g.object, g.object.GetName())
			must(t, k8s.Delete(t.Context(), g.object))
		})
	}
	for _, real := range []string{"IntegratedCareSystem", "CoreCommunityService"} {
		own := definition(v1alpha1.Group, real)
		mustRefuse(t, tryDelete(t, own), "cmhf-deletion-definitions", "confirm-deletion="+own.GetName()+" --overwrite")
	}
}

// What the operator makes is looked at object by object: this is where the policies and the labels of the stack must agree.
func policyFitsTheStack(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("QZ2")
	create(t, ics)
	waitReady(t, ics)
	kept := map[string]string{
		"Namespace ics-qz2":                      tenantsPolicy,
		"StatefulSet database":                   tenantsPolicy,
		"Secret database-owner":                  tenantsPolicy,
		"Secret database-app":                    tenantsPolicy,
		"Secret database-logins":                 tenantsPolicy,
		"PersistentVolumeClaim database-data":    tenantsPolicy,
		"PersistentVolumeClaim database-backups": tenantsPolicy,
		"ConfigMap deletion-sentinel":            tenantsPolicy,
	}
	found := 0
	for _, kind := range append([]schema.GroupVersionKind{corev1.SchemeGroupVersion.WithKind("Secret")}, stack.Kinds...) {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(kind)
		must(t, k8s.List(t.Context(), list, client.MatchingLabels{v1alpha1.LabelICS: ics.Name}))
		for _, object := range list.Items {
			ref := kind.Kind + " " + object.Name
			err := tryDelete(t, &object)
			if policy, is := kept[ref]; is {
				found++
				mustRefuse(t, err, policy, "--overwrite")
				confirm(t, &object, object.Name)
				err = tryDelete(t, &object)
			}
			if err != nil {
				t.Errorf("%s: %v", ref, err)
			}
		}
	}
	if found != len(kept) {
		t.Errorf("%d guarded objects instead of %d", found, len(kept))
	}
	waitReady(t, ics)
	remove(t, ics)
	eventually(t, func(g gomega.Gomega) { g.Expect(apierrors.IsNotFound(get(t, ics))).To(gomega.BeTrue()) })
}

func policyJudgesCollections(t *testing.T) {
	in := tenantNamespace(t, "qz3")
	first, second := labelled("v1", "Secret", in, "a", "qz3"), labelled("v1", "Secret", in, "b", "qz3")
	foreign := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: in, Name: "c"}}
	create(t, first, second, foreign)
	confirm(t, first, "a")
	all := func() error { return k8s.DeleteAllOf(t.Context(), &corev1.Secret{}, client.InNamespace(in)) }
	mustRefuse(t, all(), tenantsPolicy, "--namespace "+in+" annotate secrets b cmhf.health/confirm-deletion=b --overwrite")
	if err := get(t, first); !apierrors.IsNotFound(err) {
		t.Errorf("the confirmed one is still there: %v", err)
	}
	must(t, get(t, second))
	confirm(t, second, "b")
	must(t, all())
	for _, object := range []client.Object{second, foreign} {
		if err := get(t, object); !apierrors.IsNotFound(err) {
			t.Errorf("%s is still there: %v", object.GetName(), err)
		}
	}
}

func policyLetsNamespaceGo(t *testing.T) {
	in := tenantNamespace(t, "qz4")
	secret, claim := labelled("v1", "Secret", in, "database-owner", "qz4"), labelled("v1", "PersistentVolumeClaim", in, "database-data", "qz4")
	create(t, secret, claim, labelled("apps/v1", "StatefulSet", in, "database", "qz4"))
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: in}}
	mustRefuse(t, k8s.Delete(t.Context(), namespace), tenantsPolicy, "")
	confirm(t, namespace, "qz4")
	mustRefuse(t, k8s.Delete(t.Context(), namespace), tenantsPolicy, "")
	confirm(t, namespace, in)
	// Confirmed, but not being deleted: the confirmation of the namespace is not one of its content.
	mustRefuse(t, tryDelete(t, secret), tenantsPolicy, "")
	mustRefuse(t, tryDelete(t, claim), tenantsPolicy, "")
	must(t, k8s.Delete(t.Context(), namespace))
	waitGone(t, namespace)
	if err := get(t, secret); !apierrors.IsNotFound(err) {
		t.Errorf("the namespace is gone, its Secret is not: %v", err)
	}
}

// A namespace can be on its way out unconfirmed: its deletion began before the policies were there, or it had lost its label.
func policyKeepsContentOfUnconfirmed(t *testing.T) {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "ics-qz5"}}
	create(t, namespace)
	claim := labelled("v1", "PersistentVolumeClaim", namespace.Name, "database-data", "qz5")
	create(t, claim)
	must(t, k8s.Delete(t.Context(), namespace))
	mustRefuse(t, k8s.Delete(t.Context(), claim), tenantsPolicy, "")
	must(t, get(t, claim))
	if claim.GetDeletionTimestamp() != nil {
		t.Error("the volume goes with a namespace that nobody confirmed")
	}
	must(t, get(t, namespace))
	confirm(t, namespace, namespace.Name)
	waitGone(t, namespace)
}

func policyExemptions(t *testing.T) {
	in := tenantNamespace(t, "qz6")
	claim, secret := labelled("v1", "PersistentVolumeClaim", in, "main-1", "qz6"), labelled("v1", "Secret", in, "main-app", "qz6")
	backups := labelled("v1", "PersistentVolumeClaim", in, "database-backups", "qz6")
	claim.SetLabels(map[string]string{v1alpha1.LabelICS: "qz6", "cnpg.io/cluster": "database"})
	create(t, claim, secret, backups)
	const account = "system:serviceaccount:"
	cloudNativePG := account + "cnpg-system:cnpg-manager"
	for _, user := range []string{
		account + "kube-system:generic-garbage-collector", account + "kube-system:namespace-controller", account + "cmhf-system:cmhf-operator",
		account + "ics-qz6:cnpg-manager", cloudNativePG,
	} {
		// The group lets the request through to admission, whatever RBAC would say.
		config := rest.CopyConfig(restConfig)
		config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: []string{"system:masters"}}
		as, err := client.New(config, client.Options{Scheme: k8s.Scheme()})
		must(t, err)
		mustRefuse(t, as.Delete(t.Context(), secret, client.DryRunAll), tenantsPolicy, "")
		mustRefuse(t, as.Delete(t.Context(), backups, client.DryRunAll), tenantsPolicy, "")
		err = as.Delete(t.Context(), claim, client.DryRunAll)
		if user != cloudNativePG {
			mustRefuse(t, err, tenantsPolicy, "")
		} else if err != nil {
			t.Errorf("CloudNativePG can not remove a replica's volume: %v", err)
		}
	}
}

func policyLeavesOthersAlone(t *testing.T) {
	in := tenantNamespace(t, "qz7")
	without := func(label string, object *unstructured.Unstructured) client.Object {
		labels := object.GetLabels()
		delete(labels, label)
		object.SetLabels(labels)
		return object
	}
	others := []client.Object{
		definition("example.org", "Throwaway"),
		without(v1alpha1.LabelICS, labelled("v1", "Namespace", "", "elsewhere", "")),
		without(v1alpha1.LabelICS, labelled("v1", "PersistentVolumeClaim", in, "of-someone", "")),
		without(v1alpha1.LabelICS, labelled("v1", "Secret", in, "of-someone", "")),
		without(v1alpha1.LabelICS, labelled("apps/v1", "StatefulSet", in, "of-someone", "")),
		without(v1alpha1.LabelComponent, labelled("v1", "Secret", in, "of-a-program", "qz7")),
		without(v1alpha1.LabelComponent, labelled("apps/v1", "StatefulSet", in, "of-a-program", "qz7")),
		without(v1alpha1.LabelICS, labelled("v1", "ConfigMap", in, v1alpha1.DeletionSentinel, "")),
		labelled("v1", "ConfigMap", in, "settings", "qz7"),
		service(in, "east", "East", "Harbour"),
	}
	for _, other := range others {
		create(t, other)
		if err := k8s.Delete(t.Context(), other); err != nil {
			t.Errorf("%s: %v", other.GetName(), err)
		}
	}
	// The guard is against accidents: who takes the label away has disarmed it. The documentation says so.
	secret := labelled("v1", "Secret", in, "disarmed", "qz7")
	create(t, secret)
	mustRefuse(t, tryDelete(t, secret), tenantsPolicy, "")
	must(t, k8s.Update(t.Context(), without(v1alpha1.LabelICS, secret)))
	must(t, k8s.Delete(t.Context(), secret))
}

func tenantNamespace(t *testing.T, ics string) string {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "ics-" + ics, Labels: map[string]string{v1alpha1.LabelICS: ics}}}
	create(t, namespace)
	return namespace.Name
}

func waitGone(t *testing.T, object client.Object) {
	t.Helper()
	eventually(t, func(g gomega.Gomega) {
		err := get(t, object)
		said := ""
		if ics, ok := object.(*v1alpha1.IntegratedCareSystem); ok && err == nil {
			if ready := meta.FindStatusCondition(ics.Status.Conditions, v1alpha1.ConditionReady); ready != nil {
				said = ready.Reason + ": " + ready.Message
			}
		}
		g.Expect(apierrors.IsNotFound(err)).To(gomega.BeTrue(), "%s is still there. %s", object.GetName(), said)
	})
}
