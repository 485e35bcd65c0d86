package integratedcaresystem

import (
	"cmp"
	"context"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/credentials"
	"github.com/cmhf/operator/internal/health"
	"github.com/cmhf/operator/internal/stack"
)

// scope is what one reconcile knows. Each field says which phase sets it; status is computed from it alone.
type scope struct {
	// ics is a working copy; original is the resource as read, to see whether the status changed.
	ics, original *v1alpha1.IntegratedCareSystem

	// existing is the namespace as it was before this pass, nil when there was none, and record what it says of the tenant's Secrets:
	// set by find, which notes that it has looked.
	found    bool
	existing *unstructured.Unstructured
	record   credentials.Record
	// inputs: set by resolve.
	inputs stack.Inputs
	// objects in the order of their stages: set by render.
	objects []*unstructured.Unstructured
	// namespaceLooked (it was asked whether the namespace may be used), namespaceApplied, namespaceUID and namespaceAge: set by
	// namespace.
	namespaceLooked  bool
	namespaceApplied bool
	namespaceUID     types.UID
	namespaceAge     time.Duration
	// finalBackup is when the last backup of an earlier resource of this system was verified, empty when there was none; set by namespace.
	finalBackup string
	// holder is what held the data before this pass, whichever engine runs them; set by volume.
	holder holder
	// primary is the pod that takes writes; growing, how the database's volumes get larger: set by workloads.
	primary, growing string
	// served: the database has had data; set by volume.
	served bool
	// secrets are how they were found, and rotation what is awaited while they are replaced: set by credentials and rotate.
	secretsLooked, rotationLooked bool
	secrets                       credentials.Found
	rotation                      *awaited
	// counted is when the migration that the record relies on was made, where it is a later one; set by recordVolume.
	counted time.Time
	// waits says what has to go before anything of the stack is looked at, empty when nothing; set by forgetEarlier.
	waits string
	// parts by stage: set by workloads.
	parts map[stack.Stage]part
	// retained are members that are no longer rendered and hold data: set by prune.
	retained []string
	// restored says which backup the database began as, empty when none: set by resolveRestore and noteRestore.
	restored string
	// guard says whether the data are guarded against deletion; set by guarded.
	guard *metav1.Condition
	// configured: what needs no gate is applied from this render; set by configuration.
	configured bool
	// backups: set by lookAtBackups.
	backups *backups
	// total and ready services: set by services.
	servicesCounted bool
	// defaultService is the one that spec.defaultService names; nil when none has the name.
	defaultService *v1alpha1.CoreCommunityService
	total, ready   int32

	// again is when to look again although no watch tells of anything; zero when that is not needed.
	again time.Duration
	// unknownServer: it can't be read where the database of the engine External is; set by external.
	unknownServer *refusal
	// refused and failure: how the phases ended.
	refused *refusal
	failure error
	// released: the finalizer is gone.
	released bool
	// stopping says what is awaited while the resource is being deleted, stoppingReason at which step.
	stopping, stoppingReason string
	// stillRunning says what of the database could not be stopped, empty when all of it was; set by stopDatabase.
	stillRunning string
	// elsewhere: someone else runs the database of what is deleted; set by markRetained.
	elsewhere bool
	// granted is when the right to remove what holds data was bound; set by remove.
	granted time.Time
}

// part is what was seen of a workload.
type part struct {
	// exists: there is such an object.
	exists bool
	// current: it was applied from this render.
	current bool
	state   health.State
	// unavailable: a Deployment says that too few of its pods are ready.
	unavailable bool
	made        time.Time
}

// up: the part serves as this render declares it.
func (p part) up() bool { return p.exists && p.current && p.state.Ready }

func newScope(ics *v1alpha1.IntegratedCareSystem) *scope {
	return &scope{ics: ics.DeepCopy(), original: ics, parts: map[stack.Stage]part{}}
}

// goOnWithout notes a refusal that everything else goes on without. The first gives the reason, and all are told of.
func (s *scope) goOnWithout(problem *refusal) {
	first := s.refused
	switch {
	case first == nil:
		s.refused = problem
	case !strings.Contains(first.message, problem.message):
		s.refused = &refusal{first.reason, first.message + "; " + problem.message, cmp.Or(first.retry, problem.retry)}
	}
}

// passingDelay is how soon a conflict or a grant that has not spread yet is tried again.
const passingDelay = 200 * time.Millisecond

// grantSpread is how long after the namespace was made the API server may not know the operator's RoleBinding in it yet.
const grantSpread = 30 * time.Second

// isPassing: two writers met, or the operator's own RoleBinding has not spread yet. Neither is worth an error.
func (s *scope) isPassing(err error) bool {
	return apierrors.IsConflict(err) ||
		(apierrors.IsForbidden(err) && ((s.namespaceApplied && s.namespaceAge < grantSpread) || time.Since(s.granted) < grantSpread))
}

// patchMetadata writes what changed in the metadata only, and only to the version that was read.
func patchMetadata(ctx context.Context, c client.Client, ics, before *v1alpha1.IntegratedCareSystem) error {
	return c.Patch(ctx, ics, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
}
