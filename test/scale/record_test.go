package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
)

// The floor makes of an operator's writes each object and each status once, as it is at the end, and takes nothing away.
func TestNeededWrites(t *testing.T) {
	one := func(method, contentType, path, body string) write {
		return write{method: method, contentType: contentType, path: path, body: []byte(body)}
	}
	const apply, merge = "application/apply-patch+yaml", "application/merge-patch+json"
	kept := needed([]write{
		one(http.MethodPatch, merge, "/system", "finalizer"),
		one(http.MethodPut, "application/json", "/system/status", "first"),
		one(http.MethodPatch, apply, "/map", "first"),
		one(http.MethodPost, "protobuf", "/secrets", "a"),
		one(http.MethodPost, "protobuf", "/secrets", "b"),
		one(http.MethodPatch, apply, "/map", "last"),
		one(http.MethodPatch, merge, "/map", "an annotation"),
		one(http.MethodDelete, "", "/job", ""),
		one(http.MethodPut, "application/json", "/system/status", "last"),
	})
	var bodies []string
	for _, w := range kept {
		bodies = append(bodies, string(w.body))
	}
	if diff := cmp.Diff([]string{"finalizer", "last", "last", "a", "b"}, bodies); diff != "" {
		t.Errorf("other writes are kept (-want +got):\n%s", diff)
	}
}

// A write for another system is a member of that system's set, and updates a status from the version that is known.
func TestWriteForAnotherTenant(t *testing.T) {
	set := func(system string) string {
		return applyset.ID(system, schema.GroupKind{Group: v1alpha1.Group, Kind: "IntegratedCareSystem"})
	}
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"name": "za01", "uid": "1", "resourceVersion": "1", "labels": map[string]any{applyset.LabelPartOf: set("za01")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	status := write{method: http.MethodPut, contentType: "application/json", path: resources + "integratedcaresystems/za01/status", body: body}
	known := &versions{}
	known.set(resources+"integratedcaresystems/za02", "7")
	for _, turn := range []func(write) (write, error){
		func(w write) (write, error) { return w.forTenant("za01", "za02") },
		func(w write) (write, error) { return w.versioned(known) },
	} {
		if status, err = turn(status); err != nil {
			t.Fatal(err)
		}
	}
	var got any
	if err := json.Unmarshal(status.body, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"metadata": map[string]any{
		"name": "za02", "resourceVersion": "7", "labels": map[string]any{applyset.LabelPartOf: set("za02")},
	}}
	if diff := cmp.Diff(any(want), got); diff != "" || status.path != resources+"integratedcaresystems/za02/status" {
		t.Errorf("the write goes to %s with (-want +got):\n%s", status.path, diff)
	}
}

type accepting struct{}

func (accepting) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

// A dry run is no write, whether the address or, as for a deletion, the body says so.
func TestDryRunsAreNotRecorded(t *testing.T) {
	r := &recorder{}
	to := recording{r, accepting{}}
	for _, call := range []struct {
		method, body string
		query        url.Values
	}{
		{http.MethodDelete, `{"dryRun":["All"]}`, nil}, {http.MethodPatch, `{}`, url.Values{"dryRun": {"All"}}}, {http.MethodPatch, `{}`, nil},
	} {
		request, err := http.NewRequestWithContext(t.Context(), call.method, "https://example.org/api/v1/namespaces/a?"+call.query.Encode(), strings.NewReader(call.body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := to.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if taken := r.take(); len(taken) != 1 || taken[0].method != http.MethodPatch || taken[0].query.Has("dryRun") {
		t.Errorf("recorded are %+v", taken)
	}
}
