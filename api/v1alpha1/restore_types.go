package v1alpha1

// RestoreFrom fills the empty database of a new system, or of one that has lost its volume, from a backup before it serves for the
// first time. Once the database has served it changes nothing: two sets of records never mix.
type RestoreFrom struct {
	// backup is the name of the backup, for example 20261122T011003Z: a folder on the volume of the claim. The restore waits an hour
	// for it, so that it can be copied there.
	// +required
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:Pattern=`^[0-9]{8}T[0-9]{6}Z$`
	Backup string `json:"backup"`

	// odsCode is the ODS code of the system that the backup is of, where that is another one, as in a drill. What kind of data
	// (stack.data) the two hold must be the same.
	// +optional
	// +kubebuilder:validation:MaxLength=5
	// +kubebuilder:validation:Pattern=`^[A-Z0-9]{3}([A-Z0-9]{2})?$`
	ODSCode string `json:"odsCode,omitempty"`

	// claimName is the volume claim in the system's namespace that holds the backup; default "database-backups", its own.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ClaimName string `json:"claimName,omitempty"`
}
