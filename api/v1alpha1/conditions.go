package v1alpha1

// Condition types. Ready, Reconciling and Stalled follow kstatus: the last two are absent when false.
const (
	ConditionReady       = "Ready"
	ConditionReconciling = "Reconciling"
	ConditionStalled     = "Stalled"

	// IntegratedCareSystem.
	ConditionNamespaceReady       = "NamespaceReady"
	ConditionDatabaseReady        = "DatabaseReady"
	ConditionCoordinationAPIReady = "CoordinationAPIReady"
	ConditionDashboardReady       = "DashboardReady"
	// ConditionDatabaseRestored is present while spec.stack.database.restoreFrom is, and where a database began as a backup.
	ConditionDatabaseRestored = "DatabaseRestored"
	// ConditionBackupsReady is True while there is a verified backup as young as the schedule says. It never affects Ready.
	ConditionBackupsReady = "BackupsReady"
	// ConditionDeletionProtected is True when the API server was seen to refuse an unconfirmed deletion of what holds the data. It
	// never affects Ready.
	ConditionDeletionProtected = "DeletionProtected"
	// ConditionSizeAdvisory is True when places or neighbourhoods lie outside the sizes of the guidance. It never affects Ready.
	ConditionSizeAdvisory = "SizeAdvisory"
	// ConditionDefaultServiceOpen is present while spec.defaultService is, and True when that service takes people. It never affects Ready.
	ConditionDefaultServiceOpen = "DefaultServiceOpen"

	// ConditionCredentialsRotating is present and True while Secrets are being replaced; it says what is awaited. It never affects Ready.
	ConditionCredentialsRotating = "CredentialsRotating"

	// ConditionSuspended is present and True while spec.suspend is; the other conditions then speak of what was last observed.
	ConditionSuspended = "Suspended"

	// CoreCommunityService.
	ConditionAccepted   = "Accepted"
	ConditionRegistered = "Registered"
)

// Reasons of an IntegratedCareSystem.
const (
	// ReasonAsDeclared: the children match this generation and serve.
	ReasonAsDeclared = "AsDeclared"
	// ReasonProgressing: the operator is at work or a child is starting.
	ReasonProgressing = "Progressing"
	// ReasonWaiting: an earlier part must be ready first.
	ReasonWaiting = "Waiting"
	// ReasonAvailable: the part runs and answers its probes.
	ReasonAvailable = "Available"
	// ReasonMigrating: the schema is being brought to the release's version.
	ReasonMigrating = "Migrating"
	// ReasonMigrationFailed: the migration Job failed; its log says why.
	ReasonMigrationFailed = "MigrationFailed"
	// ReasonNamespaceConflict: the namespace belongs to someone else.
	ReasonNamespaceConflict = "NamespaceConflict"
	// ReasonNamespaceTerminating: the namespace is being deleted by someone.
	ReasonNamespaceTerminating = "NamespaceTerminating"
	// ReasonRenderFailed: the stack could not be rendered from the spec.
	ReasonRenderFailed = "RenderFailed"
	// ReasonAPIServerUnknown: the cluster does not tell where its API server is, which a database of CloudNativePG talks to.
	ReasonAPIServerUnknown = "APIServerUnknown"
	// ReasonAPINotServed: the stack needs a kind whose CustomResourceDefinition is not installed.
	ReasonAPINotServed = "APINotServed"
	// ReasonPatchRefused: a patch of the spec can't be applied, or changes what it must not.
	ReasonPatchRefused = "PatchRefused"
	// ReasonApplyRefused: the API server refused an object of the stack.
	ReasonApplyRefused = "ApplyRefused"
	// ReasonImmutableFieldChange: the render changes a field that can't be changed.
	ReasonImmutableFieldChange = "ImmutableFieldChange"
	// ReasonDataKindConflict: the database was made for synthetic people and live ones are declared, or the other way round.
	ReasonDataKindConflict = "DataKindConflict"
	// ReasonDataMissing: the volume that held the data is gone or another one.
	ReasonDataMissing = "DataMissing"
	// ReasonEngineChange: the spec asks for another database engine than the one that holds the data.
	ReasonEngineChange = "EngineChange"
	// ReasonHostTaken: requests for the host of an address are led to another system already.
	ReasonHostTaken = "HostTaken"
	// ReasonSecretMissing: a Secret that the spec names is not there, or lacks a key.
	ReasonSecretMissing = "SecretMissing"
	// ReasonUnreachable: the external database does not answer the tenant's programs.
	ReasonUnreachable = "Unreachable"
	// ReasonStopping: the resource is being deleted; workloads stop, data stay.
	ReasonStopping = "Stopping"
	// ReasonGuarded: what holds the data can't be deleted without a confirmation.
	ReasonGuarded = "Guarded"
	// ReasonNotGuarded: it can, because the policies are not in force.
	ReasonNotGuarded = "NotGuarded"
	// ReasonDeletionConfirmed: a confirmation stands on something, which can be deleted.
	ReasonDeletionConfirmed = "DeletionConfirmed"
	// ReasonGuardUnknown: it can't be told.
	ReasonGuardUnknown = "GuardUnknown"
	// ReasonBackingUp: the last backup before a deletion is being made and verified.
	ReasonBackingUp = "BackingUp"
	// ReasonFinalBackupFailed: the last backup failed; nothing is removed.
	ReasonFinalBackupFailed = "FinalBackupFailed"
	// ReasonFinalBackupUnavailable: there is no way to make the last backup; nothing is removed.
	ReasonFinalBackupUnavailable = "FinalBackupUnavailable"
	// ReasonDeletionNotConfirmed: the data are to be removed and nobody confirmed it.
	ReasonDeletionNotConfirmed = "DeletionNotConfirmed"
	// ReasonRemoving: the database, its volumes and its Secrets are being removed.
	ReasonRemoving = "Removing"
	// ReasonHibernated: nothing runs, as declared; the data are kept.
	ReasonHibernated = "Hibernated"
	// ReasonReadOnly: records can be read and not changed, as declared.
	ReasonReadOnly = "ReadOnly"
	// ReasonSuspended: the operator leaves the stack alone, as declared.
	ReasonSuspended = "Suspended"
	// ReasonRestored: the database began as a backup; every count and checksum was compared.
	ReasonRestored = "Restored"
	// ReasonRestoring: the backup is being restored, or awaited.
	ReasonRestoring = "Restoring"
	// ReasonRestoreFailed: the database refused the backup or the backup is not right; nothing of it was kept.
	ReasonRestoreFailed = "RestoreFailed"
	// ReasonAlreadyServed: the database has served before, so nothing is restored over its records.
	ReasonAlreadyServed = "AlreadyServed"
	// The reasons of BackupsReady. ReasonVerified: the last backup was restored into a throwaway server and was the same.
	ReasonVerified = "Verified"
	// ReasonNoBackupYet: the first backup is not due yet.
	ReasonNoBackupYet = "NoBackupYet"
	// ReasonBackupFailed: the last run failed; earlier backups are as they were.
	ReasonBackupFailed = "BackupFailed"
	// ReasonBackupOverdue: a backup was due hours ago and none came.
	ReasonBackupOverdue = "BackupOverdue"
	// ReasonBackupsSuspended: spec.stack.database.backup.state says so.
	ReasonBackupsSuspended = "BackupsSuspended"
	// ReasonPreparing, ReasonSwitching and ReasonRetiring are the steps of a rotation: the next Secrets are made, programs roll to
	// them, the previous ones are taken out of the database and deleted.
	ReasonPreparing = "Preparing"
	ReasonSwitching = "Switching"
	ReasonRetiring  = "Retiring"
	// ReasonRotationFailed: the Job that makes or retires the database's logins failed; its log says why.
	ReasonRotationFailed = "RotationFailed"
	// ReasonDatabaseRestartNeeded: the Secret of the database's owner was lost and made anew, which a Standalone database takes when it starts.
	ReasonDatabaseRestartNeeded = "DatabaseRestartNeeded"
	// ReasonCredentialsRotated: new Secrets are in use and the old ones are gone.
	ReasonCredentialsRotated = "CredentialsRotated"
	// ReasonCredentialsUnknown: the record of the current generation of Secrets can't be read.
	ReasonCredentialsUnknown = "CredentialsUnknown"
	// ReasonOutsideGuidance and ReasonWithinGuidance belong to SizeAdvisory.
	ReasonOutsideGuidance = "OutsideGuidance"
	ReasonWithinGuidance  = "WithinGuidance"
	// ReasonNotDeclared belongs to DefaultServiceOpen, whose other reasons, ReasonRegistered and ReasonNotRegistered, are the service's.
	ReasonNotDeclared = "NotDeclared"
)

// Reasons of a CoreCommunityService.
const (
	// ReasonAccepted: the declaration fits the integrated care system.
	ReasonAccepted = "Accepted"
	// ReasonNotATenantNamespace: the namespace belongs to no integrated care system.
	ReasonNotATenantNamespace = "NotATenantNamespace"
	// ReasonSystemNotFound: the namespace is a tenant's, but its IntegratedCareSystem is gone.
	ReasonSystemNotFound = "IntegratedCareSystemNotFound"
	// ReasonDirectoryUnreadable: the ConfigMap with the service directory, which is the record of what was accepted, can't be read.
	ReasonDirectoryUnreadable = "DirectoryUnreadable"
	// ReasonUnknownPlace and ReasonUnknownNeighbourhood: the integrated care system has no such place or neighbourhood.
	ReasonUnknownPlace         = "UnknownPlace"
	ReasonUnknownNeighbourhood = "UnknownNeighbourhood"
	// ReasonOverlap: another service already has the neighbourhood for the same function.
	ReasonOverlap = "Overlap"
	// ReasonRegistered: the entry of this generation is committed in the tenant's database.
	ReasonRegistered = "Registered"
	// ReasonLastAccepted: an earlier generation stays registered while this one is not accepted.
	ReasonLastAccepted = "LastAcceptedKept"
	// ReasonNotRegistered: nothing of the service is in the directory.
	ReasonNotRegistered = "NotRegistered"
	// ReasonWaitingForAPI: the coordination API does not answer yet.
	ReasonWaitingForAPI = "WaitingForAPI"
)
