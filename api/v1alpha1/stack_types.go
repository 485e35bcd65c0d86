package v1alpha1

// Stack holds the settings of a tenant's programs.
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

	// +required
	CoordinationAPI Program `json:"coordinationAPI"`

	// +required
	Dashboard Program `json:"dashboard"`
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
