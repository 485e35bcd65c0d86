package integratedcaresystem

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/stack"
)

// notKnownYet stands for an external database until its Secret was read: the namespace, in which someone has to put it, is made first.
func notKnownYet(spec *v1alpha1.ExternalDatabase) stack.External {
	external := stack.External{Host: "not-known-yet.invalid", Port: 5432, Database: "not-known-yet", SSLMode: "verify-full", Secret: "not-known-yet"}
	if spec == nil {
		return external
	}
	external.Secret, external.CIDRs = spec.SecretRef.Name, spec.EgressCIDRs
	switch spec.SSLMode {
	case v1alpha1.SSLModeRequire:
		external.SSLMode = "require"
	case v1alpha1.SSLModeDisable:
		external.SSLMode = "disable"
	}
	return external
}

// external reads where the database of the engine External is, by the operator's own RoleBinding in the namespace, and renders the
// stack again with it. Secrets are not watched: while one is missing it is looked for again and again.
func (r *Reconciler) external(ctx context.Context, s *scope) (bool, error) {
	if s.inputs.Database.Engine != stack.EngineExternal {
		return true, nil
	}
	for _, object := range s.objects {
		if object.GetKind() == "RoleBinding" && object.GetName() == "cmhf-operator-secrets" {
			if _, _, err := r.Applier.Apply(ctx, object); err != nil {
				return false, err
			}
		}
	}
	if proceed, err := r.findServer(ctx, s); err != nil || !proceed {
		return proceed, err
	}
	return r.render(ctx, s)
}

// findServer reads where the database of the engine External is.
func (r *Reconciler) findServer(ctx context.Context, s *scope) (bool, error) {
	if s.inputs.Database.Engine != stack.EngineExternal {
		return true, nil
	}
	name := s.inputs.Database.External.Secret
	secret := &corev1.Secret{}
	err := r.Uncached.Get(ctx, client.ObjectKey{Namespace: s.inputs.Namespace, Name: name}, secret)
	if apierrors.IsNotFound(err) {
		s.unknownServer = &refusal{v1alpha1.ReasonSecretMissing, fmt.Sprintf(
			"there is no Secret %s/%s, which spec.stack.database.external names; make it with the keys %s (docs/databases.md)",
			s.inputs.Namespace, name, strings.Join(externalKeys, ", ")), lookAgain}
		return false, s.unknownServer
	}
	if err != nil {
		return false, fmt.Errorf("reading Secret %s/%s: %w", s.inputs.Namespace, name, err)
	}
	if s.unknownServer = readExternal(secret, &s.inputs.Database.External); s.unknownServer != nil {
		return false, s.unknownServer
	}
	return true, nil
}

var externalKeys = []string{
	stack.ExternalHost, stack.ExternalPort, stack.ExternalDatabase, stack.ExternalOwnerUsername, stack.ExternalOwnerPassword,
	stack.ExternalAppUsername, stack.ExternalAppPassword,
}

// readExternal takes from the Secret what is no secret. Its values stand in no message.
func readExternal(secret *corev1.Secret, external *stack.External) *refusal {
	var missing []string
	for _, key := range externalKeys {
		if len(secret.Data[key]) == 0 {
			missing = append(missing, key)
		}
	}
	refused := func(problem string) *refusal {
		return &refusal{v1alpha1.ReasonSecretMissing, fmt.Sprintf("Secret %s/%s %s", secret.Namespace, secret.Name, problem), lookAgain}
	}
	if len(missing) > 0 {
		return refused("lacks the keys " + strings.Join(missing, ", "))
	}
	port, err := strconv.ParseInt(string(secret.Data[stack.ExternalPort]), 10, 32)
	if err != nil || port < 1 || port > 65535 {
		return refused("has a port that is no number from 1 to 65535")
	}
	external.Host, external.Port, external.Database = string(secret.Data[stack.ExternalHost]), port, string(secret.Data[stack.ExternalDatabase])
	external.SecretVersion = secret.ResourceVersion
	external.Authority = len(secret.Data[stack.ExternalAuthority]) > 0
	return nil
}

// externalDatabase says how a database is that no object here stands for: by how those fare that connect to it, first the migration,
// then the API, whose pods are ready only while it answers them.
func (s *scope) externalDatabase() metav1.Condition {
	condition := metav1.Condition{Type: v1alpha1.ConditionDatabaseReady, Status: metav1.ConditionFalse, ObservedGeneration: s.ics.Generation}
	migration, looked := s.parts[stack.StageMigration]
	api := s.parts[stack.StageCoordinationAPI]
	place := fmt.Sprintf("the database at %s:%d, which someone else runs", s.inputs.Database.External.Host, s.inputs.Database.External.Port)
	switch {
	case s.stopping != "":
		condition.Reason, condition.Message = v1alpha1.ReasonStopping, "no program of the tenant connects to it any more; its data are where they were"
	case s.unknownServer != nil:
		condition.Reason, condition.Message = s.unknownServer.reason, s.unknownServer.message
	case s.inputs.Hibernated && s.namespaceApplied:
		condition.Reason, condition.Message = v1alpha1.ReasonHibernated, "no program of the tenant connects to "+place+", as declared"
	case !looked:
		return metav1.Condition{Type: v1alpha1.ConditionDatabaseReady}
	case migration.state.Failed:
		condition.Reason = v1alpha1.ReasonUnreachable
		condition.Message = "the migration could not be run on " + place + s.migrationLog() + "; when it is mended, delete the Job, it is made again"
	case migration.state.Retrying:
		condition.Reason = v1alpha1.ReasonUnreachable
		condition.Message = "the migration, which is the first to connect to " + place + ", " + migration.state.Message + s.migrationLog()
	case !migration.up():
		condition.Reason, condition.Message = v1alpha1.ReasonProgressing, "the migration is the first to connect to "+place+", and "+migration.state.Message
	case api.exists && !api.state.Ready && api.unavailable:
		condition.Reason = v1alpha1.ReasonUnreachable
		condition.Message = "no pod of the coordination API is ready, which they are when " + place + ", answers them"
	default:
		condition.Status, condition.Reason, condition.Message = metav1.ConditionTrue, v1alpha1.ReasonAvailable, "the programs use "+place
	}
	return condition
}
