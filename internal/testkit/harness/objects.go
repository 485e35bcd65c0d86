package harness

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cmhf/operator/api/v1alpha1"
)

// System is a valid IntegratedCareSystem with two places and three neighbourhoods.
func System(ods string) *v1alpha1.IntegratedCareSystem {
	domain := strings.ToLower(ods) + ".example.org"
	return &v1alpha1.IntegratedCareSystem{
		ObjectMeta: metav1.ObjectMeta{Name: strings.ToLower(ods)},
		Spec: v1alpha1.IntegratedCareSystemSpec{
			ODSCode: ods, DisplayName: "System " + ods, Region: "NorthWest",
			Places:         []v1alpha1.Place{{Name: "East"}, {Name: "West"}},
			Neighbourhoods: []v1alpha1.Neighbourhood{{Name: "Harbour", Place: "East"}, {Name: "Hill", Place: "East"}, {Name: "Meadow", Place: "West"}},
			Stack: v1alpha1.Stack{
				Authentication:  v1alpha1.Authentication{Issuer: "https://idp.example.org"},
				CoordinationAPI: v1alpha1.Program{URL: "https://api." + domain},
				Dashboard:       v1alpha1.Program{URL: "https://dashboard." + domain},
			},
		},
	}
}

// Service is a valid CoreCommunityService.
func Service(namespace, name, place string, neighbourhoods ...string) *v1alpha1.CoreCommunityService {
	return &v1alpha1.CoreCommunityService{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1alpha1.CoreCommunityServiceSpec{
			DisplayName: "Service " + name, Place: place, Neighbourhoods: neighbourhoods,
			LeadProvider: v1alpha1.Provider{ODSCode: "RXV", Name: "A provider"},
		},
	}
}

// NamespaceOf is the namespace of a tenant.
func NamespaceOf(ics *v1alpha1.IntegratedCareSystem) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ics.TenantNamespace()}}
}
