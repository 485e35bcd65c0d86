package v1alpha1

// Stack holds the settings of a tenant's programs.
//
// +kubebuilder:validation:XValidation:rule="(has(self.exposure) && self.exposure.type == 'Ingress') || (!has(self.coordinationAPI.tlsSecretRef) && !has(self.dashboard.tlsSecretRef))",message="tlsSecretRef belongs to exposure by Ingress; by Gateway, the certificates are the Gateway's",fieldPath=".exposure"
// +kubebuilder:validation:XValidation:rule="!has(self.exposure) || self.exposure.type == 'None' || self.coordinationAPI.url.lowerAscii().split('//')[1].split('/')[0].split(':')[0] != self.dashboard.url.lowerAscii().split('//')[1].split('/')[0].split(':')[0]",message="the coordination API and the dashboard need host names of their own",fieldPath=".exposure"
// +kubebuilder:validation:XValidation:rule="!has(self.exposure) || self.exposure.type == 'None' || ![self.coordinationAPI.url, self.dashboard.url].exists(u, u.matches('^https?://([0-9.]+|\\\\[.*)(:[0-9]+)?/?$'))",message="an Ingress or a route needs host names in the URLs, no addresses",fieldPath=".exposure"
type Stack struct {
	// data says whether the tenant holds real or synthetic records. Synthetic is shown on every page and can't be changed
	// later, so that invented people never mix with real ones.
	// +optional
	// +kubebuilder:default=Live
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a database with synthetic people never becomes a live one, nor the other way round; declare a new IntegratedCareSystem instead"
	Data DataKind `json:"data,omitempty"`

	// +optional
	// +kubebuilder:default={}
	Database Database `json:"database,omitempty"`

	// +required
	Authentication Authentication `json:"authentication"`

	// +optional
	Credentials Credentials `json:"credentials,omitempty"`

	// +required
	CoordinationAPI Program `json:"coordinationAPI"`

	// +required
	Dashboard Program `json:"dashboard"`

	// exposure says by what both are reached from outside the cluster; default None.
	// +optional
	Exposure *Exposure `json:"exposure,omitempty"`

	// patches change objects of the stack where there is no setting for what you need; applied in their order.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	Patches []Patch `json:"patches,omitempty"`
}

// DataKind tells real from synthetic records.
//
// +kubebuilder:validation:Enum=Live;Synthetic
type DataKind string

const (
	// DataLive is the default: records of real people.
	DataLive DataKind = "Live"
	// DataSynthetic marks invented people, for demonstration and tests.
	DataSynthetic DataKind = "Synthetic"
)
