package v1alpha1

// Resources are what each pod of a part of the stack asks for and may use. What is left out is the release's own; a limit
// below the request is raised to it, and the request lowered to a limit that is given.
//
// +kubebuilder:validation:XValidation:rule="!has(self.requests) || !has(self.requests.memory) || !has(self.limits) || !has(self.limits.memory) || !isQuantity(self.requests.memory) || !isQuantity(self.limits.memory) || quantity(self.limits.memory).compareTo(quantity(self.requests.memory)) >= 0",message="the limit of memory must not be below the request"
// +kubebuilder:validation:XValidation:rule="!has(self.requests) || !has(self.requests.cpu) || !has(self.limits) || !has(self.limits.cpu) || !isQuantity(self.requests.cpu) || !isQuantity(self.limits.cpu) || quantity(self.limits.cpu).compareTo(quantity(self.requests.cpu)) >= 0",message="the limit of cpu must not be below the request"
type Resources struct {
	// requests are set aside for the pod.
	// +optional
	Requests *Amounts `json:"requests,omitempty"`

	// limits are the most that the pod may use. There is no limit of cpu unless one is given.
	// +optional
	Limits *Amounts `json:"limits,omitempty"`
}

// Amounts of CPU and memory, as Kubernetes quantities.
type Amounts struct {
	// cpu in cores, for example 250m: 5m to 64.
	// +optional
	// +kubebuilder:validation:MaxLength=20
	// +kubebuilder:validation:XValidation:rule="isQuantity(self) && quantity(self).compareTo(quantity('5m')) >= 0 && quantity(self).compareTo(quantity('64')) <= 0",message="must be a Kubernetes quantity of 5m to 64 cores, for example 250m"
	CPU string `json:"cpu,omitempty"`

	// memory in bytes, for example 512Mi: 32Mi to 512Gi.
	// +optional
	// +kubebuilder:validation:MaxLength=20
	// +kubebuilder:validation:XValidation:rule="isQuantity(self) && quantity(self).compareTo(quantity('32Mi')) >= 0 && quantity(self).compareTo(quantity('512Gi')) <= 0",message="must be a Kubernetes quantity of 32Mi to 512Gi, for example 512Mi"
	Memory string `json:"memory,omitempty"`
}
