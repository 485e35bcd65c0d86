package v1alpha1

// Program holds the settings of the coordination API or the dashboard.
type Program struct {
	// replicas is the number of pods, 1 to 10.
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10
	Replicas *int32 `json:"replicas,omitempty"`

	// url is where people and systems reach the program: https, or http for a *.localhost name on a developer's machine.
	// +required
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="isURL(self) && (url(self).getScheme() == 'https' || (url(self).getScheme() == 'http' && url(self).getHostname().endsWith('.localhost')))",message="must be an https URL (http only for *.localhost names)"
	// +kubebuilder:validation:XValidation:rule="!isURL(self) || url(self).getEscapedPath() in ['', '/']",message="must have no path"
	URL string `json:"url"`
}
