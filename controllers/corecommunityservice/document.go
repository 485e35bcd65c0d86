package corecommunityservice

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
	"github.com/cmhf/operator/internal/directory"
)

// The ConfigMap that holds the directory: the memory of what was accepted, and the API's start-up copy.
const (
	configMapName = "service-directory"
	configMapKey  = "directory.json"
)

// entry is the directory's entry for a declaration, with every default resolved.
func entry(ics *v1alpha1.IntegratedCareSystem, service *v1alpha1.CoreCommunityService) directory.Service {
	spec := service.Spec
	made := directory.Service{
		ID:             directory.ServiceID(ics.Spec.ODSCode, service.Name),
		Name:           service.Name,
		DisplayName:    spec.DisplayName,
		State:          directory.StateOpen,
		Place:          spec.Place,
		Neighbourhoods: slices.Sorted(slices.Values(spec.Neighbourhoods)),
		LeadProvider:   directory.Provider{ODSCode: spec.LeadProvider.ODSCode, Name: spec.LeadProvider.Name},
		Functions:      sortedStrings(spec.Functions),
		EntryRoutes:    sortedStrings(spec.EntryRoutes),
	}
	if len(made.Functions) == 0 {
		made.Functions = []string{string(v1alpha1.FunctionCore)}
	}
	if !slices.Contains(made.EntryRoutes, string(v1alpha1.EntryRouteSelf)) {
		made.EntryRoutes = append(made.EntryRoutes, string(v1alpha1.EntryRouteSelf))
		slices.Sort(made.EntryRoutes)
	}
	if spec.Ages != nil {
		made.MinimumAge, made.MaximumAge = spec.Ages.Minimum, spec.Ages.Maximum
	}
	declare(&made, spec)
	return made
}

// declare adds what is declared beyond name and reach. What is not declared stays nil, so that the entry of a service that declares
// none of it is the same as ever. The levels keep their order, which is from less to more.
func declare(made *directory.Service, spec v1alpha1.CoreCommunityServiceSpec) {
	for _, standard := range spec.Standards {
		made.Standards = append(made.Standards, directory.Standard{ID: standard.ID, Value: standard.Value, Source: standard.Source})
	}
	slices.SortFunc(made.Standards, func(a, b directory.Standard) int { return strings.Compare(a.ID, b.ID) })
	for _, partner := range spec.Partners {
		made.Partners = append(made.Partners, directory.Partner{Name: partner.Name, Sector: string(partner.Sector), ODSCode: partner.ODSCode})
	}
	slices.SortFunc(made.Partners, func(a, b directory.Partner) int { return strings.Compare(a.Name, b.Name) })
	if len(spec.Settings) > 0 {
		made.Settings = sortedStrings(spec.Settings)
	}
	if len(spec.TeamTypes) > 0 {
		made.TeamTypes = sortedStrings(spec.TeamTypes)
	}
	if spec.Capacity != nil {
		made.Capacity = &directory.Capacity{Caseload: spec.Capacity.Caseload, KeyWorkers: spec.Capacity.KeyWorkers}
	}
	made.CoordinationLevels = slices.Clone(spec.CoordinationLevels)
}

func sortedStrings[T ~string](values []T) []string {
	sorted := make([]string, 0, len(values))
	for _, value := range values {
		sorted = append(sorted, string(value))
	}
	slices.Sort(sorted)
	return sorted
}

// assemble puts the document together. An entry that is kept may name a neighbourhood that the system has no more; it stays
// listed as long, because the API takes no entry that names an unknown one.
func assemble(ics *v1alpha1.IntegratedCareSystem, entries map[string]directory.Service, previous directory.Directory) directory.Directory {
	d := directory.Directory{
		Format: directory.FormatV1, Revision: previous.Revision, ODSCode: ics.Spec.ODSCode, Name: ics.Spec.DisplayName,
		Neighbourhoods: []directory.Neighbourhood{}, Services: []directory.Service{},
	}
	for _, n := range ics.Spec.Neighbourhoods {
		d.Neighbourhoods = append(d.Neighbourhoods, directory.Neighbourhood{Name: n.Name, Place: n.Place})
	}
	for _, n := range previous.Neighbourhoods {
		listed := slices.ContainsFunc(d.Neighbourhoods, func(other directory.Neighbourhood) bool { return other.Name == n.Name })
		if !listed && named(entries, n.Name) {
			d.Neighbourhoods = append(d.Neighbourhoods, n)
		}
	}
	slices.SortFunc(d.Neighbourhoods, func(a, b directory.Neighbourhood) int { return strings.Compare(a.Name, b.Name) })
	for _, name := range sortedNames(entries) {
		d.Services = append(d.Services, entries[name])
	}
	// The systems are declared before their services, and a service may close: the name counts while an open one has it.
	if entry, ok := entries[ics.Spec.DefaultService]; ok && entry.State == directory.StateOpen {
		d.DefaultService = entry.Name
	}
	return d
}

func named(entries map[string]directory.Service, neighbourhood string) bool {
	for _, service := range entries {
		if slices.Contains(service.Neighbourhoods, neighbourhood) {
			return true
		}
	}
	return false
}

// stored reads the directory as it was last written; an empty one when there is none yet. One that can't be read is not made anew: it
// holds what was accepted of services whose present declarations are not.
func (r *Reconciler) stored(ctx context.Context, namespace string) (directory.Directory, *verdict, error) {
	live, err := applyset.Current(ctx, r.Client, configMap(namespace))
	if err != nil || live == nil {
		return directory.Directory{}, nil, err
	}
	text, _, _ := unstructured.NestedString(live.Object, "data", configMapKey)
	var d directory.Directory
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return directory.Directory{}, &verdict{false, v1alpha1.ReasonDirectoryUnreadable, fmt.Sprintf(
			"ConfigMap %[1]s/%[2]s, the record of what was accepted, was changed by someone and is no service directory any more; the coordination API goes on with "+
				"what is committed. Put back the value of %[3]s, or have it made from the declarations, without those services whose present declaration is not accepted: "+
				"kubectl -n %[1]s delete configmap %[2]s", namespace, configMapName, configMapKey)}, nil
	}
	return d, nil, nil
}

// store writes the directory; it is the record of what was accepted, so it comes before the API hears of it.
func (r *Reconciler) store(ctx context.Context, namespace, ics string, d directory.Directory) error {
	text, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("encoding the directory of %s: %w", ics, err)
	}
	object := configMap(namespace)
	object.SetLabels(map[string]string{v1alpha1.LabelICS: ics, v1alpha1.LabelComponent: v1alpha1.ComponentCoordinationAPI})
	object.SetAnnotations(map[string]string{v1alpha1.AnnotationRenderHash: fmt.Sprintf("%d-%s", d.Revision, d.Digest())})
	object.Object["data"] = map[string]any{configMapKey: string(text)}
	_, _, err = r.Applier.Apply(ctx, object)
	return client.IgnoreNotFound(err)
}

func configMap(namespace string) *unstructured.Unstructured {
	directory := object("ConfigMap")
	directory.SetNamespace(namespace)
	directory.SetName(configMapName)
	return directory
}
