package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Credentials holds the settings of the Secrets that the operator makes: the database's logins, the token between operator and API,
// the dashboard's session key.
type Credentials struct {
	// rotateAfterDays replaces them at this age, in days; when absent only on request, by a new value of the annotation
	// cmhf.health/rotate-secrets.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3650
	RotateAfterDays *int32 `json:"rotateAfterDays,omitempty"`
}

// CredentialsStatus says which generation of Secrets is in use; it holds nothing of their content.
type CredentialsStatus struct {
	// generation of the Secrets, from 1; the names of those of a later one end in its number.
	Generation int64 `json:"generation"`

	// since when this generation is in use.
	// +optional
	Since *metav1.Time `json:"since,omitempty"`
}
