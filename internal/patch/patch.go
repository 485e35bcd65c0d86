// Package patch changes rendered objects as a platform team's patches say, where there is no setting for what they want. Its duty:
// apply each patch to the one object that it names, and let through only changes that are on the list of what may be changed
// (see allowed.go). The list says what may be and not what may not, so that a field that nobody has thought of is protected.
//
// Patches are applied by kustomize, one object and one patch at a time; nothing but the patch comes from outside, no
// kustomization, generator, path or OpenAPI schema. Kustomize keeps state of the process: the caller must see to it that only one
// goroutine is in here at a time. The package knows neither tenants nor the cluster.
package patch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/resid"
)

// Patch changes one object.
type Patch struct {
	// Kind and Name of the object.
	Kind, Name string
	// Text is a strategic merge patch or a list of JSON patch (RFC 6902) operations, as YAML or JSON.
	Text string
}

// RefusedError says which patch can't be applied, and why.
type RefusedError struct {
	// Index of the patch in the list.
	Index int
	Patch Patch
	// Path of the field that must not be changed; empty when the patch is at fault as a whole.
	Path string
	Why  string
}

func (e *RefusedError) Error() string {
	where := fmt.Sprintf("patches[%d] (%s %s)", e.Index, e.Patch.Kind, e.Patch.Name)
	if e.Path != "" {
		where += " at " + e.Path
	}
	return where + ": " + e.Why
}

// Apply changes the objects in place. The first patch that is refused comes back as *RefusedError; some objects may be changed by then.
func Apply(objects []*unstructured.Unstructured, patches []Patch) error {
	for i, p := range patches {
		refuse := func(path, why string) error { return &RefusedError{Index: i, Patch: p, Path: path, Why: why} }
		at := slices.IndexFunc(objects, func(o *unstructured.Unstructured) bool { return o.GetKind() == p.Kind && o.GetName() == p.Name })
		if at < 0 {
			return refuse("", "the stack has no such object as it is declared")
		}
		after, err := one(objects[at], p.Text)
		if err != nil {
			return refuse("", err.Error())
		}
		if path, ok := forbidden(objects[at], after); ok {
			return refuse(path, "must not be changed by a patch; docs/integratedcaresystem.md lists what may")
		}
		objects[at].Object = after.Object
	}
	return nil
}

// one applies a patch to a copy of the object.
func one(object *unstructured.Unstructured, text string) (after *unstructured.Unstructured, err error) {
	defer func() {
		if p := recover(); p != nil {
			after, err = nil, fmt.Errorf("kustomize panicked: %v", p)
		}
	}()
	return run(object, text)
}

func run(object *unstructured.Unstructured, text string) (*unstructured.Unstructured, error) {
	patch, err := read(object, text)
	if err != nil {
		return nil, err
	}
	raw, err := object.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("encoding the object: %w", err)
	}
	kustomization, err := json.Marshal(types.Kustomization{
		Resources: []string{"object.yaml"},
		Patches:   []types.Patch{{Patch: patch, Target: &types.Selector{ResId: resid.ResId{Gvk: resid.Gvk{Kind: object.GetKind()}}}}},
	})
	if err != nil {
		return nil, fmt.Errorf("writing the kustomization: %w", err)
	}
	memory := filesys.MakeFsInMemory()
	if err := errors.Join(memory.WriteFile("object.yaml", raw), memory.WriteFile("kustomization.yaml", kustomization)); err != nil {
		return nil, fmt.Errorf("laying out the object: %w", err)
	}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(memory, ".")
	if err != nil {
		return nil, fmt.Errorf("the patch can't be applied: %w", err)
	}
	if built.Size() != 1 {
		return nil, fmt.Errorf("the patch leaves %d objects of one", built.Size())
	}
	if raw, err = json.Marshal(built.Resources()[0]); err != nil {
		return nil, fmt.Errorf("encoding the patched object: %w", err)
	}
	after := &unstructured.Unstructured{}
	if err := after.UnmarshalJSON(raw); err != nil {
		return nil, fmt.Errorf("the patch leaves no object: %w", err)
	}
	return after, nil
}

// maxDepth is deeper than any field of the objects lies.
const maxDepth = 40

// read checks a patch before kustomize sees it, and gives a strategic merge patch the identity of its target, which kustomize asks for.
func read(object *unstructured.Unstructured, text string) (string, error) {
	decoder := yaml.NewDecoder(bytes.NewReader([]byte(text)))
	var document yaml.Node
	if err := decoder.Decode(&document); err != nil {
		return "", fmt.Errorf("the patch is no YAML: %w", err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return "", errors.New("the patch must be one YAML document: give each object a patch of its own")
	}
	if err := plain(&document, maxDepth); err != nil {
		return "", err
	}
	var value any
	if err := document.Decode(&value); err != nil {
		return "", fmt.Errorf("the patch is no YAML: %w", err)
	}
	switch patch := value.(type) {
	case map[string]any:
		patch["apiVersion"], patch["kind"] = object.GetAPIVersion(), object.GetKind()
		metadata, ok := patch["metadata"].(map[string]any)
		if !ok && patch["metadata"] != nil {
			return "", errors.New("metadata of the patch is no object")
		}
		if metadata == nil {
			metadata = map[string]any{}
		}
		metadata["name"] = object.GetName()
		patch["metadata"] = metadata
	case []any:
		for i, entry := range patch {
			operation, _ := entry.(map[string]any)
			if op, _ := operation["op"].(string); !slices.Contains([]string{"add", "remove", "replace", "test"}, op) {
				return "", fmt.Errorf("operation %d must be add, remove, replace or test", i)
			}
		}
	default:
		return "", errors.New("the patch is neither an object (strategic merge) nor a list of operations (JSON patch)")
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("the patch is nothing that JSON can say: %w", err)
	}
	return string(raw), nil
}

// plain refuses what could grow far beyond the length of its text, and what JSON does not know.
func plain(node *yaml.Node, depth int) error {
	switch {
	case depth == 0:
		return fmt.Errorf("line %d: nested more than %d deep", node.Line, maxDepth)
	case node.Kind == yaml.AliasNode || node.Anchor != "":
		return fmt.Errorf("line %d: anchors and aliases are not taken; write it out", node.Line)
	}
	for _, child := range node.Content {
		if err := plain(child, depth-1); err != nil {
			return err
		}
	}
	return nil
}
