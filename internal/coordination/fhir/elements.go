package fhir

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/cmhf/operator/internal/coordination/problem"
)

// elementsJSON are the elements of the resources that may be sent, made from R4's definitions by test/fhir/elements.js.
//
//go:embed elements.json
var elementsJSON []byte

// r4 has, by type, the name of each element with the element's type, after * where it is a list; and the form of each primitive type.
var r4 = sync.OnceValue(func() (known struct {
	types      map[string]map[string]string
	primitives map[string]*regexp.Regexp
}) {
	var read struct {
		Types      map[string]map[string]string
		Primitives map[string]string
	}
	if err := json.Unmarshal(elementsJSON, &read); err != nil {
		panic(err) // embedded
	}
	known.types, known.primitives = read.Types, map[string]*regexp.Regexp{}
	for name, pattern := range read.Primitives {
		if pattern == "" {
			pattern = `[\s\S]+`
		}
		known.primitives[name] = regexp.MustCompile(`^(?:` + pattern + `)$`)
	}
	return known
})

// wellFormed refuses a resource with an element that R4 does not define there, of another type or form, or empty, and one with an element
// that changes what others mean. Who ignored any of these could act on less than was said. The refusal names the element, or the one in
// which an unknown one stands, whose own name may be a value.
func wellFormed(kind string, body []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return problem.New(problem.Malformed, "The body is not well-formed JSON.")
	}
	whole, ok := value.(map[string]any)
	if !ok {
		return problem.New(problem.Malformed, "The body is no FHIR resource.")
	}
	if whole["resourceType"] != kind {
		return problem.InvalidField("resourceType", "post a %s here", kind)
	}
	return elementsOf(whole, kind, kind)
}

func elementsOf(value map[string]any, kind, at string) error {
	if len(value) == 0 {
		return problem.InvalidField(at, "an element is never empty in FHIR")
	}
	for _, name := range slices.Sorted(maps.Keys(value)) { // the same body has the same refusal
		if name == "modifierExtension" || name == "implicitRules" {
			return problem.InvalidField(at, "modifierExtension and implicitRules change what the rest means, and are not understood here")
		}
		bare, isExtended := strings.CutPrefix(name, "_")
		its, known := r4().types[kind][bare]
		switch primitive := r4().primitives[strings.TrimPrefix(its, "*")] != nil; {
		case name == "resourceType" && isResource(kind):
			continue
		case !known, isExtended && !primitive:
			return problem.InvalidField(at, "it has an element that R4 does not define there")
		case isExtended:
			its = strings.Replace(its, strings.TrimPrefix(its, "*"), "Element", 1)
		}
		if err := elementOf(value[name], its, at+"."+bare); err != nil {
			return err
		}
	}
	return nil
}

func isResource(kind string) bool { return r4().types[kind]["meta"] == "Meta" }

// elementOf checks one element, or each of a list. A list of primitive values, or of what extends them, has null where the other has something.
func elementOf(value any, its, at string) error {
	its, many := strings.CutPrefix(its, "*")
	all, isList := value.([]any)
	if many != isList {
		return problem.InvalidField(at, "the element is of another type in FHIR: some are lists, others are not")
	}
	if !isList {
		return oneOf(value, its, at)
	}
	if len(all) == 0 {
		return problem.InvalidField(at, "an element is never empty in FHIR")
	}
	for _, one := range all {
		if one == nil && (its == "Element" || r4().primitives[its] != nil) {
			continue
		}
		if err := oneOf(one, its, at); err != nil {
			return err
		}
	}
	return nil
}

func oneOf(value any, its, at string) error {
	if form := r4().primitives[its]; form != nil {
		text, ok := spelt(value, its)
		switch {
		case !ok:
			return problem.InvalidField(at, "the element is of another type in FHIR")
		case !form.MatchString(text):
			return problem.InvalidField(at, "the value has not the form of its type in FHIR")
		}
		return nil
	}
	within, isObject := value.(map[string]any)
	if !isObject {
		return problem.InvalidField(at, "the element is of another type in FHIR")
	}
	if its != "Resource" {
		return elementsOf(within, its, at)
	}
	kind, isText := within["resourceType"].(string)
	if !isText {
		return problem.InvalidField(at, "a contained resource says its resourceType")
	}
	if !isResource(kind) { // a kind that nothing here reads: it is kept as it came
		return nil
	}
	return elementsOf(within, kind, at)
}

// spelt is a primitive value as it was written, if JSON has it as the type wants.
func spelt(value any, its string) (text string, ok bool) {
	switch its {
	case "boolean":
		_, ok = value.(bool)
		return "true", ok
	case "integer", "decimal", "positiveInt", "unsignedInt":
		var n json.Number
		n, ok = value.(json.Number)
		return n.String(), ok
	}
	text, ok = value.(string)
	return text, ok
}
