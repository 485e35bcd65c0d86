package v1alpha1

// Patch changes one object of the stack in a way that has no setting of its own. What may be changed is listed in the
// documentation; anything else is refused with PatchRefused.
type Patch struct {
	// target is the object, by the kind and name that it has in the tenant's namespace; a Job by its name without the hash.
	// +required
	Target PatchTarget `json:"target"`

	// patch is a strategic merge patch or a list of JSON patch (RFC 6902) operations, as YAML or JSON.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	Patch string `json:"patch"`
}

// PatchTarget names an object of the stack.
type PatchTarget struct {
	// +required
	// +kubebuilder:validation:Enum=Cluster;CronJob;Deployment;HorizontalPodAutoscaler;HTTPRoute;Ingress;Job;Service;StatefulSet
	Kind string `json:"kind"`

	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`
}
