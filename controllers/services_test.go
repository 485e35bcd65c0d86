package controllers_test

import (
	"strings"
	"testing"

	"github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cmhf/operator/api/v1alpha1"
)

func TestServiceIsRegistered(t *testing.T) {
	o := startOperator(t, restConfig)
	ics := system("QC1")
	create(t, ics)
	waitReady(t, ics)
	east := service(ics.TenantNamespace(), "east", "East", "Harbour", "Hill")
	create(t, east)
	waitCondition(t, east, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonRegistered)
	committed, err := o.api.Committed(t.Context(), ics.TenantNamespace())
	must(t, err)
	if east.Status.Registered == nil || east.Status.Registered.Digest != committed.Services["east"] || east.Status.Registered.Generation != east.Generation {
		t.Errorf("status.registered is %+v, committed is %+v", east.Status.Registered, committed)
	}
	eventually(t, func(g gomega.Gomega) {
		g.Expect(get(t, ics)).To(gomega.Succeed())
		g.Expect(ics.Status.Services.Summary).To(gomega.Equal("1/1"))
	})
}

// A default service that there is not, or that was refused, is told of on the system, which is Ready all the same.
func TestDefaultServiceIsToldOf(t *testing.T) {
	startOperator(t, restConfig)
	ics := system("QCA")
	ics.Spec.DefaultService = "east"
	create(t, ics)
	waitReady(t, ics)
	missing := waitCondition(t, ics, v1alpha1.ConditionDefaultServiceOpen, metav1.ConditionFalse, v1alpha1.ReasonNotDeclared)
	if !strings.Contains(missing.Message, "east") || !strings.Contains(missing.Message, ics.TenantNamespace()) {
		t.Errorf("the message does not say what is missing where: %s", missing.Message)
	}
	east := service(ics.TenantNamespace(), "east", "East", "Nowhere")
	create(t, east)
	waitCondition(t, ics, v1alpha1.ConditionDefaultServiceOpen, metav1.ConditionFalse, v1alpha1.ReasonNotRegistered)
	change(t, east, func(o *v1alpha1.CoreCommunityService) { o.Spec.Neighbourhoods = []string{"Harbour"} })
	waitCondition(t, ics, v1alpha1.ConditionDefaultServiceOpen, metav1.ConditionTrue, v1alpha1.ReasonRegistered)
	change(t, ics, func(o *v1alpha1.IntegratedCareSystem) { o.Spec.DefaultService = "" })
	eventually(t, func(g gomega.Gomega) {
		g.Expect(get(t, ics)).To(gomega.Succeed())
		g.Expect(ics.Status.ObservedGeneration).To(gomega.Equal(ics.Generation))
		g.Expect(meta.FindStatusCondition(ics.Status.Conditions, v1alpha1.ConditionDefaultServiceOpen)).To(gomega.BeNil())
	})
}

// Registered means committed: while the API does not answer, a change is accepted but not Ready.
func TestServiceWaitsForTheAPI(t *testing.T) {
	o := startOperator(t, restConfig)
	ics := system("QC2")
	create(t, ics)
	waitReady(t, ics)
	o.api.setDown(true)
	east := service(ics.TenantNamespace(), "east", "East", "Harbour")
	create(t, east)
	waitCondition(t, east, v1alpha1.ConditionRegistered, metav1.ConditionFalse, v1alpha1.ReasonWaitingForAPI)
	o.api.setDown(false)
	waitCondition(t, east, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonRegistered)

	// What was committed before says nothing of a later generation.
	o.api.setDown(true)
	change(t, east, func(o *v1alpha1.CoreCommunityService) { o.Spec.DisplayName = "Renamed" })
	waitCondition(t, east, v1alpha1.ConditionRegistered, metav1.ConditionFalse, v1alpha1.ReasonWaitingForAPI)
	if east.Status.Registered.Generation == east.Generation {
		t.Error("status.registered names a generation that is not committed")
	}
	o.api.setDown(false)
	waitCondition(t, east, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonRegistered)
}

// A mistake is shown on the service at fault; what was registered stays, and the others don't notice.
func TestMistakesStayWhereTheyAre(t *testing.T) {
	o := startOperator(t, restConfig)
	ics := system("QC3")
	create(t, ics)
	waitReady(t, ics)
	namespace := ics.TenantNamespace()
	east, west := service(namespace, "east", "East", "Harbour", "Hill"), service(namespace, "west", "West", "Meadow")
	create(t, east, west)
	waitCondition(t, east, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonRegistered)
	waitCondition(t, west, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonRegistered)
	before, err := o.api.Committed(t.Context(), namespace)
	must(t, err)

	unknown := service(namespace, "unknown", "East", "Harbor")
	overlap := service(namespace, "another", "East", "Hill")
	nowhere := service(namespace, "nowhere", "North", "Hill")
	create(t, unknown, overlap, nowhere)
	said := waitCondition(t, unknown, v1alpha1.ConditionAccepted, metav1.ConditionFalse, v1alpha1.ReasonUnknownNeighbourhood)
	if !strings.Contains(said.Message, `"Harbor"`) {
		t.Errorf("the message does not name the neighbourhood: %s", said.Message)
	}
	said = waitCondition(t, overlap, v1alpha1.ConditionAccepted, metav1.ConditionFalse, v1alpha1.ReasonOverlap)
	if !strings.Contains(said.Message, "belongs to service east") {
		t.Errorf("the message does not name the other service: %s", said.Message)
	}
	waitCondition(t, nowhere, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonUnknownPlace)

	change(t, east, func(o *v1alpha1.CoreCommunityService) {
		o.Spec.Neighbourhoods = []string{"Harbour", "Hill", "Meadow"}
	})
	waitCondition(t, east, v1alpha1.ConditionRegistered, metav1.ConditionFalse, v1alpha1.ReasonLastAccepted)
	waitCondition(t, west, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonRegistered)
	after, err := o.api.Committed(t.Context(), namespace)
	must(t, err)
	if before.Digest != after.Digest {
		t.Error("a mistake changed the directory")
	}
	waitReady(t, ics)

	change(t, east, func(o *v1alpha1.CoreCommunityService) {
		o.Spec.Neighbourhoods = []string{"Harbour"}
	})
	waitCondition(t, east, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonRegistered)
	waitCondition(t, overlap, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonRegistered)
}

func TestServiceOutsideATenant(t *testing.T) {
	startOperator(t, restConfig)
	create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "elsewhere"}})
	lost := service("elsewhere", "lost", "East", "Harbour")
	create(t, lost)
	waitCondition(t, lost, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonNotATenantNamespace)
}

// Without its system a service waits; nothing is closed, and with the system it is back.
func TestServiceWithoutItsSystem(t *testing.T) {
	o := startOperator(t, restConfig)
	ics := system("QC4")
	create(t, ics)
	waitReady(t, ics)
	east := service(ics.TenantNamespace(), "east", "East", "Harbour")
	create(t, east)
	waitCondition(t, east, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonRegistered)
	before, err := o.api.Committed(t.Context(), ics.TenantNamespace())
	must(t, err)
	remove(t, ics)
	waitCondition(t, east, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSystemNotFound)
	eventually(t, func(g gomega.Gomega) { g.Expect(get(t, ics)).NotTo(gomega.Succeed()) })
	create(t, system("QC4"))
	waitCondition(t, east, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonRegistered)
	after, err := o.api.Committed(t.Context(), ics.TenantNamespace())
	must(t, err)
	if before.Digest != after.Digest {
		t.Error("the directory changed while the system was away")
	}
}
