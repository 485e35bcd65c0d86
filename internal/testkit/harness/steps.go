package harness

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
)

// Must ends the test at an error.
func Must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Eventually waits for something a watch will bring; it polls because a test has no better ear.
func Eventually(t *testing.T, check func(g gomega.Gomega)) {
	t.Helper()
	gomega.NewWithT(t).Eventually(check).WithTimeout(30 * time.Second).WithPolling(20 * time.Millisecond).Should(gomega.Succeed())
}

// systems remembers which tests made which systems.
type systems struct {
	mu   sync.Mutex
	made map[string]bool
}

func (s *systems) first(t *testing.T, name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made == nil {
		s.made = map[string]bool{}
	}
	key := t.Name() + " " + name
	was := s.made[key]
	s.made[key] = true
	return !was
}

// Create makes objects. No promise may be broken to a system until the test ends.
func (e *Env) Create(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, object := range objects {
		if ics, ok := object.(*v1alpha1.IntegratedCareSystem); ok && e.checked.first(t, ics.Name) {
			t.Cleanup(func() {
				for _, promise := range e.Oracle.Broken(context.Background(), ics.Name) { // the test's own context has ended
					t.Errorf("a promise was broken: %s", promise)
				}
			})
		}
		Must(t, e.Client.Create(t.Context(), object))
	}
}

// Get reads an object as it is now.
func (e *Env) Get(t *testing.T, object client.Object) error {
	t.Helper()
	return e.Client.Get(t.Context(), client.ObjectKeyFromObject(object), object)
}

// Change edits an object as it is now; the operator writes its status meanwhile.
func Change[T client.Object](t *testing.T, e *Env, object T, edit func(T)) {
	t.Helper()
	Must(t, retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		if err := e.Get(t, object); err != nil {
			return err
		}
		edit(object)
		return e.Client.Update(t.Context(), object)
	}))
}

// Confirmation is the patch that writes a confirmation of a deletion.
func Confirmation(value string) client.Patch {
	return client.RawPatch(types.MergePatchType, fmt.Appendf(nil, `{"metadata":{"annotations":{"cmhf.health/confirm-deletion":%q}}}`, value))
}

// Remove deletes an object as a user does who means it: confirmed.
func (e *Env) Remove(t *testing.T, object client.Object) {
	t.Helper()
	Must(t, e.Client.Patch(t.Context(), object, Confirmation(object.GetName())))
	Must(t, e.Client.Delete(t.Context(), object))
}

// WaitReady waits until a system is Ready in the generation that it has.
func (e *Env) WaitReady(t *testing.T, ics *v1alpha1.IntegratedCareSystem) {
	t.Helper()
	Eventually(t, func(g gomega.Gomega) {
		g.Expect(e.Get(t, ics)).To(gomega.Succeed())
		ready := meta.FindStatusCondition(ics.Status.Conditions, v1alpha1.ConditionReady)
		g.Expect(ready).NotTo(gomega.BeNil())
		g.Expect(ready.Status).To(gomega.Equal(metav1.ConditionTrue), ready.Message)
		g.Expect(ics.Status.ObservedGeneration).To(gomega.Equal(ics.Generation))
	})
}

// Conditioned is an object of ours.
type Conditioned interface {
	client.Object
	GetConditions() *[]metav1.Condition
}

// WaitCondition waits until a condition of this generation has the status and reason, and returns it.
func (e *Env) WaitCondition(t *testing.T, object Conditioned, kind string, status metav1.ConditionStatus, reason string) metav1.Condition {
	t.Helper()
	var found metav1.Condition
	Eventually(t, func(g gomega.Gomega) {
		g.Expect(e.Get(t, object)).To(gomega.Succeed())
		condition := meta.FindStatusCondition(*object.GetConditions(), kind)
		g.Expect(condition).NotTo(gomega.BeNil(), "no condition "+kind)
		g.Expect(condition.ObservedGeneration).To(gomega.Equal(object.GetGeneration()))
		g.Expect(string(condition.Status)+" "+condition.Reason).To(gomega.Equal(string(status)+" "+reason), condition.Message)
		found = *condition
	})
	return found
}

// Secrets are those of a namespace by name.
func (e *Env) Secrets(t *testing.T, namespace string) map[string]corev1.Secret {
	t.Helper()
	list := &corev1.SecretList{}
	Must(t, e.Client.List(t.Context(), list, client.InNamespace(namespace)))
	found := map[string]corev1.Secret{}
	for _, secret := range list.Items {
		found[secret.Name] = secret
	}
	return found
}
