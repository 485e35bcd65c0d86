package v1alpha1

// Database holds the settings of the PostgreSQL database.
//
// +kubebuilder:validation:XValidation:rule="!(has(self.instances) || has(self.durability) || has(self.parameters)) || (has(self.engine) && self.engine == 'CloudNativePG')",message="instances, durability and parameters are settings of the engine CloudNativePG: set spec.stack.database.engine to it, or leave them out"
// +kubebuilder:validation:XValidation:rule="!(has(self.backup) && (has(self.backup.volumeSnapshots) || has(self.backup.objectStore))) || (has(self.engine) && self.engine == 'CloudNativePG')",message="backup.volumeSnapshots and backup.objectStore are settings of the engine CloudNativePG: set spec.stack.database.engine to it, or leave them out; the other backups are made with every engine",fieldPath=".backup"
// +kubebuilder:validation:XValidation:rule="has(self.external) == (has(self.engine) && self.engine == 'External')",message="the engine External, and only that one, needs spec.stack.database.external"
// +kubebuilder:validation:XValidation:rule="!(has(self.durability) && self.durability == 'Required' && has(self.instances) && self.instances < 2)",message="durability Required needs at least two instances, better three: with one there is no standby to wait for",fieldPath=".durability"
type Database struct {
	// engine says who runs the database: the CloudNativePG operator with standbys, one Standalone server for evaluation and small
	// systems, or someone else (External). Default: what the operator is set to when the system is first made. It is chosen once:
	// another engine later is refused and changes nothing.
	// +optional
	Engine DatabaseEngine `json:"engine,omitempty"`

	// instances is the number of servers of the engine CloudNativePG, 1 to 5; default 3.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=5
	Instances *int32 `json:"instances,omitempty"`

	// durability of the engine CloudNativePG with two instances or more. Required: a change is acknowledged once a standby has it
	// too, and waits for one if need be. Preferred: goes on without a standby while there is none. Default: Required from three
	// instances on, Preferred with two.
	// +optional
	Durability Durability `json:"durability,omitempty"`

	// parameters of PostgreSQL for the engine CloudNativePG: those that size and plan. What decides durability, security or what is
	// logged can't be set.
	// +optional
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=40
	// +kubebuilder:validation:XValidation:rule="self.all(name, name in ['autovacuum_analyze_scale_factor', 'autovacuum_analyze_threshold', 'autovacuum_max_workers', 'autovacuum_naptime', 'autovacuum_vacuum_cost_delay', 'autovacuum_vacuum_cost_limit', 'autovacuum_vacuum_scale_factor', 'autovacuum_vacuum_threshold', 'autovacuum_work_mem', 'bgwriter_delay', 'bgwriter_lru_maxpages', 'checkpoint_completion_target', 'checkpoint_timeout', 'cpu_tuple_cost', 'deadlock_timeout', 'default_statistics_target', 'effective_cache_size', 'effective_io_concurrency', 'hash_mem_multiplier', 'idle_in_transaction_session_timeout', 'jit', 'lock_timeout', 'maintenance_work_mem', 'max_connections', 'max_locks_per_transaction', 'max_parallel_maintenance_workers', 'max_parallel_workers', 'max_parallel_workers_per_gather', 'max_slot_wal_keep_size', 'max_wal_size', 'max_worker_processes', 'min_wal_size', 'random_page_cost', 'seq_page_cost', 'shared_buffers', 'statement_timeout', 'temp_buffers', 'temp_file_limit', 'track_io_timing', 'wal_buffers', 'wal_compression', 'wal_keep_size', 'work_mem'])",message="only parameters that size and plan can be set; docs/databases.md lists them"
	Parameters map[string]ParameterValue `json:"parameters,omitempty"`

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

	// external says where the server of the engine External is.
	// +optional
	External *ExternalDatabase `json:"external,omitempty"`

	// +optional
	RestoreFrom *RestoreFrom `json:"restoreFrom,omitempty"`
}

// DatabaseEngine names who runs the database.
//
// +kubebuilder:validation:Enum=CloudNativePG;External;Standalone
type DatabaseEngine string

// Durability says what happens while no standby can confirm a change.
//
// +kubebuilder:validation:Enum=Preferred;Required
type Durability string

const (
	// DurabilityRequired keeps changes waiting for a standby.
	DurabilityRequired Durability = "Required"
	// DurabilityPreferred goes on without one.
	DurabilityPreferred Durability = "Preferred"
)

// ParameterValue is the value of a parameter of PostgreSQL.
//
// +kubebuilder:validation:Pattern=`^[A-Za-z0-9.]{1,40}$`
type ParameterValue string

// ExternalDatabase is a PostgreSQL server that someone else runs.
type ExternalDatabase struct {
	// secretRef names a Secret in the tenant's namespace with the keys host, port, database, ownerUsername, ownerPassword,
	// appUsername, appPassword and, where no public authority vouches for the server, ca.crt.
	// +required
	SecretRef SecretReference `json:"secretRef"`

	// sslMode says how the server is checked. VerifyFull: its certificate must be vouched for and carry the host's name. Require:
	// any certificate, so that whoever can redirect the traffic can read it. Disable: no TLS; records cross the network in the clear.
	// +optional
	// +kubebuilder:default=VerifyFull
	SSLMode SSLMode `json:"sslMode,omitempty"`

	// egressCIDRs are the server's addresses, for the network policies; default every address outside the cluster's own ranges.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=20
	// +kubebuilder:validation:items:MaxLength=43
	// +kubebuilder:validation:items:XValidation:rule="isCIDR(self)",message="must be a CIDR such as 192.0.2.0/24"
	EgressCIDRs []string `json:"egressCIDRs,omitempty"`
}

// SSLMode says how the server of an external database is checked.
//
// +kubebuilder:validation:Enum=VerifyFull;Require;Disable
type SSLMode string

// Values of SSLMode.
const (
	SSLModeVerifyFull SSLMode = "VerifyFull"
	SSLModeRequire    SSLMode = "Require"
	SSLModeDisable    SSLMode = "Disable"
)

// Storage of the database. The claim that holds the data is never deleted or replaced by the operator.
//
// +kubebuilder:validation:XValidation:rule="has(self.className) == has(oldSelf.className) && (!has(self.className) || self.className == oldSelf.className)",message="the storage class of an existing volume can't be changed",fieldPath=".className"
type Storage struct {
	// size of the volume (of each server's) as a Kubernetes quantity, for example 20Gi: at least 1Gi. It can grow, where the
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
