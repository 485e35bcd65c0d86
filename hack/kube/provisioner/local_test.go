package provisioner

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	v1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

func options(node string) controller.ProvisionOptions {
	policy := v1.PersistentVolumeReclaimDelete
	return controller.ProvisionOptions{
		PVName:           "pvc-1",
		SelectedNodeName: node,
		StorageClass:     &storagev1.StorageClass{ReclaimPolicy: &policy},
		PVC: &v1.PersistentVolumeClaim{
			ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "data"},
			Spec: v1.PersistentVolumeClaimSpec{
				AccessModes: []v1.PersistentVolumeAccessMode{v1.ReadWriteOnce},
				Resources: v1.VolumeResourceRequirements{
					Requests: v1.ResourceList{v1.ResourceStorage: resource.MustParse("1Gi")},
				},
			},
		},
	}
}

func TestProvisionThenDelete(t *testing.T) {
	l := Local{Node: "one", Folder: t.TempDir()}
	pv, _, err := l.Provision(t.Context(), options("one"))
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(pv.Spec.Local.Path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o755 {
		t.Errorf("mode of a new volume = %o, want 755", got)
	}
	if err := os.WriteFile(filepath.Join(pv.Spec.Local.Path, "f"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.Provision(t.Context(), options("one")); err != nil {
		t.Errorf("a second Provision failed: %v", err)
	}
	if err := l.Delete(t.Context(), pv); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(pv.Spec.Local.Path); !os.IsNotExist(err) {
		t.Errorf("the folder is still there: %v", err)
	}
}

func TestProvisionLeavesOtherNodesAlone(t *testing.T) {
	l := Local{Node: "one", Folder: t.TempDir()}
	_, state, err := l.Provision(t.Context(), options("two"))
	if err == nil || state != controller.ProvisioningReschedule {
		t.Errorf("got state %q, error %v; want Reschedule and an error", state, err)
	}
}

func TestDeleteRefusesAFolderItDidNotMake(t *testing.T) {
	l := Local{Node: "one", Folder: t.TempDir()}
	elsewhere := t.TempDir()
	pv := &v1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "pvc-1"}}
	pv.Spec.Local = &v1.LocalVolumeSource{Path: elsewhere}
	var ignored *controller.IgnoredError
	if err := l.Delete(t.Context(), pv); !errors.As(err, &ignored) {
		t.Errorf("got %v, want IgnoredError", err)
	}
	if _, err := os.Stat(elsewhere); err != nil {
		t.Error(err)
	}
}
