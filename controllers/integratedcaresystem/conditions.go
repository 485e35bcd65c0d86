package integratedcaresystem

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/stack"
)

// partConditions says how each part of the stack is, in the order in which they come up. A part that was not looked at keeps
// the condition that it has.
func partConditions(s *scope) []metav1.Condition {
	conditions := []metav1.Condition{
		s.namespaceCondition(),
		s.database(),
		s.coordinationAPI(),
		s.workload(v1alpha1.ConditionDashboardReady, stack.StageDashboard, "the coordination API"),
	}
	if s.inputs.Database.Restore.Backup != "" {
		conditions = slices.Insert(conditions, 2, s.restore()) // after the database
	}
	for i := range conditions {
		if conditions[i].Status == "" {
			conditions[i] = s.before(conditions[i].Type)
		}
	}
	return conditions
}

// before gives a condition as it was.
func (s *scope) before(kind string) metav1.Condition {
	if was := meta.FindStatusCondition(s.original.Status.Conditions, kind); was != nil {
		return *was
	}
	return metav1.Condition{Type: kind, Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonProgressing, Message: "was not looked at yet"}
}

func (s *scope) namespaceCondition() metav1.Condition {
	condition := metav1.Condition{Type: v1alpha1.ConditionNamespaceReady, ObservedGeneration: s.ics.Generation}
	switch {
	case s.namespaceApplied:
		condition.Status, condition.Reason = metav1.ConditionTrue, v1alpha1.ReasonAvailable
		condition.Message = "services can be declared in namespace " + s.ics.TenantNamespace()
	case s.refused != nil && s.namespaceLooked:
		condition.Status, condition.Reason, condition.Message = metav1.ConditionFalse, s.refused.reason, s.refused.message
	}
	return condition
}

// database says, beyond whether it serves, what the engine promises and how its volumes grow.
func (s *scope) database() metav1.Condition {
	if s.inputs.Database.Engine == stack.EngineExternal {
		return s.externalDatabase()
	}
	condition := s.workload(v1alpha1.ConditionDatabaseReady, stack.StageDatabase, "its configuration")
	if condition.Status != metav1.ConditionTrue {
		return condition
	}
	switch database := s.inputs.Database; {
	case database.Engine == stack.EngineStandalone:
		condition.Message = "runs as declared: one server without a standby, for evaluation and small systems"
	case database.Instances == 1:
		condition.Message = "runs as declared: one server without a standby"
	case database.Durability == stack.DurabilityPreferred:
		condition.Message = fmt.Sprintf("runs as declared: %d servers; changes go on without a standby while there is none", database.Instances)
	default:
		condition.Message = fmt.Sprintf("runs as declared: %d servers; every change is on two of them before it is acknowledged", database.Instances)
	}
	condition.Message += s.growing
	return condition
}

// coordinationAPI speaks for the migration too: the API of a release serves when the schema is the release's.
func (s *scope) coordinationAPI() metav1.Condition {
	migration, database := s.parts[stack.StageMigration], s.parts[stack.StageDatabase]
	condition := s.workload(v1alpha1.ConditionCoordinationAPIReady, stack.StageCoordinationAPI, "the database")
	switch {
	case s.inputs.Hibernated || condition.Status == "" || s.stopping != "":
		return condition
	case s.restoring():
		condition.Status, condition.Reason, condition.Message = metav1.ConditionFalse, v1alpha1.ReasonWaiting, "waits for the backup to be restored"
	case migration.state.Failed:
		condition.Status, condition.Reason = metav1.ConditionFalse, v1alpha1.ReasonMigrationFailed
		condition.Message = "the migration failed: " + migration.state.Message + s.migrationLog()
	case (database.up() || s.inputs.Database.Engine == stack.EngineExternal) && migration.exists && !migration.up():
		condition.Status, condition.Reason, condition.Message = metav1.ConditionFalse, v1alpha1.ReasonMigrating, "the migration "+migration.state.Message
	}
	return condition
}

// migrationLog leads to what the migration itself has said.
func (s *scope) migrationLog() string {
	return fmt.Sprintf("; its log says why: kubectl -n %s logs -l %s=%s", s.ics.TenantNamespace(), v1alpha1.LabelComponent, v1alpha1.ComponentMigration)
}

// workload reads a part's condition off what was seen. after names what it waits for while its gate is closed.
func (s *scope) workload(kind string, stage stack.Stage, after string) metav1.Condition {
	seen, looked := s.parts[stage]
	condition := metav1.Condition{Type: kind, Status: metav1.ConditionFalse, ObservedGeneration: s.ics.Generation}
	switch {
	case !looked && s.stopping == "":
		return metav1.Condition{Type: kind}
	case s.stopping != "":
		condition.Reason, condition.Message = v1alpha1.ReasonStopping, "stops with the IntegratedCareSystem"
	case !seen.exists:
		condition.Reason, condition.Message = v1alpha1.ReasonWaiting, "waits for "+after
	case !seen.current:
		condition.Reason, condition.Message = v1alpha1.ReasonWaiting, "runs as declared before; the change waits for "+after
	case !seen.state.Ready:
		condition.Reason, condition.Message = v1alpha1.ReasonProgressing, seen.state.Message
	case s.inputs.Hibernated:
		condition.Reason, condition.Message = v1alpha1.ReasonHibernated, "is stopped, as declared; the data are kept"
	default:
		condition.Status, condition.Reason, condition.Message = metav1.ConditionTrue, v1alpha1.ReasonAvailable, "runs as declared"
	}
	return condition
}

// stalledPart gives the part that will not come up without a change, if any.
func stalledPart(s *scope) *part {
	for _, stage := range []stack.Stage{stack.StageDatabase, stack.StageRestore, stack.StageMigration, stack.StageCoordinationAPI, stack.StageDashboard} {
		if seen := s.parts[stage]; seen.current && seen.state.Failed {
			return &seen
		}
	}
	return nil
}

// Sizes that the guidance gives, in people: a neighbourhood 30,000 to 50,000, a place 250,000 to 500,000. Real ones vary more
// widely, so this is advice and never a refusal.
const (
	neighbourhoodFrom, neighbourhoodTo = 30_000, 50_000
	placeFrom, placeTo                 = 250_000, 500_000
)

func setSizeAdvisory(ics *v1alpha1.IntegratedCareSystem, set func(kind string, status metav1.ConditionStatus, reason, message string)) {
	var outside []string
	for _, place := range ics.Spec.Places {
		if p := place.Population; p != nil && (*p < placeFrom || *p > placeTo) {
			outside = append(outside, fmt.Sprintf("place %s (%d)", place.Name, *p))
		}
	}
	for _, neighbourhood := range ics.Spec.Neighbourhoods {
		if p := neighbourhood.Population; p != nil && (*p < neighbourhoodFrom || *p > neighbourhoodTo) {
			outside = append(outside, fmt.Sprintf("neighbourhood %s (%d)", neighbourhood.Name, *p))
		}
	}
	if len(outside) == 0 {
		set(v1alpha1.ConditionSizeAdvisory, metav1.ConditionFalse, v1alpha1.ReasonWithinGuidance, "no stated population is outside the guidance")
		return
	}
	set(v1alpha1.ConditionSizeAdvisory, metav1.ConditionTrue, v1alpha1.ReasonOutsideGuidance,
		"outside the guidance (places 250,000 to 500,000 people, neighbourhoods 30,000 to 50,000): "+firstFew(outside, 3))
}

// firstFew names the first n and counts the rest.
func firstFew(names []string, n int) string {
	if len(names) <= n {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:n], ", "), len(names)-n)
}
