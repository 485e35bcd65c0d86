package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// CoreCommunityServiceSpec declares one neighbourhood-based core community mental health service.
type CoreCommunityServiceSpec struct {
	// displayName is shown on dashboards and in the directory.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=120
	DisplayName string `json:"displayName"`

	// place the service lies in; it must be a place of the integrated care system.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Place string `json:"place"`

	// neighbourhoods the service covers. Each must exist in the integrated care system, and for each function belongs to
	// exactly one service.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=60
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=63
	Neighbourhoods []string `json:"neighbourhoods"`

	// leadProvider is the organisation that answers for the service.
	// +required
	LeadProvider Provider `json:"leadProvider"`

	// functions the service offers to its neighbourhoods; default Core.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=9
	// +kubebuilder:default={Core}
	Functions []Function `json:"functions,omitempty"`

	// entryRoutes by which people come in. Self-referral is always open, listed or not.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=9
	EntryRoutes []EntryRoute `json:"entryRoutes,omitempty"`

	// ages the service is for, in whole years. A referral of anyone else is taken and redirected, never refused.
	// +optional
	Ages *Ages `json:"ages,omitempty"`

	// partners are the organisations that the service works with.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=50
	Partners []Partner `json:"partners,omitempty"`

	// settings in which the service works.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=4
	Settings []Setting `json:"settings,omitempty"`

	// teamTypes are the national codes of the service's teams, such as A06. They decide what the published waiting times count.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=20
	// +kubebuilder:validation:items:Pattern=`^[A-Z][0-9]{2}$`
	TeamTypes []string `json:"teamTypes,omitempty"`

	// capacity of the service. It is shown beside what the service holds, and refuses nobody.
	// +optional
	Capacity *Capacity `json:"capacity,omitempty"`

	// coordinationLevels are the names of the levels of coordination that the service works with, least first. A level says how
	// much is coordinated, never who is entitled to care.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=10
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=60
	CoordinationLevels []string `json:"coordinationLevels,omitempty"`

	// standards that the service has set itself. For each that is not listed a value applies that GET /v1/services of the
	// coordination API shows.
	// +optional
	// +listType=map
	// +listMapKey=id
	// +kubebuilder:validation:MaxItems=6
	Standards []Standard `json:"standards,omitempty"`
}

// Partner is an organisation that a service works with.
type Partner struct {
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=120
	Name string `json:"name"`

	// +required
	Sector Sector `json:"sector"`

	// +optional
	// +kubebuilder:validation:Pattern=`^[A-Z0-9]{3,10}$`
	ODSCode string `json:"odsCode,omitempty"`
}

// Sector is the part of public or working life that an organisation belongs to.
//
// +kubebuilder:validation:Enum=Employer;Education;LocalAuthority;Housing;VCSE;PrimaryCare;SecondaryCare;SocialCare;EmploymentSupport;CriminalJustice;LivedExperience
type Sector string

// Setting is where a service works.
//
// +kubebuilder:validation:Enum=PrimaryCareTeam;CommunityMentalHealthTeam;SupportedHousing;CareHome
type Setting string

// Capacity is what a service can hold.
type Capacity struct {
	// caseload in people.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100000
	Caseload *int32 `json:"caseload,omitempty"`

	// keyWorkers in posts.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10000
	KeyWorkers *int32 `json:"keyWorkers,omitempty"`
}

// Standard is how soon something is to happen.
type Standard struct {
	// id of the standard; its ending is the unit of the value.
	// +required
	// +kubebuilder:validation:Enum=FirstContactDays;KeyWorkerDays;HandoverAnswerDays;ReentryCheckDays;FollowUpHours;ReviewMonths
	ID string `json:"id"`

	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	Value int32 `json:"value"`

	// source says whose standard it is, for example a decision of the system's board.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	Source string `json:"source"`
}

// Provider is an organisation known by its ODS code.
type Provider struct {
	// +required
	// +kubebuilder:validation:Pattern=`^[A-Z0-9]{3}([A-Z0-9]{2})?$`
	ODSCode string `json:"odsCode"`

	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=120
	Name string `json:"name"`
}

// Function is a kind of help that a core community service gives.
//
// +kubebuilder:validation:Enum=Core;EatingDisorders;CommunityRehabilitation;ComplexEmotionalNeeds;EarlyInterventionPsychosis;OlderAdults;YoungAdults;PerinatalLink;CrisisLink
type Function string

// FunctionCore is the core service itself.
const FunctionCore Function = "Core"

// EntryRoute is a way in.
//
// +kubebuilder:validation:Enum=Self;Carer;GP;VCSE;SocialCare;Crisis;Inpatient;Online;WalkIn
type EntryRoute string

// EntryRouteSelf is always open.
const EntryRouteSelf EntryRoute = "Self"

// Ages is a range of ages in whole years, both ends included.
//
// +kubebuilder:validation:XValidation:rule="!has(self.minimum) || !has(self.maximum) || self.minimum <= self.maximum",message="minimum must not be above maximum"
type Ages struct {
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=120
	Minimum *int32 `json:"minimum,omitempty"`

	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=120
	Maximum *int32 `json:"maximum,omitempty"`
}

// CoreCommunityServiceStatus is what the operator knows of the service.
type CoreCommunityServiceStatus struct {
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// registered is the entry that the coordination API has committed to its database.
	// +optional
	Registered *Registration `json:"registered,omitempty"`

	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// Registration is an entry of the committed service directory.
type Registration struct {
	// digest of the committed entry.
	Digest string `json:"digest"`
	// generation of the resource that the entry was made from.
	Generation int64 `json:"generation"`
}

// CoreCommunityService is one neighbourhood-based core community mental health service, declared in the namespace of its
// integrated care system.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,shortName=ccs,categories=cmhf
// +kubebuilder:printcolumn:name="Service",type=string,JSONPath=`.spec.displayName`
// +kubebuilder:printcolumn:name="Place",type=string,JSONPath=`.spec.place`
// +kubebuilder:printcolumn:name="Lead",type=string,JSONPath=`.spec.leadProvider.odsCode`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Functions",type=string,priority=1,JSONPath=`.spec.functions`
// +kubebuilder:printcolumn:name="Neighbourhoods",type=string,priority=1,JSONPath=`.spec.neighbourhoods`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63",message="the name must have at most 63 characters"
type CoreCommunityService struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   CoreCommunityServiceSpec   `json:"spec"`
	Status CoreCommunityServiceStatus `json:"status,omitempty"`
}

// CoreCommunityServiceList is a list of core community services.
//
// +kubebuilder:object:root=true
type CoreCommunityServiceList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []CoreCommunityService `json:"items"`
}

// GetConditions returns the conditions for the setters in this package.
func (in *CoreCommunityService) GetConditions() *[]metav1.Condition { return &in.Status.Conditions }
