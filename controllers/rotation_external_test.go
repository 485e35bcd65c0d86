package controllers_test

import (
	"testing"

	"github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/stack"
)

// The logins of an external database are its owner's: a rotation replaces the token and the session key, makes no login, and the
// programs log in with the owner's Secret before and after.
func TestRotationOfAnExternalDatabase(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("YA1")
	leave(t, ics)
	ics.Spec.Stack.Database.Engine = stack.EngineExternal
	ics.Spec.Stack.Database.External = &v1alpha1.ExternalDatabase{SecretRef: v1alpha1.SecretReference{Name: "elsewhere"}}
	create(t, ics)
	waitCondition(t, ics, v1alpha1.ConditionDatabaseReady, metav1.ConditionFalse, v1alpha1.ReasonSecretMissing)
	create(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "elsewhere"}, StringData: map[string]string{
		"host": "db.example.org", "port": "6432", "database": "records",
		"ownerUsername": "owner", "ownerPassword": "a-password-of-the-owner", "appUsername": "app", "appPassword": "a-password-of-the-app",
	}})
	change(t, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.DisplayName += "." })
	waitReady(t, ics)
	for n, request := range []string{"first", "second"} {
		requestRotation(t, ics, request)
		eventually(t, func(g gomega.Gomega) {
			g.Expect(get(t, ics)).To(gomega.Succeed())
			g.Expect(ics.Status.Credentials).NotTo(gomega.BeNil())
			g.Expect(ics.Status.Credentials.Generation).To(gomega.Equal(int64(n + 2)))
			g.Expect(meta.FindStatusCondition(ics.Status.Conditions, v1alpha1.ConditionCredentialsRotating)).To(gomega.BeNil())
			g.Expect(meta.IsStatusConditionTrue(ics.Status.Conditions, v1alpha1.ConditionReady)).To(gomega.BeTrue())
		})
	}
	if got := uses(t, ics, "Deployment", "coordination-api"); got != "api-internal-3 elsewhere" {
		t.Errorf("the API uses the Secrets %s", got)
	}
	if jobs := loginJobs(t, ics); len(jobs) != 0 {
		t.Errorf("%d Jobs work on logins that are not the operator's", len(jobs))
	}
}
