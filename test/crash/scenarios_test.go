package crash

import (
	"maps"
	"slices"
	"testing"

	"github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/testkit/harness"
)

// ready: the system serves as it is declared, and its directory, which may come a moment later, is stored.
func ready(g gomega.Gomega, t *testing.T, ics *v1alpha1.IntegratedCareSystem) {
	g.Expect(env.Get(t, ics)).To(gomega.Succeed())
	found := meta.FindStatusCondition(ics.Status.Conditions, v1alpha1.ConditionReady)
	g.Expect(found).NotTo(gomega.BeNil())
	g.Expect(found.Status).To(gomega.Equal(metav1.ConditionTrue), found.Message)
	g.Expect(found.ObservedGeneration).To(gomega.Equal(ics.Generation))
	directory := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: ics.TenantNamespace(), Name: "service-directory"}}
	g.Expect(env.Get(t, directory)).To(gomega.Succeed())
}

// gone: the resource is deleted.
func gone(g gomega.Gomega, t *testing.T, ics *v1alpha1.IntegratedCareSystem) {
	g.Expect(apierrors.IsNotFound(env.Get(t, ics))).To(gomega.BeTrue(), "%v", ics.Status.Conditions)
}

func TestCrashAtEveryWriteOfACreation(t *testing.T) {
	scenario{
		ods: "SKA", new: true, writes: 25,
		begin: func(t *testing.T, ics *v1alpha1.IntegratedCareSystem) { env.Create(t, ics) },
		over:  ready,
	}.run(t)
}

func TestCrashAtEveryWriteOfServices(t *testing.T) {
	scenario{
		ods: "SKB", writes: 4,
		begin: func(t *testing.T, ics *v1alpha1.IntegratedCareSystem) {
			env.Create(t, harness.Service(ics.TenantNamespace(), "east", "East", "Harbour"), harness.Service(ics.TenantNamespace(), "west", "West", "Meadow"))
		},
		over: func(g gomega.Gomega, t *testing.T, ics *v1alpha1.IntegratedCareSystem) {
			ready(g, t, ics)
			g.Expect(ics.Status.Services).NotTo(gomega.BeNil())
			g.Expect(ics.Status.Services.Summary).To(gomega.Equal("2/2"))
		},
	}.run(t)
}

// What runs goes down, and comes back as it was.
func TestCrashAtEveryWriteOfAHibernation(t *testing.T) {
	state := func(state v1alpha1.State) func(*testing.T, *v1alpha1.IntegratedCareSystem) {
		return func(t *testing.T, ics *v1alpha1.IntegratedCareSystem) {
			harness.Change(t, env, ics, func(i *v1alpha1.IntegratedCareSystem) { i.Spec.State = state })
		}
	}
	t.Run("down", func(t *testing.T) {
		scenario{ods: "SKC", writes: 6, begin: state(v1alpha1.StateHibernated), over: ready}.run(t)
	})
	t.Run("up", func(t *testing.T) {
		scenario{
			ods: "SKD", writes: 6, declare: func(ics *v1alpha1.IntegratedCareSystem) { ics.Spec.State = v1alpha1.StateHibernated },
			begin: state(v1alpha1.StateActive), over: ready,
		}.run(t)
	})
}

// A rotation ends as it does without a kill, and at no moment is a Secret gone that a program is still made with: the oracle sees to that.
func TestCrashAtEveryWriteOfARotation(t *testing.T) {
	want := []string{"api-internal-2", "dashboard-session", "dashboard-session-2", "database-app-2", "database-logins", "database-owner-2"}
	scenario{
		ods: "SKE", writes: 20,
		begin: func(t *testing.T, ics *v1alpha1.IntegratedCareSystem) {
			harness.Change(t, env, ics, func(i *v1alpha1.IntegratedCareSystem) {
				metav1.SetMetaDataAnnotation(&i.ObjectMeta, v1alpha1.AnnotationRotateSecrets, "now")
			})
		},
		over: func(g gomega.Gomega, t *testing.T, ics *v1alpha1.IntegratedCareSystem) {
			ready(g, t, ics)
			g.Expect(ics.Status.Credentials.Generation).To(gomega.Equal(int64(2)))
			g.Expect(meta.FindStatusCondition(ics.Status.Conditions, v1alpha1.ConditionCredentialsRotating)).To(gomega.BeNil())
			g.Expect(slices.Sorted(maps.Keys(env.Secrets(t, ics.TenantNamespace())))).To(gomega.Equal(want))
			jobs := &batchv1.JobList{}
			g.Expect(env.Client.List(t.Context(), jobs, client.InNamespace(ics.TenantNamespace()),
				client.MatchingLabels{v1alpha1.LabelComponent: v1alpha1.ComponentLogins})).To(gomega.Succeed())
			g.Expect(jobs.Items).To(gomega.BeEmpty())
		},
	}.run(t)
}

// The resource still goes, nothing is gone before a last backup is verified, and what is left is what the policy leaves.
func TestCrashAtEveryWriteOfADeletion(t *testing.T) {
	for _, c := range []struct {
		ods    string
		policy v1alpha1.DeletionPolicy
		writes int
		left   []string
	}{
		{"SLA", v1alpha1.DeletionRetain, 5, []string{"Namespace/ics-tenant", "PersistentVolumeClaim/database-data", "Secret/database-owner", "StatefulSet/database"}},
		{"SLB", v1alpha1.DeletionArchive, 10, []string{"PersistentVolumeClaim/database-data", "PersistentVolumeClaim/database-backups", "Job/backup", "StatefulSet/database"}},
		{"SLC", v1alpha1.DeletionDelete, 24, []string{"Namespace/ics-tenant", "PersistentVolumeClaim/database-backups", "Job/backup"}},
	} {
		t.Run(string(c.policy), func(t *testing.T) {
			scenario{
				ods: c.ods, writes: c.writes,
				declare: func(ics *v1alpha1.IntegratedCareSystem) { ics.Spec.DeletionPolicy = c.policy },
				begin:   func(t *testing.T, ics *v1alpha1.IntegratedCareSystem) { env.Remove(t, ics) },
				over:    gone,
				check: func(t *testing.T, end map[string]string) {
					for _, name := range c.left {
						if _, there := end[name]; !there {
							t.Errorf("%s is gone", name)
						}
					}
					for _, name := range []string{"Deployment/dashboard", "Deployment/coordination-api"} {
						if _, there := end[name]; there {
							t.Errorf("%s still runs", name)
						}
					}
				},
			}.run(t)
		})
	}
}
