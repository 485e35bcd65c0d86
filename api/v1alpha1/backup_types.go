package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Backup says when the database is backed up and how long a backup is kept. Every backup is restored into a throwaway server and
// compared before it counts.
type Backup struct {
	// state is Active, or Suspended when something else backs the database up: no backup is made then, and BackupsReady says so.
	// +optional
	// +kubebuilder:default=Active
	State BackupState `json:"state,omitempty"`

	// schedule in cron's five fields, UTC, for example "15 2 * * *"; default once a day at a time between midnight and six that
	// comes from the name, so that not all systems start at once. status.backups.schedule shows it.
	// +optional
	// +kubebuilder:validation:MinLength=9
	// +kubebuilder:validation:MaxLength=100
	// +kubebuilder:validation:Pattern=`^[0-9A-Za-z*/,?-]+( [0-9A-Za-z*/,?-]+){4}$`
	Schedule string `json:"schedule,omitempty"`

	// retentionDays is how long a backup is kept. An older one goes only after a newer one is verified; the newest always stays.
	// +optional
	// +kubebuilder:default=14
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=7300
	RetentionDays *int32 `json:"retentionDays,omitempty"`

	// +optional
	// +kubebuilder:default={}
	Storage BackupStorage `json:"storage,omitempty"`
}

// BackupState says whether backups are made.
//
// +kubebuilder:validation:Enum=Active;Suspended
type BackupState string

const (
	// BackupActive is the default: backups are made as scheduled.
	BackupActive BackupState = "Active"
	// BackupSuspended makes none.
	BackupSuspended BackupState = "Suspended"
)

// BackupStorage is the volume that the backups lie on. Its claim is never deleted or replaced by the operator.
//
// +kubebuilder:validation:XValidation:rule="has(self.className) == has(oldSelf.className) && (!has(self.className) || self.className == oldSelf.className)",message="the storage class of an existing volume can't be changed",fieldPath=".className"
type BackupStorage struct {
	// size as a Kubernetes quantity, at least 1Gi: room for the backups that are kept and, while one is verified, for the whole
	// database again. It can grow, where the StorageClass allows it.
	// +optional
	// +kubebuilder:default="20Gi"
	// +kubebuilder:validation:MaxLength=20
	// +kubebuilder:validation:XValidation:rule="isQuantity(self) && quantity(self).compareTo(quantity('1Gi')) >= 0",message="must be a Kubernetes quantity of at least 1Gi, for example 20Gi"
	Size string `json:"size,omitempty"`

	// className is the StorageClass; when absent the cluster's default class is used. A class on other hardware than the database's
	// survives the loss of that.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ClassName *string `json:"className,omitempty"`
}

// BackupsStatus tells of the backups on the tenant's volume.
type BackupsStatus struct {
	// schedule in cron's five fields, UTC.
	// +optional
	Schedule string `json:"schedule,omitempty"`
	// lastVerified is when the newest verified backup was taken: it holds everything that was committed before.
	// +optional
	LastVerified *metav1.Time `json:"lastVerified,omitempty"`
	// name of that backup: its folder on the volume.
	// +optional
	Name string `json:"name,omitempty"`
	// size of that backup.
	// +optional
	Size string `json:"size,omitempty"`
	// nextDue is when the next one is to be taken.
	// +optional
	NextDue *metav1.Time `json:"nextDue,omitempty"`
}
