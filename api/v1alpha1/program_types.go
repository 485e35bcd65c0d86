package v1alpha1

// Program holds the settings of the coordination API or the dashboard.
//
// Earlier schemas filled in replicas: 1, so a stored object may hold it without anybody having said so.
//
// +kubebuilder:validation:XValidation:rule="!has(self.autoscaling) || !has(self.replicas) || self.replicas == 1",message="leave replicas out: the number of pods is autoscaling's to choose",fieldPath=".replicas"
type Program struct {
	// replicas is the number of pods, 1 to 10; default 1. Not beside autoscaling.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10
	Replicas *int32 `json:"replicas,omitempty"`

	// autoscaling lets the cluster choose the number of pods by the use of CPU.
	// +optional
	Autoscaling *Autoscaling `json:"autoscaling,omitempty"`

	// resources of each pod.
	// +optional
	Resources *Resources `json:"resources,omitempty"`

	// url is where people and systems reach the program: https, or http for a *.localhost name on a developer's machine.
	// +required
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="isURL(self) && (url(self).getScheme() == 'https' || (url(self).getScheme() == 'http' && url(self).getHostname().endsWith('.localhost')))",message="must be an https URL (http only for *.localhost names)"
	// +kubebuilder:validation:XValidation:rule="!isURL(self) || url(self).getEscapedPath() in ['', '/']",message="must have no path"
	URL string `json:"url"`

	// tlsSecretRef names the Secret of type kubernetes.io/tls in the tenant's namespace with the certificate for url. It belongs
	// to exposure by Ingress; without one the ingress controller's own certificate is used.
	// +optional
	TLSSecretRef *SecretReference `json:"tlsSecretRef,omitempty"`
}

// Autoscaling bounds the number of pods.
//
// +kubebuilder:validation:XValidation:rule="!has(self.minReplicas) || self.minReplicas <= self.maxReplicas",message="minReplicas must not be above maxReplicas"
type Autoscaling struct {
	// minReplicas is the fewest pods, 1 to 10; default 1.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10
	MinReplicas *int32 `json:"minReplicas,omitempty"`

	// maxReplicas is the most pods, 2 to 20.
	// +required
	// +kubebuilder:validation:Minimum=2
	// +kubebuilder:validation:Maximum=20
	MaxReplicas int32 `json:"maxReplicas"`

	// cpu is the use of CPU to keep to, in percent of what the pods request; default 80.
	// +optional
	// +kubebuilder:validation:Minimum=10
	// +kubebuilder:validation:Maximum=1000
	CPU *int32 `json:"cpu,omitempty"`
}

// SecretReference names a Secret in the tenant's namespace.
type SecretReference struct {
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	Name string `json:"name"`
}
