package credentials

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
)

// Keeper makes Secrets and looks after them. It remembers what it has seen, so that a tenant at rest costs no call.
type Keeper struct {
	reader client.Reader
	writer client.Writer

	mu      sync.Mutex
	seen    map[types.UID]seen
	records map[types.UID]Record
}

// seen is what was found in a namespace.
type seen struct {
	tenant Tenant
	found  Found
	at     time.Time
}

// NewKeeper returns a keeper that has seen nothing yet. uncached must read from the API server.
func NewKeeper(uncached client.Reader, writer client.Writer) *Keeper {
	return &Keeper{reader: uncached, writer: writer, seen: map[types.UID]seen{}, records: map[types.UID]Record{}}
}

// Tenant says whose Secrets are meant and what is known of it.
type Tenant struct {
	ICS, Namespace string
	// NamespaceUID tells a namespace from an earlier one of the same name.
	NamespaceUID types.UID
	Record       Record
	// Database says that the operator makes the logins of the tenant's database; LoginsSecret, that this database takes them from
	// the Secret database-logins when it starts; CloudNativePG, that CloudNativePG brings the database to the Secrets.
	Database, LoginsSecret, CloudNativePG bool
	// Served: the database has had data, so a login that is missing is one that was lost, not one that was never made.
	Served bool
	// New: the namespace was made a moment ago, and there is nothing in it to look for.
	New bool
}

// Found says how Ensure left the Secrets of a tenant.
type Found struct {
	// Since when the current generation exists.
	Since time.Time
	// Made: the current generation was made just now, for a tenant that had none.
	Made bool
	// Lost are Secrets of the current generation that are gone. A rotation replaces them: the database knows another password than
	// one that was made anew under the same name would hold.
	Lost []string
	// OwnerAnew is when the owner's Secret was made in the place of a lost one; zero when it is the first of its name.
	OwnerAnew time.Time
	// NextLogins identifies the database's logins of the next generation while it is prepared: one that was made anew under the same
	// name has another password.
	NextLogins string
}

// Ensure makes the Secrets that are missing in the tenant's namespace, unless it has seen within the time that none is.
func (k *Keeper) Ensure(ctx context.Context, tenant Tenant, within time.Duration) (Found, error) {
	k.mu.Lock()
	last, known := k.seen[tenant.NamespaceUID]
	k.mu.Unlock()
	same := tenant
	same.Served, same.New = last.tenant.Served, last.tenant.New // where nothing is missing these decide nothing
	if known && last.tenant == same && len(last.found.Lost) == 0 && time.Since(last.at) < within {
		return last.found, nil
	}
	found, err := k.look(ctx, tenant)
	if err != nil {
		return found, err
	}
	remembered := found
	remembered.Made = false
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen[tenant.NamespaceUID] = seen{tenant, remembered, time.Now()}
	return found, nil
}

func (k *Keeper) look(ctx context.Context, tenant Tenant) (Found, error) {
	var found Found
	secrets := map[string]*corev1.Secret{}
	generations := []int64{tenant.Record.Generation}
	if tenant.Record.Phase == Preparing {
		generations = append(generations, tenant.Record.Next())
	}
	for _, generation := range generations {
		for _, kind := range kinds {
			if kind.database() && !tenant.Database {
				continue
			}
			name := Name(kind.purpose, generation)
			metadata, err := k.unlessNew(ctx, tenant, name)
			if err != nil {
				return found, err
			}
			var existing *corev1.Secret
			if metadata != nil {
				existing = &corev1.Secret{ObjectMeta: metadata.ObjectMeta}
			}
			current := generation == tenant.Record.Generation
			if existing == nil && current && tenant.Served && kind.purpose != DatabaseOwner {
				found.Lost = append(found.Lost, name)
				continue
			}
			if existing == nil {
				if existing, err = k.create(ctx, tenant, kind, generation); err != nil {
					return found, err
				}
				found.Made = found.Made || current && !tenant.Served
			}
			secrets[name] = existing
			if _, anew := existing.Annotations[annotationAnew]; anew && current {
				found.OwnerAnew = existing.CreationTimestamp.Time
			}
			if !current && kind.database() {
				found.NextLogins += string(existing.UID) + " "
			}
			if current && kind.purpose == APIInternal {
				found.Since = existing.CreationTimestamp.Time
			}
		}
	}
	if tenant.LoginsSecret {
		return found, k.ensureLogins(ctx, tenant, secrets)
	}
	return found, nil
}

// unlessNew gives a Secret's metadata, and asks nobody in a namespace that was made a moment ago: making it tells whether it was there.
func (k *Keeper) unlessNew(ctx context.Context, tenant Tenant, name string) (*metav1.PartialObjectMetadata, error) {
	if tenant.New {
		return nil, nil
	}
	return k.metadata(ctx, tenant.Namespace, name)
}

// Lost lists the Secrets of the current generation that are gone from a tenant whose database has served, as Ensure finds them.
func (k *Keeper) Lost(ctx context.Context, tenant Tenant) ([]string, error) {
	var lost []string
	for _, kind := range kinds {
		if kind.database() && !tenant.Database || !tenant.Served || kind.purpose == DatabaseOwner {
			continue
		}
		name := Name(kind.purpose, tenant.Record.Generation)
		metadata, err := k.metadata(ctx, tenant.Namespace, name)
		if err != nil {
			return nil, err
		}
		if metadata == nil {
			lost = append(lost, name)
		}
	}
	return lost, nil
}

// Holds says whether a namespace holds Secrets of a generation: the token between operator and API, which every tenant has.
func (k *Keeper) Holds(ctx context.Context, namespace string, generation int64) (bool, error) {
	found, err := k.metadata(ctx, namespace, Name(APIInternal, generation))
	return found != nil, err
}

// metadata gives a Secret without its content, nil when there is none.
func (k *Keeper) metadata(ctx context.Context, namespace, name string) (*metav1.PartialObjectMetadata, error) {
	secret := secretMetadata(namespace, name)
	err := k.reader.Get(ctx, client.ObjectKeyFromObject(secret), secret)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for Secret %s/%s: %w", namespace, name, err)
	}
	return secret, nil
}

func secretMetadata(namespace, name string) *metav1.PartialObjectMetadata {
	secret := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	secret.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	return secret
}

const (
	// annotationAnew marks the Secret of an owner that was made in the place of a lost one, of the same name: the database may know another password.
	annotationAnew = "cmhf.health/made-anew"
	// labelReload has CloudNativePG look at a Secret when it comes, not at its next look at the Cluster.
	labelReload = "cnpg.io/reload"
)

// create makes a Secret; of one that someone else has made meanwhile it gives the metadata.
func (k *Keeper) create(ctx context.Context, tenant Tenant, kind kind, generation int64) (*corev1.Secret, error) {
	immutable := true
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: Name(kind.purpose, generation), Namespace: tenant.Namespace,
			Labels: map[string]string{v1alpha1.LabelICS: tenant.ICS, v1alpha1.LabelComponent: kind.component},
		},
		Immutable: &immutable,
		Data:      kind.data(generation),
	}
	if tenant.CloudNativePG && kind.database() {
		secret.Labels[labelReload] = "true"
	}
	if tenant.Served && generation == tenant.Record.Generation {
		secret.Annotations = map[string]string{annotationAnew: "true"}
	}
	err := k.writer.Create(ctx, secret)
	if apierrors.IsAlreadyExists(err) {
		existing, err := k.metadata(ctx, tenant.Namespace, secret.Name)
		if err == nil && existing == nil {
			err = fmt.Errorf("creating Secret %s/%s: it exists, and is gone again", tenant.Namespace, secret.Name)
		}
		if err != nil {
			return nil, err
		}
		return &corev1.Secret{ObjectMeta: existing.ObjectMeta}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("creating Secret %s/%s: %w", tenant.Namespace, secret.Name, err)
	}
	return secret, nil
}

// Remove confirms and deletes Secrets, each exactly as it was found.
func (k *Keeper) Remove(ctx context.Context, namespace string, names []string) error {
	for _, name := range names {
		existing, err := k.metadata(ctx, namespace, name)
		if err != nil {
			return err
		}
		if existing == nil {
			continue
		}
		if existing.Annotations[v1alpha1.AnnotationConfirmDeletion] != name {
			before := existing.DeepCopy()
			metav1.SetMetaDataAnnotation(&existing.ObjectMeta, v1alpha1.AnnotationConfirmDeletion, name)
			if err := k.writer.Patch(ctx, existing, client.MergeFrom(before)); err != nil {
				return fmt.Errorf("confirming the deletion of Secret %s/%s: %w", namespace, name, err)
			}
		}
		uid := existing.UID
		if err := k.writer.Delete(ctx, existing, client.Preconditions{UID: &uid}); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("deleting Secret %s/%s: %w", namespace, name, err)
		}
	}
	return nil
}

// Remember notes a record that was written to a namespace a moment ago.
func (k *Keeper) Remember(namespace types.UID, record Record) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.records[namespace] = record
}

// Latest gives the newer of a record that was read and the one that was written last.
func (k *Keeper) Latest(namespace types.UID, read Record) Record {
	k.mu.Lock()
	defer k.mu.Unlock()
	if written := k.records[namespace]; written.Revision > read.Revision {
		return written
	}
	return read
}

// Forget makes the next Ensure look, because Secrets were removed.
func (k *Keeper) Forget(namespace types.UID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.seen, namespace)
}
