package corecommunityservice

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/directory"
)

// verdict says whether the current declaration of a service fits its integrated care system.
type verdict struct {
	accepted bool
	// reason and message of the Accepted condition.
	reason, message string
}

// evaluate is pure: from the system, the services that are declared and the directory as it stands, it makes the next
// directory and a verdict for each service.
//
// A declaration that does not fit leaves the last accepted entry in place. For each function a neighbourhood belongs to one
// service: when two claim it, the one that is registered keeps it, else the first by name gets it. A service that is no
// longer declared stays in the directory as Closing.
func evaluate(ics *v1alpha1.IntegratedCareSystem, services []v1alpha1.CoreCommunityService, previous directory.Directory) (directory.Directory, map[string]verdict) {
	verdicts := map[string]verdict{}
	candidates := map[string]directory.Service{}
	declared := map[string]bool{}
	for i := range services {
		service := &services[i]
		declared[service.Name] = true
		if refused := fits(ics, service); refused != nil {
			verdicts[service.Name] = *refused
			continue
		}
		candidates[service.Name] = entry(ics, service)
	}
	registered := map[string]directory.Service{}
	for _, service := range previous.Services {
		if service.State == directory.StateOpen && declared[service.Name] {
			registered[service.Name] = service
		}
	}

	entries := assign(registered, candidates)
	for name, candidate := range candidates {
		switch got, ok := entries[name]; {
		case ok && got.Digest() == candidate.Digest():
			verdicts[name] = verdict{true, v1alpha1.ReasonAccepted, "fits the places and neighbourhoods of its integrated care system"}
		default:
			verdicts[name] = overlap(name, candidate, entries)
		}
	}
	for _, service := range previous.Services {
		if _, ok := entries[service.Name]; !ok {
			service.State = directory.StateClosing
			entries[service.Name] = service
		}
	}
	return assemble(ics, entries, previous), verdicts
}

// fits checks a declaration against the system's geography alone.
func fits(ics *v1alpha1.IntegratedCareSystem, service *v1alpha1.CoreCommunityService) *verdict {
	known := func(place string) bool {
		return slices.ContainsFunc(ics.Spec.Places, func(p v1alpha1.Place) bool { return p.Name == place })
	}
	if !known(service.Spec.Place) {
		return &verdict{false, v1alpha1.ReasonUnknownPlace, fmt.Sprintf(
			"spec.place: %s has no place %q; add it to the IntegratedCareSystem or correct the name", ics.Spec.DisplayName, service.Spec.Place)}
	}
	var unknown []string
	for _, name := range service.Spec.Neighbourhoods {
		if !slices.ContainsFunc(ics.Spec.Neighbourhoods, func(n v1alpha1.Neighbourhood) bool { return n.Name == name }) {
			unknown = append(unknown, fmt.Sprintf("%q", name))
		}
	}
	if len(unknown) > 0 {
		return &verdict{false, v1alpha1.ReasonUnknownNeighbourhood, fmt.Sprintf(
			"spec.neighbourhoods: %s has no neighbourhood %s; add it to the IntegratedCareSystem or correct the name",
			ics.Spec.DisplayName, strings.Join(unknown, ", "))}
	}
	return nil
}

// assign decides which entry each service gets. Registered entries are the start, and they never overlap; declarations then
// take their place as far as they don't either.
func assign(registered, candidates map[string]directory.Service) map[string]directory.Service {
	// All at once first, so that two services can exchange neighbourhoods in one commit.
	together := maps.Clone(registered)
	maps.Copy(together, candidates)
	if disjoint(together) {
		return together
	}
	entries := maps.Clone(registered)
	// Then one by one, registered services before new ones, until nothing moves: what one gives up another can take.
	for moved := true; moved; {
		moved = false
		for _, wantRegistered := range []bool{true, false} {
			for _, name := range sortedNames(candidates) {
				candidate := candidates[name]
				if _, isRegistered := registered[name]; isRegistered != wantRegistered {
					continue
				}
				if got, ok := entries[name]; ok && got.Digest() == candidate.Digest() {
					continue
				}
				if len(conflicts(name, candidate, entries)) == 0 {
					entries[name] = candidate
					moved = true
				}
			}
		}
	}
	return entries
}

func disjoint(entries map[string]directory.Service) bool {
	for name, service := range entries {
		if len(conflicts(name, service, entries)) > 0 {
			return false
		}
	}
	return true
}

// conflicts names the other services that hold one of the entry's neighbourhoods for one of its functions, and which.
func conflicts(name string, service directory.Service, entries map[string]directory.Service) []string {
	var found []string
	for _, other := range sortedNames(entries) {
		if other == name {
			continue
		}
		for _, neighbourhood := range service.Neighbourhoods {
			if !slices.Contains(entries[other].Neighbourhoods, neighbourhood) {
				continue
			}
			for _, function := range service.Functions {
				if slices.Contains(entries[other].Functions, function) {
					found = append(found, fmt.Sprintf("%q (%s) belongs to service %s", neighbourhood, function, other))
				}
			}
		}
	}
	return found
}

func overlap(name string, candidate directory.Service, entries map[string]directory.Service) verdict {
	return verdict{false, v1alpha1.ReasonOverlap, "spec.neighbourhoods: " + strings.Join(conflicts(name, candidate, entries), "; ") +
		"; take it out of one of the two"}
}

func sortedNames(entries map[string]directory.Service) []string {
	return slices.Sorted(maps.Keys(entries))
}
