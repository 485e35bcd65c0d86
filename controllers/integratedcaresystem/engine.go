package integratedcaresystem

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/stack"
)

// engine says who runs the tenant's database. It is chosen once, by the spec or else by the operator's default, and noted on the
// namespace, which outlives the resource: what holds the data decides from then on.
func (r *Reconciler) engine(ctx context.Context, s *scope) (string, error) {
	wanted := string(s.ics.Spec.Stack.Database.Engine)
	recorded, err := r.recordedEngine(ctx, s)
	if err != nil || recorded == "" {
		return cmp.Or(wanted, r.Settings.DefaultEngine), err
	}
	if wanted != "" && wanted != recorded {
		refused := &refusal{reason: v1alpha1.ReasonEngineChange, message: fmt.Sprintf(
			"the data of namespace %s are in a database of the engine %s, and spec.stack.database.engine is %s now; an engine is never exchanged "+
				"under the data, and nothing was changed. Set it back to %[2]s; to move, restore a backup into a new IntegratedCareSystem "+
				"with the other engine (docs/databases.md)", s.ics.TenantNamespace(), recorded, wanted)}
		if recorded == stack.EngineExternal {
			// The spec no longer says where the server is.
			return "", refused
		}
		// Everything else is kept as declared meanwhile.
		s.goOnWithout(refused)
	}
	return recorded, nil
}

// recordedEngine reads the namespace. The cache may not show yet what the last pass wrote, so only a record is taken from there;
// should someone have taken the annotation away, the status remembers.
func (r *Reconciler) recordedEngine(ctx context.Context, s *scope) (string, error) {
	readers := []client.Reader{r.Client, r.Uncached}
	if s.found && s.existing == nil {
		readers = nil // the API server was asked a moment ago, and there is none
	}
	for _, reader := range readers {
		namespace, err := currentNamespace(ctx, reader, s.ics.TenantNamespace())
		if err != nil {
			return "", err
		}
		if namespace == nil {
			continue
		}
		if engine := namespace.GetAnnotations()[v1alpha1.AnnotationDatabaseEngine]; slices.Contains(stack.Engines, engine) {
			return engine, nil
		}
	}
	if database := s.ics.Status.Database; database != nil {
		return database.Engine, nil
	}
	return "", nil
}

// database turns the spec into what the renderer takes.
func database(name string, spec v1alpha1.Database, engine string) stack.Database {
	d := stack.Database{
		Engine:       engine,
		StorageSize:  spec.Storage.Size,
		StorageClass: ptr.Deref(spec.Storage.ClassName, ""),
		Resources:    resources(spec.Resources),
		Backup:       backup(name, spec.Backup),
	}
	if engine != stack.EngineCloudNativePG {
		return d
	}
	d.Instances = int64(ptr.Deref(spec.Instances, 3))
	d.Durability = string(spec.Durability)
	if d.Durability == "" {
		d.Durability = string(v1alpha1.DurabilityRequired)
		if d.Instances < 3 {
			d.Durability = string(v1alpha1.DurabilityPreferred)
		}
	}
	physicalBackup(&d, spec.Backup)
	for name, value := range spec.Parameters {
		if d.Parameters == nil {
			d.Parameters = map[string]string{}
		}
		d.Parameters[name] = string(value)
	}
	return d
}

var majorVersion = regexp.MustCompile(`^[0-9]+`)

// databaseStatus says what runs: the tag of PostgreSQL's image begins with its version.
func (s *scope) databaseStatus() *v1alpha1.DatabaseStatus {
	status := &v1alpha1.DatabaseStatus{Engine: s.inputs.Database.Engine}
	if status.Engine == stack.EngineExternal {
		return status
	}
	reference, _, _ := strings.Cut(s.inputs.Images.Postgres, "@")
	status.Version = majorVersion.FindString(reference[strings.LastIndex(reference, ":")+1:])
	if !s.inputs.Hibernated {
		status.Primary = s.primary
	}
	return status
}

// primaryOf names the pod that takes writes.
func primaryOf(database *unstructured.Unstructured) string {
	if database.GetKind() == "StatefulSet" {
		return database.GetName() + "-0"
	}
	primary, _, _ := unstructured.NestedString(database.Object, "status", "currentPrimary")
	return primary
}
