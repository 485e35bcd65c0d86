package stack

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cmhf/operator/api/v1alpha1"
)

// Stage is a step of bringing a tenant up. A stage is applied when the one before it is healthy.
type Stage int

// Stages in their order.
const (
	StageNamespace Stage = iota
	StageConfig
	StageDatabase
	// StageLogins is a step of a rotation of Secrets. It needs the database, and nothing waits for it.
	StageLogins
	// StageRestore fills an empty database from a backup, where one is to be restored.
	StageRestore
	StageMigration
	StageCoordinationAPI
	StageDashboard
	// StageScaling comes when a program's own count of pods is taken out: an autoscaler would fight with it.
	StageScaling
)

// StageOf says at which stage an object is applied.
func StageOf(object *unstructured.Unstructured) Stage {
	switch object.GetKind() {
	case "Namespace":
		return StageNamespace
	case "StatefulSet", "Cluster":
		return StageDatabase
	case "Job":
		switch object.GetLabels()[v1alpha1.LabelComponent] {
		case v1alpha1.ComponentLogins:
			return StageLogins
		case v1alpha1.ComponentRestore:
			return StageRestore
		}
		return StageMigration
	case "Deployment":
		if object.GetLabels()[v1alpha1.LabelComponent] == v1alpha1.ComponentDashboard {
			return StageDashboard
		}
		return StageCoordinationAPI
	case "HorizontalPodAutoscaler":
		return StageScaling
	default:
		return StageConfig
	}
}

// Kinds are all the kinds of Kubernetes itself that a stack may hold. The operator's RBAC, watches and clean-up follow it.
var Kinds = []schema.GroupVersionKind{
	{Version: "v1", Kind: "Namespace"},
	{Version: "v1", Kind: "ConfigMap"},
	{Version: "v1", Kind: "LimitRange"},
	{Version: "v1", Kind: "PersistentVolumeClaim"},
	{Version: "v1", Kind: "ResourceQuota"},
	{Version: "v1", Kind: "Service"},
	{Version: "v1", Kind: "ServiceAccount"},
	{Group: "apps", Version: "v1", Kind: "Deployment"},
	{Group: "apps", Version: "v1", Kind: "StatefulSet"},
	{Group: "autoscaling", Version: "v2", Kind: "HorizontalPodAutoscaler"},
	{Group: "batch", Version: "v1", Kind: "CronJob"},
	{Group: "batch", Version: "v1", Kind: "Job"},
	{Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"},
	{Group: "networking.k8s.io", Version: "v1", Kind: "NetworkPolicy"},
	{Group: "policy", Version: "v1", Kind: "PodDisruptionBudget"},
	{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "ClusterRole"},
	{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "ClusterRoleBinding"},
	{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "RoleBinding"},
}

// OptionalKinds are those of other projects. They are there only while their CustomResourceDefinitions are.
var OptionalKinds = []schema.GroupVersionKind{
	{Group: "gateway.networking.k8s.io", Version: "v1", Kind: "HTTPRoute"},
	{Group: "postgresql.cnpg.io", Version: "v1", Kind: "Cluster"},
	{Group: "postgresql.cnpg.io", Version: "v1", Kind: "ScheduledBackup"},
}

// GroupKinds lists all of them as the ApplySet specification asks: Kind.group, sorted.
func GroupKinds() string {
	names := make([]string, 0, len(Kinds)+len(OptionalKinds))
	for _, kind := range slices.Concat(Kinds, OptionalKinds) {
		names = append(names, kind.GroupKind().String())
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}

// ClusterScoped says whether objects of a kind of a stack are in no namespace.
func ClusterScoped(kind string) bool {
	return kind == "Namespace" || kind == "ClusterRole" || kind == "ClusterRoleBinding"
}

// settle adds what depends on the content of the objects (quota, configuration hashes, the migration's name, render hashes) and
// puts them in the order of their stages.
func settle(objects []*unstructured.Unstructured) error {
	if err := setQuota(objects); err != nil {
		return err
	}
	configMaps := map[string]string{}
	for _, object := range objects {
		if object.GetKind() == "ConfigMap" {
			configMaps[object.GetName()] = hash(object.Object["data"])
		}
	}
	for _, object := range objects {
		if err := setConfigHash(object, configMaps); err != nil {
			return err
		}
		if object.GetKind() == "Job" {
			object.SetName(object.GetName() + "-" + hash(object.Object)[:10])
		}
		annotate(object, v1alpha1.AnnotationRenderHash, hash(object.Object))
	}
	slices.SortStableFunc(objects, func(a, b *unstructured.Unstructured) int {
		return cmp.Or(cmp.Compare(StageOf(a), StageOf(b)), strings.Compare(a.GetKind(), b.GetKind()), strings.Compare(a.GetName(), b.GetName()))
	})
	return nil
}

// setConfigHash rolls the pods of a workload when a ConfigMap that they read changes. A Job reads its settings once.
func setConfigHash(object *unstructured.Unstructured, configMaps map[string]string) error {
	if object.GetKind() == "Job" {
		return nil
	}
	template, found, err := mapAt(object.Object, "spec", "template")
	if err != nil || !found {
		return err
	}
	raw, err := json.Marshal(template)
	if err != nil {
		return fmt.Errorf("encoding the pod template of %s %s: %w", object.GetKind(), object.GetName(), err)
	}
	read := map[string]string{}
	for name, digest := range configMaps {
		if strings.Contains(string(raw), `"name":"`+name+`"`) {
			read[name] = digest
		}
	}
	return unstructured.SetNestedField(object.Object, hash(read)[:16], "spec", "template", "metadata", "annotations", v1alpha1.AnnotationConfigHash)
}

func annotate(object *unstructured.Unstructured, key, value string) {
	annotations := object.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[key] = value
	object.SetAnnotations(annotations)
}

// Hash identifies the content of a whole stack.
func Hash(objects []*unstructured.Unstructured) string {
	hashes := make([]string, 0, len(objects))
	for _, object := range objects {
		hashes = append(hashes, object.GetKind()+"/"+object.GetName()+"="+object.GetAnnotations()[v1alpha1.AnnotationRenderHash])
	}
	return "sha256:" + hash(hashes)
}

func hash(value any) string {
	raw, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("encoding an object for its hash: %v", err)) // decoded from JSON a moment ago
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}
