package integratedcaresystem

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// What counts as the place where the tenant's data are.
func TestHolderIs(t *testing.T) {
	for name, test := range map[string]struct {
		there, recorded holder
		want            bool
	}{
		"the same claim":                        {holder{id: "a", system: ""}, holder{id: "a", system: ""}, true},
		"another claim":                         {holder{id: "b", system: ""}, holder{id: "a", system: ""}, false},
		"nothing":                               {holder{}, holder{}, false},
		"gone":                                  {holder{}, holder{id: "a", system: "7"}, false},
		"the same Cluster, the same database":   {holder{id: "a", system: "7"}, holder{id: "a", system: "7"}, true},
		"the same Cluster, another database":    {holder{id: "a", system: "8"}, holder{id: "a", system: "7"}, false},
		"a restored Cluster, the same database": {holder{id: "b", system: "7"}, holder{id: "a", system: "7"}, true},
		"a new Cluster that says nothing yet":   {holder{id: "b", system: ""}, holder{id: "a", system: "7"}, false},
		"the same Cluster, recorded before":     {holder{id: "a", system: "7"}, holder{id: "a", system: ""}, true},
	} {
		if got := test.there.same(test.recorded); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestGrowth(t *testing.T) {
	claim := func(name, wants, has string) unstructured.Unstructured {
		return unstructured.Unstructured{Object: map[string]any{
			"metadata": map[string]any{"name": name},
			"spec":     map[string]any{"resources": map[string]any{"requests": map[string]any{"storage": wants}}},
			"status":   map[string]any{"capacity": map[string]any{"storage": has}},
		}}
	}
	if got := growth([]unstructured.Unstructured{claim("a", "10Gi", "10Gi")}); got != "" {
		t.Errorf("nothing grows, but %q", got)
	}
	got := growth([]unstructured.Unstructured{claim("b", "20Gi", "10Gi"), claim("a", "20Gi", "10Gi"), claim("c", "20Gi", "")})
	if want := " (a grows from 10Gi to 20Gi, b grows from 10Gi to 20Gi)"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
}
