package oracle

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
	"github.com/cmhf/operator/internal/credentials"
	"github.com/cmhf/operator/internal/stack"
)

var secretKind = schema.GroupVersionKind{Version: "v1", Kind: "Secret"}

// dataKinds hold data or are what data can't be reached without.
var dataKinds = []schema.GroupVersionKind{
	{Version: "v1", Kind: "Namespace"}, {Version: "v1", Kind: "PersistentVolumeClaim"}, secretKind,
	{Group: "apps", Version: "v1", Kind: "StatefulSet"}, {Group: "postgresql.cnpg.io", Version: "v1", Kind: "Cluster"},
}

// trespasses lists the versions of a spec in which fields are the operator's.
func trespasses(log []Event) (found []string) {
	for _, event := range log {
		if event.Kind.Group != v1alpha1.Group {
			continue
		}
		for _, entry := range event.Object.GetManagedFields() {
			if strings.HasPrefix(entry.Manager, applyset.FieldManager) && strings.Contains(string(entry.FieldsV1.GetRawBytes()), `"f:spec"`) {
				found = append(found, fmt.Sprintf("the operator owns fields of the spec of %s: %s", event.Object.GetName(), entry.FieldsV1.GetRawBytes()))
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found) // every later version has them too
}

// losses lists what held data and went without a right to: asked are the objects that the test itself has deleted.
func losses(log []Event, asked map[types.UID]bool) (found []string) {
	judged := map[types.UID]bool{}
	for _, event := range log {
		uid := event.Object.GetUID()
		leaves := event.Gone || event.Object.GetDeletionTimestamp() != nil
		if !leaves || judged[uid] || asked[uid] || !slices.Contains(dataKinds, event.Kind) || event.Object.GetLabels()[v1alpha1.LabelICS] == "" {
			continue
		}
		judged[uid] = true
		if why := wrongToGo(event, at(log, event.Revision-1)); why != "" {
			found = append(found, fmt.Sprintf("%s went: %s", event.ref(), why))
		}
	}
	return found
}

// wrongToGo says why an object should have stayed, with all there was a moment before; empty when it was right to go.
func wrongToGo(event Event, before map[string]Event) string {
	system := systemOf(event.Object, event.Kind)
	namespace, known := before["Namespace "+v1alpha1.NamespacePrefix+system]
	if event.Kind.Kind == "Namespace" {
		return "no policy removes the namespace of a tenant"
	}
	if !known || namespace.Object.GetDeletionTimestamp() != nil {
		return "" // it goes with its namespace, which is judged by itself
	}
	if ics, err := systemAt(before, system); err != nil {
		return err.Error()
	} else if confirmed(ics) {
		if event.Object.GetUID() == ics.Status.Deletion.Backup.ClaimUID {
			return "it holds the last backup"
		}
		return ""
	}
	if event.Kind != secretKind {
		return "no deletion with the policy Delete was confirmed and had a verified backup"
	}
	return wrongToRetire(event, namespace, before)
}

// wrongToRetire says why a Secret is not one that a rotation may delete.
func wrongToRetire(secret, namespace Event, before map[string]Event) string {
	name, annotations := secret.Object.GetName(), namespace.Object.GetAnnotations()
	record, err := credentials.ReadRecord(annotations)
	if err != nil {
		return err.Error()
	}
	if _, served := before["ConfigMap "+namespace.Object.GetName()+"/database-record"]; !served && annotations[v1alpha1.AnnotationDatabaseEngine] == stack.EngineCloudNativePG {
		return "" // a database that is made anew begins with the first logins, and no later one is of use
	}
	if record.Phase != credentials.Retiring || !slices.Contains(record.Retired(), name) {
		return fmt.Sprintf("no rotation has retired it (generation %d, phase %q)", record.Generation, record.Phase)
	}
	for _, event := range before {
		if event.Object.GetNamespace() == namespace.Object.GetName() && event.Uses[name] && event.Kind.Kind != "Job" {
			return event.ref() + " is still made with it"
		}
	}
	return ""
}

// confirmed says whether a deletion may remove the data: declared, confirmed by name, after a verified backup.
func confirmed(ics *v1alpha1.IntegratedCareSystem) bool {
	return ics != nil && !ics.DeletionTimestamp.IsZero() && ics.Status.Deletion != nil && ics.Status.Deletion.Policy == v1alpha1.DeletionDelete &&
		ics.Status.Deletion.Backup != nil && ics.Annotations[v1alpha1.AnnotationConfirmDeletion] == ics.Name
}

// systemAt gives the resource as it was, nil when there was none.
func systemAt(before map[string]Event, name string) (*v1alpha1.IntegratedCareSystem, error) {
	event, there := before["IntegratedCareSystem "+name]
	if !there {
		return nil, nil
	}
	return typed(event.Object)
}

func typed(object *unstructured.Unstructured) (*v1alpha1.IntegratedCareSystem, error) {
	ics := &v1alpha1.IntegratedCareSystem{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, ics); err != nil {
		return nil, fmt.Errorf("reading %s: %w", applyset.Ref(object), err)
	}
	return ics, nil
}
