package v1alpha1

// Database holds the settings of the PostgreSQL database.
type Database struct {
	// +optional
	// +kubebuilder:default={}
	Storage Storage `json:"storage,omitempty"`

	// resources of each of the database's pods.
	// +optional
	// +kubebuilder:validation:XValidation:rule="!has(self.limits) || !has(self.limits.memory) || !isQuantity(self.limits.memory) || quantity(self.limits.memory).compareTo(quantity('256Mi')) >= 0",message="the database needs a limit of memory of at least 256Mi",fieldPath=".limits.memory"
	Resources *Resources `json:"resources,omitempty"`

	// +optional
	// +kubebuilder:default={}
	Backup Backup `json:"backup,omitempty"`
}

// Storage of the database. The claim that holds the data is never deleted or replaced by the operator.
//
// +kubebuilder:validation:XValidation:rule="has(self.className) == has(oldSelf.className) && (!has(self.className) || self.className == oldSelf.className)",message="the storage class of an existing volume can't be changed",fieldPath=".className"
type Storage struct {
	// size of the volume as a Kubernetes quantity, for example 20Gi: at least 1Gi. It can grow, where the
	// StorageClass allows it; a size below that of the existing volume is reported and changes nothing.
	// +optional
	// +kubebuilder:default="10Gi"
	// +kubebuilder:validation:MaxLength=20
	// +kubebuilder:validation:XValidation:rule="isQuantity(self) && quantity(self).compareTo(quantity('1Gi')) >= 0",message="must be a Kubernetes quantity of at least 1Gi, for example 20Gi"
	Size string `json:"size,omitempty"`

	// className is the StorageClass; when absent the cluster's default class is used.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ClassName *string `json:"className,omitempty"`
}
