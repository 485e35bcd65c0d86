package health

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// A Job that has failed before and tries again is neither well nor lost, and says so.
func TestJob(t *testing.T) {
	for status, want := range map[string]State{
		`{active: 1}`:            {Message: "has not completed yet"},
		`{active: 1, failed: 2}`: {Retrying: true, Message: "has not completed yet: 2 of its pods failed, and it tries again"},
		`{failed: 1, conditions: [{type: SuccessCriteriaMet, status: "True"}, {type: Complete, status: "True"}]}`:         {Ready: true, Message: "completed"},
		`{failed: 7, conditions: [{type: Failed, status: "True", message: Job has reached the specified backoff limit}]}`: {Failed: true, Message: "Job has reached the specified backoff limit"},
	} {
		object := &unstructured.Unstructured{}
		raw, err := yaml.YAMLToJSON([]byte("apiVersion: batch/v1\nkind: Job\nstatus: " + status))
		if err != nil {
			t.Fatal(err)
		}
		if err := object.UnmarshalJSON(raw); err != nil {
			t.Fatal(err)
		}
		if got := Of(object); got != want {
			t.Errorf("%s: %+v, not %+v", status, got, want)
		}
	}
}
