package stack

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// resources lays over what a container asks for and may use, and tells a Go program how much memory that is.
func resources(container string, r Resources) edit {
	return inContainer(container, func(c map[string]any) error {
		if err := setResources(c, r); err != nil {
			return err
		}
		return setMemoryLimit(c)
	})
}

// setResources does so for a container, or for whatever else has resources.
func setResources(container map[string]any, r Resources) error {
	for _, amount := range []struct {
		name           string
		request, limit string
	}{{"cpu", r.Requests.CPU, r.Limits.CPU}, {"memory", r.Requests.Memory, r.Limits.Memory}} {
		if err := setAmount(container, amount.name, amount.request, amount.limit); err != nil {
			return fmt.Errorf("setting %s: %w", amount.name, err)
		}
	}
	return nil
}

// setAmount sets what is given. Of what is not, a limit that would be too low is raised to the request, and a request that
// would be too high is lowered to the limit.
func setAmount(container map[string]any, name, request, limit string) error {
	requests, limits := []string{"resources", "requests", name}, []string{"resources", "limits", name}
	for _, given := range []struct {
		value string
		path  []string
	}{{request, requests}, {limit, limits}} {
		if given.value != "" {
			if err := set(container, given.value, given.path...); err != nil {
				return err
			}
		}
	}
	requested, _, err := unstructured.NestedString(container, requests...)
	if err != nil {
		return err
	}
	limited, found, err := unstructured.NestedString(container, limits...)
	if err != nil || !found {
		return err
	}
	low, err := below(limited, requested)
	switch {
	case err != nil || !low:
		return err
	case limit == "":
		return set(container, requested, limits...)
	case request == "":
		return set(container, limited, requests...)
	default:
		return fmt.Errorf("the limit %s is below the request %s", limited, requested)
	}
}

func below(a, b string) (bool, error) {
	first, err := resource.ParseQuantity(a)
	if err != nil {
		return false, fmt.Errorf("reading the quantity %q: %w", a, err)
	}
	second, err := resource.ParseQuantity(b)
	if err != nil {
		return false, fmt.Errorf("reading the quantity %q: %w", b, err)
	}
	return first.Cmp(second) < 0, nil
}

// setMemoryLimit lets a Go program collect its garbage before the limit is met, with a tenth to spare for what the collector
// does not count. Programs without the variable are not written in Go.
func setMemoryLimit(container map[string]any) error {
	limit, _, err := unstructured.NestedString(container, "resources", "limits", "memory")
	if err != nil {
		return err
	}
	bytes, err := resource.ParseQuantity(limit)
	if err != nil {
		return fmt.Errorf("reading the limit of memory %q: %w", limit, err)
	}
	variables, err := listAt(container, "env")
	if err != nil {
		return err
	}
	for _, v := range variables {
		if variable, ok := v.(map[string]any); ok && variable["name"] == "GOMEMLIMIT" {
			variable["value"] = fmt.Sprintf("%dMiB", bytes.Value()/10*9>>20)
		}
	}
	return nil
}
