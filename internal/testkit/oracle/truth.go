package oracle

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
	"github.com/cmhf/operator/internal/stack"
)

// untruths lists what was otherwise when a system came to say that it is Ready.
func (o *Oracle) untruths(ctx context.Context, log []Event, releases []release) (found []string) {
	var before *v1alpha1.IntegratedCareSystem
	for _, event := range log {
		if event.Kind.Kind != "IntegratedCareSystem" {
			continue
		}
		now, err := typed(event.Object)
		if err != nil {
			return append(found, err.Error())
		}
		comes := !event.Gone && saysReady(now) && !(before != nil && before.UID == now.UID && saysReady(before) && before.Generation == now.Generation)
		before = now
		inputs := inForce(releases, event.Revision)
		if !comes || inputs == nil {
			continue
		}
		for _, what := range o.untrue(ctx, log, event.Revision, now, inputs) {
			found = append(found, fmt.Sprintf("%s says that it is Ready in generation %d, but %s", now.Name, now.Generation, what))
		}
	}
	return found
}

// inForce gives what the operator rendered from at a revision, nil when none was at work yet.
func inForce(releases []release, revision uint64) Inputs {
	var inputs Inputs
	for _, release := range releases {
		if release.from <= revision {
			inputs = release.inputs
		}
	}
	return inputs
}

// untrue compares what there was at a revision with what was to be. A pass of the operator reads the record of the Secrets, and whether
// the database has served, before it writes the next ones, and its status after: what was to be by what it read counts too.
func (o *Oracle) untrue(ctx context.Context, log []Event, revision uint64, ics *v1alpha1.IntegratedCareSystem, inputs Inputs) []string {
	there := at(log, revision)
	var wrong []string
	for _, read := range []uint64{revision, lastWrite(log, revision, "Namespace "+ics.TenantNamespace()), lastWrite(log, revision, "ConfigMap "+ics.TenantNamespace()+"/database-record")} {
		objects, err := o.render(ctx, at(log, read), ics, inputs)
		if err != nil {
			return []string{err.Error()}
		}
		differ := differences(there, objects, ics)
		if len(differ) == 0 {
			return nil
		}
		if wrong == nil {
			wrong = differ
		}
	}
	return wrong
}

// lastWrite gives the revision before an object's last version, as seen at a revision.
func lastWrite(log []Event, revision uint64, ref string) uint64 {
	before := revision
	for _, event := range log {
		if event.Revision <= revision && event.ref() == ref {
			before = event.Revision - 1
		}
	}
	return before
}

func (o *Oracle) render(ctx context.Context, there map[string]Event, ics *v1alpha1.IntegratedCareSystem, inputs Inputs) ([]*unstructured.Unstructured, error) {
	from, err := inputs(ctx, past{o.client, there}, ics)
	if err != nil {
		return nil, err
	}
	objects, err := o.renderer.Render(from)
	if err != nil {
		return nil, fmt.Errorf("rendering what should be: %w", err)
	}
	return objects, nil
}

// differences compares by the hash that every apply writes beside what it applies.
func differences(there map[string]Event, objects []*unstructured.Unstructured, ics *v1alpha1.IntegratedCareSystem) (wrong []string) {
	rendered := map[string]bool{}
	for _, object := range objects {
		rendered[applyset.Ref(object)] = true
		if stage := stack.StageOf(object); stage == stack.StageLogins || ics.Spec.State == v1alpha1.StateHibernated && (stage == stack.StageRestore || stage == stack.StageMigration) {
			continue // a rotation's own, or nothing that is begun while all rests
		}
		switch event, is := there[applyset.Ref(object)]; {
		case !is && slices.Contains(stack.OptionalKinds, object.GroupVersionKind()): // nobody followed it
		case !is:
			wrong = append(wrong, applyset.Ref(object)+" was not there")
		case !applyset.Matches(event.Object, object):
			wrong = append(wrong, applyset.Ref(object)+" was of another render")
		}
	}
	set := applyset.ID(ics.Name, schema.GroupKind{Group: v1alpha1.Group, Kind: "IntegratedCareSystem"})
	for ref, event := range there {
		member := event.Object.GetLabels()[applyset.LabelPartOf] == set && event.Object.GetDeletionTimestamp() == nil
		if member && !rendered[ref] && !slices.Contains(dataKinds, event.Kind) && event.Object.GetLabels()[v1alpha1.LabelComponent] != v1alpha1.ComponentLogins {
			wrong = append(wrong, ref+" of an earlier render was still there")
		}
	}
	slices.Sort(wrong)
	return wrong
}

// past reads what there was of tenants, and what there is of the cluster besides.
type past struct {
	client.Client
	there map[string]Event
}

// Get implements client.Reader.
func (p past) Get(ctx context.Context, key client.ObjectKey, into client.Object, options ...client.GetOption) error {
	if key.Namespace != "" && !strings.HasPrefix(key.Namespace, v1alpha1.NamespacePrefix) {
		return p.Client.Get(ctx, key, into, options...) // no tenant's
	}
	kind, err := apiutil.GVKForObject(into, p.Scheme())
	if err != nil {
		return fmt.Errorf("looking up what %T is: %w", into, err)
	}
	wanted := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}
	wanted.SetGroupVersionKind(kind)
	event, is := p.there[applyset.Ref(wanted)]
	if !is {
		return apierrors.NewNotFound(schema.GroupResource{Group: kind.Group, Resource: kind.Kind}, key.Name)
	}
	if into, ok := into.(*unstructured.Unstructured); ok {
		into.Object = event.Object.DeepCopy().Object
		return nil
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(event.Object.Object, into); err != nil {
		return fmt.Errorf("reading %s: %w", event.ref(), err)
	}
	return nil
}
