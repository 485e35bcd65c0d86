package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// DeletionPolicy says what becomes of the data when the resource is deleted.
//
// +kubebuilder:validation:Enum=Retain;Archive;Delete
type DeletionPolicy string

const (
	// DeletionRetain is the default: everything stops, the data stay.
	DeletionRetain DeletionPolicy = "Retain"
	// DeletionArchive does so after a last backup that was verified.
	DeletionArchive DeletionPolicy = "Archive"
	// DeletionDelete removes the database, its volumes and its Secrets after a last backup that was verified. The backups stay.
	DeletionDelete DeletionPolicy = "Delete"
)

// DeletionStatus tells of a deletion that has begun.
type DeletionStatus struct {
	// policy is spec.deletionPolicy as it was when the deletion began; later changes of the spec don't change it.
	Policy DeletionPolicy `json:"policy"`

	// backup is the last backup, made and verified after the programs stopped.
	// +optional
	Backup *FinalBackup `json:"backup,omitempty"`
}

// FinalBackup is the backup that was made before a database was stopped for good.
type FinalBackup struct {
	// job made and verified it.
	Job string `json:"job"`
	// completed is when it was verified.
	Completed metav1.Time `json:"completed"`
	// claim is the volume claim that holds it.
	Claim string `json:"claim"`
	// claimUID tells this claim from another one of the same name.
	ClaimUID types.UID `json:"claimUID"`
}
