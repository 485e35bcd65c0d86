package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/cmhf/operator/api/v1alpha1"
)

// workers of the floor, as many as the operator has.
const workers = 8

// forTenant turns a write for the system prototype into the same write for another. Versions are left out, because the floor
// does not read; a status is patched where the operator updates, because an update needs a version.
func (w write) forTenant(prototype, name string) (write, error) {
	rename := strings.NewReplacer(prototype, name, strings.ToUpper(prototype), strings.ToUpper(name))
	w.path = rename.Replace(w.path)
	body := []byte(rename.Replace(string(w.body)))
	if strings.Contains(w.contentType, "protobuf") {
		w.body = body // names of systems are equally long, so the lengths within stay right
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
	if w.method == http.MethodPut && strings.HasSuffix(w.path, "/status") {
		content = map[string]any{"status": content["status"]}
		w.method, w.contentType = http.MethodPatch, string(types.MergePatchType)
	}
	var err error
	w.body, err = json.Marshal(content)
	return w, err
}

func (w write) send(ctx context.Context, client rest.Interface) error {
	request := client.Verb(w.method).AbsPath(w.path).Body(w.body).SetHeader("Content-Type", w.contentType)
	for key, values := range w.query {
		for _, value := range values {
			request = request.Param(key, value)
		}
	}
	if err := request.Do(ctx).Error(); err != nil {
		return fmt.Errorf("floor: %s %s: %w", w.method, w.path, err)
	}
	return nil
}

// floor makes the writes for all systems, those of the same rank after each other and the rest in any order.
func floor(ctx context.Context, client rest.Interface, prototype string, writes []write, systems []*v1alpha1.IntegratedCareSystem, rank func(write) int) error {
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
			group.Go(func() error { return w.send(ctx, client) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// Ranks of a creation: the namespace before what is in it, and the resources of the user before their status.
func creationRank(w write) int {
	switch {
	case bytes.Contains(w.body, []byte(`"kind":"Namespace"`)):
		return 0
	case w.method == http.MethodPost && strings.HasSuffix(w.path, "/corecommunityservices"):
		return 1
	default:
		return 2
	}
}

func anyRank(write) int { return 0 }
