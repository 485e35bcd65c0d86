package controllers_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/onsi/gomega"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/reach"
)

// attempt is a write that is tried in a dry run.
type attempt func(*testing.T, client.Client) error

func creates(object client.Object) attempt {
	return func(t *testing.T, c client.Client) error {
		return c.Create(t.Context(), object.DeepCopyObject().(client.Object), client.DryRunAll)
	}
}

func deletes(object client.Object) attempt {
	return func(t *testing.T, c client.Client) error { return c.Delete(t.Context(), object, client.DryRunAll) }
}

// edits changes the object as it is.
func edits[T client.Object](object T, edit func(T)) attempt {
	return func(t *testing.T, c client.Client) error {
		now := object.DeepCopyObject().(T)
		if err := get(t, now); err != nil {
			return err
		}
		edit(now)
		return c.Update(t.Context(), now, client.DryRunAll)
	}
}

// Whatever RBAC would let the operator do, this policy decides: its group in the tests is that of the cluster's masters.
func TestReachOfTheOperator(t *testing.T) {
	config := asOperator(t)
	config.Impersonate.Groups = []string{"system:masters"}
	operator, err := client.New(config, client.Options{Scheme: k8s.Scheme()})
	must(t, err)
	own, foreign := namespaceCalled("ics-sd1"), namespaceCalled("elsewhere-sd1")
	own.Labels = map[string]string{v1alpha1.LabelICS: "sd1", podSecurity: "restricted"}
	misnamed, mislabelled := namespaceCalled("records-sd2"), namespaceCalled("ics-sd2")
	misnamed.Labels, mislabelled.Labels = map[string]string{v1alpha1.LabelICS: "sd2"}, map[string]string{v1alpha1.LabelICS: "sd1"}
	unlabelled, adopted, ours := namespaceCalled("ics-sd3"), namespaceCalled("ics-sd4"), namespaceCalled("ics-sd5")
	adopted.Annotations = map[string]string{v1alpha1.AnnotationAdopt: "true"}
	ours.Annotations = map[string]string{v1alpha1.AnnotationODSCode: "SD5"} // has lost its label
	ics := system("SD1")
	ics.Spec.Suspend = true // no operator of another test takes it up
	role, binding := leadsRole("sd1"), leadsBinding("sd1")
	create(t, own, foreign, misnamed, mislabelled, unlabelled, adopted, ours, ics, role, binding, configMapIn("kube-system"), configMapIn(own.Name))

	labelledNew := namespaceCalled("ics-sd9")
	labelledNew.Labels = map[string]string{v1alpha1.LabelICS: "sd9", podSecurity: "restricted"}
	loose := labelledNew.DeepCopy()
	loose.Labels[podSecurity] = "privileged"
	for _, a := range []struct {
		what string
		try  attempt
		// refused are words of the refusal; empty where the write is allowed.
		refused string
	}{
		{"an object in a tenant's namespace", creates(secretIn(own.Name)), ""},
		{"a change of one", edits(configMapIn(own.Name), func(c *corev1.ConfigMap) { c.Data = map[string]string{"a": "b"} }), ""},
		{"the removal of one", deletes(configMapIn(own.Name)), ""},
		{"an object where the namespace was handed over", creates(configMapIn(adopted.Name)), ""},
		{"an object where the namespace has lost its label", creates(configMapIn(ours.Name)), ""},
		{"an object in a namespace without the label", creates(configMapIn(unlabelled.Name)), "namespace ics-sd3 is no tenant's"},
		{"an object in a namespace of another name", creates(configMapIn(misnamed.Name)), "namespace records-sd2 is no tenant's"},
		{"an object in a namespace labelled for another", creates(configMapIn(mislabelled.Name)), "namespace ics-sd2 is no tenant's"},
		{"an object elsewhere", creates(secretIn(foreign.Name)), "CREATE of Secret elsewhere-sd1/reach is refused to the operator: namespace elsewhere-sd1 is no tenant's"},
		{"an object in its own namespace", creates(configMapIn("cmhf-system")), "namespace cmhf-system is no tenant's"},
		{"a change of the cluster's own", edits(configMapIn("kube-system"), func(c *corev1.ConfigMap) { c.Data = map[string]string{"a": "b"} }), "UPDATE of ConfigMap kube-system/reach"},
		{"the removal of the cluster's own", deletes(configMapIn("kube-system")), "DELETE of ConfigMap kube-system/reach"},
		{"a StatefulSet elsewhere", creates(labelled("apps/v1", "StatefulSet", foreign.Name, "reach", "")), "namespace elsewhere-sd1"},

		{"a tenant's namespace", creates(labelledNew), ""},
		{"a note on one", edits(own, func(n *corev1.Namespace) {
			metav1.SetMetaDataAnnotation(&n.ObjectMeta, v1alpha1.AnnotationRelease, "x")
		}), ""},
		{"a label for one that was handed over", edits(adopted, func(n *corev1.Namespace) {
			n.Labels[v1alpha1.LabelICS], n.Labels[podSecurity] = "sd4", "restricted"
		}), ""},
		{"another namespace", creates(namespaceCalled("ics-sd9")), "CREATE of Namespace ics-sd9 is refused to the operator: it is no tenant's"},
		{"a namespace with looser pods", creates(loose), "pod-security.kubernetes.io/enforce"},
		{"looser pods in a tenant's", edits(own, func(n *corev1.Namespace) { delete(n.Labels, podSecurity) }), "pod-security.kubernetes.io/enforce"},
		{"a label for someone's namespace", edits(unlabelled, func(n *corev1.Namespace) { n.Labels[v1alpha1.LabelICS] = "sd3" }), "UPDATE of Namespace ics-sd3"},
		{"a label for kube-system", edits(namespaceCalled("kube-system"), func(n *corev1.Namespace) { n.Labels[v1alpha1.LabelICS] = "kube-system" }), "UPDATE of Namespace kube-system"},
		{"the removal of someone's namespace", deletes(foreign), "DELETE of Namespace elsewhere-sd1"},

		{"the role of digital leads", creates(leadsRole("sd9")), ""},
		{"its removal", deletes(role), ""},
		{"a role that lists", creates(withRule(leadsRole("sd9"), func(r *rbacv1.PolicyRule) { r.Verbs = append(r.Verbs, "list") })), "get and watch the one"},
		{"a role for all systems", creates(withRule(leadsRole("sd9"), func(r *rbacv1.PolicyRule) { r.ResourceNames = nil })), "get and watch the one"},
		{"a role for another system", creates(withRule(leadsRole("sd9"), func(r *rbacv1.PolicyRule) { r.ResourceNames = []string{"sd1"} })), "get and watch the one"},
		{"a role of another name", creates(renamed(leadsRole("sd9"), "reader")), "named ics-<code>-digital-leads"},
		{"the removal of the cluster's own role", deletes(renamed(leadsRole("sd9"), "view")), "DELETE of ClusterRole view"},
		{"the binding of digital leads", creates(leadsBinding("sd9")), ""},
		{"a binding to another role", creates(withRoleRef(leadsBinding("sd9"), "cmhf-operator-tenant-secrets")), "binds the role of the same name"},
		{"a binding of another name", creates(renamed(leadsBinding("sd9"), "reader")), "named ics-<code>-digital-leads"},
		{"a binding to the cluster's own group", creates(boundTo(leadsBinding("sd9"), "Group", "system:authenticated")), "not the cluster's own"},

		{"its own right to Secrets", creates(bound(own.Name, "cmhf-operator-tenant-secrets", operatorItself)), ""},
		{"its own right to remove", creates(bound(own.Name, "cmhf-operator-tenant-removal", operatorItself)), ""},
		{"digital leads", creates(bound(own.Name, "cmhf-digital-lead", rbacv1.Subject{Kind: "User", APIGroup: rbacv1.GroupName, Name: "lead@example.org"})), ""},
		{"someone else's right to Secrets", creates(bound(own.Name, "cmhf-operator-tenant-secrets", rbacv1.Subject{Kind: "User", APIGroup: rbacv1.GroupName, Name: "lead@example.org"})), "to itself"},
		{"another account's right to Secrets", creates(bound(own.Name, "cmhf-operator-tenant-secrets", rbacv1.Subject{Kind: "ServiceAccount", Namespace: own.Name, Name: "cmhf-operator"})), "to itself"},
		{"another role", creates(bound(own.Name, "edit", operatorItself)), "binds cmhf-digital-lead to users"},
		{"its own right to Secrets elsewhere", creates(bound(foreign.Name, "cmhf-operator-tenant-secrets", operatorItself)), "namespace elsewhere-sd1 is no tenant's"},

		{"an event about a system", creates(eventIn("default", v1alpha1.GroupVersion.String())), ""},
		{"an event about a service elsewhere", creates(eventIn(foreign.Name, v1alpha1.GroupVersion.String())), ""},
		{"an event of its own", creates(eventIn("cmhf-system", "coordination.k8s.io/v1")), ""},
		{"an event about something else", creates(eventIn("default", "v1")), "it tells of cmhf.health resources only"},
		{"its lease", creates(&coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: "cmhf-system", Name: "sd1"}}), ""},

		{"a finalizer", edits(ics, func(i *v1alpha1.IntegratedCareSystem) { i.Finalizers = append(i.Finalizers, "example.org/sd1") }), ""},
		{"a change of the spec", edits(ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.DisplayName = "other" }), "the spec is the user's"},
		{"a system", creates(system("SD9")), "the spec is the user's"},
	} {
		t.Run(a.what, func(t *testing.T) {
			err := a.try(t, operator)
			switch {
			case a.refused == "" && err != nil:
				t.Errorf("is refused: %v", err)
			case a.refused != "" && (!apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "ValidatingAdmissionPolicy '"+reach.Policy+"'") || !strings.Contains(err.Error(), a.refused)):
				t.Errorf("answered %v\nwant %s to refuse it: %s", err, reach.Policy, a.refused)
			}
			if err := a.try(t, k8s); err != nil {
				t.Errorf("is refused to someone else: %v", err)
			}
		})
	}
}

// Whatever kinds the operator's roles let it write are in the policy, but for those that are named here.
func TestReachCoversTheRoles(t *testing.T) {
	elsewhere := []string{
		"integratedcaresystems/status.cmhf.health", "corecommunityservices/status.cmhf.health", // statuses, of every resource of ours
		"tokenreviews.authentication.k8s.io", "subjectaccessreviews.authorization.k8s.io", // questions
	}
	covered := map[string]bool{}
	policies, err := manifests("policy")
	must(t, err)
	for _, object := range policies {
		if object.GetName() != reach.Policy || object.GetObjectKind().GroupVersionKind().Kind != "ValidatingAdmissionPolicy" {
			continue
		}
		policy := &admissionregistrationv1.ValidatingAdmissionPolicy{}
		must(t, asTyped(object, policy))
		for _, rule := range policy.Spec.MatchConstraints.ResourceRules {
			for _, resource := range rule.Resources {
				covered[resource+"."+rule.APIGroups[0]] = len(rule.Operations) == 3
			}
		}
	}
	roles, err := manifests("rbac")
	must(t, err)
	writes := 0
	for _, object := range roles {
		if kind := object.GetObjectKind().GroupVersionKind().Kind; kind != "ClusterRole" || !strings.HasPrefix(object.GetName(), "cmhf-operator") {
			continue
		}
		role := &rbacv1.ClusterRole{}
		must(t, asTyped(object, role))
		for _, rule := range role.Rules {
			if !slices.ContainsFunc(rule.Verbs, func(verb string) bool { return !slices.Contains([]string{"get", "list", "watch", "bind"}, verb) }) {
				continue
			}
			for _, group := range rule.APIGroups {
				for _, resource := range rule.Resources {
					writes++
					if name := resource + "." + group; !covered[name] && !slices.Contains(elsewhere, name) {
						t.Errorf("ClusterRole %s lets the operator write %s everywhere, and policy %s says nothing of them", role.Name, name, reach.Policy)
					}
				}
			}
		}
	}
	if writes < 20 {
		t.Errorf("only %d kinds that the operator may write; are the roles read?", writes)
	}
}

// Within its reach the operator does all that it has to, from the first object to the removal of the data.
func TestLifeWithinReach(t *testing.T) {
	foreign := namespaceCalled("elsewhere-sd6")
	create(t, foreign)
	startOperator(t, asOperator(t))
	ics := withPolicy("SD6", v1alpha1.DeletionDelete)
	ics.Spec.DigitalLeads = []v1alpha1.DigitalLead{{Kind: "Group", Name: "sd6-leads"}, {Kind: "User", Name: "lead@example.org"}}
	ics.Spec.Stack.Exposure = &v1alpha1.Exposure{Type: v1alpha1.ExposureIngress}
	adopted := namespaceCalled(ics.TenantNamespace())
	create(t, adopted, ics)
	waitCondition(t, ics, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonNamespaceConflict)
	change(t, adopted, func(n *corev1.Namespace) { n.Annotations = map[string]string{v1alpha1.AnnotationAdopt: "true"} })
	waitReady(t, ics)
	east, lost := service(ics.TenantNamespace(), "east", "East", "Harbour"), service(foreign.Name, "lost", "East", "Harbour")
	create(t, east, lost)
	waitCondition(t, east, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonRegistered)
	waitCondition(t, lost, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonNotATenantNamespace)
	requestRotation(t, ics, "x")
	waitRotated(t, ics, 2)
	for _, state := range []v1alpha1.State{v1alpha1.StateHibernated, v1alpha1.StateReadOnly, v1alpha1.StateActive} {
		change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.State = state })
		waitReady(t, ics)
	}
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.DigitalLeads, i.Spec.Stack.Exposure = nil, nil })
	waitReady(t, ics)
	schedule(t, ics)
	before := dataOf(t, ics)
	remove(t, ics)
	waitGone(t, ics)
	mustBeRemoved(t, ics, before)

	// What it had to tell was taken, of the system and of the service in someone's namespace.
	for regarding, in := range map[string]string{ics.Name: "default", lost.Name: foreign.Name} {
		eventually(t, func(g gomega.Gomega) {
			events := &eventsv1.EventList{}
			g.Expect(k8s.List(t.Context(), events, client.InNamespace(in))).To(gomega.Succeed())
			g.Expect(slices.ContainsFunc(events.Items, func(e eventsv1.Event) bool { return e.Regarding.Name == regarding })).To(gomega.BeTrue(), "no event about "+regarding)
		})
	}
}

const podSecurity = "pod-security.kubernetes.io/enforce"

var operatorItself = rbacv1.Subject{Kind: "ServiceAccount", Namespace: "cmhf-system", Name: "cmhf-operator"}

func asTyped(object client.Object, typed any) error {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return err
	}
	return runtime.DefaultUnstructuredConverter.FromUnstructured(content, typed)
}

func namespaceCalled(name string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
}

func configMapIn(namespace string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "reach"}}
}

func secretIn(namespace string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "reach"}}
}

func leadsRole(code string) *rbacv1.ClusterRole {
	return &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "ics-" + code + "-digital-leads"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{v1alpha1.Group}, Resources: []string{"integratedcaresystems"}, ResourceNames: []string{code}, Verbs: []string{"get", "watch"}}}}
}

func withRule(role *rbacv1.ClusterRole, edit func(*rbacv1.PolicyRule)) *rbacv1.ClusterRole {
	edit(&role.Rules[0])
	return role
}

func leadsBinding(code string) *rbacv1.ClusterRoleBinding {
	name := "ics-" + code + "-digital-leads"
	return boundTo(withRoleRef(&rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: name}}, name), "Group", "leads")
}

func withRoleRef(binding *rbacv1.ClusterRoleBinding, role string) *rbacv1.ClusterRoleBinding {
	binding.RoleRef = rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role}
	return binding
}

func boundTo(binding *rbacv1.ClusterRoleBinding, kind, name string) *rbacv1.ClusterRoleBinding {
	binding.Subjects = []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: kind, Name: name}}
	return binding
}

func renamed[T client.Object](object T, name string) T {
	object.SetName(name)
	return object
}

func bound(namespace, role string, subject rbacv1.Subject) *rbacv1.RoleBinding {
	return &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "reach"},
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role}, Subjects: []rbacv1.Subject{subject}}
}

func eventIn(namespace, version string) *eventsv1.Event {
	return &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "reach"}, EventTime: metav1.NewMicroTime(time.Now()), Action: "Test", Reason: "Test", Type: "Normal",
		ReportingController: "test", ReportingInstance: "test", Regarding: corev1.ObjectReference{APIVersion: version, Kind: "Kind", Name: "reach", Namespace: namespace},
	}
}

// An operator that runs under an account of which the policy does not speak notices it.
func TestReachOfAnotherAccountIsNoticed(t *testing.T) {
	config := asOperator(t)
	for name, want := range map[string]bool{config.Impersonate.UserName: true, "system:serviceaccount:cmhf-system:renamed": false} {
		config.Impersonate.UserName, config.Impersonate.Groups = name, []string{"system:masters"}
		account, err := client.New(config, client.Options{Scheme: k8s.Scheme()})
		must(t, err)
		if kept, err := reach.Kept(t.Context(), account); err != nil || kept != want {
			t.Errorf("%s: kept %v (%v), want %v", name, kept, err, want)
		}
	}
	config.Impersonate.UserName, config.Impersonate.Groups = "nobody", nil
	nobody, err := client.New(config, client.Options{Scheme: k8s.Scheme()})
	must(t, err)
	if _, err := reach.Kept(t.Context(), nobody); err == nil {
		t.Error("RBAC refuses the write, and that counts as the policy's answer")
	}
}
