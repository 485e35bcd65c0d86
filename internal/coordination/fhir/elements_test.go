package fhir

import (
	"encoding/json"
	"testing"

	"github.com/cmhf/operator/internal/coordination/problem"
	"github.com/cmhf/operator/internal/coordination/rest"
)

// Whatever is sent, it is refused with a problem or can be read.
func FuzzWellFormed(f *testing.F) {
	for _, body := range []string{
		`{}`, `[]`, `null`, `{"resourceType":"ServiceRequest"}`, `{"resourceType":"ServiceRequest","status":"active","_status":{"id":"x"}}`,
		`{"resourceType":"ServiceRequest","contained":[{"resourceType":"Patient","name":[{"given":["x",null],"_given":[null,{"id":"y"}]}],"identifier":[{"system":"x","_value":{"extension":[{"url":"x","valueCode":"y"}]}}]}]}`,
		`{"resourceType":"ServiceRequest","doNotPerform":false,"quantityQuantity":{"value":1e3},"extension":[{"url":"x","extension":[{"url":"y","valueBoolean":true}]}]}`,
		`{"resourceType":"ServiceRequest","note":[{"text":1}],"_note":[{}],"resourcetype":"x"}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if rest.CheckJSON(body) != nil { // refused before
			return
		}
		if err := wellFormed("ServiceRequest", body); err != nil {
			asProblem(err)
			return
		}
		var sent sentRequest
		if err := json.Unmarshal(body, &sent); err != nil {
			t.Errorf("%s is taken and cannot be read: %v", body, err)
		}
		for _, raw := range sent.Contained {
			var kind contained
			if err := json.Unmarshal(raw, &kind); err != nil || kind.ResourceType != "Patient" {
				continue
			}
			if _, err := detailsOf(raw); err != nil {
				if _, ok := err.(*problem.Problem); !ok {
					t.Errorf("%s is taken and cannot be read: %v", raw, err)
				}
			}
		}
	})
}
