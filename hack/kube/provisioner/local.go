// Package provisioner makes `local` persistent volumes: one folder on this node
// per claim.
//
// Unlike host path volumes, local volumes honour a pod's fsGroup, so a program
// that runs as an ordinary user can write to them; this is what databases need.
// A new folder belongs to root with mode 0755, as a freshly formatted disk
// does, so a pod that forgets its fsGroup fails here as it would in production.
//
// In: claims of storage classes that name the provisioner. Out: persistent
// volumes tied to the node; with reclaim policy Delete the folder goes with the
// volume. Sizes are recorded and not enforced.
package provisioner

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

// Local makes volumes below Folder for pods on Node.
type Local struct {
	Node   string
	Folder string
}

var _ controller.Provisioner = Local{}

// Provision makes the folder of one claim and describes it as a volume. It can
// be repeated: a folder that exists already is used as it is.
func (l Local) Provision(_ context.Context, o controller.ProvisionOptions) (*v1.PersistentVolume, controller.ProvisioningState, error) {
	if o.SelectedNodeName != "" && o.SelectedNodeName != l.Node {
		return nil, controller.ProvisioningReschedule,
			fmt.Errorf("claim %s/%s wants node %q, this provisioner serves %q", o.PVC.Namespace, o.PVC.Name, o.SelectedNodeName, l.Node)
	}
	if o.PVC.Spec.VolumeMode != nil && *o.PVC.Spec.VolumeMode == v1.PersistentVolumeBlock {
		return nil, controller.ProvisioningFinished,
			fmt.Errorf("claim %s/%s wants a block device: only file systems are served", o.PVC.Namespace, o.PVC.Name)
	}
	folder := filepath.Join(l.Folder, o.PVName)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, controller.ProvisioningFinished, fmt.Errorf("make folder for volume %s: %w", o.PVName, err)
	}
	// The mode is set again because MkdirAll is subject to the umask.
	if err := os.Chmod(folder, 0o755); err != nil {
		return nil, controller.ProvisioningFinished, fmt.Errorf("open folder of volume %s: %w", o.PVName, err)
	}
	return l.volume(o, folder), controller.ProvisioningFinished, nil
}

func (l Local) volume(o controller.ProvisionOptions, folder string) *v1.PersistentVolume {
	return &v1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: o.PVName},
		Spec: v1.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: *o.StorageClass.ReclaimPolicy,
			AccessModes:                   o.PVC.Spec.AccessModes,
			Capacity:                      v1.ResourceList{v1.ResourceStorage: o.PVC.Spec.Resources.Requests[v1.ResourceStorage]},
			PersistentVolumeSource:        v1.PersistentVolumeSource{Local: &v1.LocalVolumeSource{Path: folder}},
			NodeAffinity: &v1.VolumeNodeAffinity{Required: &v1.NodeSelector{
				NodeSelectorTerms: []v1.NodeSelectorTerm{{
					MatchExpressions: []v1.NodeSelectorRequirement{{
						Key:      v1.LabelHostname,
						Operator: v1.NodeSelectorOpIn,
						Values:   []string{l.Node},
					}},
				}},
			}},
		},
	}
}

// Delete removes the folder of a released volume with all it holds.
func (l Local) Delete(_ context.Context, pv *v1.PersistentVolume) error {
	want := filepath.Join(l.Folder, pv.Name)
	if pv.Spec.Local == nil || pv.Spec.Local.Path != want {
		return &controller.IgnoredError{Reason: fmt.Sprintf("volume %s does not lie at %s", pv.Name, want)}
	}
	if err := os.RemoveAll(want); err != nil {
		return fmt.Errorf("remove folder of volume %s: %w", pv.Name, err)
	}
	return nil
}
