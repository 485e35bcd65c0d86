package server_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

const fhirFolder = "../../../test/fhir"

// installed brings what the lock file of test/fhir pins, unless that is there already.
var installed = sync.OnceValue(func() error {
	lock, err := os.ReadFile(filepath.Join(fhirFolder, "package-lock.json"))
	if err != nil {
		return err
	}
	mark := filepath.Join(fhirFolder, "node_modules/.installed")
	if of, err := os.ReadFile(mark); err == nil && bytes.Equal(of, lock) {
		return nil
	}
	install := exec.Command("npm", "ci", "--ignore-scripts", "--silent")
	install.Dir = fhirFolder
	if out, err := install.CombinedOutput(); err != nil {
		return fmt.Errorf("fetching the definitions of FHIR R4 with npm: %w: %s", err, out)
	}
	return os.WriteFile(mark, lock, 0o644)
})

// checker is test/fhir/check.js at work: one process for all tests, which ends with them because its input does.
type checker struct {
	mu  sync.Mutex
	in  io.Writer
	out *bufio.Reader
}

var r4Checker checker

// broken is what the resource breaks of the definitions of R4.
func (c *checker) broken(t testing.TB, resource []byte) (all []string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.in == nil {
		if err := c.start(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := fmt.Fprintf(c.in, "%s\n", resource); err != nil {
		t.Fatal(err)
	}
	line, err := c.out.ReadBytes('\n')
	if err != nil {
		t.Fatalf("the checker ended: %v", err)
	}
	if err := json.Unmarshal(line, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func (c *checker) start() error {
	if err := installed(); err != nil {
		return err
	}
	node := exec.Command("node", "check.js")
	node.Dir, node.Stderr = fhirFolder, os.Stderr
	out, err := node.StdoutPipe()
	if err != nil {
		return err
	}
	in, err := node.StdinPipe()
	if err != nil {
		return err
	}
	if err := node.Start(); err != nil {
		return err
	}
	c.in, c.out = in, bufio.NewReader(out)
	return nil
}

// The elements that the intake knows are those of the published definitions.
func TestFHIRElementsArePublished(t *testing.T) {
	t.Parallel()
	if err := installed(); err != nil {
		t.Fatal(err)
	}
	elements := exec.Command("node", "elements.js")
	elements.Dir = fhirFolder
	want, err := elements.Output()
	if err != nil {
		t.Fatal(err)
	}
	const path = "../fhir/elements.json"
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is stale (%v): run `go test ./internal/coordination/server -run TestFHIRElements -update`", path, err)
	}
}

// The checker knows every invariant of the kinds that are served, and finds what is broken.
func TestFHIRCheckerFindsWhatIsBroken(t *testing.T) {
	t.Parallel()
	if err := installed(); err != nil {
		t.Fatal(err)
	}
	kinds := append([]string{"check.js", "--list", "Patient", "PractitionerRole", "Organization", "HealthcareService", "Bundle", "OperationOutcome", "CapabilityStatement"}, fhirKinds...)
	list := exec.Command("node", kinds...)
	list.Dir = fhirFolder
	raw, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	var invariants []string
	if err := json.Unmarshal(raw, &invariants); err != nil || len(invariants) < 50 {
		t.Fatalf("%d invariants: %v", len(invariants), err)
	}
	ref := object{"reference": "Patient/1"}
	code := object{"text": "x"}
	full := map[string]object{
		"Patient":      {"id": "1", "name": []any{object{"family": "x", "period": object{"start": "2026-01-01", "end": "2026-02-01"}}}, "extension": []any{object{"url": "x:y", "valueCode": "z"}}},
		"Observation":  {"status": "final", "code": code, "valueQuantity": object{"value": 1, "unit": "x"}},
		"Organization": {"name": "x"}, "Task": {"status": "requested", "intent": "order", "authoredOn": "2026-01-01", "lastModified": "2026-01-02"},
		"CarePlan": {"status": "active", "intent": "plan", "subject": ref, "activity": []any{object{"detail": object{"status": "completed"}}}},
		"Bundle":   {"type": "searchset", "total": 1, "entry": []any{object{"fullUrl": "http://x/Patient/1", "resource": object{"resourceType": "Patient", "id": "1"}, "search": object{"mode": "match"}}}},
		"CareTeam": {"participant": []any{object{"member": object{"reference": "Practitioner/1"}}}}, "ServiceRequest": {"status": "active", "intent": "order", "subject": ref},
		"QuestionnaireResponse": {"status": "completed", "item": []any{object{"linkId": "1", "answer": []any{object{"valueInteger": 1}}}}},
		"Goal":                  {"lifecycleStatus": "active", "description": code, "subject": ref},
	}
	for kind, resource := range full {
		resource["resourceType"] = kind
		whole, _ := json.Marshal(resource)
		if broken := r4Checker.broken(t, whole); len(broken) != 0 {
			t.Errorf("%s: %v", kind, broken)
		}
	}
	for _, m := range []struct {
		kind, element string
		value         any
		breaks        string
	}{
		{"Patient", "name", []any{object{"family": "x", "period": object{"start": "2026-03-01", "end": "2026-02-01"}}}, "per-1"},
		{"Patient", "name", []any{object{}}, "ele-1"},
		{"Patient", "extension", []any{object{"url": "x:y"}}, "ext-1"},
		{"Patient", "extension", []any{object{"url": "x:y", "valueCode": "z", "extension": []any{object{"url": "x:y", "valueCode": "z"}}}}, "ext-1"},
		{"Patient", "contact", []any{object{"gender": "male"}}, "pat-1"},
		{"Patient", "telecom", []any{object{"value": "1"}}, "cpt-2"},
		{"Patient", "contained", []any{object{"resourceType": "Organization", "id": "o", "name": "x"}}, "dom-3"},
		{"Patient", "generalPractitioner", []any{object{"reference": "#o"}}, "ref-1"},
		{"Patient", "gender", "man", "a code outside"},
		{"Patient", "birthday", "1984-02-29", "not defined"},
		{"Patient", "birthDate", []any{"1984-02-29"}, "a list"},
		{"Patient", "name", object{"family": "x"}, "no list"},
		{"Observation", "dataAbsentReason", code, "obs-6"},
		{"Observation", "referenceRange", []any{object{"appliesTo": []any{code}}}, "obs-3"},
		{"Observation", "valueQuantity", object{"value": 1, "code": "x"}, "qty-3"},
		{"Observation", "valueInteger", 1, "2 of 0..1"},
		{"Observation", "code", nil, "0 of 1..1"},
		{"Organization", "name", nil, "org-1"},
		{"Task", "lastModified", "2025-12-31", "inv-1"},
		{"CarePlan", "activity", []any{object{"detail": object{"status": "completed"}, "reference": object{"reference": "Task/1"}}}, "cpl-3"},
		{"CarePlan", "status", "done", "a code outside"},
		{"Bundle", "type", "batch", "bdl-1"},
		{"Bundle", "entry", []any{object{"search": object{"mode": "match"}}}, "bdl-5"},
		{"CareTeam", "participant", []any{object{"onBehalfOf": object{"reference": "Organization/1"}, "member": object{"reference": "Patient/1"}}}, "ctm-1"},
		{"ServiceRequest", "orderDetail", []any{code}, "prr-1"},
		{"QuestionnaireResponse", "item", []any{object{"linkId": "1", "answer": []any{object{"valueInteger": 1}}, "item": []any{object{"linkId": "2"}}}}, "qrs-1"},
		{"Goal", "target", []any{object{"detailString": "x"}}, "gol-1"},
	} {
		mutant := maps.Clone(full[m.kind])
		mutant[m.element] = m.value
		if m.value == nil {
			delete(mutant, m.element)
		}
		raw, _ := json.Marshal(mutant)
		broken := r4Checker.broken(t, raw)
		if !slices.ContainsFunc(broken, func(b string) bool { return strings.Contains(b, m.breaks) }) {
			t.Errorf("%s passes as unbroken or for another reason: want %s, found %v", raw, m.breaks, broken)
		}
		if !strings.Contains(m.breaks, " ") && !slices.Contains(invariants, m.breaks) {
			t.Errorf("%s is not among the invariants of the kinds that are served", m.breaks)
		}
	}
}
