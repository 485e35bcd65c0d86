package integratedcaresystem

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
	"github.com/cmhf/operator/internal/stack"
)

// The record of what holds the tenant's data: a ConfigMap that is written when the database first serves. The pod of a standalone
// database reads expectData when it starts.
const (
	claimName  = "database-data"
	recordName = "database-record"
)

// holder identifies what holds a tenant's data: the volume claim, the Cluster, or the server elsewhere.
type holder struct {
	// id is a UID, or where the server is.
	id string
	// kind and name are of the volume claim or the Cluster, empty for a server elsewhere.
	kind schema.GroupVersionKind
	name string
	// system is the identifier that PostgreSQL gives a database when it is made, where a Cluster tells it.
	system string
	// since is when it was made; zero for a server elsewhere.
	since time.Time
}

// is: the object is what holds the data.
func (there holder) is(object *unstructured.Unstructured) bool {
	return there.id != "" && object.GroupVersionKind() == there.kind && object.GetName() == there.name
}

// asSeen is an object that is applied only to the one that was seen: should that go this moment, none is made in its place.
func (there holder) asSeen(object *unstructured.Unstructured) *unstructured.Unstructured {
	object = object.DeepCopy()
	object.SetUID(types.UID(there.id))
	return object
}

// same says whether what is there is what was recorded. A Cluster that was made again is as good as the one before it when its servers
// have the very same database, and the same Cluster with another database is not.
func (there holder) same(recorded holder) bool {
	if there.id == "" {
		return false
	}
	if there.system != "" && recorded.system != "" {
		return there.system == recorded.system
	}
	return there.id == recorded.id
}

// volume makes sure that the data are where they were. A claim or a Cluster that is missing, or another one of the same name, would
// start an empty database in the place of the tenant's records. The cache may say that all is well, because what holds the data is
// only ever applied by the identity that it was seen with; only the API server itself says that something is amiss, or that there
// is nothing yet.
func (r *Reconciler) volume(ctx context.Context, s *scope) (bool, error) {
	unrecorded := look{s.namespaceUID, lookRecord}
	if s.existing == nil && s.inputs.Database.Engine != stack.EngineExternal {
		// The API server said a moment ago that there was no namespace.
		r.looks.remember(unrecorded)
		return true, nil
	}
	there, recorded, err := r.recorded(ctx, r.Client, s)
	if err != nil {
		return false, err
	}
	if there.same(recorded) || there.id != "" && recorded.id == "" && r.looks.holds(unrecorded, looksHold) {
		s.holder = there
		s.served = recorded.id != ""
		return true, nil
	}
	if there, recorded, err = r.recorded(ctx, r.Uncached, s); err != nil {
		return false, err
	}
	s.holder = there
	s.served = recorded.id != ""
	if recorded.id == "" {
		r.looks.remember(unrecorded)
		return true, nil
	}
	if there.same(recorded) {
		return true, nil
	}
	message, err := r.missing(ctx, s, there, recorded)
	if err != nil {
		return false, err
	}
	if s.finalBackup != "" {
		message += "; a last backup was verified at " + s.finalBackup
	}
	return false, &refusal{v1alpha1.ReasonDataMissing, message, lookAgain}
}

// recorded reads what holds the data and what the record says, each empty when there is none.
func (r *Reconciler) recorded(ctx context.Context, reader client.Reader, s *scope) (there, recorded holder, err error) {
	switch s.inputs.Database.Engine {
	case stack.EngineExternal:
		external := s.inputs.Database.External
		there.id = fmt.Sprintf("%s:%d/%s", external.Host, external.Port, external.Database)
	case stack.EngineCloudNativePG:
		there, err = identity(ctx, reader, s, clusterKind, clusterName)
	default:
		there, err = identity(ctx, reader, s, claimKind, claimName)
	}
	if err != nil {
		return holder{}, holder{}, err
	}
	record, err := applyset.Current(ctx, reader, recordOf(s))
	if err != nil || record == nil {
		return there, holder{}, err
	}
	data, _, _ := unstructured.NestedStringMap(record.Object, "data")
	// A record without its content still says that there were data.
	return there, holder{id: cmp.Or(data["volume"], "not readable"), system: data["systemID"]}, nil
}

func identity(ctx context.Context, reader client.Reader, s *scope, kind schema.GroupVersionKind, name string) (holder, error) {
	live, err := applyset.Current(ctx, reader, named(kind, s.inputs.Namespace, name))
	if err != nil || live == nil {
		return holder{}, err
	}
	system, _, _ := unstructured.NestedString(live.Object, "status", "systemID")
	return holder{string(live.GetUID()), kind, name, system, live.GetCreationTimestamp().Time}, nil
}

// missing says what became of the data, and how to go on.
func (r *Reconciler) missing(ctx context.Context, s *scope, there, recorded holder) (string, error) {
	switch s.inputs.Database.Engine {
	case stack.EngineCloudNativePG:
		return r.clusterMissing(ctx, s, there, recorded)
	case stack.EngineExternal:
		return fmt.Sprintf("this system's data are in the database %s, and Secret %s names %s now; the programs were left as they are. If the data have "+
			"moved there: kubectl -n %s delete configmap %s", recorded.id, s.inputs.Database.External.Secret, there.id, s.inputs.Namespace, recordName), nil
	}
	found := "is gone"
	if there.id != "" {
		found = "is another one now (" + there.id + ")"
	}
	return fmt.Sprintf("the volume claim %s that holds this system's data (%s) %s; nothing was made in its place. Restore it, or name a backup in "+
		"spec.stack.database.restoreFrom; then, to go on with the volume that is there, with the backup, or with an empty database: kubectl -n %s delete configmap %s", claimName, recorded.id, found, s.inputs.Namespace, recordName), nil
}

// recordVolume notes what the database serves from, once it does.
func (r *Reconciler) recordVolume(ctx context.Context, s *scope) (bool, error) {
	if s.inputs.Hibernated || s.holder.id == "" || !s.begun() {
		return true, nil
	}
	// A migration of an earlier volume may still stand there as completed.
	if database, is := s.parts[stack.StageDatabase]; is && !database.up() {
		return true, nil
	}
	data := map[string]any{"volume": s.holder.id, "expectData": "true"}
	if s.holder.system != "" {
		data["systemID"] = s.holder.system
	}
	record := recordOf(s)
	record.SetLabels(map[string]string{v1alpha1.LabelICS: s.ics.Name, v1alpha1.LabelComponent: v1alpha1.ComponentDatabase})
	record.SetAnnotations(map[string]string{v1alpha1.AnnotationRenderHash: s.holder.id + s.holder.system})
	record.Object["data"] = data
	r.looks.forget(look{s.namespaceUID, lookRecord})
	if _, _, err := r.Applier.Apply(ctx, record); err != nil {
		return false, err
	}
	if made := s.parts[stack.StageMigration].made; made.After(s.migrated()) {
		s.counted = made
	}
	return true, nil
}

func recordOf(s *scope) *unstructured.Unstructured {
	return named(configMapKind, s.ics.TenantNamespace(), recordName)
}
