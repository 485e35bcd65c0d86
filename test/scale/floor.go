package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/cmhf/operator/api/v1alpha1"
	"github.com/cmhf/operator/internal/applyset"
)

// workers of the floor. The operator looks after twice as many systems at a time, because each of them also waits.
const workers = 8

// versions are those of users' resources by path: an update of a status names the one that it knows, as the operator's do.
type versions struct {
	mu   sync.Mutex
	seen map[string]string
}

func (v *versions) set(path, version string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.seen == nil {
		v.seen = map[string]string{}
	}
	v.seen[path] = version
}

func (v *versions) get(path string) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.seen[path]
}

const resources = "/apis/cmhf.health/v1alpha1/"

func pathOf(object client.Object) string {
	if object.GetNamespace() == "" {
		return resources + "integratedcaresystems/" + object.GetName()
	}
	return resources + "namespaces/" + object.GetNamespace() + "/corecommunityservices/" + object.GetName()
}

// forTenant turns a write for the system prototype into the same write for another, whose set of objects is its own.
func (w write) forTenant(prototype, name string) (write, error) {
	set := func(system string) string {
		return applyset.ID(system, schema.GroupKind{Group: v1alpha1.Group, Kind: "IntegratedCareSystem"})
	}
	rename := strings.NewReplacer(set(prototype), set(name), prototype, name, strings.ToUpper(prototype), strings.ToUpper(name))
	w.path = rename.Replace(w.path)
	body := []byte(rename.Replace(string(w.body)))
	if strings.Contains(w.contentType, "protobuf") {
		w.body = body // names of systems are equally long, and so are the ids of their sets, so the lengths within stay right
		return w, nil
	}
	var content map[string]any
	if err := json.Unmarshal(body, &content); err != nil {
		return w, fmt.Errorf("reading the body of %s %s: %w", w.method, w.path, err)
	}
	if metadata, ok := content["metadata"].(map[string]any); ok {
		delete(metadata, "resourceVersion")
		delete(metadata, "uid")
	}
	var err error
	w.body, err = json.Marshal(content)
	return w, err
}

// versioned names the version that a status is updated from.
func (w write) versioned(known *versions) (write, error) {
	resource, isStatus := strings.CutSuffix(w.path, "/status")
	if w.method != http.MethodPut || !isStatus {
		return w, nil
	}
	var content map[string]any
	if err := json.Unmarshal(w.body, &content); err != nil {
		return w, fmt.Errorf("reading the body of %s %s: %w", w.method, w.path, err)
	}
	metadata, _ := content["metadata"].(map[string]any)
	metadata["resourceVersion"] = known.get(resource)
	var err error
	w.body, err = json.Marshal(content)
	return w, err
}

func (w write) send(ctx context.Context, api rest.Interface, known *versions) error {
	w, err := w.versioned(known)
	if err != nil {
		return err
	}
	request := api.Verb(w.method).AbsPath(w.path).Body(w.body).SetHeader("Content-Type", w.contentType)
	for key, values := range w.query {
		for _, value := range values {
			request = request.Param(key, value)
		}
	}
	answer, err := request.Do(ctx).Raw()
	if err != nil {
		return fmt.Errorf("floor: %s %s: %w", w.method, w.path, err)
	}
	if !strings.HasPrefix(w.path, resources) {
		return nil
	}
	written := &metav1.PartialObjectMetadata{}
	if err := json.Unmarshal(answer, written); err != nil {
		return fmt.Errorf("floor: reading the answer to %s %s: %w", w.method, w.path, err)
	}
	known.set(pathOf(written), written.ResourceVersion)
	return nil
}

// floor makes the writes for all systems, those of the same rank after each other and the rest in any order.
func floor(ctx context.Context, api rest.Interface, prototype string, writes []write, systems []*v1alpha1.IntegratedCareSystem, known *versions, rank func(write) int) error {
	ranks := map[int][]write{}
	last := 0
	for _, w := range writes {
		for _, system := range systems {
			renamed, err := w.forTenant(prototype, system.Name)
			if err != nil {
				return err
			}
			ranks[rank(w)] = append(ranks[rank(w)], renamed)
			last = max(last, rank(w))
		}
	}
	for i := range last + 1 {
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(workers)
		for _, w := range ranks[i] {
			group.Go(func() error { return w.send(ctx, api, known) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// Ranks of a creation: the namespace before what is in it, and the resources of the user and their finalizer before their status.
func creationRank(w write) int {
	switch {
	case bytes.Contains(w.body, []byte(`"kind":"Namespace"`)) || strings.HasPrefix(w.path, resources+"integratedcaresystems/") && !strings.HasSuffix(w.path, "/status"):
		return 0
	case w.method == http.MethodPost && strings.HasSuffix(w.path, "/corecommunityservices"):
		return 1
	default:
		return 2
	}
}

func anyRank(write) int { return 0 }
