package v1alpha1

// Labels and annotations that the operator sets or reads. They are part of the public contract: policies, dashboards and
// GitOps tools select on them.
const (
	// LabelICS carries the name of the IntegratedCareSystem (the lower-case ODS code) on every object of its stack.
	LabelICS = "cmhf.health/ics"
	// LabelComponent names the part of the stack an object belongs to.
	LabelComponent = "app.kubernetes.io/component"
	// LabelGateway marks the namespaces whose pods may reach the public ports of every tenant ("true").
	LabelGateway = "cmhf.health/gateway"

	// AnnotationODSCode repeats the upper-case ODS code on the tenant's namespace.
	AnnotationODSCode = "cmhf.health/ods-code"
	// AnnotationRenderHash is the digest of the rendered object, written by the same apply.
	AnnotationRenderHash = "cmhf.health/render-hash"
	// AnnotationConfigHash on a pod template rolls the pods when their settings change.
	AnnotationConfigHash = "cmhf.health/config-hash"
	// AnnotationDatabaseEngine records the engine on the tenant's namespace; it is never changed silently.
	AnnotationDatabaseEngine = "cmhf.health/database-engine"
	// AnnotationData records whether the tenant's database holds live or synthetic people; it never changes.
	AnnotationData = "cmhf.health/data"
	// AnnotationRelease records the release on the tenant's namespace.
	AnnotationRelease = "cmhf.health/release"
	// AnnotationAdopt set to "true" on a foreign namespace lets the operator take it over.
	AnnotationAdopt = "cmhf.health/adopt"
	// AnnotationRetainedSince is the time (RFC 3339) since when a namespace keeps the data of a deleted IntegratedCareSystem.
	AnnotationRetainedSince = "cmhf.health/retained-since"

	// AnnotationDeletionPolicy set to "Retain" on an IntegratedCareSystem that is being deleted keeps its data, whatever was declared.
	AnnotationDeletionPolicy = "cmhf.health/deletion-policy"
	// AnnotationFinalBackup is the time (RFC 3339) of the last backup of a deleted IntegratedCareSystem, on its namespace.
	AnnotationFinalBackup = "cmhf.health/final-backup"
	// AnnotationStillRunning says, on the namespace of a deleted IntegratedCareSystem, what of its database could not be stopped.
	AnnotationStillRunning = "cmhf.health/still-running"
	// AnnotationTry counts, on the Job of the last backup of a deletion, how often it was made.
	AnnotationTry = "cmhf.health/try"
	// AnnotationConfirmDeletion set to an object's own name lets the object be deleted; see config/policy.
	AnnotationConfirmDeletion = "cmhf.health/confirm-deletion"
	// AnnotationRotateSecrets on an IntegratedCareSystem asks for new Secrets, once for each new value (a date, for example).
	AnnotationRotateSecrets = "cmhf.health/rotate-secrets"
	// AnnotationCredentials records on the tenant's namespace which generation of Secrets is current and how far a rotation is.
	AnnotationCredentials = "cmhf.health/credentials"

	// DeletionSentinel is the name of a ConfigMap in every tenant's namespace that holds nothing and is guarded like the data.
	DeletionSentinel = "deletion-sentinel"

	// FinalizerRetain stops the workloads of a deleted IntegratedCareSystem before it goes; its data stay.
	FinalizerRetain = "cmhf.health/retain"
)

// Components of a tenant's stack, as they stand in LabelComponent.
const (
	ComponentDatabase        = "database"
	ComponentBackup          = "backup"
	ComponentRestore         = "restore"
	ComponentMigration       = "migration"
	ComponentLogins          = "logins"
	ComponentCoordinationAPI = "coordination-api"
	ComponentDashboard       = "dashboard"
)
