package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// NamespacePrefix begins the name of every tenant's namespace.
const NamespacePrefix = "ics-"

// TenantNamespace is the name of the namespace of the tenant.
func (in *IntegratedCareSystem) TenantNamespace() string { return NamespacePrefix + in.Name }

// Audience is the audience of access tokens for the tenant, and the dashboard's client id.
func (in *IntegratedCareSystem) Audience() string {
	if in.Spec.Stack.Authentication.Audience != "" {
		return in.Spec.Stack.Authentication.Audience
	}
	return "cmhf-" + in.Name
}

// GetConditions returns the conditions for the setters in this package.
func (in *IntegratedCareSystem) GetConditions() *[]metav1.Condition { return &in.Status.Conditions }
