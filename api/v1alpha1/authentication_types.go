package v1alpha1

// Authentication names the OpenID Connect provider that signs people and systems in.
type Authentication struct {
	// issuer is the provider's issuer URL: https, or http for a *.localhost name on a developer's machine.
	// +required
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="isURL(self) && (url(self).getScheme() == 'https' || (url(self).getScheme() == 'http' && url(self).getHostname().endsWith('.localhost')))",message="must be an https URL (http only for *.localhost names)"
	Issuer string `json:"issuer"`

	// audience that access tokens must carry, and the dashboard's client id; default "cmhf-<name>".
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=120
	Audience string `json:"audience,omitempty"`

	// egressCIDRs are the addresses of the provider, for the network policies, which know no names; default every address outside
	// the cluster's own ranges.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=20
	// +kubebuilder:validation:items:MaxLength=43
	// +kubebuilder:validation:items:XValidation:rule="isCIDR(self)",message="must be a CIDR such as 192.0.2.0/24"
	EgressCIDRs []string `json:"egressCIDRs,omitempty"`
}
