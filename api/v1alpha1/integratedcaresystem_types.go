package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// IntegratedCareSystemSpec declares one tenant: its identity, its geography and the settings of its stack.
//
// +kubebuilder:validation:XValidation:rule="!has(self.neighbourhoods) || self.neighbourhoods.all(n, has(self.places) && self.places.exists(p, p.name == n.place))",message="every neighbourhood must name a place that is listed in spec.places",fieldPath=".neighbourhoods"
type IntegratedCareSystemSpec struct {
	// odsCode is the ODS code of the integrated care board, upper case, 3 or 5 characters. It can't be changed: codes are
	// never re-used, only closed.
	// +required
	// +kubebuilder:validation:Pattern=`^[A-Z0-9]{3}([A-Z0-9]{2})?$`
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="the ODS code identifies the data and can't be changed; declare a new IntegratedCareSystem instead"
	ODSCode string `json:"odsCode"`

	// displayName is shown on dashboards, for example "Greater Manchester".
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=120
	DisplayName string `json:"displayName"`

	// region is the NHS region.
	// +required
	Region Region `json:"region"`

	// places of the system. Guidance puts a place at 250,000 to 500,000 people; other sizes are reported, never refused.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=40
	Places []Place `json:"places,omitempty"`

	// neighbourhoods of the system, each within one place. Guidance puts a neighbourhood at 30,000 to 50,000 people; other
	// sizes are reported, never refused.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=200
	Neighbourhoods []Neighbourhood `json:"neighbourhoods,omitempty"`

	// defaultService is the name of the CoreCommunityService that receives people for whom nobody names a service: without an
	// address, unregistered, out of the area, or of an age that no service is for. It counts as soon as that service is registered
	// and for as long as it takes referrals.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	DefaultService string `json:"defaultService,omitempty"`

	// digitalLeads are the people and groups of the system who declare its services and read its status. They see no records.
	// +optional
	// +listType=map
	// +listMapKey=kind
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=20
	DigitalLeads []DigitalLead `json:"digitalLeads,omitempty"`

	// stack holds the settings of the database, the coordination API and the dashboard.
	// +required
	Stack Stack `json:"stack"`

	// state says what should run: everything (Active), everything with records that can be read and not changed (ReadOnly), or
	// nothing while the data are kept (Hibernated).
	// +optional
	// +kubebuilder:default=Active
	State State `json:"state,omitempty"`

	// suspend keeps the operator from touching the stack: nothing is applied or put back until it is false again. A suspended
	// resource that is deleted waits.
	// +optional
	Suspend bool `json:"suspend,omitempty"`

	// deletionPolicy says what becomes of the data when this resource is deleted: they stay (Retain), they stay and a last backup is
	// made and verified first (Archive), or the database is removed after such a backup and only the backups stay (Delete). It is
	// fixed when the deletion begins.
	// +optional
	// +kubebuilder:default=Retain
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`
}

// State says what of a stack runs.
//
// +kubebuilder:validation:Enum=Active;ReadOnly;Hibernated
type State string

const (
	// StateActive is the default: everything runs.
	StateActive State = "Active"
	// StateReadOnly serves reads and refuses every change of a record.
	StateReadOnly State = "ReadOnly"
	// StateHibernated stops every program and keeps the data.
	StateHibernated State = "Hibernated"
)

// DigitalLead is a person or a group as the cluster authenticates them.
type DigitalLead struct {
	// +required
	// +kubebuilder:validation:Enum=User;Group
	Kind string `json:"kind"`

	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="!self.startsWith('system:')",message="names that begin with system: belong to Kubernetes itself"
	Name string `json:"name"`
}

// Region is one of the seven NHS regions.
//
// +kubebuilder:validation:Enum=EastOfEngland;London;Midlands;NorthEastAndYorkshire;NorthWest;SouthEast;SouthWest
type Region string

// Place is a place within an integrated care system.
type Place struct {
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`

	// population in people, for the size advisory.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000000
	Population *int32 `json:"population,omitempty"`
}

// Neighbourhood is a primary care network footprint.
type Neighbourhood struct {
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`

	// place is the name of the place the neighbourhood lies in.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Place string `json:"place"`

	// population in people, for the size advisory.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000000
	Population *int32 `json:"population,omitempty"`
}

// IntegratedCareSystemStatus is what the operator has seen of the tenant.
type IntegratedCareSystemStatus struct {
	// observedGeneration is the generation that the conditions speak of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// namespace of the tenant.
	// +optional
	Namespace string `json:"namespace,omitempty"`

	// +optional
	Release *ReleaseStatus `json:"release,omitempty"`

	// +optional
	Database *DatabaseStatus `json:"database,omitempty"`

	// migrated is when the Job of the last migration was made: for a database that begins anew only a later one counts.
	// +optional
	Migrated *metav1.Time `json:"migrated,omitempty"`

	// +optional
	Backups *BackupsStatus `json:"backups,omitempty"`

	// +optional
	Credentials *CredentialsStatus `json:"credentials,omitempty"`

	// +optional
	Endpoints *Endpoints `json:"endpoints,omitempty"`

	// +optional
	Services *ServicesStatus `json:"services,omitempty"`

	// +optional
	Inventory *Inventory `json:"inventory,omitempty"`

	// deletion is present while the resource is being deleted.
	// +optional
	Deletion *DeletionStatus `json:"deletion,omitempty"`

	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// ReleaseStatus names the stack release that runs.
type ReleaseStatus struct {
	// current is the release whose objects are applied.
	Current string `json:"current"`
}

// DatabaseStatus names the engine that was chosen for the tenant, and what it runs.
type DatabaseStatus struct {
	Engine string `json:"engine"`
	// version is PostgreSQL's major version; absent where someone else runs it.
	// +optional
	Version string `json:"version,omitempty"`
	// primary is the pod that takes writes.
	// +optional
	Primary string `json:"primary,omitempty"`
}

// Endpoints are the URLs under which the tenant's programs are reached.
type Endpoints struct {
	API       string `json:"api"`
	Dashboard string `json:"dashboard"`
}

// ServicesStatus counts the core community services in the tenant's namespace.
type ServicesStatus struct {
	Total int32 `json:"total"`
	Ready int32 `json:"ready"`
	// summary is "ready/total".
	Summary string `json:"summary"`
}

// Inventory sums up the objects of the stack.
type Inventory struct {
	// objects is the number of rendered objects.
	Objects int32 `json:"objects"`
	// hash identifies their content.
	Hash string `json:"hash"`
	// retained are objects that are no longer rendered and are kept because they hold data.
	// +optional
	Retained []string `json:"retained,omitempty"`
}

// IntegratedCareSystem is one tenant of the operator: an integrated care system of the NHS in England. Its name is the
// lower-case ODS code.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,shortName=ics,categories=cmhf
// +kubebuilder:printcolumn:name="ODS",type=string,JSONPath=`.spec.odsCode`
// +kubebuilder:printcolumn:name="Name",type=string,JSONPath=`.spec.displayName`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Release",type=string,JSONPath=`.status.release.current`
// +kubebuilder:printcolumn:name="Services",type=string,JSONPath=`.status.services.summary`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Region",type=string,priority=1,JSONPath=`.spec.region`
// +kubebuilder:printcolumn:name="Engine",type=string,priority=1,JSONPath=`.status.database.engine`
// +kubebuilder:printcolumn:name="API",type=string,priority=1,JSONPath=`.status.endpoints.api`
// +kubebuilder:printcolumn:name="Dashboard",type=string,priority=1,JSONPath=`.status.endpoints.dashboard`
// +kubebuilder:validation:XValidation:rule="self.metadata.name == self.spec.odsCode.lowerAscii()",message="the name must be the ODS code in lower case (spec.odsCode)"
type IntegratedCareSystem struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   IntegratedCareSystemSpec   `json:"spec"`
	Status IntegratedCareSystemStatus `json:"status,omitempty"`
}

// IntegratedCareSystemList is a list of integrated care systems.
//
// +kubebuilder:object:root=true
type IntegratedCareSystemList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []IntegratedCareSystem `json:"items"`
}
