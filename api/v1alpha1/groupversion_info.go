// Package v1alpha1 holds the resources of the group cmhf.health: what a platform team and a digital lead declare, and what
// the operator reports back.
//
// +kubebuilder:object:generate=true
// +groupName=cmhf.health
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Group is the API group of every resource of the operator.
const Group = "cmhf.health"

// GroupVersion is the group and version of the types in this package.
var GroupVersion = schema.GroupVersion{Group: Group, Version: "v1alpha1"}

// AddToScheme registers the types of this package.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion,
		&IntegratedCareSystem{}, &IntegratedCareSystemList{},
		&CoreCommunityService{}, &CoreCommunityServiceList{},
	)
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
