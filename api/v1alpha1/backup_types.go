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
	Schedule CronSchedule `json:"schedule,omitempty"`

	// retentionDays is how long a backup is kept. An older one goes only after a newer one is verified; the newest always stays.
	// +optional
	// +kubebuilder:default=14
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=7300
	RetentionDays *int32 `json:"retentionDays,omitempty"`

	// +optional
	// +kubebuilder:default={}
	Storage BackupStorage `json:"storage,omitempty"`

	// volumeSnapshots are made by the engine CloudNativePG, beside the backups above and whatever their state. The operator does not
	// verify them and deletes none.
	// +optional
	VolumeSnapshots *VolumeSnapshots `json:"volumeSnapshots,omitempty"`

	// objectStore is where the engine CloudNativePG archives every change and puts base backups, beside the backups above and whatever
	// their state. The operator does not verify them and deletes none. Setting it and taking it out restarts the servers one by one.
	// +optional
	ObjectStore *ObjectStore `json:"objectStore,omitempty"`
}

// CronSchedule is a schedule in cron's five fields.
//
// +kubebuilder:validation:MinLength=9
// +kubebuilder:validation:MaxLength=100
// +kubebuilder:validation:Pattern=`^[0-9A-Za-z*/,?-]+( [0-9A-Za-z*/,?-]+){4}$`
type CronSchedule string

// VolumeSnapshots says how CloudNativePG takes snapshots of the database's volumes.
type VolumeSnapshots struct {
	// className is the VolumeSnapshotClass.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ClassName string `json:"className"`

	// schedule in cron's five fields, by the clock of CloudNativePG's operator (UTC); default that of the backups.
	// +optional
	Schedule CronSchedule `json:"schedule,omitempty"`
}

// ObjectStore says where CloudNativePG's plugin Barman Cloud archives to.
type ObjectStore struct {
	// name of the plugin's ObjectStore in the tenant's namespace. The platform team makes it, with the Secret that opens the store.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`

	// schedule of the base backups in cron's five fields, by the clock of CloudNativePG's operator (UTC); default that of the backups.
	// +optional
	Schedule CronSchedule `json:"schedule,omitempty"`

	// egressCIDRs are the store's addresses, for the network policies; default every address outside the cluster's own ranges.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=20
	// +kubebuilder:validation:items:MaxLength=43
	// +kubebuilder:validation:items:XValidation:rule="isCIDR(self)",message="must be a CIDR such as 192.0.2.0/24"
	EgressCIDRs []string `json:"egressCIDRs,omitempty"`

	// port of the store.
	// +optional
	// +kubebuilder:default=443
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port,omitempty"`
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
