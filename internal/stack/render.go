package stack

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"reflect"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/lru"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/patch"
)

//go:embed kustomize
var embedded embed.FS

// Renderer builds stacks from the kustomize directories inside this binary. It may be used by several goroutines.
type Renderer struct {
	// mu guards kustomize, whose OpenAPI schema is process-wide, and the maps.
	mu sync.Mutex
	// bases holds the built base (L1) by set of components.
	bases map[string][]*unstructured.Unstructured
	// last holds the last stacks of the tenants that were looked at last: most reconciles render what the one before did.
	last *lru.Cache
}

// lastStacks bounds the memory of the renderer, some tens of kibibytes a stack. A stack that is not among them takes a few
// milliseconds to render again.
const lastStacks = 64

type rendered struct {
	in      Inputs
	objects []*unstructured.Unstructured
}

// NewRenderer returns a renderer with nothing built yet.
func NewRenderer() *Renderer {
	return &Renderer{bases: map[string][]*unstructured.Unstructured{}, last: lru.New(lastStacks)}
}

// Render gives the objects of a tenant's stack in the order in which they are applied, each with its render hash. The caller
// must not change them. A failure within kustomize, a panic included, comes back as an error.
func (r *Renderer) Render(in Inputs) ([]*unstructured.Unstructured, error) {
	if err := in.Check(); err != nil {
		return nil, err
	}
	if in.Hibernated {
		in.CoordinationAPI.Replicas, in.Dashboard.Replicas = 0, 0
		in.CoordinationAPI.Autoscaling, in.Dashboard.Autoscaling = Autoscaling{}, Autoscaling{}
	}
	var err error
	if in.Images, err = in.Images.From(in.Registry); err != nil {
		return nil, fmt.Errorf("rendering the stack of %q: naming its images: %w", in.Name, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if last, ok := r.last.Get(in.Name); ok && reflect.DeepEqual(last.(rendered).in, in) {
		return last.(rendered).objects, nil
	}
	objects, err := r.render(in)
	if err == nil {
		r.last.Add(in.Name, rendered{in, objects})
	}
	return objects, err
}

func (r *Renderer) render(in Inputs) (objects []*unstructured.Unstructured, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("rendering the stack of %q: kustomize panicked: %v", in.Name, p)
		}
	}()
	base, err := r.base(components(in))
	if err != nil {
		return nil, err
	}
	objects, err = overlay(in, base)
	if err != nil {
		return nil, fmt.Errorf("rendering the stack of %q: %w", in.Name, err)
	}
	if err := patch.Apply(objects, in.Patches); err != nil {
		return nil, fmt.Errorf("patching the stack of %q: %w", in.Name, err)
	}
	if err := settle(objects); err != nil {
		return nil, fmt.Errorf("rendering the stack of %q: %w", in.Name, err)
	}
	if err := errors.Join(check(in, objects)...); err != nil {
		return nil, fmt.Errorf("rendering the stack of %q: %w", in.Name, err)
	}
	return objects, nil
}

// components names the optional parts that a tenant has, as folders of kustomize/components.
func components(in Inputs) []string {
	names := []string{strings.ToLower(in.Database.Engine), "backup"}
	if in.Database.VolumeSnapshots.Class != "" {
		names = append(names, "cloudnativepg-snapshots")
	}
	if in.Database.ObjectStore.Name != "" {
		names = append(names, "cloudnativepg-object-store")
	}
	if in.Database.Restore.Backup != "" {
		names = append(names, "restore")
	}
	for _, p := range []struct {
		name    string
		program Program
	}{{"coordination-api", in.CoordinationAPI}, {"dashboard", in.Dashboard}} {
		if p.program.fewest() > 1 {
			names = append(names, "disruption-"+p.name)
		}
		if p.program.Autoscaling.Max > 0 {
			names = append(names, "autoscaling-"+p.name)
		}
	}
	switch in.Exposure.Type {
	case v1alpha1.ExposureIngress:
		names = append(names, "exposure-ingress")
	case v1alpha1.ExposureGateway:
		names = append(names, "exposure-gateway")
	}
	if logins := loginsComponent(in); logins != "" {
		names = append(names, logins)
	}
	return names
}

// base gives the base built with some components.
func (r *Renderer) base(components []string) ([]*unstructured.Unstructured, error) {
	key := strings.Join(components, ",")
	if built, ok := r.bases[key]; ok {
		return built, nil
	}
	k := types.Kustomization{Resources: []string{"../base"}}
	for _, name := range components {
		k.Components = append(k.Components, "../components/"+name)
	}
	files := map[string][]byte{}
	err := fs.WalkDir(embedded, "kustomize", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files[name], err = embedded.ReadFile(name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the base of the stack: %w", err)
	}
	built, err := build(files, k)
	if err != nil {
		return nil, fmt.Errorf("building the base of the stack with %s: %w", key, err)
	}
	objects, err := decode(built)
	if err != nil {
		return nil, fmt.Errorf("reading the base of the stack with %s: %w", key, err)
	}
	r.bases[key] = objects
	return objects, nil
}

// build runs kustomize in memory over the files and returns what a kustomization beside them gives.
func build(files map[string][]byte, k types.Kustomization) (resmap.ResMap, error) {
	const folder = "kustomize/with-components"
	text, err := yaml.Marshal(k)
	if err != nil {
		return nil, fmt.Errorf("writing the kustomization: %w", err)
	}
	files[path.Join(folder, "kustomization.yaml")] = text
	memory := filesys.MakeFsInMemory()
	for name, text := range files {
		if err := memory.WriteFile(name, text); err != nil {
			return nil, fmt.Errorf("laying out %s: %w", name, err)
		}
	}
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionNone
	return krusty.MakeKustomizer(options).Run(memory, folder)
}

func decode(built resmap.ResMap) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	for _, res := range built.Resources() {
		raw, err := json.Marshal(res)
		if err != nil {
			return nil, fmt.Errorf("encoding %s: %w", res.CurId(), err)
		}
		object := &unstructured.Unstructured{}
		if err := object.UnmarshalJSON(raw); err != nil {
			return nil, fmt.Errorf("decoding %s: %w", res.CurId(), err)
		}
		objects = append(objects, object)
	}
	return objects, nil
}
